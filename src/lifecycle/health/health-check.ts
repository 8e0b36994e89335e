/**
 * One check of the application's health: when it runs, and what it came to.
 *
 * With an interval it runs in the background and all callers get the latest result; without one it
 * runs on request, and all requests meanwhile, or shortly after, share that run.
 * Guarantee: asking ends within the check's timeout, whatever the check does; it never rejects.
 * Not here: what a result means for readiness (health.ts).
 */
import type { Clock, Timer } from "../../base/clock.js";
import { patientTimer } from "../../base/shared-timers.js";
import { HEALTH } from "../../catalog/health-defaults.js";
import type { HealthStatus } from "../../records/events.js";
import type { CheckSettings } from "./health-options.js";
import { failed, type ReadResult, readReturned, readThrown } from "./health-result.js";

/** A check of application code. The signal aborts when no caller waits for it any longer. */
export type CheckFunction = (signal: AbortSignal) => unknown;

/** The latest result of a check, as plain data. */
export interface CheckState extends ReadResult {
  /** When it was known, milliseconds since 1970. */
  readonly at: number;
  readonly durationMs: number;
}

export interface HealthCheck {
  readonly name: string;
  readonly settings: CheckSettings;
  /** Null before the first run has ended. */
  readonly last: CheckState | null;
  /** The result to go by now: a fresh one, or the one of a run that is shared. */
  ask(): Promise<CheckState>;
  stop(): void;
}

/** `changed` is called after each run with the status of the one before. */
export function createCheck(
  clock: Clock,
  name: string,
  fn: CheckFunction,
  settings: CheckSettings,
  changed: (from: HealthStatus | null, to: CheckState) => void,
): HealthCheck {
  const { intervalMs, cacheMs } = settings;
  const once = boundedRuns(clock, fn, settings.timeoutMs);
  let last: CheckState | null = null;
  let lastAt = Number.NEGATIVE_INFINITY;
  let running: Promise<CheckState> | null = null;
  let next: Timer | null = null;
  let stopped = false;

  const run = async (): Promise<CheckState> => {
    const startedAt = clock.now();
    const read = await once.begin();
    const from = last?.status ?? null;
    lastAt = clock.now();
    last = { ...read, at: clock.wallNow(), durationMs: lastAt - startedAt };
    running = null;
    if (stopped) return last;
    if (intervalMs !== null) planNext(intervalMs);
    changed(from, last);
    return last;
  };
  const begin = (): Promise<CheckState> => {
    running ??= run();
    return running;
  };
  const planNext = (ms: number): void => {
    next = clock.after(ms, () => void begin());
    next.unref();
  };

  if (intervalMs !== null) void begin();
  return {
    name,
    settings,
    get last() {
      return last;
    },
    async ask() {
      const fresh = intervalMs !== null || clock.now() - lastAt < cacheMs;
      if (last !== null && (stopped || fresh)) return last;
      return begin();
    },
    stop() {
      stopped = true;
      next?.cancel();
      once.giveUp();
    },
  };
}

/** Runs that end in time for their callers, and never more of them than may hang. */
function boundedRuns(clock: Clock, fn: CheckFunction, timeoutMs: number) {
  let hung = 0;
  let giveUpNow: ((why: string) => void) | null = null;

  const begin = (): Promise<ReadResult> => {
    if (hung >= HEALTH.hungRunsMax) {
      return Promise.resolve(failed(`${hung} earlier runs of the check have not ended yet`));
    }
    return new Promise((resolve) => {
      const controller = new AbortController();
      let over = false;
      const end = (read: ReadResult): void => {
        over = true;
        giveUpNow = null;
        timer.cancel();
        resolve(read);
      };
      giveUpNow = (why) => {
        hung += 1;
        end(failed(why));
        controller.abort(new DOMException(why, "TimeoutError"));
      };
      // Patient, so that a busy event loop of our own is not taken for a dependency that hangs.
      const timer = patientTimer(clock, timeoutMs, () =>
        giveUpNow?.(`no result within ${timeoutMs} ms`),
      );
      timer.unref();
      const settle = (read: ReadResult): void => {
        if (over) hung -= 1;
        else end(read);
      };
      void call(fn, controller.signal).then(
        (value) => settle(readReturned(value)),
        (error) => settle(readThrown(error)),
      );
    });
  };
  return { begin, giveUp: () => giveUpNow?.("the check was removed") };
}

/** What it throws at once is a rejection, too. */
async function call(fn: CheckFunction, signal: AbortSignal): Promise<unknown> {
  return fn(signal);
}
