/**
 * What comes back up the pipe: an answer, an answer that is itself a failure, or no answer.
 *
 * An exchange ends with its body, not with its head. So a response says when its body has ended and
 * how (`onFinished`), and code that does not deliver a response must `discard` it.
 */
import type { FailureCode } from "../catalog/failures.js";
import type { Failure } from "./failure.js";

/** A function, or an object: who holds something for every call is one, and makes no closure. */
export type EndListener = ((broken: FailureCode | null) => void) | Ending;

export interface Ending {
  /** It is over: null for a whole answer, else what broke it. */
  over(broken: FailureCode | null): void;
}

export function tellEnd(listener: EndListener, broken: FailureCode | null): void {
  if (typeof listener === "function") listener(broken);
  else listener.over(broken);
}

/** The head of an upstream's answer, with its body still on the way. */
export interface UpstreamResponse<Body> {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, as they came, decoded byte for byte (latin1). */
  readonly rawHeaders: readonly string[];
  /** The same with lower-case names; repeated fields become arrays. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Body;
  /** The body ended: null if whole, else what broke it. */
  readonly finished: Promise<FailureCode | null>;
  /** The same without a promise; called at once when the body has already ended. */
  onFinished(listener: EndListener): void;
  /** Gives the answer up: the body is thrown away, bounded, and the connection is freed. */
  discard(): Promise<void>;
}

/** The result of a call or an exchange, as a value. */
export type Outcome<Body> =
  | { readonly kind: "success"; readonly response: UpstreamResponse<Body> }
  | {
      readonly kind: "error_response";
      readonly response: UpstreamResponse<Body>;
      readonly failure: Failure;
    }
  | { readonly kind: "no_response"; readonly failure: Failure };

/** An outcome without an answer. */
export function noResponse(failure: Failure): Outcome<never> {
  return { kind: "no_response", failure };
}

/** The failure of an outcome, null for a success. */
export function failureOf(outcome: Outcome<unknown>): Failure | null {
  return outcome.kind === "success" ? null : outcome.failure;
}

/**
 * Notifies when it is over, body included, and by which name: null for a whole answer that was no
 * failure. An answer that is a failure keeps that name, whatever happens to its body.
 */
export function whenOver(outcome: Outcome<unknown>, listener: EndListener): void {
  if (outcome.kind === "no_response") tellEnd(listener, outcome.failure.code);
  else if (outcome.kind === "success") outcome.response.onFinished(listener);
  else whenFailureOver(outcome.response, outcome.failure.code, listener);
}

function whenFailureOver(
  response: UpstreamResponse<unknown>,
  code: FailureCode,
  listener: EndListener,
): void {
  response.onFinished(() => tellEnd(listener, code));
}
