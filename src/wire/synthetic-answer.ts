/**
 * An answer that the gateway makes itself, as a value: what became of a request, with everything
 * that may be said of it. The adapter writes it.
 *
 * Guarantee: every 503 says when to come back.
 */
import { RETRY_AFTER } from "../catalog/defaults.js";
import type { Failure } from "../core/failure.js";
import { formatRetryAfter } from "../core/retry-after.js";
import { failureBody } from "./failure-body.js";
import type { ExtraFields } from "./passed-answer.js";
import type { Diagnostics } from "./proxy-status.js";

/** A synthetic answer: its body is ready with the head. */
export interface SyntheticAnswer {
  readonly status: number;
  /** Undefined for the usual one of the status. */
  readonly reason: string | undefined;
  /** Names and values in turn, with the length of the body. */
  readonly fields: readonly string[];
  readonly body: string | Buffer;
  /** That length. */
  readonly bytes: number;
}

/** The same with a body of text. */
export interface TextAnswer extends SyntheticAnswer {
  readonly body: string;
}

export interface AnsweredFailure {
  readonly failure: Failure;
  readonly status: number;
  readonly requestId: string;
  readonly attempts: number;
  readonly diagnostics: Diagnostics;
  /** Proxy-Status, Server-Timing and the like; an origin has none. */
  readonly fields: ExtraFields;
}

/** The answer to a failure, in the form that the client's `Accept` asks for. */
export function failureAnswer(accept: string | undefined, facts: AnsweredFailure): TextAnswer {
  const { failure, status, requestId, attempts, diagnostics } = facts;
  const retryAfter = retryAfterOf(facts);
  const said = { failure, status, requestId, attempts, retryAfter };
  const { contentType, text: body } = failureBody(said, accept, diagnostics);
  const bytes = Buffer.byteLength(body);
  const fields = [
    "content-type",
    contentType,
    // It is about this moment; RFC 9111 §4.2.2 forbids to keep it, but say so.
    "cache-control",
    "no-store",
    "x-content-type-options",
    "nosniff",
    "x-request-id",
    requestId,
  ];
  for (const text of facts.fields) fields.push(text);
  for (const text of failure.fields ?? NO_FIELDS) fields.push(text);
  if (retryAfter !== null) fields.push("retry-after", retryAfter);
  fields.push("content-length", String(bytes));
  return { status, reason: reasonOf(status), fields, body, bytes };
}

const NO_FIELDS: ExtraFields = [];

function retryAfterOf({ failure, status }: AnsweredFailure): string | null {
  if (status === 503) return formatRetryAfter(failure.retryAfterMs ?? RETRY_AFTER.fallbackMs);
  return failure.retryAfterMs === undefined ? null : formatRetryAfter(failure.retryAfterMs);
}

function reasonOf(status: number): string | undefined {
  return status === 499 ? "Client Closed Request" : undefined;
}
