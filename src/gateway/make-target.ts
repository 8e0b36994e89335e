/**
 * Makes the targets of an upstream: address, breaker, health and prober, and the listeners of what
 * happens to them.
 */
import { BREAKER } from "../catalog/defaults.js";
import { type FailureCode, hasTrait } from "../catalog/failures.js";
import type { NormalisedUpstream } from "../options/options.js";
import { addressGuard } from "../targets/address-guard.js";
import { type Breaker, type BreakerSettings, createBreaker } from "../targets/breaker.js";
import type { SharedBy } from "../targets/carried-share.js";
import { FleetWitness } from "../targets/fleet-witness.js";
import { Peers } from "../targets/peers.js";
import { Presence } from "../targets/presence.js";
import { createTarget, type Dialled, type ParsedTarget, type Target } from "../targets/target.js";
import { TargetMonitor } from "../targets/target-monitor.js";
import { WatchedHealth } from "../targets/watched-health.js";
import { activeProber, type Prober, reconnectProber } from "../watching/probing.js";
import type { GatewayParts } from "./parts.js";

/** All that looks after the targets of one upstream. */
export interface TargetKeeper {
  make(address: ParsedTarget): Target;
  /** These are the targets now; who is not among them is looked after no longer. */
  keep(targets: readonly Target[]): void;
  /** Whether `start` was called. */
  readonly started: boolean;
  /** The upstream is used: probes begin. */
  start(): void;
  stop(): void;
  /** A call of the upstream ended without an answer. */
  callFailed(call: object, code: FailureCode): void;
}

interface Kept {
  readonly health: WatchedHealth;
  readonly prober: Prober | null;
}

/** `changed` is called after everything that may change who takes calls. */
export function targetKeeper(
  parts: GatewayParts,
  options: NormalisedUpstream,
  changed: () => void,
): TargetKeeper {
  const { clock, random, events } = parts;
  const upstream = options.name;
  const kept = new Map<Target, Kept>();
  const guard = addressGuard(options.addresses);
  let stopped = false;
  let listed: readonly Target[] = [];
  const limits = {
    ejection: options.ejection,
    panicRatio: options.panic === false ? 0 : options.panic.healthyRatioMin,
  };
  const peers = new Peers(clock, random, limits, (change) => {
    if (events.has("upstream:panic")) events.emit("upstream:panic", { upstream, ...change });
    changed();
  });
  const joined = joinedFleet(parts, upstream, peers);
  const seen = joined?.after(changed) ?? changed;
  const keeper = {
    started: false,
    make(address: ParsedTarget) {
      const made = makeTarget(parts, options, peers, { ...address, guard }, seen);
      kept.set(made.target, made);
      return made.target;
    },
    keep(targets: readonly Target[]) {
      if (targets === listed) {
        // Another target may be drained now that was not.
        peers.recount();
        return;
      }
      listed = targets;
      const now = new Set(targets);
      for (const [target, { health, prober }] of kept) {
        if (now.has(target)) {
          if (keeper.started) prober?.start();
          continue;
        }
        health.stop();
        prober?.stop();
        target.presence?.stop();
        kept.delete(target);
      }
      peers.sync(targets);
      joined?.sync(targets);
    },
    start() {
      if (keeper.started || stopped) return;
      keeper.started = true;
      for (const { prober } of kept.values()) prober?.start();
    },
    stop() {
      stopped = true;
      joined?.stop();
      for (const [target, { health, prober }] of kept) {
        health.stop();
        prober?.stop();
        target.presence?.stop();
      }
    },
    callFailed(call: object, code: FailureCode) {
      const unsent = hasTrait(code, "no_target");
      for (const target of kept.keys()) target.presence?.evidence?.callFailed(call, unsent);
    },
  };
  return keeper;
}

/** What the targets of this upstream are to the fleet; null for a gateway that is alone. */
function joinedFleet({ fleet, clock }: GatewayParts, upstream: string, peers: Peers) {
  if (fleet === null) return null;
  const witness = new FleetWitness(upstream, peers, () => clock.now());
  const { changed, stop } = fleet.watch(witness);
  witness.changed = changed;
  const after = (fn: () => void) => () => {
    fn();
    changed();
  };
  return { after, stop, sync: (targets: readonly Target[]) => witness.sync(targets) };
}

function makeTarget(
  parts: GatewayParts,
  options: NormalisedUpstream,
  peers: Peers,
  address: ParsedTarget & Dialled,
  changed: () => void,
): Kept & { readonly target: Target } {
  const { clock, random, events, incidents } = parts;
  const named = { upstream: options.name, target: address.id };
  const breaker = createBreaker(clock, random, breakerLimits(options), (change) => {
    if (events.has("breaker:change")) events.emit("breaker:change", { ...named, ...change });
    health.breakerChanged(change);
    // The breaker knows of the failures from here on; its trials are not to be put off by them.
    if (change.to === "open") made.latency.forget(clock.now(), made.pending);
    if (change.to === "open") prober?.soon();
    changed();
  });
  breaker.rules = options.routes;
  const settings = {
    probe: typeof options.probe === "object" ? options.probe : null,
    slowStart: options.slowStart,
    shared: (share: number, by: SharedBy) => {
      if (events.has("target:share")) events.emit("target:share", { ...named, share, by });
    },
  };
  const monitor = new TargetMonitor(clock, peers.heard);
  const health = new WatchedHealth(clock, peers, breaker, monitor, settings, (change) => {
    if (events.has("target:health")) events.emit("target:health", { ...named, ...change });
    prober?.soon();
    changed();
  });
  const prober = proberOf(parts, options, address, breaker, health, () => made.presence);
  if (settings.probe !== null) monitor.suspicion.probedBy(() => prober?.soon());
  const made = createTarget(address, breaker, health);
  // Over HTTP/2 one connection serves many.
  if (options.allowH2 === false) made.exchangesMax = options.limits.connectionsMax;
  const listener = incidents.listenerFor(options.name, address.id);
  if (prober !== null) {
    made.findOut = () => prober.findOut();
    made.hasReturned = () => prober.hasReturned();
  }
  made.presence = new Presence(clock, listener, () => made.pending);
  return { target: made, health, prober };
}

function proberOf(
  parts: GatewayParts,
  { name: upstream, probe, allowH2, allowBareLineFeeds }: NormalisedUpstream,
  address: ParsedTarget & Dialled,
  breaker: Breaker,
  health: WatchedHealth,
  presence: () => Presence | null,
): Prober | null {
  if (probe === false) return null;
  const { clock, events, name } = parts;
  const userAgent = `good-gateway-probe (${name})`;
  if (probe === "reconnect") return reconnectProber(parts, address, breaker, userAgent);
  const asked = { ...probe, userAgent, allowH2, allowBareLineFeeds };
  return activeProber(parts, address, asked, health, (result) => {
    // A probe comes on a connection of its own, so a process that answers it is there now.
    if (result.passed) presence()?.answered(clock.now(), clock.now());
    if (!events.has("probe:end")) return;
    events.emit("probe:end", { upstream, target: address.id, ...result });
  });
}

/** Where breakers are switched off, one that opens for an ejection only. */
const NEVER_BY_ITSELF = {
  consecutiveFailures: Number.POSITIVE_INFINITY,
  volumeMin: Number.POSITIVE_INFINITY,
} as const;

/** By what upstreams have in their options, which most share. */
const LIMITS = new WeakMap<object, BreakerSettings>();

/** All that a breaker goes by: what can be configured, and what cannot. */
export function breakerLimits({ breaker }: Pick<NormalisedUpstream, "breaker">): BreakerSettings {
  const settings = breaker === false ? NEVER_BY_ITSELF : breaker;
  const known = LIMITS.get(settings) ?? { ...BREAKER, ...settings };
  LIMITS.set(settings, known);
  return known;
}
