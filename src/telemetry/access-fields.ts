/**
 * The fields of a structured access log line, flat and stable.
 *
 * Guarantee: a field that says nothing is left out; names and meanings stay as they are.
 */
import type { CallRecord } from "../gateway/call-record.js";

/** One line, as fields. */
export interface AccessFields {
  readonly requestId: string;
  readonly upstream: string;
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly durationMs: number;
  readonly queuedMs: number;
  readonly attempts: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly clientEnd: string;
  readonly status?: number;
  readonly answeredBy?: string;
  readonly receivedStatus?: number;
  readonly code?: string;
  readonly blame?: string;
  readonly details?: string;
  readonly stopReason?: string;
  /** Target of the last attempt. */
  readonly target?: string;
  /** What each attempt came to, in order, where there were several. */
  readonly results?: string;
  readonly remoteAddress?: string;
  readonly forwardedFor?: string;
  readonly host?: string;
  readonly httpVersion?: string;
  readonly userAgent?: string;
  readonly referer?: string;
}

export function accessFields(record: CallRecord): AccessFields {
  const { attempts, client } = record;
  const results = attempts.map(({ code }) => code ?? "ok").join(",");
  return {
    requestId: record.id,
    upstream: record.upstream,
    kind: record.kind,
    method: record.method,
    path: record.path,
    durationMs: tenths(record.durationMs),
    queuedMs: tenths(record.queuedMs),
    attempts: attempts.length,
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    clientEnd: record.clientEnd,
    ...said({
      status: record.status,
      answeredBy: record.answeredBy,
      receivedStatus: record.receivedStatus,
      code: record.code,
      blame: record.blame,
      details: record.details,
      stopReason: record.stopReason,
      target: attempts.at(-1)?.target ?? null,
      results: attempts.length > 1 ? results : null,
      remoteAddress: client?.address ?? null,
      forwardedFor: client?.forwardedFor ?? null,
      host: client?.host ?? null,
      httpVersion: client?.httpVersion ?? null,
      userAgent: client?.userAgent ?? null,
      referer: client?.referer ?? null,
    }),
  };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function said(fields: Readonly<Record<string, string | number | null>>): Partial<AccessFields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
