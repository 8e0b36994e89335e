/**
 * Why no further attempt was made, in a sentence or two for people: `explain` and the dashboard
 * show it.
 */
import type { StopReason } from "./call.js";

export const STOP_REASONS: Readonly<Record<StopReason, string>> = {
  not_repeatable: "The failure would meet the same end again.",
  repeat_forbidden:
    "The upstream said that the request must not be sent again (x-envoy-ratelimited, " +
    "x-envoy-overloaded, finagle-http-nonretryable-nack or grpc-retry-pushback-ms).",
  method_not_idempotent:
    "The request may have been processed, and its method is not idempotent (RFC 9110 §9.2.2). " +
    "An Idempotency-Key, or replayable: true, says that it may be sent twice.",
  body_not_replayable:
    "The body was larger than retry.replayBodyBytesMax, or its stream had been read already.",
  attempts_exhausted: "As many attempts as retry.attemptsMax allows were made.",
  caller_repeats:
    "The layer in front repeats already (its attempt number came with the request), and the " +
    "repeats of two layers multiply.",
  budget_exhausted:
    "All calls together had used up the retry budget (retry.budgetRatio): repeats would add to " +
    "an outage. The status is that of the last attempt.",
  no_time_left: "The deadline of the call (timeouts.totalMs) left no time for another attempt.",
  retry_after_too_long:
    "The upstream asked to wait longer than retry.retryAfterWaitMsMax; its answer was passed on.",
  retry_off: "retry is false for this upstream or this call.",
  no_other_target: "No other target would take it: their breakers are open, or there is only one.",
  draining: "The gateway shuts down, and repeats nothing any more.",
  client_gone: "The client has left, so no further attempt is made.",
};
