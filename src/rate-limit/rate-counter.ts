/**
 * Counts a limit in one of three ways: leased, exact or divided.
 *
 * Guarantee: who is known to be over the limit is refused without asking anybody; where the store
 * does not answer, each member grants its part of the limit and no more; a request waits for the
 * store at most once its deadline, and never while the store is known to be away.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../base/clock.js";
import type { CountMode } from "../catalog/options/rate-limit.js";
import { RATE_LIMIT } from "../catalog/rate-limit-defaults.js";
import {
  type RateDecision,
  type RateRule,
  type RateTaken,
  roomIn,
  shareOf,
  waitFor,
} from "./gcra.js";
import type { GuardedStore } from "./guarded-store.js";
import { KeyTable } from "./key-table.js";
import { Lease } from "./lease.js";
import { LocalRates } from "./store.js";

export interface CounterParts {
  readonly clock: Pick<Clock, "now" | "after">;
  readonly mode: CountMode;
  /** Null where this process counts alone. */
  readonly store: GuardedStore | null;
  readonly keysMax: number;
  /** By which its members know each other. */
  readonly name: string;
  /** Members at least. */
  readonly members: () => number;
}

export class RateCounter {
  readonly #parts: CounterParts;
  /** What this process grants by itself. */
  readonly #own: LocalRates;
  /** What is known of the store's count: at least this much. */
  readonly #leases: KeyTable<Lease>;
  /** Those that hold units, which go back when they are not used. */
  readonly #holding = new Set<Lease>();
  /** Names this counter among the members. */
  readonly #member = `${process.pid}-${randomBytes(6).toString("hex")}`;
  /** Members as the store knows them. */
  #told = 1;
  #presence: Timer | null = null;
  #sweep: Timer | null = null;
  #closed = false;

  constructor(parts: CounterParts) {
    this.#parts = parts;
    this.#own = new LocalRates(parts.clock, parts.keysMax);
    this.#leases = new KeyTable(parts.keysMax);
  }

  get keys(): number {
    return Math.max(this.#own.keys, this.#leases.size);
  }

  get members(): number {
    return Math.max(this.#told, this.#parts.members());
  }

  take(key: string, cost: number, rule: RateRule): RateDecision | Promise<RateDecision> {
    const { store, mode } = this.#parts;
    if (store === null) return this.#alone(key, cost, rule);
    this.#announce(store);
    if (mode === "divided") return this.#alone(key, cost, rule);
    const lease = this.#leaseOf(key);
    if (mode === "leased" && lease.use(cost, this.#parts.clock.now())) {
      if (lease.isLow) this.#renew(store, key, lease, rule);
      return this.#granted(lease, rule);
    }
    const known = lease.backlogMs(this.#parts.clock.now());
    // The store's count only grows by what others take.
    if (store.store.whole !== true && roomIn(rule, known) < cost) {
      return refusal(rule, known, cost);
    }
    return mode === "exact"
      ? this.#exact(store, key, lease, cost, rule)
      : this.#leased(store, key, lease, cost, rule);
  }

  close(): void {
    this.#closed = true;
    this.#presence?.cancel();
    this.#sweep?.cancel();
  }

  #leaseOf(key: string): Lease {
    let lease = this.#leases.get(key);
    if (lease === undefined) {
      lease = new Lease();
      this.#leases.set(key, lease);
    }
    return lease;
  }

  /** By the part of this member. */
  #alone(key: string, cost: number, rule: RateRule, leastMs = 0): RateDecision {
    const { members } = this;
    const share = members === 1 ? rule : shareOf(rule, members);
    const { granted, backlogMs } = this.#own.take(key, cost, share, false, leastMs);
    if (granted < cost) return refusal(share, backlogMs, cost);
    const remaining = roomIn(share, backlogMs);
    return { allowed: true, remaining, retryAfterMs: 0, resetMs: backlogMs };
  }

  #withoutStore(key: string, lease: Lease, cost: number, rule: RateRule): RateDecision {
    // What the store had counted is not granted a second time.
    return this.#alone(key, cost, rule, lease.backlogMs(this.#parts.clock.now()));
  }

  #exact(
    store: GuardedStore,
    key: string,
    lease: Lease,
    cost: number,
    rule: RateRule,
  ): RateDecision | Promise<RateDecision> {
    const asked = store.take(key, cost, rule, false);
    if (asked === null) return this.#withoutStore(key, lease, cost, rule);
    return asked.then((taken) => {
      if (taken === null) return this.#withoutStore(key, lease, cost, rule);
      lease.learn(taken, this.#parts.clock.now());
      if (taken.granted < cost) return refusal(rule, taken.backlogMs, cost);
      return this.#granted(lease, rule);
    });
  }

  #granted(lease: Lease, rule: RateRule): RateDecision {
    const now = this.#parts.clock.now();
    const backlogMs = lease.backlogMs(now);
    const remaining = lease.left(now) + roomIn(rule, backlogMs);
    return { allowed: true, remaining, retryAfterMs: 0, resetMs: backlogMs };
  }

  /** Several requests for one key wait for one answer. */
  #leased(
    store: GuardedStore,
    key: string,
    lease: Lease,
    cost: number,
    rule: RateRule,
  ): RateDecision | Promise<RateDecision> {
    if (!store.up) {
      // It makes a trial of its own.
      store.take(key, 0, rule, true);
      return this.#withoutStore(key, lease, cost, rule);
    }
    return new Promise((resolve) => {
      lease.waiting.push({ cost, resolve });
      if (!lease.asking) this.#ask(store, key, lease, rule);
    });
  }

  #ask(store: GuardedStore, key: string, lease: Lease, rule: RateRule): void {
    const waiting = lease.waiting.splice(0);
    const wanted = waiting.reduce((sum, { cost }) => sum + cost, 0);
    const units = Math.max(wanted, lease.block(this.#blockMax(rule)));
    lease.asking = true;
    const settle = (taken: RateTaken | null): void => {
      lease.asking = false;
      const now = this.#parts.clock.now();
      if (taken !== null) {
        lease.learn(taken, now);
        lease.hold(taken.granted, now, this.#leaseMs(rule));
      }
      for (const { cost, resolve } of waiting) {
        if (taken === null) resolve(this.#withoutStore(key, lease, cost, rule));
        else if (lease.use(cost, now)) resolve(this.#granted(lease, rule));
        else resolve(refusal(rule, Math.max(taken.backlogMs, 0), cost));
      }
      this.#keep(store, key, lease, rule);
      if (lease.waiting.length > 0) this.#ask(store, key, lease, rule);
    };
    const asked = store.take(key, units, rule, true);
    if (asked === null) settle(null);
    else void asked.then(settle);
  }

  /** Before a block is used up, so that those that come next need not wait. */
  #renew(store: GuardedStore, key: string, lease: Lease, rule: RateRule): void {
    if (lease.asking || !store.up) return;
    const now = this.#parts.clock.now();
    if (roomIn(rule, lease.backlogMs(now)) > 0) this.#ask(store, key, lease, rule);
  }

  #blockMax({ unitMs, burstMs }: RateRule): number {
    return Math.floor((burstMs / unitMs) * (RATE_LIMIT.leasedShare / this.members));
  }

  #leaseMs({ burstMs }: RateRule): number {
    return Math.max(RATE_LIMIT.leaseMsMin, Math.min(RATE_LIMIT.leaseMs, burstMs / 10));
  }

  /** Gives back what is not used in time. */
  #keep(store: GuardedStore, key: string, lease: Lease, rule: RateRule): void {
    if (lease.held === 0 || this.#closed) return;
    lease.giveBack = (units) => store.giveBack(key, units, rule);
    this.#holding.add(lease);
    this.#planSweep(this.#leaseMs(rule));
  }

  #planSweep(ms: number): void {
    if (this.#sweep !== null) return;
    this.#sweep = this.#parts.clock.after(ms, () => {
      this.#sweep = null;
      const now = this.#parts.clock.now();
      for (const lease of this.#holding) {
        if (lease.left(now) > 0) continue;
        lease.expire();
        this.#holding.delete(lease);
      }
      if (this.#holding.size > 0 && !this.#closed) this.#planSweep(ms);
    });
    this.#sweep.unref();
  }

  /** Says now and then that this process takes part. */
  #announce(store: GuardedStore): void {
    if (this.#presence !== null || this.#closed) return;
    const { clock, name } = this.#parts;
    const announce = (ms: number): void => {
      void store.members(name, this.#member).then((count) => {
        if (count !== null) this.#told = count;
      });
      this.#presence = clock.after(ms, () => {
        if (!this.#closed) announce(RATE_LIMIT.presenceMs);
      });
      this.#presence.unref();
    };
    // Soon again: members that start together do not see each other at first.
    announce(RATE_LIMIT.presenceMs / 10);
  }
}

function refusal(rule: RateRule, backlogMs: number, cost: number): RateDecision {
  const retryAfterMs = waitFor(rule, backlogMs, cost);
  return { allowed: false, remaining: roomIn(rule, backlogMs), retryAfterMs, resetMs: backlogMs };
}
