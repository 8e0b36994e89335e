/**
 * What other protocols say first: enough to show that a port is not what the user expects.
 * First bytes are compared, since no parser understands all of them.
 */
export interface Banner {
  readonly cause: string;
  readonly speaks: string;
  readonly fix: string;
}

interface Known extends Banner {
  readonly first: RegExp;
}

const WRONG_PORT = "Correct the port in the proxy; this one belongs to another service.";

const KNOWN: readonly Known[] = [
  {
    // RFC 8446 §5.1: an alert (0x15) or a handshake (0x16) of TLS.
    first: /^[\x15\x16]\x03[\x00-\x04]/,
    cause: "http_to_tls_port",
    speaks: "TLS",
    fix: "Write https:// in place of http://.",
  },
  {
    // RFC 9113 §3.4 and §6.5: a server's first frame is SETTINGS (type 4) on stream 0.
    first: /^\x00[\s\S]{2}\x04[\x00\x01]\x00\x00\x00\x00/,
    cause: "http2_only_port",
    speaks: "HTTP/2 without TLS (h2c)",
    fix: "Let the server speak HTTP/1.1, too; gRPC servers do not: use a proxy with grpc_pass.",
  },
  { first: /^SSH-/, cause: "another_protocol", speaks: "SSH", fix: WRONG_PORT },
  { first: /^220[ -]/, cause: "another_protocol", speaks: "SMTP or FTP", fix: WRONG_PORT },
  { first: /^\+OK|^\* OK/, cause: "another_protocol", speaks: "POP3 or IMAP", fix: WRONG_PORT },
  { first: /^AMQP/, cause: "another_protocol", speaks: "AMQP (RabbitMQ)", fix: WRONG_PORT },
  { first: /^RFB \d/, cause: "another_protocol", speaks: "VNC", fix: WRONG_PORT },
  { first: /^@RSYNCD:/, cause: "another_protocol", speaks: "rsync", fix: WRONG_PORT },
  { first: /^\xff[\xfb-\xfe]/, cause: "another_protocol", speaks: "Telnet", fix: WRONG_PORT },
  {
    first: /^E\x00\x00\x00[\s\S]S/,
    cause: "another_protocol",
    speaks: "PostgreSQL",
    fix: WRONG_PORT,
  },
  { first: /^INFO \{"server/, cause: "another_protocol", speaks: "NATS", fix: WRONG_PORT },
  {
    first: /trying to access MongoDB over HTTP/,
    cause: "another_protocol",
    speaks: "MongoDB",
    fix: WRONG_PORT,
  },
  { first: /^-ERR|^-DENIED/, cause: "another_protocol", speaks: "Redis", fix: WRONG_PORT },
  {
    first: /^[\s\S]{3}\x00[\n\xff][\s\S]*(?:mysql|MariaDB|Host|\d\.\d)/,
    cause: "another_protocol",
    speaks: "MySQL",
    fix: WRONG_PORT,
  },
  { first: /^ERROR\r\n/, cause: "another_protocol", speaks: "memcached", fix: WRONG_PORT },
  {
    // FastCGI 1.0: version 1, then END_REQUEST, STDOUT or UNKNOWN_TYPE.
    first: /^\x01[\x03\x06\x0b]\x00/,
    cause: "http_to_fastcgi_port",
    speaks: "FastCGI",
    fix: "fastcgi_pass in place of proxy_pass.",
  },
];

/** What a port speaks by its first bytes (latin1), null when they are of nothing known. */
export function bannerOf(bytes: string): Banner | null {
  return KNOWN.find(({ first }) => first.test(bytes)) ?? null;
}

/** Programs that answer no HTTP, by the command that holds the port. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\bpostgres\b|\bpostmaster\b/, "PostgreSQL"],
  [/\b(?:mysqld|mariadbd)\b/, "MySQL"],
  [/\bredis-server\b|\bvalkey-server\b/, "Redis"],
  [/\bmongod\b/, "MongoDB"],
  [/\bmemcached\b/, "memcached"],
  [/\bsshd\b/, "SSH"],
  [/kafka\.Kafka/, "Kafka"],
];

/** What a program speaks that closes without a word; null when it is none of these. */
export function spokenBy(command: string): string | null {
  return PROGRAMS.find(([is]) => is.test(command))?.[1] ?? null;
}
