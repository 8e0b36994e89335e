/**
 * What guards an upstream and this process against too much: the policies, made from the options,
 * and their state as plain data. Where each stands in the pipe is argued in `upstream.ts`.
 */
import type { Clock } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import type { Random } from "../base/random.js";
import { type AdaptiveLimit, adaptiveLimit } from "../policies/adaptive-limit.js";
import { type Bulkhead, bulkhead } from "../policies/bulkhead.js";
import { type RefusalCounts, type Refusals, refusals } from "../policies/refusals.js";
import type { GatewayEvents } from "./events.js";
import type { NormalisedUpstream } from "./options.js";

/** What it needs of the gateway. */
interface OverloadParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Emitter<GatewayEvents>;
}

/** How busy an upstream is, and what was refused because of it. */
export interface OverloadState {
  /** Null where the bulkhead is switched off. */
  readonly bulkhead: {
    readonly running: number;
    readonly waiting: number;
    /** Places that there are now; they move with an adaptive limit. */
    readonly places: number;
    /** The queue has stood for so long that its newest call is served first. */
    readonly stressed: boolean;
  } | null;
  /** Null where it is off. */
  readonly adaptiveLimit: {
    readonly limit: number;
    /** Latency without a queue; null until it is known. */
    readonly baselineMs: number | null;
  } | null;
  /** Calls that were refused since the start, by name and by priority. */
  readonly refused: RefusalCounts;
}

export interface Overload {
  /** Null when it is switched off. */
  readonly bulkhead: Bulkhead | null;
  state(): OverloadState;
}

export function createOverload(parts: OverloadParts, options: NormalisedUpstream): Overload {
  const counted = refusalsOf(parts, options);
  const limit = limitOf(parts, options);
  const { clock, random } = parts;
  const places =
    options.bulkhead === false
      ? null
      : bulkhead(clock, random, options.bulkhead, { limit, refusals: counted });
  return {
    bulkhead: places,
    state: () => ({
      bulkhead: places && stateOf(places),
      adaptiveLimit: limit && { limit: limit.limit, baselineMs: limit.baselineMs },
      refused: counted.counts(),
    }),
  };
}

function refusalsOf({ events }: OverloadParts, { name: upstream }: NormalisedUpstream): Refusals {
  return refusals((call, failure) => {
    if (events.has("call:refused")) events.emit("call:refused", { upstream, call, failure });
  });
}

function limitOf(
  { clock, events }: OverloadParts,
  { name: upstream, bulkhead: places, adaptiveLimit: settings }: NormalisedUpstream,
): AdaptiveLimit | null {
  if (places === false || settings === false) return null;
  return adaptiveLimit(clock, places.concurrencyMax, settings, (change) => {
    if (events.has("limit:change")) events.emit("limit:change", { upstream, ...change });
  });
}

function stateOf({ running, waiting, places, stressed }: Bulkhead) {
  return { running, waiting, places, stressed };
}
