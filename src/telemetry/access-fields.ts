/**
 * The fields of a structured access log line, flat and stable.
 *
 * Guarantee: a field without a value is omitted; names and meanings are stable.
 */
import type { CallAttempt, CallClient, CallDetour, CallRecord } from "../records/call-record.js";

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
  /** Who answered in place of the upstream: `failover spare`, `answer`. */
  readonly detour?: string;
  /** Target of the last attempt. */
  readonly target?: string;
  /** The result of each attempt, in order, if there were several. */
  readonly results?: string;
  readonly remoteAddress?: string;
  readonly forwardedFor?: string;
  readonly host?: string;
  readonly httpVersion?: string;
  readonly userAgent?: string;
  readonly referer?: string;
}

type Fields = { -readonly [Name in keyof AccessFields]: AccessFields[Name] };

// One object that is written to and never spread: a line is made for every call.
export function accessFields(record: CallRecord): AccessFields {
  const { attempts } = record;
  const fields: Fields = {
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
  };
  if (record.status !== null) fields.status = record.status;
  if (record.answeredBy !== null) fields.answeredBy = record.answeredBy;
  if (record.receivedStatus !== null) fields.receivedStatus = record.receivedStatus;
  if (record.code !== null) fields.code = record.code;
  if (record.blame !== null) fields.blame = record.blame;
  if (record.details !== null) fields.details = record.details;
  if (record.stopReason !== null) fields.stopReason = record.stopReason;
  if (record.detour !== null) fields.detour = detourText(record.detour);
  const target = attempts.at(-1)?.target ?? null;
  if (target !== null) fields.target = target;
  if (attempts.length > 1) fields.results = resultsOf(attempts);
  if (record.client !== null) addClient(fields, record.client);
  return fields;
}

export function detourText({ kind, upstream }: CallDetour): string {
  return upstream === null ? kind : `${kind} ${upstream}`;
}

export function resultsOf(attempts: readonly CallAttempt[]): string {
  return attempts.map(({ code }) => code ?? "ok").join(",");
}

function addClient(fields: Fields, client: CallClient): void {
  fields.remoteAddress = client.address;
  if (client.forwardedFor !== null) fields.forwardedFor = client.forwardedFor;
  if (client.host !== null) fields.host = client.host;
  fields.httpVersion = client.httpVersion;
  if (client.userAgent !== null) fields.userAgent = client.userAgent;
  if (client.referer !== null) fields.referer = client.referer;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
