/**
 * Look-ups by getaddrinfo, for machines whose names come from more than files and DNS.
 *
 * libuv gives look-ups half of its threads, two by default, and none can be cancelled. So names
 * that were not answered lately are asked for one at a time, whoever waits for them.
 */
import dns from "node:dns";
import type { Clock } from "../../base/clock.js";
import { NAMES } from "../../catalog/defaults.js";
import { type NamedAddresses, reachable } from "./machine-names.js";

export class SystemNames {
  readonly #clock: Pick<Clock, "now">;
  /** Names whose latest look-up took long and came to nothing. */
  readonly #slow = new Set<string>();
  #slowOnes: Promise<unknown> = Promise.resolve();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  find(hostname: string): Promise<NamedAddresses> {
    if (!this.#slow.has(hostname)) return this.#ask(hostname);
    const turn = this.#slowOnes.then(() => this.#ask(hostname));
    this.#slowOnes = turn.catch(() => {});
    return turn;
  }

  async #ask(hostname: string): Promise<NamedAddresses> {
    const startedAt = this.#clock.now();
    try {
      const addresses = await dns.promises.lookup(hostname, { all: true });
      this.#slow.delete(hostname);
      return { addresses: reachable(addresses), ttlMs: 0 };
    } catch (error) {
      if (this.#clock.now() - startedAt >= NAMES.slowMs) this.#slow.add(hostname);
      else this.#slow.delete(hostname);
      if (this.#slow.size > NAMES.namesMax) this.#slow.clear();
      throw error;
    }
  }
}
