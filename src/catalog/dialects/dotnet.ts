/**
 * Exceptions of .NET's HttpClient and sockets, and of Kestrel (.NET 8 to 10). The exception within
 * says more than the one that is printed first.
 */
import { dialectOfLines } from "./foreign-term.js";

const CLOSED = ["connection_terminated", "stale_connection"] as const;
const KEEP = "PooledConnectionIdleTimeout must be shorter than the server keeps idle connections.";
const ITS_LOG = "The server's own log at this second: a crash, a restart, a limit.";
const SCHEME = "Write http:// instead of https:// for this port, or use its TLS port.";

export const DOTNET = dialectOfLines(
  ".NET",
  [
    "The remote certificate is invalid",
    [
      /remote certificate (?:is invalid|was rejected)(?!.*NotTimeValid)/,
      /\b(?:UntrustedRoot|PartialChain)\b|RemoteCertificate(?:Chain|Name|Not)\w+/,
    ],
    "The client does not accept the server's certificate: its chain, or the name in it.",
    ["tls_certificate_error", "tls_certificate_expired"],
    "UntrustedRoot, PartialChain: trust the CA, send the whole chain. NameMismatch: another name.",
  ],
  [
    "The remote certificate is invalid …: NotTimeValid",
    /\bNotTimeValid\b/,
    "The server's certificate is expired or not valid yet.",
    ["tls_certificate_expired"],
    "Renew the certificate, and compare the clocks.",
  ],
  [
    "The response ended prematurely, with at least … additional bytes expected",
    /ended prematurely, with at least|Error while copying content to a stream/,
    "The body of the answer broke off.",
    ["http_response_incomplete", "connection_reset_in_body"],
    ITS_LOG,
  ],
  [
    "The response ended prematurely. (ResponseEnded)",
    /response ended prematurely/,
    "The server closed the connection before its answer was complete.",
    [...CLOSED, "http_response_incomplete"],
    KEEP,
    ITS_LOG,
  ],
  [
    "Received an invalid status line / header",
    /Received an invalid (?:status|header|chunk)|server returned an invalid or unrecognized/,
    "The received bytes are not valid HTTP: another protocol, TLS, or a faulty server.",
    ["http_protocol_error", "tls_protocol_error"],
    "curl -sv to the same address shows the bytes.",
  ],
  [
    "Received an unexpected EOF or 0 bytes from the transport stream",
    /unexpected EOF or 0 bytes from the transport stream/,
    "The server closed the connection within the TLS handshake.",
    ["tls_protocol_error", "connection_reset_while_connecting"],
    "The server's log of TLS: versions, a certificate of the client, SNI",
  ],
  [
    "Cannot determine the frame size or a corrupted frame was received",
    /Cannot determine the frame size|handshake failed due to an unexpected packet format/,
    "The client spoke TLS to a port that answers in plain text.",
    ["tls_protocol_error"],
    SCHEME,
  ],
  [
    "the connected party did not properly respond after a period of time",
    /did not properly respond after a period of time|SocketException \((?:10060|110)\)/,
    "No connection in time: packets are dropped, or the address is wrong.",
    ["connection_timeout", "destination_ip_unroutable"],
    "A firewall between the two, and the address itself",
  ],
  [
    "The HTTP/2 server reset the stream / closed the connection",
    /HTTP\/2 server (?:reset the stream|closed the connection|sent invalid)/,
    "HTTP/2: the server reset this stream, or the connection.",
    ["stream_reset", "connection_terminated"],
    ITS_LOG,
  ],
  [
    "Kestrel: Request body too large",
    /BadHttpRequestException: Request body too large/,
    "The body is above MaxRequestBodySize (30 MB by default). Answer: 413.",
    ["request_body_too_large"],
    "MaxRequestBodySize of Kestrel, and maxAllowedContentLength of IIS",
  ],
  [
    "Kestrel: Reading the request body timed out due to data arriving too slowly",
    /Reading the request (?:body|headers) timed out|data arriving too slowly/,
    "The client sent its request too slowly.",
    ["request_body_timeout", "client_stalled"],
    "MinRequestBodyDataRate of Kestrel",
  ],
  [
    "Failed to bind to address …: address already in use",
    /Failed to bind to address/,
    "Another process has the port, so this one does not start.",
    ["connection_refused"],
    "ss -ltnp names it; in a container set ASPNETCORE_HTTP_PORTS.",
  ],
  {
    term: "The SSL connection could not be established, see inner exception",
    match: /SSL connection could not be established/,
    general: true,
    meaning: "TLS with the server failed; the exception within says why.",
    failures: ["tls_certificate_error", "tls_protocol_error", "tls_alert_received"],
    remedies: ["Print the inner exception: it has the reason."],
  },
);
