/**
 * What a viewer is sent: everything once, and then what has changed since the last look.
 *
 * Guarantee: an update may be sent twice, or together with what it is a part of: slots, upstreams,
 * failures and changes have names or numbers, and the later one replaces the earlier.
 */
import { DASHBOARD } from "../catalog/dashboard-defaults.js";
import type { Gateway } from "../gateway/gateway-handle.js";
import type { GatewaySnapshot } from "../gateway/snapshot.js";
import type { Change, Collector } from "./collector.js";
import type { FailedCalls } from "./failure-groups.js";
import type { TrafficNow, TrafficSlot } from "./traffic.js";

/** All that the page shows, as plain data. */
export interface DashboardState extends DashboardUpdate {
  readonly version: 1;
  readonly slotMs: number;
  /** So many slots are shown. */
  readonly slots: number;
  /** So many slots are "now". */
  readonly nowSlots: number;
}

/** What has changed; members that hold lists hold the new or changed ones. */
export interface DashboardUpdate {
  /** Upstreams beyond the most that are shown are left out. */
  readonly snapshot: GatewaySnapshot;
  /** Names of all upstreams that are shown. */
  readonly names: readonly string[];
  readonly upstreamsLeftOut: number;
  /** The slot of this moment, and when slot 0 began, in milliseconds since 1970. */
  readonly slot: number;
  readonly epochMs: number;
  /** By the name of the upstream. */
  readonly traffic: Readonly<Record<string, TrafficShown>>;
  readonly failures: readonly FailedCalls[];
  readonly changes: readonly Change[];
}

export interface TrafficShown {
  readonly slots: readonly TrafficSlot[];
  readonly now: TrafficNow;
}

/** Everything that is known. */
export function wholeState(gateway: Gateway, collector: Collector): DashboardState {
  const { slotMs, slots, nowSlots } = DASHBOARD;
  return { version: 1, slotMs, slots, nowSlots, ...updateSince(gateway, collector, NOTHING) };
}

/** Looks again and again, and gives what has changed from one look to the next. */
export function changesOf(gateway: Gateway, collector: Collector): () => DashboardUpdate {
  let seen: Seen = { slot: collector.slotNow(), seq: collector.seq };
  let sent = new Map<string, string>();
  return () => {
    const update = updateSince(gateway, collector, seen);
    seen = { slot: update.slot, seq: collector.seq };
    const sending = new Map<string, string>();
    const isNew = (key: string, value: unknown): boolean => {
      const text = JSON.stringify(value);
      sending.set(key, text);
      return sent.get(key) !== text;
    };
    const { upstreams, ...rest } = update.snapshot;
    const changed = upstreams.filter((upstream) => isNew(`u ${upstream.name}`, upstream));
    const traffic = Object.entries(update.traffic).filter(([name, of]) => isNew(`t ${name}`, of));
    sent = sending;
    return {
      ...update,
      snapshot: { ...rest, upstreams: changed },
      traffic: Object.fromEntries(traffic),
    };
  };
}

interface Seen {
  readonly slot: number;
  readonly seq: number;
}

const NOTHING: Seen = { slot: 0, seq: 0 };

function updateSince(gateway: Gateway, collector: Collector, seen: Seen): DashboardUpdate {
  const whole = gateway.snapshot();
  const upstreams = whole.upstreams.slice(0, DASHBOARD.upstreamsMax);
  const kept = [...collector.upstreams];
  const isNew = ({ seq }: { readonly seq: number }): boolean => seq > seen.seq;
  const changes = [collector.changes(), ...kept.map(([, one]) => one.changes())].flat();
  return {
    snapshot: { ...whole, upstreams },
    names: upstreams.map(({ name }) => name),
    upstreamsLeftOut: whole.upstreams.length - upstreams.length,
    slot: collector.slotNow(),
    epochMs: Math.round(collector.epochMs()),
    traffic: Object.fromEntries(
      kept.map(([name, { traffic }]) => [
        name,
        { slots: traffic.since(seen.slot), now: traffic.now() },
      ]),
    ),
    failures: kept.flatMap(([, one]) => one.failures().filter(isNew)).sort(bySeq),
    changes: changes.filter(isNew).sort(bySeq),
  };
}

function bySeq(a: { readonly seq: number }, b: { readonly seq: number }): number {
  return a.seq - b.seq;
}
