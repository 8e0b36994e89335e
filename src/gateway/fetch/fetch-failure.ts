/**
 * What becomes of a fetch that has failed: a rejection, or a Response that the gateway makes
 * itself.
 *
 * An application answers for itself here (origin mode), so there is no Proxy-Status.
 */
import { STATUS_CODES } from "node:http";
import { RETRY_AFTER } from "../../catalog/defaults.js";
import { statusOf } from "../../catalog/status-policy.js";
import type { Call } from "../../core/call.js";
import { type Failure, GatewayError } from "../../core/failure.js";
import { formatRetryAfter } from "../../core/retry-after.js";
import { failureBody } from "../../wire/failure-body.js";
import type { GatewayCore } from "../core.js";

/** Throws a `GatewayError`, or gives the Response that stands for one. */
export function failedFetch(
  gateway: Pick<GatewayCore, "statusPolicy">,
  call: Call,
  failure: Failure,
  onFailure: "throw" | "respond",
): Response {
  const attempts = call.attempts.length;
  if (onFailure === "throw") throw new GatewayError("fetch failed", failure, attempts);
  const status = statusOf(failure.code, gateway.statusPolicy);
  // Every 503 of ours says when to come back.
  const afterMs = failure.retryAfterMs ?? (status === 503 ? RETRY_AFTER.fallbackMs : null);
  const retryAfter = afterMs === null ? null : formatRetryAfter(afterMs);
  const facts = { failure, status, requestId: call.id, attempts, retryAfter };
  const { contentType, text } = failureBody(facts, undefined, "code");
  const headers = new Headers({
    "content-type": contentType,
    "cache-control": "no-store",
    "x-request-id": call.id,
  });
  if (retryAfter !== null) headers.set("retry-after", retryAfter);
  const body = call.request.method === "HEAD" ? null : text;
  return new Response(body, { status, statusText: reasonOf(status), headers });
}

function reasonOf(status: number): string {
  return status === 499 ? "Client Closed Request" : (STATUS_CODES[status] ?? "");
}
