/**
 * When a fallback applies, and whether another upstream may be sent what this one was sent.
 * Guarantee: what may act twice goes nowhere a second time, whatever `on` says.
 */
import { FAILURE_CODES, hasTrait } from "../catalog/failures.js";
import type { StopReason } from "./call.js";
import { blameOf } from "./failure.js";
import type { Fallback, FallbackReason, FallbackStep } from "./fallback.js";
import { failureOf, type Outcome } from "./outcome.js";
import { isUnsent, promisedIdempotent } from "./repeat.js";
import type { GatewayRequest } from "./request.js";

export function stepsOf(fallback: Fallback): readonly FallbackStep[] {
  if (fallback === false) return [];
  return Array.isArray(fallback) ? fallback : [fallback as FallbackStep];
}

/** Statuses by which a hop says that what is behind it did not answer. */
const OF_HOPS: ReadonlySet<number> = new Set([502, 503, 504]);

export function reasonOf(outcome: Outcome<unknown>): FallbackReason {
  const status = outcome.kind === "no_response" ? null : outcome.response.status;
  return { code: failureOf(outcome)?.code ?? null, status };
}

/** Whether a step is meant for this outcome. */
export function appliesTo({ on }: FallbackStep, outcome: Outcome<unknown>): boolean {
  const { code, status } = reasonOf(outcome);
  if (on !== undefined) {
    return on.some(
      (one) => one === code || one === status || (one === NO_ANSWER && status === null),
    );
  }
  const failure = failureOf(outcome);
  if (failure === null || blameOf(failure) === "client") return false;
  return !hasTrait(failure.code, "own_fault") && (status === null || OF_HOPS.has(status));
}

const NO_ANSWER = "no_answer";

/**
 * Why another upstream may not be sent what this one was sent; null when it may. The user has said
 * that the failure is worth it; whether the request may act twice stays a question of the method
 * (RFC 9110 §9.2.2), and a body must be here as a whole.
 */
export function whyNotElsewhere(
  request: GatewayRequest,
  outcome: Outcome<unknown>,
  wasSent: boolean,
): StopReason | null {
  const failure = failureOf(outcome);
  if (failure?.repeat === "never") return "repeat_forbidden";
  const unsent = !wasSent || (failure !== null && (failure.repeat === "safe" || isUnsent(failure)));
  if (!unsent && !promisedIdempotent(request)) return "method_not_idempotent";
  if (request.body !== null && !request.body.replayable) return "body_not_replayable";
  return null;
}

/** Names that `on` may have, besides statuses. */
export const FALLBACK_NAMES: readonly string[] = [NO_ANSWER, ...FAILURE_CODES];
