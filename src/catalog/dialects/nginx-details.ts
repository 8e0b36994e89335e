/**
 * Messages of nginx whose end decides what they mean (`while resolving`, `while reading upstream`),
 * those of gRPC and FastCGI upstreams, and those on requests that nginx rejects itself.
 */
import { dialectOfLines, type ForeignTerm } from "./foreign-term.js";

const ITS_LOG = "Look in the application's log at this second: a crash, a restart, a limit.";
const REJECTED = "nginx rejects this request itself; the upstream never sees it.";

/** nginx 1.29; compared before the more general terms. */
export const NGINX_DETAILS: readonly ForeignTerm[] = dialectOfLines(
  "nginx error log",
  [
    "no connection data found for keepalive http2 connection",
    /no connection data found for keepalive http2 connection/i,
    "A kept connection to the gRPC upstream was not one of HTTP/2: two protocols share it.",
    ["http_protocol_error", "stale_connection"],
    "Give gRPC a name or an upstream block of its own, so that proxy_pass does not use it, too.",
  ],
  [
    "failed to run balancer_by_lua* / lua entry thread aborted",
    /failed to (?:run|load)\b[^:]{0,40}_by_lua|lua \w+ thread aborted|_by_lua\S* error:/i,
    "A script of nginx failed, so that the request got no further.",
    ["proxy_internal_error", "proxy_configuration_error"],
    "The line names the file and the line of the script; a module that is not found is a path.",
  ],
  [
    "recv() failed … while resolving / resolver: timed out",
    /while resolving, resolver:|could not be resolved \((?:110|2): /i,
    "The name server of resolver does not answer, or reports a failure.",
    ["dns_timeout", "dns_error", "dns_name_not_found"],
    "The address in resolver; in a container 127.0.0.11, on a host that of /etc/resolv.conf.",
  ],
  [
    "upstream prematurely closed connection while SSL handshaking to upstream",
    /(?:prematurely closed connection|\(104\b[^)]*\)) while SSL handshaking to upstream/i,
    "The upstream closed during the TLS handshake.",
    ["tls_protocol_error", "connection_reset_while_connecting"],
    "proxy_ssl_server_name on; and TLS must be spoken at that port.",
  ],
  [
    "upstream timed out while SSL handshaking to upstream",
    /timed out.*while SSL handshaking to upstream/i,
    "The connection was made, and the TLS handshake did not end in time.",
    ["tls_handshake_timeout"],
    "Is it a TLS port? A server that waits for a request in plain text says nothing.",
  ],
  [
    "auth request unexpected status: …",
    /auth request unexpected status: [45]\d\d/i,
    "The location of auth_request answered neither 2xx, 401 nor 403. Answer: 500.",
    ["proxy_configuration_error", "received_server_error", "connection_refused"],
    "The path and the upstream of that location; other lines at this second are about it.",
  ],
  [
    'open() "…/proxy_temp/…" failed (13: Permission denied)',
    /(?:open|mkdir|pwrite|rename)\(\) "[^"]*" failed \((?:13|2)\b.*(?:upstream|client request)/i,
    "nginx may not write its temporary files, so larger bodies are cut or refused.",
    ["http_response_incomplete", "local_resources_exhausted", "request_body_failed"],
    "The folders of proxy_temp_path and client_body_temp_path belong to the user of the workers.",
  ],
  [
    "recv() failed (104: Connection reset by peer) while reading upstream",
    /(?:recv|readv)\(\) failed \(104\b.*while reading upstream/i,
    "The upstream reset the connection in the middle of the body.",
    ["connection_reset_in_body", "http_response_incomplete", "connection_terminated"],
    ITS_LOG,
  ],
  [
    "upstream timed out / recv() failed while proxying upgraded connection",
    /timed out.*while proxying upgraded connection/i,
    "Nothing was sent over the WebSocket for proxy_read_timeout (60 s).",
    ["tunnel_idle", "connection_read_timeout"],
    "Send pings more often than proxy_read_timeout, or raise it for this location.",
  ],
  [
    "recv() failed (104) while proxying upgraded connection",
    /(?:recv|send|writev)\(\) failed.*while proxying upgraded connection/i,
    "One side of a WebSocket reset its connection.",
    ["connection_terminated", "client_closed_request", "connection_reset_in_body"],
    ITS_LOG,
  ],
  [
    "upstream closed prematurely FastCGI stdout / FastCGI request",
    /closed prematurely FastCGI|prematurely closed FastCGI/i,
    "The worker of PHP-FPM ended before it had sent a head.",
    ["connection_terminated", "http_response_incomplete"],
    "The log of PHP-FPM at this second: a signal, request_terminate_timeout, memory.",
  ],
  [
    "upstream sent frame for closed / unknown stream, too large http2 frame, invalid http2 …",
    /upstream sent (?:frame for|too large http2|invalid http2|unexpected http2|goaway|large )/i,
    "gRPC: the upstream's bytes are not the HTTP/2 that is expected (a frame of 4740180: HTTP/1).",
    ["http_protocol_error", "stream_refused", "tls_protocol_error"],
    "grpc_pass needs a server that speaks HTTP/2 here: grpc:// in plain, grpcs:// with TLS.",
  ],
  [
    "upstream sent invalid status",
    /upstream sent invalid (?:status|Content-Length)/i,
    "The head of the upstream's answer has an invalid status or length.",
    ["response_status_invalid", "http_protocol_error", "response_framing_invalid"],
    "curl -sv to the upstream itself shows its bytes.",
  ],
  [
    "limiting requests, excess / limiting connections by zone",
    /(?:limiting|delaying) (?:requests|connections|request)\b.*(?:by )?zone/i,
    "limit_req or limit_conn rejects this client. Answer: 503, or limit_req_status.",
    ["rate_limited", "load_shed"],
    "rate and burst of the zone; behind a proxy the zone must use the client's address (real_ip).",
  ],
  [
    "access forbidden by rule / directory index of … is forbidden",
    /access forbidden by rule|directory index of .* is forbidden/i,
    `${REJECTED} Answer: 403.`,
    ["request_denied", "proxy_configuration_error"],
    "deny rules; a directory without an index file, where a proxy_pass was meant to match.",
  ],
  [
    "client sent plain HTTP request to HTTPS port",
    /client sent plain HTTP request to HTTPS port|plain HTTP request was sent to HTTPS port/i,
    `${REJECTED} Answer: 400 (497 in the log).`,
    ["bad_request"],
    "Use https:// for this port, or take ssl from its listen line.",
  ],
  [
    'client sent invalid … / no "Host" header',
    /client sent (?:invalid|duplicate|HTTP\/[\d.]+ request (?:without "Host"|with))/i,
    `${REJECTED} Answer: 400.`,
    ["bad_request"],
    "The client breaks the rules of HTTP; underscores in names need underscores_in_headers on.",
  ],
  [
    "client timed out while reading client request body / sending to client",
    /client timed out.*while (?:reading client request|waiting for request)/i,
    "The client sent its request too slowly. Answer: 408.",
    ["request_body_timeout", "client_stalled"],
  ],
  [
    "bind() to 0.0.0.0:80 failed (98: Address already in use)",
    /bind\(\) to \S+ failed \((?:98|13|99)\b/i,
    "nginx cannot listen at this address (98: taken, 13: no right to it), so it does not start.",
    ["connection_refused"],
    "ss -ltnp names the program that has the port.",
  ],
  [
    "accept4() failed (24: Too many open files)",
    /(?:accept4?|socket|open)\(\)[^(]*failed \(24\b|\(24: Too many open files\)/i,
    "nginx has no file descriptor left.",
    ["local_resources_exhausted"],
    "worker_rlimit_nofile and LimitNOFILE=, at least twice worker_connections",
  ],
  [
    "open() … failed (2: No such file or directory)",
    /(?:open|stat|realpath)\(\) "[^"]*" failed \(2\b/i,
    "nginx looked for a file on disk: this request reached no upstream. Answer: 404.",
    ["destination_not_found", "proxy_configuration_error"],
    "A location with root or try_files has won; compare it with the one that has proxy_pass.",
  ],
).terms;
