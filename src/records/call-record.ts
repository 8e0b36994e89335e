/**
 * The record of a call that is over, as plain data: what traces and listeners of `call:end` are
 * given. Our own metrics, log and dashboard read what it is made of, an `EndedCall`.
 *
 * It is built for listeners only, once, when the body of the answer is over and the client's end
 * is known. Guarantee: it holds nothing that lives on (no call, no socket, no raw error), no query
 * and no field of the request but those that say who asked; it can be written as JSON as it is.
 */
import { type Blame, FAILURES, type FailureCode, type Phase } from "../catalog/failures.js";
import type { Priority } from "../catalog/priorities.js";
import type {
  AnswerSource,
  AttemptRecord,
  Call,
  ClientEnd,
  DetourKind,
  StopReason,
} from "../core/call.js";
import type { Timeline } from "../core/timeline.js";

/** How a call came to the gateway. */
export type CallKind = "proxy" | "upgrade" | "fetch" | "send" | "routed" | "failover" | "resumed";

/** One call from its first byte to its last. */
export interface CallRecord {
  /** The request id: the caller's, or one of our own. */
  readonly id: string;
  /** Its name, as it was configured; the origin for one that a fetch has made. */
  readonly upstream: string;
  /**
   * How the call came: through a proxy, as an upgrade, from a fetch or a send; from another
   * upstream of the gateway, which has `routed` it here or failed before (`failover`); or from a
   * fetch whose body broke, for the rest of it (`resumed`, with the id of the first call).
   */
  readonly kind: CallKind;
  /** As it was sent; methods are case-sensitive. */
  readonly method: string;
  /** The path that was asked for, without its query. */
  readonly path: string;
  /** Milliseconds since 1970, UTC. */
  readonly startedAt: number;
  /** Until the body of the answer was over and the client's end was known. */
  readonly durationMs: number;
  /** Before the first attempt: the queue, and what was refused there. */
  readonly queuedMs: number;
  /** How much it matters when not all can be served. */
  readonly priority: Priority;
  /** The number of the caller's own attempt, from 1. */
  readonly callerAttempt: number;
  /** The status that the client was sent; null when it was sent none. */
  readonly status: number | null;
  /**
   * Who made the answer: the `upstream`, the `gateway`, the `application` (a hook of its own), or
   * null when there was none.
   */
  readonly answeredBy: AnswerSource | null;
  /** The status of the upstream's last answer; null without one. */
  readonly receivedStatus: number | null;
  /** The failure by its name in the catalog; null when all went well. */
  readonly code: FailureCode | null;
  /** Who is at fault; null when all went well. */
  readonly blame: Blame | null;
  /** Facts for operators, such as the size of a header section; null for none. */
  readonly details: string | null;
  /** Why no further attempt was made; null when none was needed. */
  readonly stopReason: StopReason | null;
  /** Who has answered in the place of the upstream; null where it answered itself. */
  readonly detour: CallDetour | null;
  /** How the client's side ended: `complete`, `aborted` by the client, or `cut` by us. */
  readonly clientEnd: ClientEnd;
  /** Bytes of the request's body that were read. */
  readonly bytesIn: number;
  /** Bytes of the answer's body that were handed on. */
  readonly bytesOut: number;
  /** In the order in which they ended. */
  readonly attempts: readonly CallAttempt[];
  /** Who asked; null for calls of the application itself. */
  readonly client: CallClient | null;
}

/** Who has answered in the place of an upstream. */
export interface CallDetour {
  /**
   * `routed` before it was asked, `failover` after it failed, `answer` of the application; `cached`
   * for an answer that was kept, `stale` for one in the place of a failure.
   */
  readonly kind: DetourKind;
  /** The other upstream, which has a record of its own with the same id. */
  readonly upstream: string | null;
  /** What the upstream itself had failed with. */
  readonly code: FailureCode | null;
}

/** One attempt of a call. */
export interface CallAttempt {
  /** From 1. A free repeat of a stale connection keeps the number of the attempt it replaces. */
  readonly number: number;
  /** Origin of the target. */
  readonly target: string | null;
  /** How far it got. */
  readonly phase: Phase;
  /** What it came to, by its name in the catalog; null for a success. */
  readonly code: FailureCode | null;
  /** Who is at fault; null for a success. */
  readonly blame: Blame | null;
  /** Status of the answer; null without one. */
  readonly status: number | null;
  /** The connection had served before. */
  readonly reused: boolean;
  /** Milliseconds from the start of the call. */
  readonly startedMs: number;
  /** To the end of its body. */
  readonly durationMs: number;
  /** Between the end of the attempt before and the start of this one. */
  readonly waitedMs: number;
  /** Length of each phase; null for one that was not reached, or not needed. */
  readonly timings: AttemptTimings;
  /** Bytes of the answer's body. */
  readonly bytesReceived: number;
}

/** Phases of an attempt in milliseconds, in their order. */
export interface AttemptTimings {
  /** Waiting for a connection of the pool, and name resolution. */
  readonly queueMs: number | null;
  readonly connectMs: number | null;
  readonly secureMs: number | null;
  readonly sendMs: number | null;
  /** From the request being sent to the head of the answer. */
  readonly waitMs: number | null;
  readonly receiveMs: number | null;
}

/** Who asked, for access logs. */
export interface CallClient {
  /** Address of the peer of this connection. */
  readonly address: string;
  /** X-Forwarded-For as sent to the upstream: trusted addresses before that one. */
  readonly forwardedFor: string | null;
  /** Of the request: `1.1`, `2.0`. */
  readonly httpVersion: string;
  /** The Host that was asked for. */
  readonly host: string | null;
  /** What the client calls itself. */
  readonly userAgent: string | null;
  /** Where it came from, without a query. */
  readonly referer: string | null;
}

// Plain literals from here on: a spread makes objects that every reader is slow with, and these are
// made for each call as soon as calls are counted.
export function attemptsOf({ attempts, timelines, startedAt }: Call): readonly CallAttempt[] {
  const records: CallAttempt[] = [];
  let previousEnd = 0;
  for (let place = 0; place < attempts.length; place += 1) {
    const attempt = attempts[place] as AttemptRecord;
    const waitedMs = place === 0 ? 0 : Math.max(0, attempt.startedAt - previousEnd);
    const startedMs = attempt.startedAt - startedAt;
    const one = attemptOf(attempt, timelines?.[place] ?? null, startedMs, waitedMs);
    previousEnd = attempt.startedAt + one.durationMs;
    records.push(one);
  }
  return records;
}

export function attemptOf(
  attempt: AttemptRecord,
  timeline: Timeline | null,
  startedMs: number,
  waitedMs: number,
): CallAttempt {
  const { code } = attempt;
  return {
    number: attempt.number,
    target: attempt.target,
    phase: attempt.phase,
    code,
    blame: code === null ? null : FAILURES[code].blame,
    status: attempt.status,
    reused: attempt.reused,
    startedMs,
    durationMs: timeline === null ? attempt.durationMs : timeline.endAt - attempt.startedAt,
    waitedMs,
    timings: timeline === null ? NO_TIMINGS : timingsOf(timeline),
    bytesReceived: timeline?.receivedBytes ?? 0,
  };
}

const NO_TIMINGS: AttemptTimings = {
  queueMs: null,
  connectMs: null,
  secureMs: null,
  sendMs: null,
  waitMs: null,
  receiveMs: null,
};

/** Each phase lasts until the next one that was reached, the last one until the end. */
export function timingsOf(timeline: Timeline): AttemptTimings {
  const { startedAt, connectAt, secureAt, sendAt, waitAt, headAt, endAt } = timeline;
  const afterWait = headAt < 0 ? endAt : headAt;
  const afterSend = waitAt < 0 ? afterWait : waitAt;
  const afterSecure = sendAt < 0 ? afterSend : sendAt;
  const afterConnect = secureAt < 0 ? afterSecure : secureAt;
  const afterQueue = connectAt < 0 ? afterConnect : connectAt;
  return {
    queueMs: between(startedAt, afterQueue),
    connectMs: between(connectAt, afterConnect),
    secureMs: between(secureAt, afterSecure),
    sendMs: between(sendAt, afterSend),
    waitMs: between(waitAt, afterWait),
    receiveMs: between(headAt, endAt),
  };
}

/** Null for a phase that was not reached. */
function between(from: number, to: number): number | null {
  if (from < 0) return null;
  return to > from ? to - from : 0;
}
