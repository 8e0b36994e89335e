/**
 * Bounds the phases of an exchange: connecting, waiting for the answer's head, silence inside a
 * body, the length of a body.
 *
 * Place: below the breaker, so that a timeout counts against the target; around the wire only, so
 * that waiting for a place and for a repeat are none of its business. Guarantee: exact to a few
 * milliseconds, and never false: a timer that fires waits until the event loop has polled, and if
 * the answer lay in the socket's buffer all the time, it wins. Not here: the total deadline, which
 * spans attempts.
 */
import type { Clock, Timer } from "../base/clock.js";
import { SELF } from "../catalog/defaults.js";
import type { Phase } from "../catalog/failures.js";
import type { CutBy } from "../core/cancellation.js";
import { NEVER } from "../core/deadline.js";
import type { Policy } from "../core/pipe.js";
import type { ExchangeWatch, GuardedExchange, TimedExchange } from "../targets/exchange.js";
import { ClientPace } from "./client-pace.js";

/** Milliseconds; Infinity for no limit. */
export interface AttemptTimeouts {
  readonly connectMs: number;
  readonly responseMs: number;
  readonly idleMs: number;
  readonly bodyMs: number;
}

/** Told when an answer that was in the socket all along was saved from a late timer. */
export type StallSaved = (exchange: TimedExchange) => void;

export function attemptTimeout(
  clock: Clock,
  timeouts: AttemptTimeouts,
  onStallSaved: StallSaved | null = null,
): Policy<GuardedExchange, TimedExchange> {
  return {
    role: "attempt_timeout",
    settings: { ...timeouts },
    run(exchange, next) {
      const timed = exchange as unknown as TimedExchange;
      const overrides = exchange.call.overrides?.timeouts;
      const limits = overrides === undefined ? timeouts : { ...timeouts, ...overrides };
      timed.watch = new PhaseWatch(clock, timed, limits, onStallSaved);
      timed.watch.phase("connect", timed.timeline.startedAt);
      return next(timed);
    },
  };
}

// A class, since one is made for every exchange. It keeps one timer at the most and moves only the
// moment that is meant: most exchanges are over before it fires, and a timer costs more than a
// number.
class PhaseWatch implements ExchangeWatch {
  readonly #clock: Clock;
  readonly #exchange: TimedExchange;
  readonly #limits: AttemptTimeouts;
  readonly #onStallSaved: StallSaved | null;
  #timer: Timer | null = null;
  #bodyTimer: Timer | null = null;
  /** For clients that are slow; most are not, and then there is none. */
  #pace: ClientPace | null = null;
  #group: TimedGroup | null = null;
  #dueAt = NEVER;
  #firesAt = NEVER;
  /** Counts whatever shows that the exchange moves; a timer that fires compares. */
  #moves = 0;

  constructor(
    clock: Clock,
    exchange: TimedExchange,
    limits: AttemptTimeouts,
    onStallSaved: StallSaved | null,
  ) {
    this.#clock = clock;
    this.#exchange = exchange;
    this.#limits = limits;
    this.#onStallSaved = onStallSaved;
  }

  phase(phase: Phase, now: number): void {
    this.#moves += 1;
    const group = GROUPS[phase];
    if (phase === "receive") this.#startBodyTimer();
    if (phase === "send") this.#watchUpload(now);
    else this.#pace?.sent();
    // Resolving, connecting and securing share one limit, so a change among them changes nothing.
    if (group === "connectMs" && group === this.#group) return;
    this.#group = group;
    this.#due(now, this.#limits[group]);
  }

  progress(): void {
    this.#moves += 1;
    if (this.#group === "idleMs") this.#dueAt = this.#clock.now() + this.#limits.idleMs;
  }

  clientBehind(isBehind: boolean): void {
    if (this.#pace === null && isBehind) this.#pace = this.#newPace();
    this.#pace?.behind(isBehind);
  }

  ended(): void {
    this.#group = null;
    this.#pace?.stop();
    this.#moves += 1;
    this.#timer?.cancel();
    this.#timer = null;
    this.#bodyTimer?.cancel();
    this.#bodyTimer = null;
  }

  #watchUpload(now: number): void {
    const { body } = this.#exchange.request;
    if (body === null || body.complete) return;
    this.#pace ??= this.#newPace();
    this.#pace?.sending(now);
  }

  #newPace(): ClientPace | null {
    const limits = this.#exchange.request.clientPace ?? null;
    if (limits === null) return null;
    return new ClientPace(this.#clock, this.#exchange, limits, () => this.#cut("timeout"));
  }

  #due(now: number, ms: number): void {
    this.#dueAt = now + ms;
    // A timer that fires too early asks again; only one that would fire too late is replaced.
    if (this.#timer !== null && this.#firesAt <= this.#dueAt) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#wake(now);
  }

  #wake(now: number): void {
    if (this.#dueAt === NEVER) return;
    this.#firesAt = this.#dueAt;
    this.#timer = this.#clock.after(this.#dueAt - now, this.#onTimer, now);
  }

  #startBodyTimer(): void {
    const { bodyMs } = this.#limits;
    if (bodyMs === NEVER) return;
    this.#bodyTimer = this.#clock.after(bodyMs, () => this.#cut("body_timeout"));
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    const now = this.#clock.now();
    if (this.#dueAt - now > EARLY_MS) this.#wake(now);
    else this.#onDue(now - this.#dueAt);
  };

  #onDue(lateMs: number): void {
    const moves = this.#moves;
    // Timers run before the loop polls: what we wait for may lie in the socket's buffer already.
    this.#clock.turn(() =>
      this.#clock.turn(() => {
        if (this.#moves === moves) {
          this.#exchange.timeline.stalledMs = lateMs;
          this.#cut("timeout");
          return;
        }
        if (lateMs >= SELF.stallMs && this.#isAnswered()) this.#onStallSaved?.(this.#exchange);
        if (this.#group !== null && this.#timer === null) this.#wake(this.#clock.now());
      }),
    );
  }

  /** Whatever moved it was no end without an answer. */
  #isAnswered(): boolean {
    return this.#group !== null || this.#exchange.timeline.headAt >= 0;
  }

  #cut(by: CutBy): void {
    const { timeline, request, cancellation } = this.#exchange;
    timeline.waitsForClient = request.body?.waitsForSource ?? false;
    cancellation.cut(by);
  }
}

/** Node's timers count whole milliseconds and may fire a fraction before their time. */
const EARLY_MS = 1;

type TimedGroup = "connectMs" | "responseMs" | "idleMs";

const GROUPS: Readonly<Record<Phase, TimedGroup>> = {
  admit: "connectMs",
  queue: "connectMs",
  resolve: "connectMs",
  connect: "connectMs",
  secure: "connectMs",
  send: "idleMs",
  wait: "responseMs",
  receive: "idleMs",
};
