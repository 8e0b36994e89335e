/**
 * Failed calls, with equal ones grouped: calls of a route that got the same failure at the same
 * target form one entry, with a count and the time of the first.
 *
 * Guarantee: so many groups are kept; the one that has had no call for the longest makes room.
 */
import { DASHBOARD } from "../catalog/dashboard-defaults.js";
import { routeOf } from "../targets/route-of.js";
import type { FailedCall } from "./failed-call.js";

/** The latest of the calls, and what is known of all. */
export interface FailedCalls extends FailedCall {
  /** The number of the first one: it stays while the latest changes. */
  readonly group: number;
  readonly times: number;
  /** When the first one ended, in milliseconds since 1970. */
  readonly since: number;
  /** The path, with what differs from call to call replaced. */
  readonly route: string;
  /** Those before the latest, the newest last. */
  readonly before: readonly EarlierCall[];
}

export interface EarlierCall {
  readonly at: number;
  readonly id: string;
  readonly path: string;
  readonly durationMs: number;
}

export interface FailureGroups {
  add(call: FailedCall): void;
  /** That of the oldest call first. */
  list(): readonly FailedCalls[];
}

/** Older ones are no longer the same event. */
const APART_MS = DASHBOARD.slots * DASHBOARD.slotMs;

export function failureGroups(max: number): FailureGroups {
  const kept = new Map<string, FailedCalls>();
  return {
    add(call) {
      const route = routeOf(call.path);
      const { code, blame, status, clientEnd, method } = call;
      const target = call.attempts.at(-1)?.target ?? null;
      const key = JSON.stringify([code, blame, status, clientEnd, target, method, route]);
      const known = kept.get(key);
      if (known === undefined && kept.size >= max) {
        for (const oldest of kept.keys()) {
          kept.delete(oldest);
          break;
        }
      }
      kept.delete(key);
      const isSame = known !== undefined && call.at - known.at < APART_MS;
      kept.set(key, { ...call, route, ...(isSame ? joined(known) : alone(call)) });
    },
    list: () => [...kept.values()],
  };
}

type Shared = Pick<FailedCalls, "group" | "times" | "since" | "before">;

function alone({ seq, at }: FailedCall): Shared {
  return { group: seq, times: 1, since: at, before: [] };
}

function joined({ group, times, since, before, at, id, path, durationMs }: FailedCalls): Shared {
  const earlier = [...before, { at, id, path, durationMs }].slice(-DASHBOARD.earlierMax);
  return { group, since, times: times + 1, before: earlier };
}
