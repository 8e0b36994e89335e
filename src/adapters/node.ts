/**
 * `nodeProxy`: listeners for the events of a `node:http`, `node:https` or `node:http2` server.
 *
 * It makes no decisions: `gateway/` decides what is sent, answered and tunnelled.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import { runIn } from "../core/request-context.js";
import { type ClientErrorHandler, createClientErrorHandler } from "../doors/client-error.js";
import { createProxy, NO_FRAMEWORK } from "../doors/proxy.js";
import { createUpgradeProxy } from "../doors/proxy-upgrade.js";
import { contextMaker, type RequestContextOptions } from "../doors/request-context.js";
import type { Gateway } from "../gateway/gateway-handle.js";
import type { Upstream } from "../gateway/upstream-handle.js";
import type { Framework, ProxyOptions } from "../options/proxy-options.js";
import { holdContinue } from "../wire/held-continue.js";
import { receivedBody } from "../wire/received-body.js";

export type { RequestContextOptions } from "../doors/request-context.js";
export type { FailureContext, ProxyOptions } from "../options/proxy-options.js";

/** A listener for requests of `node:http`, `node:https` and `node:http2`. */
export interface RequestListener {
  /** `next` is called for a status that `onStatus` leaves to the next handler. */
  (req: IncomingMessage, res: ServerResponse, next?: () => void): void;
  (req: Http2ServerRequest, res: Http2ServerResponse, next?: () => void): void;
}

/** A listener for `request`, with further listeners for other events of the same server. */
export interface NodeProxy extends RequestListener {
  /**
   * For the server's `checkContinue` event: a client that waits for 100 before it sends its body
   * gets the upstream's answer to that (RFC 9110 §10.1.1). Without it Node sends 100 at once.
   */
  readonly checkContinue: RequestListener;
  /**
   * For the server's `upgrade` event: WebSockets and other protocols, tunnelled to one target.
   * Middleware and hooks of a framework do NOT run before it, those for authentication included:
   * check with `admit`, or use `websocket: true` of `fastifyProxy`.
   */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** For the server's `clientError` event: answers requests that Node's parser rejects. */
  readonly clientError: ClientErrorHandler;
}

/**
 * Passes deadline, priority and abort signal of a request to every `gatewayFetch` in the listener
 * that it wraps.
 */
export function nodeContext(
  gateway: Gateway,
  listener: (req: IncomingMessage, res: ServerResponse) => unknown,
  options: RequestContextOptions = {},
): (req: IncomingMessage, res: ServerResponse) => void {
  const contextOf = contextMaker(gateway, options);
  return (req, res) => void runIn(contextOf(req, res), () => listener(req, res));
}

// Node gives requests and answers of HTTP/2 the shape of HTTP/1.1.
type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

/** Proxies every request to the upstream, with the path unchanged. */
export function nodeProxy(upstream: Upstream, options: ProxyOptions = {}): NodeProxy {
  const handle = createProxy(upstream, options);
  const falls = options.onStatus !== undefined;
  const serve = (req: IncomingMessage, res: ServerResponse, next?: () => void): void =>
    handle(req, res, req.url as string, receivedBody, falls ? leavingTo(next) : NO_FRAMEWORK);
  const listener = (req: AnyRequest, res: AnyResponse, next?: () => void): void =>
    serve(req as IncomingMessage, res as ServerResponse, next);
  const checkContinue = (req: AnyRequest, res: AnyResponse): void => {
    holdContinue(req as IncomingMessage, res as ServerResponse);
    listener(req, res);
  };
  return Object.assign(listener, {
    checkContinue,
    upgrade: createUpgradeProxy(upstream, options),
    clientError: createClientErrorHandler(upstream, options),
  });
}

function leavingTo(next: (() => void) | undefined): Framework {
  return next === undefined ? NO_FRAMEWORK : { ...NO_FRAMEWORK, next: () => next() };
}
