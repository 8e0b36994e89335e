/**
 * The connections to one target that are at rest, and which of them are believed in.
 *
 * A firewall or a NAT forgets connections without a word to either side, most often all that rest.
 * When one that had served before stays silent, those that have rested since before are doubted:
 * none of them is handed out while a new one can be opened, and they are closed when a new one
 * answers. Who has rested for long is given less time to answer, where that costs a repeat only.
 */
import { EJECTION, POOL } from "../catalog/defaults.js";
import type { FailureCode } from "../catalog/failures.js";
import { whyNotRepeat } from "../core/repeat.js";
import type { Exchange } from "../targets/exchange.js";
import type { Connection } from "./connection.js";

/** How a kept connection ends that nobody answers on any more. */
const SILENT: ReadonlySet<FailureCode | null> = new Set<FailureCode>([
  "stale_connection",
  "http_response_timeout",
  "connection_write_timeout",
]);

/** Whether the attempt before was lost by a kept connection: then the next one takes a new one. */
export function needsNew({ call }: Exchange): boolean {
  const last = call.attempts.at(-1);
  return last?.reused === true && SILENT.has(last.code);
}

/** The newest on top: it is the least likely to have been closed meanwhile. */
export class RestingConnections {
  readonly #resting: Connection[] = [];
  /** What has rested since before this moment is doubted. */
  #doubtedAt = Number.NEGATIVE_INFINITY;
  /** What an answer takes, and how far answers are from that, both as moving means. */
  #usualMs = Number.NaN;
  #deviationMs = 0;

  get count(): number {
    return this.#resting.length;
  }

  put(connection: Connection): void {
    this.#resting.push(connection);
  }

  /** Whether `take` has one; those that have died are forgotten. */
  hasLiving(): boolean {
    while (this.#resting.at(-1)?.alive === false) this.#resting.pop();
    const newest = this.#resting.at(-1);
    return newest !== undefined && !this.#isDoubted(newest);
  }

  take(): Connection | null {
    return this.hasLiving() ? (this.#resting.pop() ?? null) : null;
  }

  /** One of those that are doubted. */
  takeAny(): Connection | null {
    return this.#resting.pop() ?? null;
  }

  forget(connection: Connection): void {
    const at = this.#resting.indexOf(connection);
    if (at !== -1) this.#resting.splice(at, 1);
  }

  destroyAll(): void {
    for (const connection of this.#resting.splice(0)) connection.destroy();
  }

  /** An exchange takes a connection that has served before. */
  began(exchange: Exchange, connection: Connection, now: number): void {
    if (connection.restedAt < 0 || now - connection.restedAt < POOL.restedMs) return;
    if (exchange.attempt.further < 1 || whyNotRepeat(exchange.request, STALE) !== null) return;
    const usualMs = this.#usualMs + EJECTION.silenceDeviations * this.#deviationMs;
    const ms = Math.max(POOL.restedSilenceMs, EJECTION.silenceFactor * usualMs);
    exchange.impatience = { ms, stale: true };
  }

  /** An exchange is over. */
  ended({ timeline, cancellation }: Exchange): void {
    const { sendAt, waitAt, headAt, openedAt, reused } = timeline;
    if (headAt >= 0) {
      this.#observe(headAt - Math.max(sendAt, waitAt));
      if (openedAt >= this.#doubtedAt) this.#closeDoubted();
    } else if (reused && cancellation.by === "timeout" && timeline.headBytes === 0) {
      this.#doubtedAt = sendAt;
    }
  }

  #isDoubted({ openedAt, restedAt }: Connection): boolean {
    return Math.max(openedAt, restedAt) < this.#doubtedAt;
  }

  #closeDoubted(): void {
    if (this.#resting.length === 0 || !this.#isDoubted(this.#resting[0] as Connection)) return;
    for (const connection of [...this.#resting]) {
      if (this.#isDoubted(connection)) connection.destroy();
    }
  }

  // RFC 6298 §2: a moving mean and a moving mean deviation, the first answer sets both.
  #observe(ms: number): void {
    if (Number.isNaN(this.#usualMs)) {
      this.#usualMs = ms;
      this.#deviationMs = ms / 2;
      return;
    }
    const off = ms - this.#usualMs;
    this.#deviationMs += EJECTION.usualDeviationGain * (Math.abs(off) - this.#deviationMs);
    this.#usualMs += EJECTION.usualGain * off;
  }
}

const STALE = { code: "stale_connection" } as const;
