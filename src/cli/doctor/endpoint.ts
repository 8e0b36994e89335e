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
  readonly tls: EndpointTls;
  /** A line of the PROXY protocol goes before everything else. */
  readonly proxyProtocol: boolean;
  /** The file that a FastCGI pool is told to run; null when it is asked for its ping only. */
  readonly script: string | null;
}

/** How TLS is spoken, and what of a certificate must be right. */
export interface EndpointTls {
  /** The name for SNI and the certificate: null is the host, an empty one is not sent. */
  readonly servername: string | null;
  /** PEM of the authorities that are trusted in place of the usual ones. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** What a front does not check does not fail there, though it is wrong. */
  readonly checks: { readonly chain: boolean; readonly expiry: boolean; readonly name: boolean };
}

export const TLS_AS_USUAL: EndpointTls = {
  servername: null,
  ca: null,
  cert: null,
  key: null,
  checks: { chain: true, expiry: true, name: true },
};

const AS_USUAL = { tls: TLS_AS_USUAL, proxyProtocol: false, script: null } as const;

const FASTCGI = /^(?:fastcgi|fcgi):/i;
/** `unix:/run/app.sock:/path`: what stands behind the second colon is the path to ask for. */
const UNIX = /^(unix:[^:]+)(?::(\/.*))?$/;
/** `unix:@name`: a name of Linux's own, which is in no folder. */
const ABSTRACT = /^unix:(@[^:]+)(?::(\/.*))?$/;

/** Reads an endpoint; throws a TypeError that says what to write. */
export function parseEndpoint(text: string): Endpoint {
  if (FASTCGI.test(text)) return overFastcgi(text);
  const [, abstract, wanted] = ABSTRACT.exec(text) ?? [];
  if (abstract !== undefined) {
    return { ...overHttp(text, "unix:/", wanted ?? "/"), socketPath: abstract };
  }
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
    ...AS_USUAL,
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
    ...AS_USUAL,
  };
}
