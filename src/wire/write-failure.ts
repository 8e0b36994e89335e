/**
 * A failure → an answer that the gateway makes itself, with everything it may tell.
 *
 * Guarantee: every 503 says when to come back; nothing is written twice; when the head is out
 * already the connection is cut instead.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { RETRY_AFTER } from "../catalog/defaults.js";
import type { Failure } from "../core/failure.js";
import { formatRetryAfter } from "../core/retry-after.js";
import { failureBody } from "./failure-body.js";
import type { Diagnostics } from "./proxy-status.js";
import { writeHead } from "./write-head.js";
import { cutResponse, type ExtraFields } from "./write-response.js";

export interface FailureAnswer {
  readonly failure: Failure;
  readonly status: number;
  readonly requestId: string;
  readonly attempts: number;
  readonly diagnostics: Diagnostics;
  /** Proxy-Status, Server-Timing and the like; an origin has none. */
  readonly fields: ExtraFields;
}

/** A synthetic answer, ready for whoever writes it. */
export interface FailureMessage {
  readonly status: number;
  readonly reason: string | undefined;
  /** Names and values in turn, with the length of the body. */
  readonly fields: readonly string[];
  readonly body: string;
  /** That length. */
  readonly bytes: number;
}

/** Makes the answer, in the form that the client's `Accept` asks for. */
export function failureMessage(accept: string | undefined, answer: FailureAnswer): FailureMessage {
  const { failure, status, requestId, attempts, diagnostics } = answer;
  const retryAfter = retryAfterOf(answer);
  const facts = { failure, status, requestId, attempts, retryAfter };
  const { contentType, text: body } = failureBody(facts, accept, diagnostics);
  const bytes = Buffer.byteLength(body);
  const fields = [
    "content-type",
    contentType,
    // It is about this moment; RFC 9111 §4.2.2 lets nobody keep it, but say it.
    "cache-control",
    "no-store",
    "x-content-type-options",
    "nosniff",
    "x-request-id",
    requestId,
  ];
  for (const text of answer.fields) fields.push(text);
  if (retryAfter !== null) fields.push("retry-after", retryAfter);
  fields.push("content-length", String(bytes));
  return { status, reason: reasonOf(status), fields, body, bytes };
}

/** Answers, or cuts when it is too late for an answer. */
export function writeFailure(
  req: IncomingMessage,
  res: ServerResponse,
  { status, reason, fields, body }: FailureMessage,
): void {
  if (res.headersSent) {
    cutResponse(res);
    return;
  }
  writeHead(res, status, reason, fields);
  // Text is written together with the head.
  res.end(req.method === "HEAD" ? undefined : body);
}

function retryAfterOf({ failure, status }: FailureAnswer): string | null {
  if (status === 503) return formatRetryAfter(failure.retryAfterMs ?? RETRY_AFTER.fallbackMs);
  return failure.retryAfterMs === undefined ? null : formatRetryAfter(failure.retryAfterMs);
}

function reasonOf(status: number): string | undefined {
  return status === 499 ? "Client Closed Request" : undefined;
}
