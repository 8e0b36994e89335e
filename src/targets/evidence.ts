/**
 * What is known of an incident at a target: counted as it happens, read as plain data.
 *
 * Guarantee: bounded, whatever the incident costs: counts, extremes and two names, no lists.
 */
import { type Clock, epochMs } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";

/** One exchange that was lost. */
export interface Loss {
  readonly code: FailureCode;
  readonly kind: "refused" | "cut" | "stale";
  readonly at: number;
  /** When its connection had been opened; -1 when there was none, or that is not known. */
  readonly openedAt: number;
  /** The connection had served before. */
  readonly reused: boolean;
  /** Several exchanges may belong to one call. */
  readonly call: object;
}

/** The connections that were lost. */
export interface LostSockets {
  readonly lost: number;
  /** Those of them that had served before. */
  readonly reused: number;
  readonly youngestMs: number;
  readonly oldestMs: number;
}

/** The facts of an incident, as plain data. Times are milliseconds since 1970. */
export interface IncidentFacts {
  /** The first exchange that was lost. */
  readonly startedAt: number;
  /** The last answer before that. */
  readonly lastAnswerAt: number;
  /** The first answer after it; null while there is none. */
  readonly answeredAgainAt: number | null;
  /** It has answered for a while, or is no longer a target; null while the incident goes on. */
  readonly endedAt: number | null;
  /** Without an answer: from the first loss to the first answer after it, or until now. */
  readonly downMs: number;
  /** Exchanges under way when it went. */
  readonly inFlight: number;
  /** Exchanges that were lost, by how: nothing listened, the connection was cut, was closed. */
  readonly refused: number;
  readonly cut: number;
  readonly stale: number;
  readonly firstCode: FailureCode | null;
  readonly lastCode: FailureCode | null;
  /** Null when no connection was lost, only refused. */
  readonly sockets: LostSockets | null;
  /** Calls that lost at least one attempt by it … */
  readonly callsHit: number;
  /** … and those of them that ended without an answer … */
  readonly callsFailed: number;
  /** … and calls that were refused unsent, since its breaker was open or no target was left. */
  readonly callsTurnedAway: number;
  /** How often it came back and went again. */
  readonly relapses: number;
  /** It answers again on a connection that was opened since; null when that is not known. */
  readonly newProcess: boolean | null;
}

/** Counts what an incident costs. */
export interface Evidence {
  add(loss: Loss): void;
  /** A call ended without an answer; `unsent` when no target was left that might be asked. */
  callFailed(call: object, unsent: boolean): void;
  back(now: number, newProcess: boolean | null): void;
  goneAgain(): void;
  end(now: number): void;
  facts(): IncidentFacts;
}

interface Begin {
  readonly since: number;
  readonly answeredAt: number;
  readonly inFlight: number;
}

export function createEvidence(clock: Clock, begin: Begin): Evidence {
  const { since, answeredAt, inFlight } = begin;
  // Two readings of one moment, so that lengths of time can be shown as dates.
  const epoch = epochMs(clock);
  const wall = (at: number | null): number | null => (at === null ? null : Math.round(at + epoch));
  const counts = { refused: 0, cut: 0, stale: 0 };
  const calls = { hit: 0, failed: 0, turnedAway: 0 };
  const hit = new WeakSet<object>();
  const sockets = socketCount();
  let codes: readonly [FailureCode | null, FailureCode | null] = [null, null];
  let backAt: number | null = null;
  let endedAt: number | null = null;
  let relapses = 0;
  let newProcess: boolean | null = null;

  return {
    add(loss) {
      counts[loss.kind] += 1;
      codes = [codes[0] ?? loss.code, loss.code];
      sockets.add(loss);
      if (hit.has(loss.call)) return;
      hit.add(loss.call);
      calls.hit += 1;
    },
    callFailed(call, unsent) {
      if (hit.has(call)) calls.failed += 1;
      else if (unsent) calls.turnedAway += 1;
    },
    back(now, isNew) {
      backAt = now;
      newProcess = isNew;
    },
    goneAgain() {
      backAt = null;
      relapses += 1;
    },
    end(now) {
      endedAt = now;
    },
    facts: () => ({
      startedAt: wall(since) as number,
      lastAnswerAt: wall(answeredAt) as number,
      answeredAgainAt: wall(backAt),
      endedAt: wall(endedAt),
      downMs: Math.round((backAt ?? endedAt ?? clock.now()) - since),
      inFlight,
      ...counts,
      firstCode: codes[0],
      lastCode: codes[1],
      sockets: sockets.read(),
      callsHit: calls.hit,
      callsFailed: calls.failed,
      callsTurnedAway: calls.turnedAway,
      relapses,
      newProcess,
    }),
  };
}

function socketCount() {
  let lost = 0;
  let reusedOnes = 0;
  let youngestMs = Number.POSITIVE_INFINITY;
  let oldestMs = 0;
  return {
    add({ openedAt, reused, at }: Loss): void {
      if (openedAt < 0) return;
      lost += 1;
      if (reused) reusedOnes += 1;
      youngestMs = Math.min(youngestMs, at - openedAt);
      oldestMs = Math.max(oldestMs, at - openedAt);
    },
    read(): LostSockets | null {
      if (lost === 0) return null;
      const [youngest, oldest] = [Math.round(youngestMs), Math.round(oldestMs)];
      return { lost, reused: reusedOnes, youngestMs: youngest, oldestMs: oldest };
    },
  };
}
