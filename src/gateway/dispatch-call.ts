/**
 * What a dispatcher of undici is asked for, as a call: through the pipe of the upstream that serves
 * its origin, and then to the dispatcher that the interceptor is composed around.
 *
 * Guarantee: the caller's handler hears of one end; an abort of the caller comes back as it is, and
 * a failure as an error with the code that undici gave and the failure's own name.
 */
import type { Readable } from "node:stream";
import type { Call } from "../core/call.js";
import { type Failure, GatewayError } from "../core/failure.js";
import { withLayerFields } from "../core/layers.js";
import { NamedError } from "../core/named-error.js";
import { type Outcome, whenOver } from "../core/outcome.js";
import type { Step } from "../core/pipe.js";
import type { GatewayRequest } from "../core/request.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import { type Dispatch, DispatchRun } from "../transports/dispatch-run.js";
import { type FetchBody, fetchBody } from "../transports/fetch-body.js";
import { FetchDelivery } from "../transports/fetch-delivery.js";
import { type FetchHandler, fetchHandler } from "../transports/fetch-handler.js";
import { OwnScope } from "./call-scope.js";
import type { GatewayCore } from "./core.js";
import type { OriginRoute } from "./origin-index.js";
import type { UpstreamCore } from "./upstream.js";

/** What undici's dispatch functions take; everything else is passed on as it is. */
export interface DispatchAsked {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly upgrade?: unknown;
}

/** Where the calls of one interceptor go. */
export type DispatchSteps = (core: UpstreamCore) => Step<Call, ResponseBody>;

interface Asked {
  readonly options: DispatchAsked;
  readonly dispatch: Dispatch;
  /** Sent once and as it is; null where the request has the body. */
  readonly opaque: unknown;
}

const asks = new WeakMap<Call, Asked>();

/** One pipe for each upstream, over the dispatcher that a call has brought. */
export function dispatchSteps(): DispatchSteps {
  const steps = new WeakMap<UpstreamCore, Step<Call, ResponseBody>>();
  return (core) => {
    const known = steps.get(core);
    if (known !== undefined) return known;
    const step = core.executeOver((exchange): Promise<Outcome<ResponseBody>> => {
      const { options, dispatch, opaque } = asks.get(exchange.call) as Asked;
      const { request, target } = exchange;
      const open = (): Buffer | Readable | null => request.body?.open() ?? (opaque as null);
      // Only we can reach what an address cannot say.
      if (target.socketPath !== null || target.tls !== null) {
        const words = (): OwnWords => ownWordsOf(core, exchange, open());
        return core.transport.performWorded(exchange, words);
      }
      const body = open();
      const stream = request.body === null || Buffer.isBuffer(body) ? null : body;
      const run = new DispatchRun(exchange, core.transport.terms);
      return run.begin(dispatch, wordsOf(core, exchange, options, body), stream);
    });
    steps.set(core, step);
    return step;
  };
}

type OwnWords = ReturnType<Parameters<UpstreamCore["transport"]["performWorded"]>[1]>;

function ownWordsOf(
  core: UpstreamCore,
  exchange: Exchange,
  body: Buffer | Readable | null,
): OwnWords {
  const { request, target } = exchange;
  const headers = [...withLayerFields(request.headers, core.transport.fieldsOf(exchange))];
  return { method: request.method as "GET", path: target.pathPrefix + request.path, headers, body };
}

function wordsOf(
  core: UpstreamCore,
  exchange: Exchange,
  options: DispatchAsked,
  body: unknown,
): object {
  const { request, target } = exchange;
  const { protocol, hostname, port, authority, pathPrefix } = target;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const { origin, host: named } = new URL(`${protocol}//${host}:${port}`);
  const headers = [...withLayerFields(request.headers, core.transport.fieldsOf(exchange))];
  // RFC 9110 §7.2: a target may go by another name than its address.
  if (authority !== named && !hasHost(headers)) headers.push("host", authority);
  return { ...options, origin, path: pathPrefix + request.path, headers, body };
}

function hasHost(fields: readonly string[]): boolean {
  return fields.some((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
}

/** Sends what was asked for to the upstream of its origin. */
export function dispatchCall(
  gateway: GatewayCore,
  stepOf: DispatchSteps,
  options: DispatchAsked,
  handler: object,
  dispatch: Dispatch,
): void {
  const delivery = new Delivery(fetchHandler(handler));
  let route: OriginRoute;
  try {
    route = gateway.upstreamOf(new URL(String(options.origin)).origin, options.path);
  } catch (error) {
    delivery.refuse(error);
    return;
  }
  const { core, path } = route;
  const kept = core.options.retry === false ? 0 : core.options.retry.replayBodyBytesMax;
  const opaque = isOpaque(options.body) ? options.body : null;
  const body = fetchBody(opaque === null ? options.body : null, kept);
  const request = requestOf(options, path, body);
  const overrides = opaque === null ? null : ({ retry: false } as const);
  const scope = new OwnScope({ gateway, core }, "fetch", request, overrides);
  const { call } = scope;
  asks.set(call, { options, dispatch, opaque });
  const over = (): void => {
    body.close();
    scope.over();
  };
  delivery.begin(call, () => body.error);
  // Whoever gave it up before it began is told by the outcome.
  void stepOf(core)(call).then((outcome) => {
    delivery.deliver(outcome);
    whenOver(outcome, over);
  });
}

function requestOf(
  { method, headers }: DispatchAsked,
  path: string,
  body: FetchBody,
): GatewayRequest {
  const fields = fieldsOf(headers);
  const keyed = fields.some(
    (name, index) => index % 2 === 0 && name.toLowerCase() === "idempotency-key",
  );
  return {
    method,
    path,
    headers: fields,
    body: body.replay,
    contentLength: body.replay?.complete === true ? body.replay.bytesRead : null,
    replayable: keyed,
    upgrade: null,
    onInformation: null,
  };
}

/** What is neither text, bytes nor a stream: undici reads it itself, and once. */
function isOpaque(body: unknown): boolean {
  if (body === null || body === undefined || typeof body === "string") return false;
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return false;
  return !(Symbol.asyncIterator in Object(body)) || typeof Object(body).stream === "function";
}

/** Fields in any of the forms that undici takes them. */
function fieldsOf(headers: unknown): string[] {
  if (headers === null || headers === undefined) return [];
  const entries = Array.isArray(headers) ? paired(headers) : pairsOf(headers as object);
  return entries.flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [value].flat().flatMap((one) => [name, `${one}`]),
  );
}

type Pair = readonly [name: string, value: unknown];

function pairsOf(headers: object): readonly Pair[] {
  if (Symbol.iterator in headers) return [...(headers as Iterable<Pair>)];
  return Object.entries(headers);
}

/** Names and values in turn, or a list of pairs. */
function paired(headers: readonly unknown[]): readonly Pair[] {
  if (Array.isArray(headers[0])) return headers as readonly Pair[];
  const pairs: Pair[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    pairs.push([String(headers[index]), headers[index + 1]]);
  }
  return pairs;
}

/** Between a call and the handler of whoever has asked for it. */
class Delivery implements BodySink {
  readonly #to: FetchDelivery;
  #call: Call | null = null;
  #bodyError: () => unknown = () => null;

  constructor(handler: FetchHandler) {
    this.#to = new FetchDelivery(handler, () => this.#call?.cancellation.cut("client"));
  }

  begin(call: Call, bodyError: () => unknown): void {
    this.#call = call;
    this.#bodyError = bodyError;
    this.#to.start();
  }

  /** It did not become a call. */
  refuse(error: unknown): void {
    this.#to.start();
    this.#to.error(error);
  }

  deliver(outcome: Outcome<ResponseBody>): void {
    if (outcome.kind === "no_response") {
      this.#fail(outcome.failure);
      return;
    }
    if (this.#call !== null) this.#call.answeredBy = "upstream";
    this.#to.answer(outcome.response, this);
  }

  data(chunk: Buffer): boolean {
    return this.#to.data(chunk);
  }

  end(trailers: readonly string[]): void {
    this.#to.end(trailers);
  }

  broken(code: Failure["code"]): void {
    const target = this.#call?.attempts.at(-1)?.target ?? null;
    this.#fail({ code, written: true, ...(target === null ? {} : { target }) });
  }

  #fail(failure: Failure): void {
    const cause = this.#bodyError() ?? failure.cause;
    const attempts = this.#call?.attempts.length ?? 0;
    this.#to.fail(() => errorOf({ ...failure, cause }, attempts));
  }
}

/** With the code that undici would have given, since that is what people compare. */
function errorOf(failure: Failure, attempts: number): GatewayError {
  const error = new GatewayError(`the call failed: ${failure.code}`, failure, attempts);
  const { code } = Object(failure.cause) as { readonly code?: unknown };
  const known = typeof code === "string" && !(failure.cause instanceof NamedError);
  return known ? Object.defineProperty(error, "code", { value: code, enumerable: true }) : error;
}
