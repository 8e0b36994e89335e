/**
 * The life of a gateway: running → lame_duck → draining → closed, and the calls that are under way.
 *
 * Guarantee: states only go forward; each change is emitted once; `drain` ends when the last call
 * has ended or its time is over, and says how many were still under way.
 */
import type { Clock } from "../base/clock.js";
import { LinkedList } from "../base/linked-list.js";
import type { Call } from "../core/call.js";
import type { Lifecycle, LifecycleState } from "../policies/drain-gate.js";

export interface DrainReport {
  /** Calls that ended by themselves while draining. */
  readonly finished: number;
  /** Calls that were still under way when the time was over. */
  readonly cut: number;
  readonly durationMs: number;
}

/** A step in the life of a gateway. */
export interface LifecycleChange {
  readonly from: LifecycleState;
  readonly to: LifecycleState;
  /** Who asked for it: the name of a signal, or what `shutdown` was called with. */
  readonly reason: string;
}

export interface GatewayLifecycle extends Lifecycle {
  /** Calls under way. */
  readonly active: number;
  /** Calls that have ended since the process started. */
  readonly ended: number;
  /** Everything is served as before, but the process no longer says that it is ready. */
  lameDuck(reason: string): void;
  /** Nothing is repeated any more; new calls are let in until `refuse`. */
  windDown(reason: string): void;
  /** No new calls from here on. */
  refuse(reason: string): void;
  /** Ends all calls under way, with the name `draining`; says how many. */
  cutAll(): number;
  /** Refuses new calls and waits for those under way. */
  drain(timeoutMs: number): Promise<DrainReport>;
  close(reason: string): void;
  startMaintenance(retryAfterMs: number): void;
  endMaintenance(): void;
}

export function createLifecycle(
  clock: Clock,
  onChange: (change: LifecycleChange) => void,
): GatewayLifecycle {
  const life = steps(onChange);
  const calls = callsUnderWay(clock);
  const refuse = (reason: string): void => {
    lifecycle.admits = false;
    life.advance("draining", reason);
  };
  const lifecycle = {
    get state() {
      return life.state;
    },
    admits: true,
    maintenance: null as GatewayLifecycle["maintenance"],
    get active() {
      return calls.active;
    },
    get ended() {
      return calls.ended;
    },
    begin: calls.begin,
    end: calls.end,
    cutAll: calls.cutAll,
    startMaintenance(retryAfterMs: number) {
      lifecycle.maintenance = { retryAfterMs };
    },
    endMaintenance() {
      lifecycle.maintenance = null;
    },
    lameDuck: (reason: string) => life.advance("lame_duck", reason),
    windDown: (reason: string) => life.advance("draining", reason),
    refuse,
    async drain(timeoutMs: number) {
      const startedAt = clock.now();
      const before = calls.active;
      refuse("drain");
      await calls.allEnded(timeoutMs);
      const cut = calls.active;
      return { finished: before - cut, cut, durationMs: clock.now() - startedAt };
    },
    close(reason: string) {
      lifecycle.admits = false;
      life.advance("closed", reason);
    },
  };
  return lifecycle;
}

const ORDER = ["running", "lame_duck", "draining", "closed"] as const;

function steps(onChange: (change: LifecycleChange) => void) {
  let state: LifecycleState = "running";
  return {
    get state() {
      return state;
    },
    advance(to: LifecycleState, reason: string): void {
      if (ORDER.indexOf(to) <= ORDER.indexOf(state)) return;
      const from = state;
      state = to;
      onChange({ from, to, reason });
    },
  };
}

function callsUnderWay(clock: Clock) {
  const calls = new LinkedList<Call>();
  let ended = 0;
  let onIdle: (() => void) | null = null;
  return {
    get active() {
      return calls.size;
    },
    get ended() {
      return ended;
    },
    begin: (call: Call): void => void calls.add(call),
    end(call: Call): void {
      if (!calls.delete(call)) return;
      ended += 1;
      if (calls.size === 0) onIdle?.();
    },
    cutAll(): number {
      // A copy: who is cut leaves the list.
      const cut = calls.all();
      for (const { cancellation } of cut) cancellation.cut("shutdown");
      return cut.length;
    },
    async allEnded(timeoutMs: number): Promise<void> {
      if (calls.size === 0) return;
      await new Promise<void>((resolve) => {
        const timer = clock.after(timeoutMs, resolve);
        onIdle = () => {
          timer.cancel();
          resolve();
        };
      });
      onIdle = null;
    },
  };
}
