/**
 * Look-ups by getaddrinfo, for machines whose names come from more than files and DNS.
 *
 * libuv gives look-ups half of its threads, two by default; none can be cancelled, and those that
 * wait are served in order. So no more are begun than have a thread. Names that were answered
 * before come first, those that were not answered lately last and one at a time: twenty new names
 * without an answer delay all others by one of them, and not by ten.
 */
import dns from "node:dns";
import type { Clock } from "../../base/clock.js";
import { NAMES } from "../../catalog/defaults.js";
import { type NamedAddresses, reachable } from "./machine-names.js";

/** Before `slow` come `new` ones, of which nothing is known. */
type Rank = "answered" | "new" | "slow";
const RANKS: readonly Rank[] = ["answered", "new", "slow"];

const THREADS = Number(process.env["UV_THREADPOOL_SIZE"]) || 4;
const AT_ONCE = Math.max(1, Math.floor((THREADS + 1) / 2));

export class SystemNames {
  readonly #clock: Pick<Clock, "now">;
  /** By how the latest look-up ended; `slow` if it took long and came to nothing. */
  readonly #ranks = new Map<string, Rank>();
  readonly #waiting: Record<Rank, (() => void)[]> = { answered: [], new: [], slow: [] };
  #running = 0;
  #slowRuns = false;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  find(hostname: string): Promise<NamedAddresses> {
    const rank = this.#ranks.get(hostname) ?? "new";
    return new Promise((resolve, reject) => {
      this.#waiting[rank].push(() => {
        this.#running += 1;
        if (rank === "slow") this.#slowRuns = true;
        const ended = (): void => {
          this.#running -= 1;
          if (rank === "slow") this.#slowRuns = false;
          this.#next();
        };
        void this.#ask(hostname).then(resolve, reject).then(ended);
      });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running >= AT_ONCE) return;
    const rank = RANKS.find((one) => this.#waiting[one].length > 0);
    if (rank === undefined || (rank === "slow" && this.#slowRuns)) return;
    this.#waiting[rank].shift()?.();
    this.#next();
  }

  async #ask(hostname: string): Promise<NamedAddresses> {
    const startedAt = this.#clock.now();
    try {
      const addresses = await dns.promises.lookup(hostname, { all: true });
      this.#note(hostname, "answered");
      return { addresses: reachable(addresses), ttlMs: 0 };
    } catch (error) {
      const isSlow = this.#clock.now() - startedAt >= NAMES.slowMs;
      this.#note(hostname, isSlow ? "slow" : "answered");
      throw error;
    }
  }

  #note(hostname: string, rank: Rank): void {
    if (this.#ranks.size >= NAMES.namesMax) this.#ranks.clear();
    this.#ranks.set(hostname, rank);
  }
}
