/**
 * What `doctor` is pointed at: an address of HTTP, HTTPS or FastCGI, over the network or a Unix
 * socket. Everything else is refused with what can be written.
 */
import { parseTarget } from "../../targets/target.js";

export interface Endpoint {
  /** As it was given. */
  readonly text: string;
  readonly protocol: "http" | "https" | "fastcgi";
  /** Without brackets; `localhost` for a socket. */
  readonly hostname: string;
  readonly port: number;
  /** The value of Host. */
  readonly authority: string;
  readonly socketPath: string | null;
  /** Path and query to ask for. */
  readonly path: string;
  /** The name for SNI and the certificate, where it is not the host. */
  readonly servername: string | null;
}

const FASTCGI = /^(?:fastcgi|fcgi):/i;
/** `unix:/run/app.sock:/path`: what stands behind the second colon is the path to ask for. */
const UNIX = /^(unix:[^:]+)(?::(\/.*))?$/;

/** Reads an endpoint; throws a TypeError that says what to write. */
export function parseEndpoint(text: string): Endpoint {
  if (FASTCGI.test(text)) return overFastcgi(text);
  const [, socket, asked] = UNIX.exec(text) ?? [];
  if (socket !== undefined) return overHttp(text, socket, asked ?? "/");
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return overHttp(text, text, "/");
  const path = `${url.pathname}${url.search}`;
  return overHttp(text, `${url.protocol}//${url.host}`, path);
}

function overHttp(text: string, target: string, path: string): Endpoint {
  const { protocol, hostname, port, authority, socketPath } = parseTarget(target);
  const scheme = protocol === "https:" ? "https" : "http";
  return {
    text,
    protocol: scheme,
    hostname,
    port,
    authority,
    socketPath,
    path,
    servername: null,
  };
}

function overFastcgi(text: string): Endpoint {
  const rest = text.replace(FASTCGI, "");
  const socket = /^(?:(?:\/\/)?unix:)?(\/[^/:][^:]*)$/.exec(rest)?.[1] ?? null;
  const [, host, port] = /^\/\/(\[[^\]]+\]|[^:/]+):(\d+)\/?$/.exec(rest) ?? [];
  if (socket === null && (host === undefined || port === undefined)) {
    throw new TypeError(
      `"${text}" is no address of FastCGI; write fastcgi://127.0.0.1:9000 or ` +
        "fastcgi:unix:/run/php/php-fpm.sock",
    );
  }
  const hostname = host?.replace(/^\[|\]$/g, "") ?? "localhost";
  return {
    text,
    protocol: "fastcgi",
    hostname,
    port: Number(port ?? 0),
    authority: hostname,
    socketPath: socket,
    path: "/",
    servername: null,
  };
}
