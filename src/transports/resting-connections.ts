/**
 * The connections to one target that are at rest, and which of them are believed in.
 *
 * A firewall or a NAT forgets connections without a word to either side, most often all that rest;
 * some reset what comes later. When one that had served before stays silent or is reset, those that
 * have rested since before are doubted: none of them is handed out while a new one can be opened,
 * and they are closed when a new one answers. Who has rested for long is given less time to answer,
 * where that costs a repeat only.
 */
import { EJECTION, POOL } from "../catalog/defaults.js";
import { hasTrait } from "../catalog/failures.js";
import type { CutBy } from "../core/cancellation.js";
import { whyNotRepeat } from "../core/repeat.js";
import type { Timeline } from "../core/timeline.js";
import type { Exchange } from "../targets/exchange.js";
import type { Connection } from "./connection.js";

/** Whether the attempt before was lost by a kept connection: then the next one takes a new one. */
export function needsNew({ call }: Exchange): boolean {
  const last = call.attempts.at(-1);
  return last?.reused === true && hasTrait(last.code, "silent");
}

/** The newest on top: it is the least likely to have been closed meanwhile. */
export class RestingConnections {
  readonly list: Connection[] = [];
  /** What has rested since before this moment is doubted. */
  #doubtedAt = Number.NEGATIVE_INFINITY;
  /**
   * What an answer takes, and how far answers are from that, both as moving means. An array of
   * numbers, since a field would make a new one for each answer; null before the first.
   */
  #usual: Float64Array | null = null;
  #answers = 0;

  /** Whether `take` has one; those that have died are forgotten. */
  hasLiving(): boolean {
    while (this.list.at(-1)?.alive === false) this.list.pop();
    const newest = this.list.at(-1);
    return newest !== undefined && !this.#isDoubted(newest);
  }

  take(): Connection | null {
    return this.hasLiving() ? (this.list.pop() ?? null) : null;
  }

  /** One of those that are doubted. */
  takeAny(): Connection | null {
    return this.list.pop() ?? null;
  }

  forget(connection: Connection): void {
    const at = this.list.indexOf(connection);
    if (at !== -1) this.list.splice(at, 1);
  }

  /** Ends those that were opened before this moment. */
  dropOlder(openedAt: number): void {
    for (const connection of [...this.list]) {
      if (connection.openedAt < openedAt) connection.destroy();
    }
    for (let at = this.list.length - 1; at >= 0; at -= 1) {
      if (this.list[at]?.alive === false) this.list.splice(at, 1);
    }
  }

  destroyAll(): void {
    for (const connection of this.list.splice(0)) connection.destroy();
  }

  /** An exchange takes a connection that has served before. */
  began(exchange: Exchange, connection: Connection): void {
    const now = exchange.timeline.startedAt;
    if (connection.restedAt < 0 || now - connection.restedAt < POOL.restedMs) return;
    if (exchange.attempt.further < 1 || whyNotRepeat(exchange.request, STALE) !== null) return;
    const [meanMs = 0, deviationMs = 0] = this.#usual ?? [];
    const usualMs = meanMs + EJECTION.silenceDeviations * deviationMs;
    const ms = Math.max(POOL.restedSilenceMs, EJECTION.silenceFactor * usualMs);
    exchange.impatience = { ms, stale: true };
  }

  /** An exchange is over. */
  ended({ timeline, cancellation }: Exchange): void {
    if (timeline.headAt >= 0) {
      this.#answers = (this.#answers + 1) % ANSWERS_PER_LOOK;
      if (this.#usual === null) this.#usual = firstOf(timeline);
      else if (this.#answers === 0) observe(this.#usual, timeline);
      if (timeline.openedAt >= this.#doubtedAt) this.#closeDoubted();
    } else if (timeline.reused && timeline.headBytes === 0 && PEERS.has(cancellation.by)) {
      this.#doubtedAt = timeline.sendAt;
    }
  }

  #isDoubted({ openedAt, restedAt }: Connection): boolean {
    return Math.max(openedAt, restedAt) < this.#doubtedAt;
  }

  #closeDoubted(): void {
    if (this.list.length === 0 || !this.#isDoubted(this.list[0] as Connection)) return;
    for (const connection of [...this.list]) {
      if (this.#isDoubted(connection)) connection.destroy();
    }
  }
}

/** Who has ended an exchange, where its peer had a part in it: by silence, or by a reset. */
const PEERS: ReadonlySet<CutBy | null> = new Set<CutBy | null>(["timeout", null]);

/** Every one of so many is looked at: reckoning costs more than to pass one by. */
const ANSWERS_PER_LOOK = 16;

// RFC 6298 §2: a moving mean and a moving mean deviation, the first answer sets both.
function firstOf({ sendAt, waitAt, headAt }: Timeline): Float64Array {
  const ms = headAt - Math.max(sendAt, waitAt);
  return Float64Array.of(ms, ms / 2);
}

function observe(usual: Float64Array, { sendAt, waitAt, headAt }: Timeline): void {
  const mean = usual[0] as number;
  const deviation = usual[1] as number;
  const off = headAt - Math.max(sendAt, waitAt) - mean;
  usual[0] = mean + EJECTION.usualGain * off;
  usual[1] = deviation + EJECTION.usualDeviationGain * (Math.abs(off) - deviation);
}

const STALE = { code: "stale_connection" } as const;
