/**
 * A call that is over, as our own metrics, log and dashboard read it: one flat object, made for
 * every call as soon as calls are counted. The record that others are given is made of it.
 *
 * Guarantee: like the record it holds nothing that lives on, and it does not change any more. What
 * few readers ask for (the phases of a good attempt, the client as an object) is made when it is
 * asked for; everything else would be made again and again to be thrown away.
 */
import type { Clock } from "../base/clock.js";
import { type Blame, FAILURES, type FailureCode } from "../catalog/failures.js";
import { PRIORITY_UNLESS_GIVEN, type Priority } from "../catalog/priorities.js";
import type {
  AnswerSource,
  AttemptRecord,
  Call,
  ClientEnd,
  Detour,
  StopReason,
} from "../core/call.js";
import { answeringCall } from "../core/detour.js";
import { blameOf, type Failure, factsOf } from "../core/failure.js";
import type { Timeline } from "../core/timeline.js";
import {
  attemptOf,
  attemptsOf,
  type CallAttempt,
  type CallClient,
  type CallDetour,
  type CallKind,
  type CallRecord,
} from "./call-record.js";

/** The members are those of `CallRecord` and `CallClient`, where nothing else is said. */
export class EndedCall {
  readonly id: string;
  readonly upstream: string;
  readonly kind: CallKind;
  readonly method: string;
  readonly path: string;
  /** Milliseconds since 1970; NaN until `date`. */
  startedAt = Number.NaN;
  /** By the clock that never jumps. */
  endedAt = 0;
  durationMs = 0;
  queuedMs = 0;
  priority: Priority = PRIORITY_UNLESS_GIVEN;
  callerAttempt = 1;
  status: number | null = null;
  answeredBy: AnswerSource | null = null;
  receivedStatus: number | null = null;
  code: FailureCode | null = null;
  blame: Blame | null = null;
  details: string | null = null;
  stopReason: StopReason | null = null;
  detour: CallDetour | null = null;
  clientEnd: ClientEnd = "complete";
  bytesIn = 0;
  bytesOut = 0;
  /** Of the last attempt. */
  target: string | null = null;
  attemptCount = 0;
  /** Who asked; empty for calls of the application itself, which have no client. */
  address = "";
  forwardedFor: string | null = null;
  httpVersion = "";
  host: string | null = null;
  userAgent: string | null = null;
  referer: string | null = null;
  /** The only attempt, where it went well and cannot change; else it is copied at once. */
  sole: AttemptRecord | null = null;
  soleTimeline: Timeline | null = null;
  recorded: readonly CallAttempt[] | null = null;

  constructor(id: string, upstream: string, kind: CallKind, method: string, path: string) {
    this.id = id;
    this.upstream = upstream;
    this.kind = kind;
    this.method = method;
    this.path = path;
  }

  /** It began then, by the same clock, and ends now. */
  end(startedAt: number, clock: Pick<Clock, "now">): void {
    this.endedAt = clock.now();
    this.durationMs = this.endedAt - startedAt;
  }

  /** Says by the calendar when it began, once; `epoch` is that of its clock. */
  date(epoch: number): void {
    if (!Number.isNaN(this.startedAt)) return;
    this.startedAt = Math.round(epoch + this.endedAt - this.durationMs);
  }

  /** The last name counts: a body that broke after a good head, a client that left in it. */
  fail(code: FailureCode, failure: Failure | null): void {
    this.code = code;
    this.blame = failure?.code === code ? blameOf(failure) : FAILURES[code].blame;
    this.details = failure === null ? null : factsOf(failure);
  }

  /** Another answer than that of its own attempts was good. */
  succeed(): void {
    this.code = null;
    this.blame = null;
    this.details = null;
  }

  /** How the client's side ended, and what it was sent. */
  closeClient(status: number | null, clientEnd: ClientEnd): void {
    this.status = status;
    this.clientEnd = clientEnd;
    if (clientEnd === "aborted" && this.code === null) this.fail("client_closed_request", null);
  }

  get attempts(): readonly CallAttempt[] {
    const { sole, soleTimeline, queuedMs } = this;
    this.recorded ??= sole === null ? [] : [attemptOf(sole, soleTimeline, queuedMs, 0)];
    return this.recorded;
  }

  /** The length of the only attempt. */
  get soleMs(): number {
    const { sole, soleTimeline } = this;
    if (sole === null) return 0;
    return soleTimeline === null ? sole.durationMs : soleTimeline.endAt - sole.startedAt;
  }

  /** Whether the members of a client are set. */
  hasClient(): boolean {
    return this.httpVersion !== "";
  }

  get client(): CallClient | null {
    if (!this.hasClient()) return null;
    const { address, forwardedFor, httpVersion, host, userAgent, referer } = this;
    return { address, forwardedFor, httpVersion, host, userAgent, referer };
  }
}

/** What is left to say of it is how its client's side went. */
export function endedCall(
  call: Call,
  upstream: string,
  kind: CallKind,
  path: string,
  clock: Pick<Clock, "now">,
): EndedCall {
  const { request, failure, timelines } = call;
  const ended = new EndedCall(call.id, upstream, kind, request.method, path);
  ended.end(call.startedAt, clock);
  addAttempts(ended, call);
  const last = call.attempts.at(-1);
  const code = failure?.code ?? last?.code ?? null;
  ended.priority = call.priority;
  ended.callerAttempt = call.callerAttempt;
  ended.answeredBy = call.answeredBy;
  ended.receivedStatus = last?.status ?? null;
  ended.stopReason = call.stopReason;
  if (code !== null) ended.fail(code, failure);
  if (call.detour !== null) addDetour(ended, call, call.detour);
  ended.bytesIn = request.body?.bytesRead ?? 0;
  ended.bytesOut =
    call.answeredBy === "upstream" && call.detour === null
      ? (timelines?.[call.attempts.length - 1]?.receivedBytes ?? 0)
      : bytesElsewhere(call);
  return ended;
}

function bytesElsewhere(call: Call): number {
  const { attempts, timelines, ownBytes } = answeringCall(call);
  if (call.detour === null || call.detour.call === null) return call.ownBytes;
  return timelines?.[attempts.length - 1]?.receivedBytes ?? ownBytes;
}

/** Its own attempts stay its own; what was answered comes from elsewhere. */
function addDetour(ended: EndedCall, call: Call, { kind, upstream, code }: Detour): void {
  ended.detour = { kind, upstream, code };
  const last = answeringCall(call).attempts.at(-1);
  const isOwn = call.detour?.call === null;
  if (isOwn && ended.answeredBy === "upstream") {
    ended.answeredBy = kind === "answer" ? "application" : "gateway";
  }
  if (!isOwn) ended.receivedStatus = last?.status ?? null;
  const broken = call.failure?.code ?? (isOwn ? null : (last?.code ?? null));
  if (broken === null) ended.succeed();
  else ended.fail(broken, call.failure);
}

function addAttempts(ended: EndedCall, call: Call): void {
  const { attempts, timelines } = call;
  const first = attempts[0];
  ended.attemptCount = attempts.length;
  ended.queuedMs = first === undefined ? ended.durationMs : first.startedAt - call.startedAt;
  ended.target = attempts.at(-1)?.target ?? null;
  const timeline = timelines?.[0] ?? null;
  const whole = first?.code === null && (timeline === null || timeline.endAt >= 0);
  if (whole && attempts.length === 1) {
    ended.sole = first;
    ended.soleTimeline = timeline;
  } else ended.recorded = attemptsOf(call);
}

/** The same as plain data. */
export function callRecord(ended: EndedCall): CallRecord {
  return {
    id: ended.id,
    upstream: ended.upstream,
    kind: ended.kind,
    method: ended.method,
    path: ended.path,
    startedAt: ended.startedAt,
    durationMs: ended.durationMs,
    queuedMs: ended.queuedMs,
    priority: ended.priority,
    callerAttempt: ended.callerAttempt,
    status: ended.status,
    answeredBy: ended.answeredBy,
    receivedStatus: ended.receivedStatus,
    code: ended.code,
    blame: ended.blame,
    details: ended.details,
    stopReason: ended.stopReason,
    detour: ended.detour,
    clientEnd: ended.clientEnd,
    bytesIn: ended.bytesIn,
    bytesOut: ended.bytesOut,
    attempts: ended.attempts,
    client: ended.client,
  };
}
