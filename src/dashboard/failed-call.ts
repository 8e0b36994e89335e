/**
 * A call that failed, or that only a repeat made good, as it is shown: without its client and its
 * query, with texts from outside cut to a length.
 */
import { DASHBOARD } from "../catalog/dashboard-defaults.js";
import { type Blame, FAILURES, type FailureCode } from "../catalog/failures.js";
import type { AnswerSource, ClientEnd, StopReason } from "../core/call.js";
import type { CallAttempt, CallDetour, CallKind, CallRecord } from "../records/call-record.js";

export interface FailedCall {
  /** Counted from 1 by the dashboard, over all upstreams. */
  readonly seq: number;
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  readonly id: string;
  readonly upstream: string;
  readonly kind: CallKind;
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly answeredBy: AnswerSource | null;
  readonly receivedStatus: number | null;
  /** The name of the failure; that of the first attempt when a repeat made the call good. */
  readonly code: FailureCode;
  readonly blame: Blame;
  /** A repeat made it good: the client got an answer. */
  readonly recovered: boolean;
  /** Who answered in place of the upstream. */
  readonly detour: CallDetour | null;
  readonly details: string | null;
  readonly stopReason: StopReason | null;
  readonly clientEnd: ClientEnd;
  readonly durationMs: number;
  readonly queuedMs: number;
  /** The last ones, in the order in which they ended. */
  readonly attempts: readonly CallAttempt[];
  /** Attempts before those, which are not shown. */
  readonly attemptsLeftOut: number;
}

/** Null for a call that went well at once. */
export function failedCall(record: CallRecord, seq: number): FailedCall | null {
  const { detour } = record;
  const first = record.attempts.find(({ code }) => code !== null);
  const code = record.code ?? first?.code ?? detour?.code ?? null;
  const blame = record.blame ?? first?.blame ?? (code === null ? null : FAILURES[code].blame);
  if (code === null || blame === null) return null;
  const { status, answeredBy, receivedStatus, stopReason, clientEnd, kind, upstream } = record;
  const attempts = record.attempts.slice(-DASHBOARD.attemptsMax);
  return {
    ...{ seq, upstream, kind, status, answeredBy, receivedStatus, code, blame },
    at: Math.round(record.startedAt + record.durationMs),
    id: shortened(record.id),
    method: shortened(record.method),
    path: shortened(record.path),
    recovered: record.code === null,
    detour,
    details: record.details === null ? null : shortened(record.details),
    ...{ stopReason, clientEnd },
    durationMs: record.durationMs,
    queuedMs: record.queuedMs,
    attempts,
    attemptsLeftOut: record.attempts.length - attempts.length,
  };
}

function shortened(text: string): string {
  const max = DASHBOARD.textCharsMax;
  // Also a copy: a slice of a long string may keep all of it in memory.
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
