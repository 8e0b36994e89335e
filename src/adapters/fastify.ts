/**
 * `fastifyProxy`: a plugin for Fastify 5 that adds the routes of one upstream.
 *
 * The routes are encapsulated: hooks of the registering scope run, `onSend` with every answer; its
 * parsers do not. Failed fetches in other routes of that scope are answered, too.
 */
import type { IncomingMessage } from "node:http";
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  HTTPMethods,
  onSendHookHandler,
  RegisterOptions,
  RouteShorthandOptions,
} from "fastify";
import { type LiveContext, runIn } from "../core/request-context.js";
import { diagnosticsFor } from "../doors/answer-values.js";
import { createProxy, type ProxyHandler } from "../doors/proxy.js";
import { createUpgradeProxy, type UpgradeHandler } from "../doors/proxy-upgrade.js";
import { contextMaker, type RequestContextOptions } from "../doors/request-context.js";
import type { GatewayCore } from "../gateway/core.js";
import type { Gateway } from "../gateway/gateway-handle.js";
import { type Upstream, upstreamInside } from "../gateway/upstream-handle.js";
import type { Framework, ProxyOptions, UnrewrittenProxyOptions } from "../options/proxy-options.js";
import { failureBehind, routeFailureAnswer } from "../server/route-failure.js";
import { type ReceivedBody, receivedBody, replacement } from "../wire/received-body.js";
import type { SyntheticAnswer } from "../wire/synthetic-answer.js";
import { ourHook, repliesOf } from "./fastify-replies.js";
import { takeOver } from "./fastify-take-over.js";
import { routeUpgrades, takeUpgrade } from "./fastify-upgrades.js";

export type { RequestContextOptions } from "../doors/request-context.js";
export type { FailureContext, ProxyOptions } from "../options/proxy-options.js";
export { type FastifyHealthOptions, fastifyHealth } from "./fastify-health.js";

/** Options of the plugin: an upstream, its prefix, and those that all adapters share. */
export interface FastifyProxyOptions extends UnrewrittenProxyOptions {
  /** The handle that `gateway.upstream` returns. */
  readonly upstream: Upstream;
  /**
   * Requests to this path and below it are proxied. It is removed before they are sent; without it
   * all paths are proxied and sent unchanged.
   */
  readonly prefix?: string;
  /**
   * Proxies upgrades below the prefix, too; hooks of the application run before the handshake.
   * @default false
   */
  readonly websocket?: boolean;
  /**
   * Methods that are proxied.
   * @default all that this Fastify supports
   */
  readonly httpMethods?: readonly string[];
  /** As for `rewritePath` of all adapters; `request` has the parameters of the prefix. */
  readonly rewritePath?: (
    path: string,
    req: IncomingMessage,
    request: FastifyRequest,
  ) => string | Promise<string>;
  /** Constraints of the routes, such as `{ host: "shop.example" }`. */
  readonly constraints?: RouteShorthandOptions["constraints"];
  /** Settings of the routes for hooks and plugins. */
  readonly config?: RouteShorthandOptions["config"];
  /** The first hook of these routes alone, after those of the application. */
  readonly onRequest?: RouteShorthandOptions["onRequest"];
  /** A hook of these routes alone, which may replace the stream of the body. */
  readonly preParsing?: RouteShorthandOptions["preParsing"];
  /** A hook of these routes alone, before the validation of Fastify. */
  readonly preValidation?: RouteShorthandOptions["preValidation"];
  /** The last hook of these routes alone before the request is proxied. */
  readonly preHandler?: RouteShorthandOptions["preHandler"];
  /** A hook of these routes alone, which may change the answer. */
  readonly onSend?: RouteShorthandOptions["onSend"];
}

/** Options of the context plugin: a gateway, whose clock is used, and those of a context. */
export interface FastifyContextOptions extends RequestContextOptions {
  readonly gateway: Gateway;
}

/**
 * Passes deadline, priority and abort signal of a request to every `gatewayFetch` in the routes of
 * the scope that registers it.
 */
export const fastifyContext: FastifyPluginAsync<FastifyContextOptions> = Object.assign(
  registerContext,
  {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "good-gateway-context",
    [Symbol.for("plugin-meta")]: { name: "good-gateway-context", fastify: "5.x" },
  },
);

async function registerContext(
  instance: FastifyInstance,
  options: FastifyContextOptions,
): Promise<void> {
  const { gateway, ...rest } = options;
  const contextOf = contextMaker(gateway, rest);
  const contexts = new WeakMap<FastifyRequest, LiveContext>();
  instance.addHook("onRequest", (request, reply, done) => {
    const context = contextOf(request.raw, reply.raw);
    contexts.set(request, context);
    runIn(context, done);
  });
  // A body parser calls back from events of its stream, where the context is lost.
  instance.addHook("preValidation", (request, _reply, done) => {
    runIn(contexts.get(request) ?? null, done);
  });
}

/** Registers routes for all methods that this Fastify supports, in a scope of their own. */
export const fastifyProxy: FastifyPluginAsync<FastifyProxyOptions> = Object.assign(register, {
  // Failed fetches are answered in the registering scope; the routes stay encapsulated.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "good-gateway",
  [Symbol.for("plugin-meta")]: { name: "good-gateway", fastify: "5.x" },
});

async function register(instance: FastifyInstance, options: FastifyProxyOptions): Promise<void> {
  const { upstream, prefix, logLevel, logSerializers, ...rest } = options as FastifyProxyOptions &
    Omit<RegisterOptions, "prefix">;
  const { websocket = false, httpMethods, rewritePath, ...others } = rest;
  const { constraints, config, ...hooked } = others;
  const { onRequest, preParsing, preValidation, preHandler, onSend, ...shared } = hooked;
  const route = { constraints, config, onRequest, preParsing, preValidation, preHandler, onSend };
  const requests = new WeakMap<IncomingMessage, FastifyRequest>();
  const proxyOptions: ProxyOptions = {
    ...shared,
    ...(rewritePath === undefined ? null : { rewritePath: withRequest(rewritePath, requests) }),
  };
  answerRouteFailures(instance, upstreamInside(upstream).gateway, proxyOptions.diagnostics);
  const scope = {
    ...(prefix === undefined ? {} : { prefix }),
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(logSerializers === undefined ? {} : { logSerializers }),
  };
  await instance.register(async (routes) => {
    const depth = prefix === undefined ? 0 : segmentsOf(routes.prefix);
    const pathOf = ({ url }: IncomingMessage): string => withoutSegments(url as string, depth);
    if (websocket) routeUpgrades(routes, routes.prefix, shared);
    addRoutes(routes, {
      depth,
      handle: createProxy(upstream, proxyOptions),
      upgrade: websocket ? createUpgradeProxy(upstream, proxyOptions, pathOf) : null,
      pathOf,
      requests: rewritePath === undefined ? null : requests,
      falls: proxyOptions.onStatus !== undefined,
      methods: httpMethods ?? routes.supportedMethods,
      route: Object.fromEntries(Object.entries(route).filter(([, one]) => one !== undefined)),
    });
  }, scope);
}

/** How the routes of one registration are made. */
interface ProxyRoutes {
  /** Segments of the prefix. */
  readonly depth: number;
  readonly handle: ProxyHandler;
  /** Null where upgrades are not proxied. */
  readonly upgrade: UpgradeHandler | null;
  readonly pathOf: (req: IncomingMessage) => string;
  /** What `rewritePath` is given; null where there is none. */
  readonly requests: WeakMap<IncomingMessage, FastifyRequest> | null;
  readonly falls: boolean;
  readonly methods: readonly string[];
  readonly route: RouteShorthandOptions;
}

function withRequest(
  rewritePath: NonNullable<FastifyProxyOptions["rewritePath"]>,
  requests: WeakMap<IncomingMessage, FastifyRequest>,
): NonNullable<ProxyOptions["rewritePath"]> {
  return (path, req) => rewritePath(path, req, requests.get(req) as FastifyRequest);
}

function addRoutes(routes: FastifyInstance, routing: ProxyRoutes): void {
  const { depth, handle, upgrade, pathOf, requests, falls, route } = routing;
  // Bodies stream: they are not parsed, so bodyLimit does not apply.
  routes.removeAllContentTypeParsers();
  routes.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  const method = [...routing.methods] as HTTPMethods[];
  const replies = repliesOf(routes);
  const handler = (request: FastifyRequest, reply: FastifyReply): void => {
    const { raw } = request;
    requests?.set(raw, request);
    if (takeUpgrade(request, reply, upgrade)) return;
    handle(raw, reply.raw, pathOf(raw), () => bodyOf(request), {
      beforeWriting: () => takeOver(reply),
      sendFailure: (message) => sendReply(reply, message),
      sendResponse: replies.senderFor(reply),
      ...(falls ? { next: () => void reply.callNotFound() } : null),
    } satisfies Framework);
  };
  const taken = method.filter((one) => isTaken(routes, one));
  const free = method.filter((one) => !taken.includes(one));
  if (free.length > 0) routes.route({ ...route, method: free, url: "/*", handler });
  // A route for all paths, as @fastify/cors has for OPTIONS, comes after those with a segment.
  for (const url of taken.length === 0 ? [] : ["/", "/:first", "/:first/*"]) {
    routes.route({ ...route, method: taken, url, handler });
  }
  if (depth > 0) routes.route({ ...route, method, url: "", handler });
}

function isTaken(routes: FastifyInstance, method: string): boolean {
  const { prefix } = routes;
  return ["/*", "*"].some((url) => routes.hasRoute({ method, url: `${prefix}${url}` }));
}

function bodyOf({ raw, body }: FastifyRequest): ReceivedBody {
  // A preParsing hook may have replaced the request's stream, by a decompressed one.
  return replacement(raw, body) ?? receivedBody(raw);
}

function segmentsOf(prefix: string): number {
  return prefix.split("/").filter((segment) => segment !== "").length;
}

const ABSOLUTE = /^https?:\/\/[^/?#]*/i;

/** Counted, not compared: a prefix may have parameters, and the path other spellings of it. */
function withoutSegments(url: string, count: number): string {
  if (count === 0) return url;
  let at = ABSOLUTE.exec(url)?.[0].length ?? 0;
  const authority = url.slice(0, at);
  for (let taken = 0; taken < count; taken += 1) {
    while (url[at] === "/") at += 1;
    while (at < url.length && !"/?#".includes(url[at] as string)) at += 1;
  }
  // Empty, or only a query, for the prefix itself without a slash.
  const rest = url.slice(at);
  return rest.startsWith("/") ? authority + rest : rest;
}

/** Sends a gateway answer as a reply; false when it is too late for that. */
function sendReply(to: FastifyReply, message: SyntheticAnswer): boolean {
  if (to.sent || to.raw.headersSent) return false;
  setHead(to, message);
  // Bytes, since Fastify adds a charset to texts.
  to.send(typeof message.body === "string" ? Buffer.from(message.body) : message.body);
  return true;
}

function setHead(to: FastifyReply, { status, fields }: SyntheticAnswer): void {
  to.code(status);
  for (let index = 0; index < fields.length; index += 2) {
    to.header(fields[index] as string, fields[index + 1]);
  }
}

const answered = new WeakSet<object>();

/**
 * Answers failed fetches of the routes in this scope. Not by an error handler: a scope has one, it
 * belongs to the application, and it runs first. The answer is only replaced if Fastify's default
 * handler made it.
 */
function answerRouteFailures(
  instance: FastifyInstance,
  gateway: GatewayCore,
  diagnostics: ProxyOptions["diagnostics"],
): void {
  if (answered.has(instance)) return;
  answered.add(instance);
  const diagnosticsOf = diagnosticsFor(diagnostics ?? "code");
  const errors = new WeakMap<FastifyReply, Error>();
  instance.addHook("onError", (_request, to, error, done) => {
    if (failureBehind(error) !== null) errors.set(to, error);
    done();
  });
  const hook: onSendHookHandler = (request, to, payload, done) => {
    const error = errors.get(to);
    const failure = error === undefined ? null : failureBehind(error);
    if (error === undefined || failure === null || !isDefaultAnswer(payload, error)) return done();
    const answer = routeFailureAnswer(gateway, request.raw, failure, diagnosticsOf(request.raw));
    setHead(to, answer);
    done(null, answer.body);
  };
  instance.addHook("onSend", ourHook(hook));
}

const DEFAULT_MEMBERS: ReadonlySet<string> = new Set(["statusCode", "code", "error", "message"]);

/** Whether Fastify's default handler answered an error, not one of the application. */
function isDefaultAnswer(payload: unknown, error: Error): boolean {
  if (typeof payload !== "string") return false;
  try {
    const answer = JSON.parse(payload) as Record<string, unknown>;
    const members = Object.keys(answer);
    return answer["message"] === error.message && members.every((one) => DEFAULT_MEMBERS.has(one));
  } catch {
    return false;
  }
}
