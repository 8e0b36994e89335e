/**
 * What the parts of an upstream report of it: its state, saved stalls, and the ends of attempts.
 * Nothing is made that has no listener.
 */
import { inContextOf } from "../core/call-context.js";
import type { FailureLedger } from "../diagnosis/failure-ledger.js";
import type { NormalisedUpstream } from "../options/options.js";
import type { AttemptListener } from "../policies/record.js";
import type { Target } from "../targets/target.js";
import type { UpstreamState } from "../targets/upstream-state.js";
import type { GatewayParts } from "./parts.js";

export function stateListener(
  { events, changed }: GatewayParts,
  { name, required }: NormalisedUpstream,
) {
  return (from: UpstreamState, to: UpstreamState): void => {
    if (events.has("upstream:state")) {
      events.emit("upstream:state", { upstream: name, required, from, to });
    }
    changed();
  };
}

export function stallSaved({ events }: GatewayParts, { name }: NormalisedUpstream) {
  return (exchange: { readonly target: Target }): void => {
    if (events.has("stall:saved")) {
      events.emit("stall:saved", { upstream: name, target: exchange.target.id });
    }
  };
}

export function attemptListener(
  { clock, events, tracing, endedCalls }: GatewayParts,
  { name }: NormalisedUpstream,
  ledger: FailureLedger,
): AttemptListener {
  return {
    ended({ target, request, timeline }, code) {
      if (code === null) {
        ledger.succeeded(target.id, request.path, timeline.reused);
        return;
      }
      const { openedAt, restedAt, sendAt, reused } = timeline;
      const socketAgeMs = openedAt < 0 ? null : clock.now() - openedAt;
      const restedMs = restedAt < 0 || sendAt < 0 ? null : sendAt - restedAt;
      const { method, path } = request;
      ledger.failed({ target: target.id, code, method, path, reused, socketAgeMs, restedMs });
    },
    has: () => events.has("attempt:end"),
    keeps: () => endedCalls.heard || tracing.tracer !== null || events.has("call:end"),
    notify: ({ call }, attempt) =>
      inContextOf(call, () => events.emit("attempt:end", { upstream: name, call, attempt })),
  };
}
