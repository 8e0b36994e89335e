/**
 * What guards an upstream and this process against too much: the policies, made from the options,
 * and their state as plain data. Where each stands in the pipe is argued in `assemble.ts`.
 */
import { RETRY } from "../catalog/defaults.js";
import { PRIORITY_UNLESS_GIVEN } from "../catalog/priorities.js";
import type { NormalisedUpstream } from "../options/options.js";
import { type AdaptiveLimit, adaptiveLimit } from "../policies/adaptive-limit.js";
import { type Bulkhead, bulkhead } from "../policies/bulkhead.js";
import { type LoadShed, loadShed } from "../policies/load-shed.js";
import { type Pace, pace } from "../policies/pace.js";
import { type QuotaGate, quotaGate } from "../policies/quota.js";
import { type RefusalCounts, type Refusals, refusals } from "../policies/refusals.js";
import { type Throttle, throttle } from "../policies/throttle.js";
import type { GatewayParts } from "./parts.js";

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
    /** Upgraded connections and event streams, which have places of their own. */
    readonly streams: { readonly running: number; readonly places: number };
    /**
     * Callers with calls under way, and how many calls the busiest of them has; null without
     * `bulkhead.by`.
     */
    readonly callers: { readonly count: number; readonly most: number } | null;
  } | null;
  /** Null where it is off. */
  readonly adaptiveLimit: {
    readonly limit: number;
    /** Latency without a queue; null until it is known. */
    readonly baselineMs: number | null;
  } | null;
  /** Share of the ordinary calls that are not sent, since the upstream refuses; null where off. */
  readonly throttle: { readonly refusedShare: number } | null;
  /** Calls held back by a Retry-After of the upstream; null where `pace` is off. */
  readonly pace: {
    /** How long the longest of them holds on; 0 while none does. */
    readonly heldMs: number;
    /** Callers held back; without `pace.by` all are one. */
    readonly held: number;
    /** Calls that wait. */
    readonly waiting: number;
  } | null;
  /** How late this process is; null where load is not shed. */
  readonly shed: {
    readonly eventLoopDelayMs: number;
    /** From 0, where no call is refused, to 1, where all are. */
    readonly pressure: number;
  } | null;
  /** Calls that were refused since the start, by name and by priority. */
  readonly refused: RefusalCounts;
}

export interface Overload {
  /** Null when it is switched off. */
  readonly bulkhead: Bulkhead | null;
  readonly pace: Pace | null;
  readonly quota: QuotaGate | null;
  readonly throttle: Throttle | null;
  readonly loadShed: LoadShed | null;
  state(): OverloadState;
}

export function createOverload(parts: GatewayParts, options: NormalisedUpstream): Overload {
  const counted = refusalsOf(parts, options);
  const limit = limitOf(parts, options);
  const { clock, random, load } = parts;
  const places = bulkheadOf(parts, options, limit, counted);
  const sending =
    options.throttle === false ? null : throttle(clock, random, options.throttle, counted);
  const pacing = paceOf(parts, options, counted);
  return {
    bulkhead: places,
    pace: pacing,
    quota: quotaOf(parts, options, counted),
    throttle: sending,
    loadShed: load && loadShed(load, counted),
    state: () => ({
      bulkhead: places && stateOf(places),
      adaptiveLimit: limit && { limit: limit.limit, baselineMs: limit.baselineMs },
      throttle: sending && { refusedShare: sending.refusedShare(PRIORITY_UNLESS_GIVEN) },
      pace: pacing?.state() ?? null,
      shed: load && { eventLoopDelayMs: load.eventLoopDelayMs, pressure: load.pressure },
      refused: counted.counts(),
    }),
  };
}

function bulkheadOf(
  { clock, random }: GatewayParts,
  { bulkhead: settings }: NormalisedUpstream,
  limit: AdaptiveLimit | null,
  counted: Refusals,
): Bulkhead | null {
  if (settings === false) return null;
  const { by: callers = null, ...options } = settings;
  return bulkhead(clock, random, options, { limit, callers, refusals: counted });
}

function paceOf(
  { timers: clock, random }: GatewayParts,
  { pace: settings, retry }: NormalisedUpstream,
  refusals: Refusals,
): Pace | null {
  if (settings === false) return null;
  const { by: callers = null, ...options } = settings;
  const { retryAfterWaitMsMax: waitMsMax } = retry === false ? RETRY : retry;
  return pace({ clock, random, callers, refusals }, { ...options, waitMsMax });
}

function quotaOf(
  parts: GatewayParts,
  { quota, name: upstream }: NormalisedUpstream,
  refusals: Refusals,
): QuotaGate | null {
  if (quota === null) return null;
  const { timers: clock, random } = parts;
  return quotaGate({ clock, random, refusals }, quota, (waiting) =>
    quota.count({ ...parts, upstream, waiting } as never),
  );
}

function refusalsOf({ events }: GatewayParts, { name: upstream }: NormalisedUpstream): Refusals {
  return refusals((call, failure) => {
    if (events.has("call:refused")) events.emit("call:refused", { upstream, call, failure });
  });
}

function limitOf(
  { clock, events }: GatewayParts,
  { name: upstream, bulkhead: places, adaptiveLimit: settings }: NormalisedUpstream,
): AdaptiveLimit | null {
  if (places === false || settings === false) return null;
  return adaptiveLimit(clock, places.concurrencyMax, settings, (change) => {
    if (events.has("limit:change")) events.emit("limit:change", { upstream, ...change });
  });
}

function stateOf({ running, waiting, places, stressed, streams, callers }: Bulkhead) {
  const { running: open, places: most } = streams;
  const counts = { running, waiting, places, stressed };
  return { ...counts, streams: { running: open, places: most }, callers };
}
