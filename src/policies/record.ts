/**
 * Notes what every exchange came to in the record of its call, and tells whoever listens.
 *
 * Place: last. It sees exactly what the wire did.
 * Guarantee: the record has the exchange as soon as its head or its failure is known, so that the
 * answer's own diagnostics can name it; a body that breaks later corrects it.
 */
import type { Clock } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import type { AttemptRecord, Call } from "../core/call.js";
import { type Outcome, whenOver } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { Policy } from "../core/pipe.js";
import type { Timeline } from "../core/timeline.js";
import type { Exchange, RecordedExchange, TimedExchange } from "../targets/exchange.js";
import type { Presence } from "../targets/presence.js";

/** Is told about every exchange when its body is over; nobody listening costs one question. */
export interface AttemptListener {
  has(): boolean;
  /** Whether somebody wants to know of the phases, when the call is over. */
  keeps(): boolean;
  tell(exchange: Exchange, record: AttemptRecord): void;
  /** Is told how every exchange ended, whoever listens; null for a whole answer. */
  ended?(exchange: Exchange, code: FailureCode | null): void;
}

export function record(
  clock: Pick<Clock, "now">,
  listener: AttemptListener | null,
): Policy<TimedExchange, RecordedExchange> {
  return {
    role: "record",
    settings: {},
    run(exchange, next) {
      const coming = Pending.of(next(exchange as unknown as RecordedExchange));
      return coming.tell((outcome) => note(clock, listener, exchange, outcome));
    },
  };
}

function note(
  clock: Pick<Clock, "now">,
  listener: AttemptListener | null,
  exchange: Exchange,
  outcome: Outcome<unknown>,
): void {
  const { call, timeline } = exchange;
  const { attempts } = call;
  const code = outcome.kind === "success" ? null : outcome.failure.code;
  // A small answer is whole before anybody is told of it.
  const now = timeline.endAt >= 0 ? timeline.endAt : clock.now();
  const first = recordOf(exchange, outcome, code, now);
  // Who reads the last one means the one that counts, and a loser is known after who has won.
  const lost = code === "hedge_cancelled" && attempts.length > 0;
  const place = lost ? attempts.length - 1 : attempts.length;
  if (lost) attempts.splice(place, 0, first);
  else attempts.push(first);
  if (listener?.keeps()) {
    // One that is made with its first holds one; one that it is put into holds many.
    if (call.timelines === null && place === 0) call.timelines = [timeline];
    else keepAt(call, timeline, place, lost);
  }
  const { presence } = exchange.target;
  const { openedAt, headAt } = timeline;
  // After a redirect it may have been another host that answered; then there is no such moment.
  if (presence !== null && headAt >= 0) presence.answered(openedAt, headAt);
  whenOver(outcome, (ended) => {
    if (presence !== null && ended !== null) tellLoss(presence, exchange, ended);
    listener?.ended?.(exchange, ended);
    let last = first;
    if (ended !== code) {
      last = recordOf(exchange, outcome, ended, clock.now());
      attempts[attempts.indexOf(first)] = last;
    }
    if (listener?.has()) listener.tell(exchange, last);
  });
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
  code: FailureCode | null,
  now: number,
): AttemptRecord {
  return {
    number: attempt.number,
    target: target.id,
    phase: timeline.phase,
    code,
    status: outcome.kind === "no_response" ? null : outcome.response.status,
    startedAt: timeline.startedAt,
    durationMs: now - timeline.startedAt,
    reused: timeline.reused,
  };
}
