/**
 * Turns calls away while this process shuts down or an operator has switched maintenance on, for
 * the gateway, for this upstream or for some of its paths.
 *
 * Place: first. A call that is refused here costs nothing and touches no counter.
 * Guarantee: every call that was let in is counted out once, when the body of its answer is over.
 * Not here: who starts and ends a drain (lifecycle/lifecycle.ts).
 */
import { RETRY_AFTER } from "../catalog/defaults.js";
import type { AdmittedCall, Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import { type Holder, hold, refused } from "../core/pending.js";
import type { Policy } from "../core/pipe.js";
import type { Maintenance } from "./maintenance.js";

export type LifecycleState = "running" | "lame_duck" | "draining" | "closed";

/** What the policies see of the life of the gateway. */
export interface Lifecycle {
  readonly state: LifecycleState;
  /**
   * Whether new calls are let in. While draining they are, as long as a shutdown still serves what
   * comes in on connections that it has not closed yet.
   */
  readonly admits: boolean;
  /** Null while maintenance is off. */
  readonly maintenance: { readonly retryAfterMs: number } | null;
  /** A call was let in. */
  begin(call: Call): void;
  /** A call that was let in is over. */
  readonly end: (call: Call) => void;
}

export function drainGate(
  lifecycle: Lifecycle,
  own: Maintenance | null = null,
): Policy<Call, AdmittedCall> {
  // By then another process should serve.
  const retryAfterMs = RETRY_AFTER.fallbackMs;
  const letIn: Holder<Call> = { known: null, over: lifecycle.end };
  return {
    role: "drain_gate",
    settings: { retryAfterMs },
    run(call, next) {
      if (!lifecycle.admits) return refused({ code: "draining", retryAfterMs });
      const { maintenance } = lifecycle;
      if (maintenance !== null) {
        return refused({ code: "maintenance", retryAfterMs: maintenance.retryAfterMs });
      }
      const refusal = own === null || own.rules === null ? null : maintained(own, call);
      if (refusal !== null) return refused(refusal);
      lifecycle.begin(call);
      return hold(next, call as AdmittedCall, letIn);
    },
  };
}

function maintained(own: Maintenance, { request }: Call): Failure | null {
  const rule = own.ruleFor(request.path);
  if (rule === null) return null;
  const { path, retryAfterMs } = rule;
  const failure = { code: "maintenance", retryAfterMs } as const;
  return path === null ? failure : { ...failure, details: `path=${path}` };
}

/** Whether calls under way may make no further attempts: repeats and hedges. */
export function refusesRepeats({ state }: Pick<Lifecycle, "state">): boolean {
  return state === "draining" || state === "closed";
}
