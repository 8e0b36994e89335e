/**
 * The options of http-proxy-middleware, as far as they meet those of an upstream: which of them
 * cannot stand beside it, and what to write instead.
 *
 * The types are structural, so that versions 3 and 4 fit and neither has to be installed.
 */
import type { IncomingMessage } from "node:http";
import type { PolicyDescription } from "../../core/pipe.js";
import type { ProxyOptions } from "../../options/proxy-options.js";
import type { Emitting } from "./hpm-contain.js";

/** What the gateway looks at; everything else goes to http-proxy-middleware as it is. */
export interface HpmOptions {
  readonly on?: object;
  readonly plugins?: readonly HpmPlugin[];
  readonly agent?: unknown;
  readonly pathFilter?: unknown;
  readonly pathRewrite?: unknown;
  readonly router?: unknown;
}

/** What the server adapters share, but for what http-proxy-middleware has options of its own. */
export type ThroughGatewayOptions = Omit<
  ProxyOptions,
  "rewritePath" | "requestHeaders" | "host" | "answerOnlyIfCached" | keyof typeof ANSWERED_THERE
>;

/** What http-proxy-middleware does with answers by itself. */
const ANSWERED_THERE = {
  onStatus: "on.proxyRes with selfHandleResponse",
  onResponse: "on.proxyRes",
  responseHeaders: "on.proxyRes",
  redirects: "autoRewrite, hostRewrite or protocolRewrite",
  cookies: "cookieDomainRewrite or cookiePathRewrite",
  transformBody: "selfHandleResponse with responseInterceptor",
} as const;

/** Throws a TypeError that names the option of http-proxy-middleware. */
export function checkThroughOptions(options: object): void {
  for (const [name, instead] of Object.entries(ANSWERED_THERE)) {
    if (!Object.hasOwn(options, name)) continue;
    throw new TypeError(`${name}: http-proxy-middleware passes answers on; write ${instead} there`);
  }
}

/** What the options get, beside plugins and handlers that are not seen in their types. */
export interface ThroughGateway {
  /** A name that leads nowhere: the gateway puts the chosen target in its place. */
  readonly target: string;
  /** The effective pipe; its `retry` is off, whatever the upstream says. */
  readonly describe: () => readonly PolicyDescription[];
}

/** A plugin of version 3 or 4. */
export type HpmPlugin = (proxyServer: HpmServer) => void;

/** The part of both engines that is used. */
export interface HpmServer extends Emitting {
  web(...args: never[]): unknown;
  ws(...args: never[]): unknown;
}

/** The handler of errors that a user has written. */
export type HpmErrorHandler = (
  error: Error,
  req: IncomingMessage,
  res: unknown,
  target: URL | undefined,
) => void;

/** RFC 6761 §6.4: it is no host, wherever it is asked for. */
export const NO_TARGET = "http://target.good-gateway.invalid";

const TIMEOUT = "it would end a call without a name; write timeouts on the upstream instead";

const CONTRADICTIONS: Readonly<Record<string, string>> = {
  target: "the gateway chooses among the targets of the upstream; write targets there",
  forward: "the copy would be sent where the gateway does not see it",
  followRedirects: "the request behind a redirect would leave the upstream; let the client follow",
  buffer: "the gateway reads the body itself; a body that a parser has read is written again",
  timeout: `${TIMEOUT} (idleMs)`,
  proxyTimeout: `${TIMEOUT} (responseMs)`,
  upgradeTimeout: `${TIMEOUT} (responseMs)`,
};

/** Throws a TypeError that names the option and what to write instead. */
export function checkHpmOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("throughGateway: expected the options of createProxyMiddleware");
  }
  for (const [name, why] of Object.entries(CONTRADICTIONS)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === false || value === null) continue;
    throw new TypeError(`${name}: cannot be used through a gateway: ${why}`);
  }
}
