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
import { OwnTimer } from "../base/shared-timers.js";
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
  readonly tunnelIdleMs: number;
  readonly bodyMs: number;
}

/** Called when an answer that was in the socket all along was saved from a late timer. */
export type StallSaved = (exchange: TimedExchange) => void;

export function attemptTimeout(
  clock: Clock,
  timeouts: AttemptTimeouts,
  onStallSaved: StallSaved | null = null,
): Policy<GuardedExchange, TimedExchange> {
  const usual: Terms = { clock, limits: timeouts, onStallSaved };
  return {
    role: "attempt_timeout",
    settings: { ...timeouts },
    run(exchange, next) {
      const timed = exchange as unknown as TimedExchange;
      const overrides = exchange.call.overrides?.timeouts;
      const terms =
        overrides === undefined ? usual : { ...usual, limits: { ...timeouts, ...overrides } };
      timed.watch = new PhaseWatch(terms, timed);
      timed.watch.phase("connect", timed.timeline.startedAt);
      return next(timed);
    },
  };
}

/** What the watches of an upstream share. */
interface Terms {
  readonly clock: Clock;
  readonly limits: AttemptTimeouts;
  readonly onStallSaved: StallSaved | null;
}

// A class, since one is made for every exchange. It is its own timer, at most one, and moves only
// the moment that is meant: most exchanges are over before it fires, and a timer costs more than a
// number.
class PhaseWatch extends OwnTimer implements ExchangeWatch {
  private readonly terms: Terms;
  private readonly exchange: TimedExchange;
  private bodyTimer: Timer | null = null;
  /** For clients that are slow; most are not, and then there is none. */
  private pace: ClientPace | null = null;
  private group: TimedGroup | null = null;
  /** The body of the request is on its way, and the call does not wait. */
  private uploading = false;
  /** The moment that is meant; the timer may fire sooner, and asks again. */
  private endsAt = NEVER;
  /** Counts whatever shows that the exchange moves; a timer that fires compares. */
  private moves = 0;
  /** A stall has used up the time of a connection: what still went on had none. */
  private robbed = false;

  constructor(terms: Terms, exchange: TimedExchange) {
    super();
    this.terms = terms;
    this.exchange = exchange;
  }

  phase(phase: Phase, now: number): void {
    this.moves += 1;
    const { limits } = this.terms;
    const { request, timeline } = this.exchange;
    const { tunnel } = timeline;
    const group = phase === "receive" && tunnel === "open" ? "tunnelIdleMs" : GROUPS[phase];
    const hasEnd = phase === "receive" && tunnel === "none";
    if (hasEnd && limits.bodyMs !== NEVER) this.startBodyTimer(limits.bodyMs);
    const { body } = request;
    if (phase !== "send") {
      if (this.uploading) this.uploaded(now);
    } else if (body !== null) this.watchUpload(now, body.complete);
    // Resolving, connecting and securing share one limit, so a change among them changes nothing.
    if (group === "connectMs" && group === this.group) return;
    this.group = group;
    const limit = limits[group];
    const { impatience } = this.exchange;
    if (group !== "responseMs" || impatience === null || impatience.ms >= limit) {
      this.expect(now, limit);
      return;
    }
    timeline.doubted = impatience.stale;
    this.expect(now, impatience.ms);
  }

  progress(): void {
    this.moves += 1;
    if (this.group !== "idleMs" && this.group !== "tunnelIdleMs") return;
    const { clock, limits } = this.terms;
    this.endsAt = clock.now() + limits[this.group];
  }

  clientBehind(isBehind: boolean): void {
    if (this.pace === null && isBehind) this.pace = this.newPace();
    this.pace?.behind(isBehind);
  }

  ended(): void {
    this.group = null;
    if (this.uploading) this.uploaded(this.terms.clock.now());
    this.pace?.stop();
    this.moves += 1;
    this.unset();
    this.bodyTimer?.cancel();
    this.bodyTimer = null;
  }

  private watchUpload(now: number, isHere: boolean): void {
    if (!this.uploading) this.exchange.call.timeLimit?.pause(now);
    this.uploading = true;
    // Of what is here already the client keeps nothing back.
    if (isHere) return;
    this.pace ??= this.newPace();
    this.pace?.sending(now);
  }

  private uploaded(now: number): void {
    this.pace?.sent();
    this.exchange.call.timeLimit?.resume(now);
    this.uploading = false;
  }

  private newPace(): ClientPace | null {
    const limits = this.exchange.request.clientPace ?? null;
    if (limits === null) return null;
    return new ClientPace(this.terms.clock, this.exchange, limits, () => this.cut("timeout"));
  }

  private expect(now: number, ms: number): void {
    const endsAt = now + ms;
    this.endsAt = endsAt;
    // A timer that fires too early asks again; only one that would fire too late is replaced.
    if (this.keeper !== null && this.dueAt <= endsAt) return;
    if (ms === NEVER) this.unset();
    else this.set(this.terms.clock, ms, now);
  }

  private startBodyTimer(bodyMs: number): void {
    this.bodyTimer = this.terms.clock.after(bodyMs, () => this.cut("body_timeout"));
  }

  due(): void {
    const now = this.terms.clock.now();
    if (this.endsAt - now > EARLY_MS) this.expect(now, this.endsAt - now);
    else this.onDue(now - this.endsAt);
  }

  private onDue(lateMs: number): void {
    const moves = this.moves;
    const { clock, onStallSaved } = this.terms;
    // Timers run before the loop polls: what we wait for may lie in the socket's buffer already.
    clock.turn(() =>
      clock.turn(() => {
        if (this.moves === moves) {
          this.exchange.timeline.stalledMs = this.isOwnDelay(lateMs) ? lateMs : 0;
          this.cut("timeout");
          return;
        }
        this.robbed ||= lateMs >= SELF.stallMs;
        if (lateMs >= SELF.stallMs && this.isAnswered()) onStallSaved?.(this.exchange);
        if (this.group === null || this.keeper !== null) return;
        const now = clock.now();
        this.expect(now, this.endsAt - now);
      }),
    );
  }

  /** A target that stayed silent for its time is to blame, though our timer was a little late. */
  private isOwnDelay(lateMs: number): boolean {
    if (this.robbed || this.group === null) return true;
    return lateMs >= this.terms.limits[this.group] * SELF.stallShare;
  }

  /** Whatever moved it was no end without an answer. */
  private isAnswered(): boolean {
    return this.group !== null || this.exchange.timeline.headAt >= 0;
  }

  private cut(by: CutBy): void {
    const { timeline, request, cancellation } = this.exchange;
    timeline.waitsForClient = request.body?.waitsForSource ?? false;
    cancellation.cut(by);
  }
}

/** Node's timers count whole milliseconds and may fire a fraction before their time. */
const EARLY_MS = 1;

type TimedGroup = "connectMs" | "responseMs" | "idleMs" | "tunnelIdleMs";

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
