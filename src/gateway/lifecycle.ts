/**
 * The life of a gateway: running → lame_duck → draining → closed, and the calls that are under way.
 *
 * Guarantee: states only go forward; `drain` ends when the last call has ended or its time is over,
 * and says how many had to be cut.
 */
import type { Clock } from "../base/clock.js";
import type { Lifecycle, LifecycleState } from "../policies/drain-gate.js";

export interface DrainReport {
  /** Calls that ended by themselves while draining. */
  readonly finished: number;
  /** Calls that were still under way when the time was over. */
  readonly cut: number;
  readonly durationMs: number;
}

export interface GatewayLifecycle extends Lifecycle {
  /** Calls under way. */
  readonly active: number;
  /** Refuses new calls and waits for those under way. */
  drain(timeoutMs: number): Promise<DrainReport>;
  close(): void;
  startMaintenance(retryAfterMs: number): void;
  endMaintenance(): void;
}

export function createLifecycle(clock: Clock): GatewayLifecycle {
  let state: LifecycleState = "running";
  let active = 0;
  let maintenance: { readonly retryAfterMs: number } | null = null;
  let onIdle: (() => void) | null = null;

  return {
    get state() {
      return state;
    },
    get maintenance() {
      return maintenance;
    },
    get active() {
      return active;
    },
    begin() {
      active += 1;
    },
    end() {
      active -= 1;
      if (active === 0) onIdle?.();
    },
    startMaintenance(retryAfterMs) {
      maintenance = { retryAfterMs };
    },
    endMaintenance() {
      maintenance = null;
    },
    async drain(timeoutMs) {
      const startedAt = clock.now();
      const before = active;
      if (state !== "closed") state = "draining";
      if (active > 0) {
        await new Promise<void>((resolve) => {
          const timer = clock.after(timeoutMs, resolve);
          onIdle = () => {
            timer.cancel();
            resolve();
          };
        });
        onIdle = null;
      }
      return { finished: before - active, cut: active, durationMs: clock.now() - startedAt };
    },
    close() {
      state = "closed";
    },
  };
}
