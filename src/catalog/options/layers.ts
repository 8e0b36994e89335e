/**
 * What the layers of a call exchange about it: gateways, proxies and services in one path.
 * `option.ts` describes the form.
 */
import { choice, flag, type OptionsOf, own, type Section } from "./option.js";

const FIELD = {
  anyOf: [{ type: "string", pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$" }, { const: false }],
};

export const LAYER_OPTIONS = {
  /**
   * The field with the attempt number: sent with repeats only, accepted from trusted callers.
   * `false` for none.
   * @default "x-envoy-attempt-count"
   */
  attemptHeader: own<string | false>(FIELD, "x-envoy-attempt-count"),
  /**
   * The field with the remaining milliseconds: sent, and accepted from trusted callers. `false` for
   * none.
   * @default "x-envoy-expected-rq-timeout-ms"
   */
  deadlineHeader: own<string | false>(FIELD, "x-envoy-expected-rq-timeout-ms"),
  /**
   * The field in which the priority of a call is sent on (`CRITICAL`, `SHEDDABLE` …), so that the
   * next hop sheds the same calls first; it replaces what the caller sent. `false` for none.
   * @default false
   * @remarks Only you know whether the next hop trusts the field; a gateway there reads it by its
   * `priority`.
   */
  priorityHeader: own<string | false>(FIELD, false),
  /**
   * When the remaining time is sent: if the caller has set a deadline, or with every attempt.
   * @default "received"
   * @remarks Without a deadline of the caller, our own need not be sent with every request.
   */
  sendDeadline: choice(
    ["received", "always"],
    "received",
    ", or deadlineHeader: false to send none",
  ),
  /**
   * Marks answers for the layer in front: the request must not be sent again
   * (`x-envoy-ratelimited`), or was not processed (`finagle-http-nack`).
   * @default true
   * @remarks That layer cannot know that this one has already retried, or that a retry is unsafe.
   */
  markAnswers: flag(true),
} as const satisfies Section;

/** What the layers of a call exchange about it. */
export interface LayerOptions extends OptionsOf<typeof LAYER_OPTIONS> {}
