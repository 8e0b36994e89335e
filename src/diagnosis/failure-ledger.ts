/**
 * The latest exchanges of an upstream, as far as a diagnosis asks about them: those that failed,
 * with name, place, route and connection, and a few that succeeded, to compare them with.
 *
 * Guarantee: bounded by count and by time; an exchange that succeeds costs an addition and three
 * entries in a ring, and what is kept holds on to no request.
 */
import type { Clock } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import { DIAGNOSIS } from "../catalog/health-defaults.js";
import { routeOf } from "../targets/route-of.js";

/** One exchange that failed. */
export interface FailureEntry {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** The same moment, milliseconds since 1970. */
  readonly wallAt: number;
  readonly target: string;
  readonly code: FailureCode;
  readonly method: string;
  /** The path without query, and without what looks like an id. */
  readonly route: string;
  /** The connection had served before. */
  readonly reused: boolean;
  /** How old the connection was; null when there was none. */
  readonly socketAgeMs: number | null;
  /** How long it had rested before it was used again; null for a new one. */
  readonly restedMs: number | null;
  /** Exchanges that succeeded between the failure before this one and this one. */
  readonly successesBefore: number;
}

/** One exchange that succeeded. */
export interface SuccessEntry {
  readonly target: string;
  readonly route: string;
  readonly reused: boolean;
}

export interface FailureLedger {
  failed(
    entry: Omit<FailureEntry, "at" | "wallAt" | "route" | "successesBefore"> & {
      readonly path: string;
    },
  ): void;
  succeeded(target: string, path: string, reused: boolean): void;
  /** What failed lately, the oldest first. */
  entries(): readonly FailureEntry[];
  /** How many exchanges succeeded since the last failure. */
  successesSince(): number;
  /** How many have succeeded ever. */
  successes(): number;
  /** The latest that succeeded, at most this many; the oldest first. */
  latestSuccesses(count: number): readonly SuccessEntry[];
}

export function failureLedger(clock: Pick<Clock, "now" | "wallNow">): FailureLedger {
  const kept: FailureEntry[] = [];
  let before = 0;
  let successes = 0;
  const targets: string[] = [];
  const paths: string[] = [];
  const reuses: boolean[] = [];
  return {
    failed({ path, ...rest }) {
      const successesBefore = successes - before;
      before = successes;
      const [at, wallAt] = [clock.now(), clock.wallNow()];
      kept.push({ ...rest, at, wallAt, route: routeOf(path), successesBefore });
      if (kept.length > DIAGNOSIS.entriesMax) kept.shift();
    },
    succeeded(target, path, reused) {
      const place = successes % DIAGNOSIS.successesMax;
      targets[place] = target;
      paths[place] = path;
      reuses[place] = reused;
      successes += 1;
    },
    entries() {
      const from = clock.now() - DIAGNOSIS.windowMs;
      return kept.filter(({ at }) => at >= from);
    },
    successesSince: () => successes - before,
    successes: () => successes,
    latestSuccesses(count) {
      const known = Math.min(count, successes, DIAGNOSIS.successesMax);
      return Array.from({ length: known }, (_, index) => {
        const place = (successes - known + index) % DIAGNOSIS.successesMax;
        return {
          target: targets[place] as string,
          route: routeOf(paths[place] as string),
          reused: reuses[place] as boolean,
        };
      });
    },
  };
}
