/**
 * `outgoingQuota`: keeps what is sent to an upstream within a quota of its API, for one process or
 * for all that share a store.
 *
 * Guarantee: no window of that length has more than `limit`: what is left of it after the burst
 * comes back evenly.
 */

import type { Clock } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import type { KeyOfRequests, OptionsOf } from "../catalog/options/option.js";
import { QUOTA_OPTIONS } from "../catalog/options/rate-limit.js";
import type { CallerKey } from "../policies/caller-shares.js";
import type { Quota, QuotaCounter } from "../policies/quota.js";
import type { GatewayEvents } from "../records/events.js";
import type { RateLimitState, RateLimitStates } from "../records/rate-limits.js";
import type { FleetMembership } from "../targets/fleet-link.js";
import type { RateDecision } from "./gcra.js";
import { type RateRule, ruleOf } from "./gcra.js";
import { GuardedStore } from "./guarded-store.js";
import { type ReadCounting, readCounting, reading } from "./limit-options.js";
import { LimitTally } from "./limit-tally.js";
import { RateCounter } from "./rate-counter.js";
import type { RateStore } from "./store.js";

type Literals = Omit<OptionsOf<typeof QUOTA_OPTIONS>, "limit" | "windowMs" | "store" | "by">;

export interface OutgoingQuotaOptions extends Literals {
  /** Requests per window, as the API allows them. */
  readonly limit: number;
  /** Milliseconds of the window. */
  readonly windowMs: number;
  /** What the API counts by. Default: one quota for all. */
  readonly by?: KeyOfRequests;
  /** Counts for several processes, such as `redisStore(client)`. Default: this process alone. */
  readonly store?: RateStore;
}

interface ReadQuota extends ReadCounting {
  readonly queueMax: number;
  readonly queueMs: number;
  readonly by?: CallerKey;
}

interface Parts {
  readonly clock: Clock;
  readonly events: Emitter<GatewayEvents>;
  readonly rateLimits: RateLimitStates;
  readonly upstream: string;
  readonly waiting: () => number;
  readonly fleet: FleetMembership | null;
}

/** For `quota` of an upstream. */
export function outgoingQuota(options: OutgoingQuotaOptions): Quota {
  const read = reading((findings) => {
    const counting = readCounting(findings, Object(options), QUOTA_OPTIONS, []);
    const { limit, burst = Math.max(1, Math.floor(limit / 10)) } = counting;
    return { ...counting, burst } as ReadQuota;
  });
  const { limit, windowMs, burst, queueMax, queueMs, count, members, by = null } = read;
  const store = read.store?.kind ?? "memory";
  const settings = { limit, windowMs, burst, count, members, store, ...(by && { by: by.by }) };
  return {
    settings: () => settings,
    queue: () => ({ queueMax, queueMs }),
    callers: () => by,
    count: (parts: Parts) => new OutgoingCounter(parts, read),
  };
}

/** As many at once as `burst`, and the rest over the window; one a window where that is all. */
function strictRule({ limit, windowMs, burst }: ReadCounting): RateRule {
  const { unitMs } = ruleOf(Math.max(1, limit - burst), windowMs, 1);
  return { unitMs, burstMs: unitMs * (burst === limit ? 1 : burst) };
}

class OutgoingCounter implements QuotaCounter {
  readonly #parts: Parts;
  readonly #read: ReadQuota;
  readonly #rule: RateRule;
  readonly #name: string;
  readonly #store: GuardedStore | null;
  readonly #counter: RateCounter;
  readonly #tally = new LimitTally();

  constructor(parts: Parts, read: ReadQuota) {
    const { clock, events, upstream } = parts;
    const { store, storeMs, count: mode, keysMax, members } = read;
    this.#parts = parts;
    this.#read = read;
    this.#rule = strictRule(read);
    const name = read.name === "" ? upstream : read.name;
    this.#name = name;
    this.#store =
      store === null
        ? null
        : new GuardedStore(store, clock, storeMs, (change) => {
            if (events.has("rate-limit:store")) {
              events.emit("rate-limit:store", { limit: name, ...change });
            }
          });
    const least = () => Math.max(members, parts.fleet?.members ?? 1);
    const shared = { clock, mode, store: this.#store, keysMax, members: least, name };
    this.#counter = new RateCounter(shared);
    parts.rateLimits.add(this.#state);
  }

  take(key: string): number | Promise<number> {
    const decided = this.#counter.take(`quota:${this.#name}:${key}`, 1, this.#rule);
    return decided instanceof Promise ? decided.then(this.#waitOf) : this.#waitOf(decided);
  }

  readonly #waitOf = ({ allowed, retryAfterMs }: RateDecision): number => {
    this.#tally.note(this.#name, allowed ? "admitted" : "refused");
    // Timers round down, and a question too early is asked twice.
    return allowed ? 0 : Math.max(1, retryAfterMs);
  };

  readonly #state = (): RateLimitState => {
    const { upstream, waiting } = this.#parts;
    const store = this.#store && { kind: this.#store.store.kind, up: this.#store.up };
    const { keys, members } = this.#counter;
    return {
      ...{ name: this.#name, upstream, count: this.#read.count, dryRun: false },
      ...{ store, members, keys, requests: this.#tally.counts(), waiting: waiting() },
    };
  };
}
