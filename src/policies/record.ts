/**
 * Notes what every exchange came to in the record of its call, and notifies the listener.
 *
 * Place: last. It sees exactly what the wire did.
 * Guarantee: the record has the exchange as soon as its head or its failure is known, so that the
 * answer's own diagnostics can name it; a body that breaks later corrects it.
 */
import type { Clock } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import type { AttemptRecord, Call } from "../core/call.js";
import { failureOf, type Outcome } from "../core/outcome.js";
import { type Holder, Pending } from "../core/pending.js";
import type { Policy } from "../core/pipe.js";
import type { Timeline } from "../core/timeline.js";
import type { Exchange, RecordedExchange, TimedExchange } from "../targets/exchange.js";
import type { Presence } from "../targets/presence.js";

/** Is notified of every exchange when its body is over; without listeners that costs one check. */
export interface AttemptListener {
  has(): boolean;
  /** Whether a listener asks for the phases, when the call is over. */
  keeps(): boolean;
  notify(exchange: Exchange, record: AttemptRecord): void;
  /** Is notified how every exchange ended, with or without listeners; null for a whole answer. */
  ended?(exchange: Exchange, code: FailureCode | null): void;
}

export function record(
  clock: Pick<Clock, "now">,
  listener: AttemptListener | null,
): Policy<TimedExchange, RecordedExchange> {
  const recorder: Holder<Exchange> = {
    known(exchange, outcome) {
      const { timeline, target } = exchange;
      const { openedAt, headAt, endAt } = timeline;
      // A small answer is whole before any listener is notified.
      exchange.record = recordOf(exchange, outcome, endAt >= 0 ? endAt : clock.now());
      note(exchange, exchange.record, listener?.keeps() === true);
      // After a redirect it may have been another host that answered; then there is no such moment.
      if (target.presence !== null && headAt >= 0) target.presence.answered(openedAt, headAt);
      return null;
    },
    over(exchange, ended) {
      const { target, record: first } = exchange;
      if (target.presence !== null && ended !== null) tellLoss(target.presence, exchange, ended);
      listener?.ended?.(exchange, ended);
      if (first === null) return;
      const last = ended === first.code ? first : corrected(exchange, first, ended, clock.now());
      if (listener?.has()) listener.notify(exchange, last);
    },
  };
  return {
    role: "record",
    settings: {},
    run(exchange, next) {
      const recorded = exchange as unknown as RecordedExchange;
      return Pending.of(next(recorded)).inform(recorder, exchange);
    },
  };
}

/** The body came to something else than the head: the record in the call is replaced. */
function corrected(
  { call, timeline }: Exchange,
  first: AttemptRecord,
  code: FailureCode | null,
  now: number,
): AttemptRecord {
  const { phase, startedAt, reused } = timeline;
  const last = { ...first, code, phase, reused, durationMs: now - startedAt };
  call.attempts = call.attempts.map((one) => (one === first ? last : one));
  return last;
}

/** Puts it among the attempts of its call. */
function note({ call, timeline }: Exchange, record: AttemptRecord, keepsTimeline: boolean): void {
  const { attempts } = call;
  // Who reads the last one means the one that counts, and a loser is known after who has won.
  const lost = record.code === "hedge_cancelled" && attempts.length > 0;
  const place = lost ? attempts.length - 1 : attempts.length;
  // A list of one as it is written has room for one; one that grows by itself, for seventeen.
  call.attempts = attempts.length === 0 ? [record] : attempts.toSpliced(place, 0, record);
  if (!keepsTimeline) return;
  if (call.timelines === null && place === 0) call.timelines = [timeline];
  else keepAt(call, timeline, place, lost);
}

function keepAt(call: Call, timeline: Timeline, place: number, lost: boolean): void {
  call.timelines ??= [];
  if (lost) call.timelines.splice(place, 0, timeline);
  else call.timelines[place] = timeline;
}

function tellLoss(presence: Presence, { call, timeline }: Exchange, code: FailureCode): void {
  presence.failed(code, { call, openedAt: timeline.openedAt, reused: timeline.reused });
}

function recordOf(
  { attempt, target, timeline }: Exchange,
  outcome: Outcome<unknown>,
  now: number,
): AttemptRecord {
  const { phase, startedAt, reused } = timeline;
  return {
    number: attempt.number,
    target: target.id,
    phase,
    code: failureOf(outcome)?.code ?? null,
    status: outcome.kind === "no_response" ? null : outcome.response.status,
    startedAt,
    durationMs: now - startedAt,
    reused,
  };
}
