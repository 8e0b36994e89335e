/**
 * `rateLimit`: how much each client may ask for, as `admit` of every server adapter.
 *
 * Guarantee: a request is counted once; while the store fails it is counted by the part of this
 * process, and is neither let through nor answered with 500 because of that; memory stays within
 * `keysMax` however many keys there are.
 */
import type { IncomingMessage } from "node:http";
import type { OptionsOf } from "../catalog/options/option.js";
import type { RATE_LIMIT_OPTIONS } from "../catalog/options/rate-limit.js";
import type { GatewayCore } from "../gateway/core.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { Admission, Allowance, AskedTarget, Refusal } from "../options/proxy-options.js";
import type { RateLimitState } from "../records/rate-limits.js";
import type { RateDecision } from "./gcra.js";
import { GuardedStore } from "./guarded-store.js";
import { limitFields } from "./limit-fields.js";
import {
  isCost,
  type LimitTier,
  type RateTierOptions,
  type ReadRateLimit,
  reading,
  readRateLimit,
} from "./limit-options.js";
import { LimitTally } from "./limit-tally.js";
import { RateCounter } from "./rate-counter.js";
import {
  clientAddress,
  type LimitedRequest,
  type RateKey,
  type ReadRateKey,
  readRateKey,
} from "./request-keys.js";
import type { RateStore } from "./store.js";

type Literals = Omit<OptionsOf<typeof RATE_LIMIT_OPTIONS>, "name" | "limit" | "windowMs">;

export interface RateLimitOptions extends Literals {
  /** Names the limit in fields of answers, in metrics and in the store. */
  readonly name: string;
  /** Requests per window, which is also how many may come at once unless `burst` says less. */
  readonly limit: number;
  /** Milliseconds of the window. */
  readonly windowMs: number;
  /**
   * What is counted apart: a field, a cookie, the client's address, or a function. Default: all
   * requests together. Requests without a key share one.
   */
  readonly key?: RateKey;
  /**
   * Units that a request costs, or a function that says so.
   * @default 1
   */
  readonly cost?: number | ((request: LimitedRequest) => number);
  /** Names the tier of a request; for any other name the limit's own numbers hold. */
  readonly tier?: (request: LimitedRequest) => string | null | undefined;
  /** Numbers of tiers, by name. */
  readonly tiers?: Readonly<Record<string, RateTierOptions>>;
  /** Counts for several processes, such as `redisStore(client)`. Default: this process alone. */
  readonly store?: RateStore;
}

/** Who asks: a request of Node or of the web. */
export type LimitableRequest = IncomingMessage | Request;

/** A rate limit; as it stands it is the `admit` of a server adapter. */
export interface RateLimit {
  (request: LimitableRequest, target?: AskedTarget): Admission | Promise<Admission>;
  /** Counts for a key of your own, for what no adapter serves. */
  ask(key: string, asked?: { cost?: number; tier?: string }): Promise<RateDecision>;
  /** Settings as they hold. */
  describe(): Readonly<Record<string, unknown>>;
  /** What there is of it in this process. */
  state(): RateLimitState;
  /** Ends its timers; the gateway does it, too, when it closes. */
  close(): void;
}

export function rateLimit(gateway: Gateway, options: RateLimitOptions): RateLimit {
  const core = gatewayCore(gateway);
  const { read, key } = reading((findings) => {
    const { given, read: numbers } = readRateLimit(findings, options);
    return { read: numbers, key: readRateKey(findings, "key", given["key"]) };
  });
  const limit = new Limit(core, read, key);
  const made = (request: LimitableRequest, target?: AskedTarget) => limit.admit(request, target);
  const { close } = limit;
  const forget = core.onClose(close);
  core.rateLimits.add(limit.state);
  return Object.assign(made, {
    ask: limit.ask,
    describe: () => describe(read, key),
    state: limit.state,
    close() {
      forget();
      close();
    },
  });
}

/** Asks one after the other; the first refusal is the answer, else the fields of all. */
export function admitAll(
  ...hooks: readonly ((request: LimitableRequest, target?: AskedTarget) => unknown)[]
): (request: LimitableRequest, target?: AskedTarget) => Promise<Admission> {
  return async (request, target) => {
    const headers: Record<string, string> = {};
    for (const hook of hooks) {
      const admission = (await hook(request, target)) as Admission;
      if (admission === undefined || admission === null) continue;
      if ("refuse" in admission) return admission;
      for (const [name, value] of Object.entries(admission.headers)) {
        headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
      }
    }
    return Object.keys(headers).length === 0 ? undefined : { headers };
  };
}

function describe(read: ReadRateLimit, key: ReadRateKey): Readonly<Record<string, unknown>> {
  const { costOf, tierOf: _tier, tiers, base: _base, store, ...numbers } = read;
  return {
    ...numbers,
    key: key.by,
    cost: costOf === null ? 1 : "function",
    tiers: Object.fromEntries(
      [...tiers].map(([name, { limit, windowMs }]) => [name, { limit, windowMs }]),
    ),
    store: store?.kind ?? "memory",
  };
}

class Limit {
  readonly #core: GatewayCore;
  readonly #read: ReadRateLimit;
  readonly #key: ReadRateKey;
  readonly #store: GuardedStore | null;
  readonly #counter: RateCounter;
  readonly #tally = new LimitTally();

  constructor(core: GatewayCore, read: ReadRateLimit, key: ReadRateKey) {
    const { clock, events } = core;
    const { store, storeMs, count: mode, keysMax, members, name } = read;
    this.#core = core;
    this.#read = read;
    this.#key = key;
    this.#store =
      store === null
        ? null
        : new GuardedStore(store, clock, storeMs, (change) => {
            if (events.has("rate-limit:store"))
              events.emit("rate-limit:store", { limit: name, ...change });
          });
    const least = () => Math.max(members, core.fleet?.members ?? 1);
    const parts = { clock, mode, store: this.#store, keysMax, members: least, name };
    this.#counter = new RateCounter(parts);
  }

  admit(request: LimitableRequest, target?: AskedTarget): Admission | Promise<Admission> {
    const asking = this.#askedBy(request, target);
    const { tierOf, costOf } = this.#read;
    const tier = this.#tierOf(tierOf?.(asking));
    const given = costOf?.(asking);
    const key = this.#key.of(asking);
    const decided = this.#count(key, tier, isCost(given) ? given : 1);
    if (decided instanceof Promise) return decided.then((one) => this.#answer(one, key, tier));
    return this.#answer(decided, key, tier);
  }

  readonly ask = async (
    key: string,
    { cost, tier }: { cost?: number; tier?: string } = {},
  ): Promise<RateDecision> => {
    const found = this.#tierOf(tier);
    const decision = await this.#count(key, found, isCost(cost) ? cost : 1);
    this.#note(decision, key, found);
    return this.#read.dryRun ? { ...decision, allowed: true } : decision;
  };

  readonly state = (): RateLimitState => {
    const { name, count, dryRun } = this.#read;
    const store = this.#store && { kind: this.#store.store.kind, up: this.#store.up };
    const { keys, members } = this.#counter;
    const requests = this.#tally.counts();
    return { name, upstream: null, count, dryRun, store, members, keys, requests, waiting: 0 };
  };

  readonly close = (): void => {
    this.#counter.close();
    this.#core.rateLimits.delete(this.state);
  };

  #count(key: string, tier: LimitTier, cost: number): RateDecision | Promise<RateDecision> {
    return this.#counter.take(`${tier.name}:${key}`, cost, tier.rule);
  }

  #tierOf(name: string | null | undefined): LimitTier {
    return this.#read.tiers.get(name ?? "") ?? this.#read.base;
  }

  #note({ allowed, retryAfterMs }: RateDecision, key: string, tier: LimitTier): void {
    const { events } = this.#core;
    const { name: limit, dryRun } = this.#read;
    this.#tally.note(tier.name, allowed ? "admitted" : dryRun ? "wouldRefuse" : "refused");
    if (allowed || !events.has("rate-limit:refuse")) return;
    events.emit("rate-limit:refuse", { limit, tier: tier.name, key, dryRun, retryAfterMs });
  }

  #answer(decision: RateDecision, key: string, tier: LimitTier): Admission {
    this.#note(decision, key, tier);
    const { fields, dryRun } = this.#read;
    if (dryRun) return undefined;
    const { allowed, retryAfterMs } = decision;
    if (allowed) {
      const allowance: Allowance = { headers: limitFields(tier, decision) };
      return fields === "all" ? allowance : undefined;
    }
    const refusal: Refusal = {
      refuse: "rate_limited",
      // What never fits is not asked for again, and a client must not be told to wait for ever.
      retryAfterMs: Number.isFinite(retryAfterMs) ? retryAfterMs : tier.windowMs,
    };
    return fields === "none" ? refusal : { ...refusal, headers: limitFields(tier, decision) };
  }

  #askedBy(request: LimitableRequest, target?: AskedTarget): LimitedRequest {
    const isNode = "rawHeaders" in request;
    const headers = isNode ? request.rawHeaders : [...request.headers].flat();
    const peer = target?.address ?? (isNode ? request.socket.remoteAddress : undefined) ?? null;
    const isAddressed = this.#key.by === "address" || this.#key.by === "function";
    return {
      method: request.method ?? "GET",
      path: target?.path ?? request.url ?? "/",
      headers,
      address: isAddressed
        ? clientAddress(peer, headers, this.#key.trust, this.#core.believe)
        : peer,
    };
  }
}
