/**
 * One request of a fetch function and its answer: the first of a call, or one more because of a
 * redirect. Each is a call of its own to the gateway, with the policies of the upstream that it
 * goes to. The request is what the caller's arguments say until the function dispatches.
 *
 * Guarantee: the function's handler hears of one end; what the function gives up is named by what
 * happened: its caller left, the caller's body failed, the answer could not be decoded, or it was a
 * redirect that is followed.
 */

import { Readable } from "node:stream";
import type { FailureCode } from "../../catalog/failures.js";
import type { Call } from "../../core/call.js";
import { classifyError } from "../../core/classify.js";
import { type Failure, GatewayError, isGatewayError } from "../../core/failure.js";
import { hasField, takeContentLength } from "../../core/fields.js";
import { NamedError } from "../../core/named-error.js";
import type { Outcome, UpstreamResponse } from "../../core/outcome.js";
import { ReplayBody } from "../../core/replay-body.js";
import type { GatewayRequest } from "../../core/request.js";
import type { BodySink, ResponseBody } from "../../core/response-body.js";
import { Timeline } from "../../core/timeline.js";
import { partsOf } from "../../transports/body-kinds.js";
import { decodedLimit } from "../../transports/decoded-limit.js";
import type { FetchAsk } from "../../transports/fetch.js";
import type { FetchDispatch } from "../../transports/fetch-handler.js";
import { FetchDelivery, fetchHandler } from "../../transports/fetch-handler.js";

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
  readonly call: Call;
  readonly bytesMax: number;
  readonly #terms: HopTerms;
  readonly #delivery: FetchDelivery;
  #response: UpstreamResponse<ResponseBody> | null = null;
  #bytesLeft: number;
  #isOver = false;

  constructor(terms: HopTerms, handler: object) {
    this.#terms = terms;
    this.call = terms.call;
    this.bytesMax = terms.bytesMax;
    this.#bytesLeft = terms.bytesMax;
    this.#delivery = new FetchDelivery(fetchHandler(handler), (reason) => this.#givenUp(reason));
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
      const refused = refusalOf(outcome.failure);
      if (refused !== null) {
        this.refuse(refused);
        return;
      }
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

  /** The answer is not read: its rest is read, within bounds, and thrown away. */
  discard(): void {
    void this.#response?.discard();
  }

  /** Its caller no longer waits for it. */
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

/** What undici refuses to send, in its own words: a fault of the caller, as of the fetch itself. */
function refusalOf({ code, cause }: Failure): unknown {
  return code === "bad_request" && cause instanceof NamedError ? (cause.cause ?? null) : null;
}

/** Who is to blame for bytes that are not what they are said to be is the upstream. */
function isUndecodable(reason: unknown): boolean {
  const inBody = new Timeline(0);
  inBody.headAt = 0;
  return classifyError(inBody, null, reason) === "http_response_content_coding";
}

export class FetchRequest implements GatewayRequest {
  method: string;
  path: string;
  headers: readonly string[];
  body: ReplayBody | null;
  contentLength: number | null;
  replayable: boolean;
  beyondPrefix = false;
  readonly viaFetch = true;
  readonly upgrade = null;
  readonly onInformation = null;
  /** Of the call's first request; a redirect is not asked of the function again. */
  readonly ask: FetchAsk | null;
  #source: Readable | null = null;

  constructor(
    ask: FetchAsk | null,
    first: Pick<GatewayRequest, "method" | "path" | "headers" | "body" | "replayable">,
  ) {
    this.ask = ask;
    this.method = first.method;
    this.path = first.path;
    this.headers = first.headers;
    this.body = first.body;
    this.contentLength = first.body?.complete === true ? first.body.bytesRead : null;
    this.replayable = first.replayable;
  }

  /**
   * Takes the words of a dispatch. `length` is that of the body where the function cannot know it;
   * `keepsBytes` says that the function sends the bytes that are here already.
   */
  take(
    asked: FetchDispatch,
    path: string,
    keptBytesMax: number,
    length: number | null,
    keepsBytes: boolean,
  ): void {
    const { body } = asked;
    const fields = fieldsOf(asked.headers);
    const announced = body === null || body === undefined ? null : takeContentLength(fields);
    this.method = asked.method;
    this.path = path;
    this.headers = fields;
    if (hasField(fields, "idempotency-key")) this.replayable = true;
    if (body === null || body === undefined) {
      this.body = null;
      this.contentLength = null;
    } else if (!keepsBytes) this.#read(body, keptBytesMax, announced ?? length);
  }

  /** Nothing is sent any more. */
  close(): void {
    const source = this.#source;
    if (source !== null && !source.readableEnded) source.destroy();
  }

  #read(body: unknown, keptBytesMax: number, length: number | null): void {
    if (typeof body === "string" || body instanceof Uint8Array) {
      this.body = ReplayBody.fromBuffer(Buffer.from(body as Uint8Array));
      this.contentLength = this.body.bytesRead;
      return;
    }
    const source =
      body instanceof Readable
        ? body
        : Readable.from(partsOf(body as AsyncIterable<unknown>), { objectMode: false });
    source.on("error", () => {});
    this.#source = source;
    this.contentLength = length;
    const bytesMax = Number.POSITIVE_INFINITY;
    this.body = ReplayBody.fromStream(source, {
      ...{ keptBytesMax, bytesMax, onDemand: null, length },
      sourceOf: "application",
    });
  }
}

/** Names and values in turn, of an object of a dispatch. */
function fieldsOf(headers: unknown): string[] {
  if (headers === null || headers === undefined) return [];
  if (Array.isArray(headers)) return headers.flat().map(String);
  const pairs = Symbol.iterator in Object(headers) ? (headers as Pairs) : Object.entries(headers);
  const fields: string[] = [];
  for (const [name, value] of pairs) {
    if (Array.isArray(value)) for (const one of value) fields.push(name, String(one));
    else if (value !== undefined) fields.push(name, String(value));
  }
  return fields;
}

type Pairs = Iterable<readonly [name: string, value: unknown]>;
