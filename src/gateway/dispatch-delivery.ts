/**
 * Between a call and the handler of the caller that has dispatched it.
 *
 * Guarantee: the handler is notified of one end. An abort of the caller comes back as it is, and so
 * does what the dispatcher has refused to send and what the caller's own stream broke with; any
 * other failure is an error with the code that undici gave and the failure's own name.
 */
import type { Call } from "../core/call.js";
import { type Failure, GatewayError } from "../core/failure.js";

import { NamedError } from "../core/named-error.js";
import type { Outcome, UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import { decodedLimit } from "../transports/decoded-limit.js";
import { FetchDelivery } from "../transports/fetch-delivery.js";
import type { FetchHandler } from "../transports/fetch-handler.js";
import type { DispatchBody } from "./dispatch-body.js";
import { hasField } from "./dispatch-fields.js";

export class DispatchDelivery implements BodySink {
  /** What the handler is given at its start; the dispatcher adds to it. */
  readonly context = {};
  readonly #to: FetchDelivery;
  readonly #sent: DispatchBody;
  readonly #bytesMax: number;
  #call: Call | null = null;
  #isOver = false;
  #body: ResponseBody | null = null;

  /** `bytesMax`: of a body as a fetch gives it to its reader, decoded. */
  constructor(handler: FetchHandler, sent: DispatchBody, bytesMax: number) {
    this.#to = new FetchDelivery(handler, () => this.#call?.cancellation.cut("client"));
    this.#sent = sent;
    this.#bytesMax = bytesMax;
  }

  begin(call: Call): void {
    this.#call = call;
    this.#to.start(this.context);
  }

  /** An interim answer of one of the attempts. */
  information(status: number, rawHeaders: readonly string[]): void {
    if (this.#body === null) this.#to.information(status, rawHeaders);
  }

  deliver(outcome: Outcome<ResponseBody>): void {
    if (outcome.kind === "no_response") {
      this.#to.fail(() => this.#errorOf(outcome.failure));
      return;
    }
    if (this.#call !== null) this.#call.answeredBy = "upstream";
    this.#body = outcome.response.body;
    this.#to.answer(outcome.response, this.#counted(outcome.response));
  }

  /** A fetch decodes it, and says of itself how it was called; for others it is as it came. */
  #counted(response: UpstreamResponse<ResponseBody>): BodySink {
    const request = this.#call?.request;
    if (request === undefined || !hasField(request.headers, "sec-fetch-mode")) return this;
    return decodedLimit({ method: request.method, response, bytesMax: this.#bytesMax, to: this });
  }

  data(chunk: Buffer): boolean {
    return this.#to.data(chunk);
  }

  end(trailers: readonly string[]): void {
    this.#isOver = true;
    this.#to.end(trailers);
  }

  broken(code: Failure["code"]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const target = this.#call?.attempts.at(-1)?.target ?? null;
    const cause = this.#body?.brokenCause;
    const failure = { code, written: true, cause, ...(target === null ? {} : { target }) } as const;
    this.#to.breakOff(() => this.#errorOf(failure));
  }

  #errorOf(failure: Failure): unknown {
    const attempts = this.#call?.attempts.length ?? 0;
    return this.#sent.error ?? refusalIn(failure) ?? errorOf(failure, attempts);
  }
}

/** What was thrown for a reason that lies with the request or this process; null for all else. */
function refusalIn({ code, cause }: Failure): unknown {
  if (!(cause instanceof Error)) return null;
  if (cause instanceof NamedError) return code === "bad_request" ? (cause.cause ?? null) : null;
  return OWN_FAULTS.has(code) ? cause : null;
}

const OWN_FAULTS: ReadonlySet<Failure["code"]> = new Set<Failure["code"]>([
  "proxy_internal_error",
  "proxy_configuration_error",
]);

/** With the code that undici would have given, since that is what people compare. */
function errorOf(failure: Failure, attempts: number): GatewayError {
  const error = new GatewayError(`the call failed: ${failure.code}`, failure, attempts);
  const { code } = Object(failure.cause) as { readonly code?: unknown };
  const known = typeof code === "string" && !(failure.cause instanceof NamedError);
  return known ? Object.defineProperty(error, "code", { value: code, enumerable: true }) : error;
}
