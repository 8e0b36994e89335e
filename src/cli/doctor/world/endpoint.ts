/**
 * What `doctor` is pointed at: an address of HTTP, FastCGI or another protocol of upstreams, over
 * the network or a Unix socket. Everything else is refused with what can be written.
 */
import { parseTarget } from "../../../targets/target.js";
import { withoutCredentials } from "./credentials.js";

/** Of these the doctor speaks a few words: enough to hear whether the upstream lives. */
export const SPOKEN = ["uwsgi", "scgi", "ajp", "memcached", "grpc", "grpcs", "tcp"] as const;
export type Spoken = (typeof SPOKEN)[number];

export interface Endpoint {
  /** As it was given, without credentials. */
  readonly text: string;
  readonly protocol: "http" | "https" | "fastcgi" | Spoken;
  /** The value of Authorization that the address holds; null for none. It is never printed. */
  readonly authorization: string | null;
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
  /** The file that a FastCGI pool runs; null if only its ping is requested. */
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

const AS_USUAL = {
  tls: TLS_AS_USUAL,
  proxyProtocol: false,
  script: null,
  authorization: null,
} as const;

const BINARY = new RegExp(`^(fastcgi|fcgi|${SPOKEN.join("|")}):`, "i");
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  ...{ ajp: 8_009, uwsgi: 3_031, scgi: 4_000, memcached: 11_211 },
  ...{ grpc: 80, grpcs: 443 },
};
/** `unix:/run/app.sock:/path`: what stands behind the second colon is the path to ask for. */
const UNIX = /^(unix:[^:]+)(?::(\/.*))?$/;
/** `unix:@name`: a name of Linux's own, which is in no folder. */
const ABSTRACT = /^unix:(@[^:]+)(?::(\/.*))?$/;

/** Reads an endpoint; throws a TypeError that says what to write, and no password. */
export function parseEndpoint(given: string): Endpoint {
  const text = withoutCredentials(given);
  const endpoint = readEndpoint(text);
  const authorization = authorizationOf(given);
  return authorization === null ? endpoint : { ...endpoint, authorization };
}

function authorizationOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { username, password } = new URL(text);
  if (username === "" && password === "") return null;
  const pair = [username, password].map(decoded).join(":");
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readEndpoint(text: string): Endpoint {
  const scheme = BINARY.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined) return overBinary(text, scheme === "fcgi" ? "fastcgi" : scheme);
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

function overBinary(text: string, scheme: string): Endpoint {
  const rest = text.replace(BINARY, "");
  const socket = /^(?:(?:\/\/)?unix:)?(\/[^/:][^:]*)$/.exec(rest)?.[1] ?? null;
  const [, host, given] = /^\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?(?:\/.*)?$/.exec(rest) ?? [];
  const port = Number(given ?? DEFAULT_PORTS[scheme] ?? 0);
  if (socket === null && (host === undefined || port === 0 || port > PORT_MAX)) {
    const name = scheme === "fastcgi" ? "FastCGI" : scheme;
    throw new TypeError(
      `"${text}" is no address of ${name}; write ${scheme}://127.0.0.1:9000 or ` +
        `${scheme}:unix:/run/app.sock`,
    );
  }
  const hostname = host?.replace(/^\[|\]$/g, "") ?? "localhost";
  return {
    text,
    protocol: scheme as Endpoint["protocol"],
    hostname,
    port: socket === null ? port : 0,
    authority: hostname,
    socketPath: socket,
    path: "/",
    ...AS_USUAL,
  };
}

const PORT_MAX = 65_535;
