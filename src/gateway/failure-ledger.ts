/**
 * The latest exchanges that failed, as far as a diagnosis asks about them: where, which name, which
 * route, on how old a connection.
 *
 * Guarantee: bounded by count and by time; an exchange that succeeds costs one addition, and what
 * is kept holds on to no request.
 */
import type { Clock } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import { DIAGNOSIS } from "../catalog/health-defaults.js";

/** One exchange that failed. */
export interface FailureEntry {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly target: string;
  readonly code: FailureCode;
  readonly method: string;
  /** The path without query, and without what looks like an id. */
  readonly route: string;
  /** The connection had served before. */
  readonly reused: boolean;
  /** How old the connection was; null when there was none. */
  readonly socketAgeMs: number | null;
}

export interface FailureLedger {
  failed(entry: Omit<FailureEntry, "at" | "route"> & { readonly path: string }): void;
  succeeded(): void;
  /** What failed lately, the oldest first. */
  entries(): readonly FailureEntry[];
  /** How many exchanges succeeded since the last failure. */
  successesSince(): number;
}

export function failureLedger(clock: Pick<Clock, "now">): FailureLedger {
  const kept: FailureEntry[] = [];
  let successes = 0;
  return {
    failed({ path, ...rest }) {
      successes = 0;
      kept.push({ ...rest, at: clock.now(), route: routeOf(path) });
      if (kept.length > DIAGNOSIS.entriesMax) kept.shift();
    },
    succeeded() {
      successes += 1;
    },
    entries() {
      const from = clock.now() - DIAGNOSIS.windowMs;
      return kept.filter(({ at }) => at >= from);
    },
    successesSince: () => successes,
  };
}

const ID = /^(?:\d+|[0-9a-f]{8,}(?:-[0-9a-f]+)*|[\w-]{20,})$/i;

/** One name for all calls of a route: what differs from call to call is replaced. */
export function routeOf(path: string): string {
  const [plain = "/"] = path.split(/[?#]/);
  const segments = plain.split("/").slice(0, DIAGNOSIS.routeSegmentsMax + 1);
  return segments.map((segment) => (ID.test(segment) ? ":id" : segment)).join("/") || "/";
}
