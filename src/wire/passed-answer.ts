/**
 * An upstream's answer as it crosses this hop, as a value: the head that the client gets, and the
 * body on its way to whatever kind of client. The adapter writes it.
 *
 * Guarantee: fields of one hop stay on their hop, RFC 9110 §7.6.1. The head waits for the first
 * part of the body, at most a turn of the event loop, so that an answer that breaks in the read
 * that brought its head becomes a failure instead. What the client's side throws ends this answer
 * and nothing else.
 */

import type { Clock, Timer } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import type { Failure } from "../core/failure.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import { connectionOptions, fieldReader } from "./field-info.js";
import { isHttp2 } from "./http2.js";
import type { RequestFacts } from "./request-facts.js";

export interface PassedAnswer {
  readonly status: number;
  /** Undefined for the usual one of the status. */
  readonly reason: string | undefined;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  /** There is no body, whatever the fields say of one. */
  readonly bodiless: boolean;
  readonly response: UpstreamResponse<ResponseBody>;
}

/** Fields of ours that go with the answer, names and values in turn. */
export type ExtraFields = readonly string[];

/** `trustProxyStatus` passes on the members of Proxy-Status that the upstream sends. */
export function passedAnswer(
  req: RequestFacts,
  response: UpstreamResponse<ResponseBody>,
  extra: ExtraFields,
  trustProxyStatus: boolean,
): PassedAnswer {
  const bodiless = hasNoBody(req.method, response.status);
  const fields = passedFields(req, response, bodiless, trustProxyStatus);
  if (extra.length > 0) appendExtra(fields, extra);
  return { status: response.status, reason: response.statusText, fields, bodiless, response };
}

/** The same answer with fields of ours. */
export function withExtra(answer: PassedAnswer, extra: ExtraFields): PassedAnswer {
  if (extra.length === 0) return answer;
  const fields = [...answer.fields];
  appendExtra(fields, extra);
  return { ...answer, fields };
}

/**
 * Whether an answer has no body for the client, whatever its fields say: RFC 9110 §6.4.1. What a
 * 205 has must not be there (§15.3.6), and neither HTTP/2 of Node nor a Response can carry it.
 */
export function hasNoBody(method: string | undefined, status: number): boolean {
  return method === "HEAD" || status === 204 || status === RESET_CONTENT || status === 304;
}

const RESET_CONTENT = 205;

/** An answer whose head hooks have changed: its status decides whether there is a body. */
export function changedAnswer(method: string | undefined, answer: PassedAnswer): PassedAnswer {
  if (answer.bodiless || !hasNoBody(method, answer.status)) return answer;
  const fields: string[] = [];
  for (let index = 0; index < answer.fields.length; index += 2) {
    const name = answer.fields[index] as string;
    const lower = name.toLowerCase();
    const isLength = lower === "content-length" && (answer.status === 204 || answer.status === 205);
    if (!isLength && lower !== "trailer") fields.push(name, answer.fields[index + 1] as string);
  }
  return { ...answer, fields, bodiless: true };
}

const readField = fieldReader();

/** The fields of an answer that cross this hop. */
export function passedFields(
  req: RequestFacts,
  response: UpstreamResponse<ResponseBody>,
  bodiless: boolean,
  trustProxyStatus: boolean,
): string[] {
  const { rawHeaders, status } = response;
  const named = connectionOptions(connectionValue(rawHeaders));
  const fields: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const { lower, use } = readField(name, index / 2);
    if (use === "hop" || (named.size > 0 && named.has(lower) && !FRAMING.has(lower))) continue;
    if (use === "proxy_status" && !trustProxyStatus) continue;
    // RFC 9110 §8.6: an answer of 1xx or 204 has no Content-Length.
    if (use === "content_length" && (status === 204 || status < 200)) continue;
    if (use === "trailer" && !canTrail(req, response, bodiless)) continue;
    const isEmpty = use === "content_length" && status === RESET_CONTENT;
    fields.push(name, isEmpty ? "0" : (rawHeaders[index + 1] as string));
  }
  return fields;
}

const FRAMING: ReadonlySet<string> = new Set(["content-length"]);

function connectionValue(rawHeaders: readonly string[]): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    const more = (rawHeaders[index + 1] as string).toLowerCase();
    value = value === undefined ? more : `${value},${more}`;
  }
  return value;
}

// RFC 9110 §6.5: trailers need chunks, or the frames of HTTP/2.
function canTrail(
  req: RequestFacts,
  response: UpstreamResponse<ResponseBody>,
  bodiless: boolean,
): boolean {
  if (isHttp2(req)) return !bodiless;
  return !bodiless && req.httpVersion === "1.1" && response.body.contentLength === null;
}

// RFC 9209 §2: our member comes after those of the hops nearer to the origin.
function appendExtra(fields: string[], extra: ExtraFields): void {
  for (let index = 0; index < extra.length; index += 2) {
    const name = extra[index] as string;
    const value = extra[index + 1] as string;
    const at = fields.findIndex((field, place) => place % 2 === 0 && field.toLowerCase() === name);
    if (at === -1 || name === "set-cookie") fields.push(name, value);
    else if (LISTS.has(name)) fields[at + 1] = `${fields[at + 1]}, ${value}`;
    else fields[at + 1] = value;
  }
}

const LISTS: ReadonlySet<string> = new Set(["proxy-status", "server-timing"]);

export interface HeldTerms {
  readonly clock: Pick<Clock, "turn">;
  /** Nothing of the answer was sent, and nothing will be; it can still be another answer. */
  brokenUnsent(failure: Failure): void;
}

/** A side of a client that takes an answer in parts. */
export abstract class HeldAnswer implements BodySink {
  protected readonly answer: PassedAnswer;
  readonly #terms: HeldTerms;
  #turn: Timer | null = null;
  #begun = false;
  /** Nothing more of this answer can be sent; what still comes of it goes nowhere. */
  #void = false;

  constructor(answer: PassedAnswer, terms: HeldTerms) {
    this.answer = answer;
    this.#terms = terms;
  }

  begin(): void {
    const { body } = this.answer.response;
    // It broke before it was begun: a head that is sent with it might not even leave.
    if (body.brokenBy !== null) this.broken(body.brokenBy);
    else body.pipeTo(this);
    if (!this.#begun) this.#turn = this.#terms.clock.turn(() => this.#open(true));
  }

  data(chunk: Buffer): boolean {
    if (!this.#begun) this.#open(false);
    if (this.#void) return true;
    try {
      return this.write(chunk);
    } catch {
      this.#giveUp("proxy_internal_error");
      return true;
    }
  }

  end(trailers: readonly string[]): void {
    if (!this.#begun) this.#open(false);
    if (this.#void) return;
    try {
      this.finish(trailers);
    } catch {
      this.#giveUp("http_protocol_error");
    }
  }

  broken(code: FailureCode): void {
    if (this.#void) return;
    this.#void = true;
    const { brokenDetails: details } = this.answer.response.body;
    if (this.#begun) this.cut(code);
    else this.#instead(details === undefined ? { code } : { code, details });
  }

  /** Sends the head, at once where no part of the body comes with it. May throw. */
  protected abstract head(alone: boolean): void;
  /** False asks for a pause until the body is resumed. May throw. */
  protected abstract write(chunk: Buffer): boolean;
  /** The answer is whole. May throw. */
  protected abstract finish(trailers: readonly string[]): void;
  /** The client must not take what it got for the whole. */
  protected abstract cut(code: FailureCode): void;

  #open(alone: boolean): void {
    this.#begun = true;
    this.#turn?.cancel();
    try {
      this.head(alone);
    } catch (cause) {
      // It holds something that cannot be sent.
      this.#void = true;
      void this.answer.response.discard();
      this.#instead({ code: "http_protocol_error", cause });
    }
  }

  #instead(failure: Failure): void {
    this.#begun = true;
    this.#turn?.cancel();
    this.#terms.brokenUnsent(failure);
  }

  #giveUp(code: FailureCode): void {
    this.#void = true;
    void this.answer.response.discard();
    this.cut(code);
  }
}
