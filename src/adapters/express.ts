/**
 * `expressProxy` and `expressErrorHandler` for Express 4 and 5.
 *
 * The types are those of `node:http`, so that both versions fit and neither has to be installed.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { runIn } from "../core/request-context.js";
import { diagnosticsFor } from "../doors/answer-values.js";
import { createProxy, NO_FRAMEWORK } from "../doors/proxy.js";
import { contextMaker, type RequestContextOptions } from "../doors/request-context.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { Upstream } from "../gateway/upstream-handle.js";
import type { ProxyOptions } from "../options/proxy-options.js";
import {
  failureBehind,
  type RouteFailureOptions,
  routeFailureAnswer,
} from "../server/route-failure.js";
import { receivedBody } from "../wire/received-body.js";
import { readRequestTarget } from "../wire/request-target.js";
import { writeSynthetic } from "../wire/write-response.js";

export type { RequestContextOptions } from "../doors/request-context.js";
export type { FailureContext, ProxyOptions } from "../options/proxy-options.js";
export type { RouteFailureOptions } from "../server/route-failure.js";

/** Passes an error, or the request itself, to the next handler. */
export type ExpressNext = (error?: unknown) => void;

/** A middleware of Express 4 and 5. */
export type ExpressMiddleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: ExpressNext,
) => void;

/** An error-handling middleware of Express 4 and 5. */
export type ExpressErrorMiddleware = (
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  next: ExpressNext,
) => void;

/**
 * Proxies every request that reaches it. The path is sent without the path of the mount. A body
 * that a parser has already read is sent as it came, or refused.
 */
export function expressProxy(upstream: Upstream, options: ProxyOptions = {}): ExpressMiddleware {
  const handle = createProxy(upstream, options);
  const falls = options.onStatus !== undefined;
  return function goodGatewayProxy(req, res, next) {
    const framework = falls ? { ...NO_FRAMEWORK, next: () => next() } : NO_FRAMEWORK;
    handle(req, res, belowMount(req), receivedBody, framework);
  };
}

/** A request below a mount of Express, connect, h3 and others. */
type Mounted = IncomingMessage & { readonly originalUrl?: unknown; readonly baseUrl?: unknown };

/**
 * The path below the mount; empty, or only a query, for the mount itself. Express and connect put a
 * slash there that the client has not written.
 */
function belowMount({ url = "", originalUrl, baseUrl }: Mounted): string {
  if (url !== "/" && !url.startsWith("/?")) return url;
  const asked = typeof originalUrl === "string" ? readRequestTarget(originalUrl) : null;
  if (asked === null || "refused" in asked) return url;
  const [path = ""] = asked.path.split("?", 1);
  // Other code may have rewritten the path, too; Express passes the mount.
  const mounted = baseUrl === undefined || baseUrl === path;
  return mounted && !path.endsWith("/") ? url.slice(1) : url;
}

/**
 * Passes deadline, priority and abort signal of a request to every `gatewayFetch` in the handlers
 * after it. Mount it before them.
 */
export function expressContext(
  gateway: Gateway,
  options: RequestContextOptions = {},
): ExpressMiddleware {
  const contextOf = contextMaker(gateway, options);
  return function goodGatewayContext(req, res, next) {
    runIn(contextOf(req, res), () => next());
  };
}

/**
 * Answers a failed `gatewayFetch` of a route with the right 502, 503 or 504, and passes every other
 * error to the next handler. Mount it after the routes.
 */
export function expressErrorHandler(
  gateway: Gateway,
  options: RouteFailureOptions = {},
): ExpressErrorMiddleware {
  const core = gatewayCore(gateway);
  const diagnosticsOf = diagnosticsFor(options.diagnostics ?? "code");
  // Express recognises an error handler by its four parameters.
  return function goodGatewayErrorHandler(error, req, res, next) {
    const found = failureBehind(error);
    // After the head Express cuts the connection, as a broken answer requires.
    if (found === null || res.headersSent) return next(error);
    if (res.destroyed) return;
    // While this client is connected, a fetch that ended with a client concerned another one.
    if (found.failure.code === "client_closed_request") return next(error);
    writeSynthetic(req.method, res, routeFailureAnswer(core, req, found, diagnosticsOf(req)));
  };
}
