/**
 * An error that knows its name already: made where our own code finds the fault, and carried
 * through libraries that only know errors, back to `classify.ts`.
 */
import type { FailureCode } from "../catalog/failures.js";

/** An error whose name our own code already knows, such as the guard of response heads. */
export class NamedError extends Error {
  override readonly name = "NamedError";
  readonly failureCode: FailureCode;
  /** Facts for operators; no text of the upstream. */
  readonly details: string | undefined;

  constructor(failureCode: FailureCode, details?: string, cause?: unknown) {
    super(failureCode, cause === undefined ? undefined : { cause });
    this.failureCode = failureCode;
    this.details = details;
  }
}

/** The same where nothing of the request has left, for certain: any method may go elsewhere. */
export class UnsentError extends NamedError {}

/** A connection that has served ended in order, and what it did not take may go on another one. */
export class ReplacedError extends NamedError {}
