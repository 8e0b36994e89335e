/**
 * What becomes of a fetch that has failed: a rejection, or a Response that the gateway makes
 * itself.
 *
 * An application answers for itself here (origin mode), so there is no Proxy-Status.
 */
import { statusOf } from "../../catalog/status-policy.js";
import type { Call } from "../../core/call.js";
import { type Failure, GatewayError } from "../../core/failure.js";
import type { GatewayCore } from "../../gateway/core.js";
import { failureAnswer } from "../../wire/synthetic-answer.js";
import { syntheticResponse } from "../../wire/web-response.js";

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
  const facts = { failure, status, requestId: call.id, attempts, diagnostics: "code" } as const;
  return syntheticResponse(call.request.method, failureAnswer(undefined, { ...facts, fields: [] }));
}
