/**
 * What an answer says to the layer in front about sending the request again.
 *
 * Guarantee: a layer that knows Envoy's field sends nothing again that this one has repeated
 * already, has refused on purpose, or may have been processed. What only this process refuses,
 * since it goes, may be sent to another one, whatever the method.
 */
import type { IncomingHttpHeaders } from "node:http";
import { hasTrait } from "../catalog/failures.js";
import type { Call, StopReason } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import { whyNotRepeat } from "../core/repeat.js";
import type { NormalisedUpstream } from "../options/options.js";
import type { ExtraFields } from "../wire/passed-answer.js";

const NOTHING: ExtraFields = [];
/** Envoy and those who follow it repeat no answer that has it. */
const NOT_AGAIN: ExtraFields = ["x-envoy-ratelimited", "true"];
/** Finagle, and any other gateway of this kind: not processed, so another instance may take it. */
const NOT_PROCESSED: ExtraFields = ["finagle-http-nack", "true"];

/** This layer has done what can be done by repeating. */
const SPENT: ReadonlySet<StopReason> = new Set<StopReason>([
  "attempts_exhausted",
  "budget_exhausted",
  "no_other_target",
  "retry_after_too_long",
]);

/** Fields for an answer of ours. `call` is null where the request never became one. */
export function ownMarks(
  layers: NormalisedUpstream["layers"],
  headers: IncomingHttpHeaders,
  call: Call | null,
  failure: Failure,
  status: number,
): ExtraFields {
  if (layers === false || !layers.markAnswers || status < 500) return NOTHING;
  if (failure.code === "draining" && !wasSent(call)) return NOT_PROCESSED;
  return mayBeRepeated(call, failure) || !cameThroughLayer(headers) ? NOTHING : NOT_AGAIN;
}

/** Fields for an answer of the upstream: only repeats of our own are a reason to speak for it. */
export function receivedMarks(
  layers: NormalisedUpstream["layers"],
  headers: IncomingHttpHeaders,
  call: Call,
): ExtraFields {
  if (layers === false || !layers.markAnswers || call.stopReason === null) return NOTHING;
  const spent = call.attempts.length > 1 && SPENT.has(call.stopReason);
  return spent && cameThroughLayer(headers) ? NOT_AGAIN : NOTHING;
}

/**
 * Whether a layer that may know the field has sent the request: Envoy adds an id and the protocol
 * of its client to each, as gateways of this kind do. Any other client would read of a rate limit
 * that does not exist.
 */
function cameThroughLayer(headers: IncomingHttpHeaders): boolean {
  const forwarded = headers["x-forwarded-proto"] ?? headers["forwarded"];
  return headers["x-request-id"] !== undefined && forwarded !== undefined;
}

function wasSent(call: Call | null): boolean {
  return call !== null && call.attempts.length > 0;
}

function mayBeRepeated(call: Call | null, failure: Failure): boolean {
  if (hasTrait(failure.code, "not_again")) return false;
  if (call === null) return true;
  if (call.stopReason !== null && SPENT.has(call.stopReason)) return false;
  const why = whyNotRepeat(call.request, failure);
  // What this layer has not kept, another one may have.
  return why === null || why === "body_not_replayable";
}
