/**
 * One request of a fetch function and its answer: the first of a call, or one more because of a
 * redirect. Each is a call of its own to the gateway, with the policies of the upstream that it
 * goes to.
 *
 * Guarantee: the function's handler hears of one end; what the function gives up is named by what
 * happened: its caller left, the caller's body failed, the answer could not be decoded, or it was a
 * redirect that is followed.
 */
import type { FailureCode } from "../../catalog/failures.js";
import type { Call } from "../../core/call.js";
import { classifyError } from "../../core/classify.js";
import { type Failure, GatewayError, isGatewayError } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import type { Outcome, UpstreamResponse } from "../../core/outcome.js";
import type { BodySink, ResponseBody } from "../../core/response-body.js";
import { Timeline } from "../../core/timeline.js";
import { decodedLimit } from "../../transports/decoded-limit.js";
import { FetchDelivery } from "../../transports/fetch-delivery.js";
import { fetchHandler } from "../../transports/fetch-handler.js";

export interface HopTerms {
  readonly call: Call;
  /** The least of what the upstreams on the way allow. */
  readonly bytesMax: number;
  /** The caller itself has ended the fetch. */
  isAborted(): boolean;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export class FetchHop implements BodySink {
  /** Why there is no answer; null while there may be one. */
  failure: Failure | null = null;
  readonly #terms: HopTerms;
  readonly #delivery: FetchDelivery;
  #response: UpstreamResponse<ResponseBody> | null = null;
  #bytesLeft: number;
  #isOver = false;

  constructor(terms: HopTerms, handler: object) {
    this.#terms = terms;
    this.#bytesLeft = terms.bytesMax;
    this.#delivery = new FetchDelivery(fetchHandler(handler), (reason) => this.#givenUp(reason));
  }

  get bytesMax(): number {
    return this.#terms.bytesMax;
  }

  get call(): Call {
    return this.#terms.call;
  }

  start(): void {
    this.#delivery.start();
  }

  /** Nothing comes of it. */
  refuse(error: unknown): void {
    if (isGatewayError(error)) this.failure = error.failure;
    this.#delivery.error(error);
  }

  deliver(outcome: Outcome<ResponseBody>): void {
    if (outcome.kind === "no_response") {
      const failure = this.#withReason(outcome.failure);
      this.failure = failure;
      this.#delivery.fail(() => this.#errorOf("fetch failed", failure));
      return;
    }
    this.call.answeredBy = "upstream";
    this.#response = outcome.response;
    const { method } = this.call.request;
    const { bytesMax } = this.#terms;
    const counted = { method, response: outcome.response, bytesMax, to: this };
    this.#delivery.answer(outcome.response, decodedLimit(counted));
  }

  /** Nobody reads the answer: its rest is read, within bounds, and thrown away. */
  discard(): void {
    void this.#response?.discard();
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    if (this.#response !== null) this.discard();
    else if (this.failure === null) this.#cut();
  }

  #cut(): void {
    this.call.cancellation.cut("client");
  }

  // --- the body of the answer ---

  data(chunk: Buffer): boolean {
    if (this.#isOver) return true;
    this.#bytesLeft -= chunk.byteLength;
    if (this.#bytesLeft >= 0) return this.#delivery.data(chunk);
    this.#tooLarge();
    return true;
  }

  end(trailers: readonly string[]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#delivery.end(trailers);
  }

  broken(code: FailureCode): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const target = this.call.attempts.at(-1)?.target ?? null;
    // A function may not have made a Response of the head yet.
    this.failure = { code, written: true, ...(target === null ? {} : { target }) };
    const { failure } = this;
    this.#delivery.breakOff(() => this.#errorOf("terminated", failure));
  }

  /** Also when all of it is here already. */
  #tooLarge(): void {
    this.#response?.body.refuse(new NamedError("http_response_body_size"));
    this.broken("http_response_body_size");
  }

  /** The function wants no answer, or no more of the one that it has. */
  #givenUp(reason: unknown): void {
    // A function gives up what has failed, too.
    if (this.#isOver || this.failure !== null) return;
    const { call, isAborted } = this.#terms;
    const response = this.#response;
    if (response === null)
      call.cancellation.cut(this.#failsToUpload(isAborted()) ? "upload" : "client");
    else if (isAborted()) this.#cut();
    else if (REDIRECTS.has(response.status)) this.discard();
    else if (isUndecodable(reason)) {
      const named = new NamedError("http_response_content_coding", undefined, reason);
      response.body.refuse(named);
    } else this.#cut();
  }

  /** The caller's own error, for a body that has failed. */
  #withReason(failure: Failure): Failure {
    const { aborted } = this.#delivery;
    if (aborted === null || failure.code !== "request_body_failed") return failure;
    return { ...failure, cause: aborted.reason };
  }

  // Before there is an answer a function gives up for its caller, or since a body has failed.
  #failsToUpload(isAborted: boolean): boolean {
    const { body } = this.call.request;
    return !isAborted && body !== null && !body.complete;
  }

  #errorOf(message: string, failure: Failure): GatewayError {
    return new GatewayError(message, failure, this.call.attempts.length);
  }
}

/** Who is to blame for bytes that are not what they are said to be is the upstream. */
function isUndecodable(reason: unknown): boolean {
  const inBody = new Timeline(0);
  inBody.headAt = 0;
  return classifyError(inBody, null, reason) === "http_response_content_coding";
}
