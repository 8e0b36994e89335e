/**
 * `createGateway`: upstreams by name, what they share, and the life of the whole.
 *
 * Guarantee: options are checked, copied and frozen before anything is made of them; a gateway
 * without traffic keeps no timer and no socket.
 */
import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../base/clock.js";
import { type Emitter, emitter } from "../base/emitter.js";
import { type Random, systemRandom } from "../base/random.js";
import { sharedTimers } from "../base/shared-timers.js";
import { keepTickShape } from "../base/tick-shape.js";
import { GATEWAY, RETRY_AFTER } from "../catalog/defaults.js";
import { type Diagnosis, diagnoseUpstream } from "../diagnosis/diagnosis.js";
import type { IncidentSeen } from "../diagnosis/incident.js";
import { createHealth } from "../lifecycle/health/health.js";
import type { UpstreamReport } from "../lifecycle/health/health-report.js";
import { createLifecycle } from "../lifecycle/lifecycle.js";
import { startSightings } from "../lifecycle/start-checks.js";
import { startEnvironment } from "../lifecycle/start-environment.js";
import { createWarnings, type Warnings } from "../lifecycle/warnings.js";
import { shown } from "../options/findings.js";
import { copied } from "../options/freeze.js";
import { nearest } from "../options/nearest.js";
import { normaliseGateway, normaliseUpstream } from "../options/normalise.js";
import type { GatewayOptions, NormalisedGateway } from "../options/options.js";
import { type LoadGuard, loadGuard } from "../policies/load-shed.js";
import { endedCalls } from "../records/ended-calls.js";
import type { GatewayEvents } from "../records/events.js";
import { createIncidents } from "../records/incidents.js";
import type { RateLimitStates } from "../records/rate-limits.js";
import { viaSignature } from "../wire/forwarding.js";
import { believeFronts } from "../wire/trusted-fronts.js";
import { aroundPipe } from "./around-pipe.js";
import type { GatewayCore } from "./core.js";
import { CORE, type Gateway } from "./gateway-handle.js";
import { type MakeUpstream, originRoutes } from "./origin-routes.js";
import type { GatewayParts } from "./parts.js";
import { restore } from "./restore.js";
import { takeSnapshot } from "./snapshot.js";
import { createUpstream, type MakeAround, type UpstreamCore } from "./upstream.js";
import { type Upstream, upstreamHandle } from "./upstream-handle.js";

/** What tests may put in place of time and chance. */
export interface GatewaySeams {
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Makes a gateway. All problems of the options are thrown at once, each with the option, the value
 * and the nearest right thing.
 */
export function createGateway<const Names extends string>(
  options: GatewayOptions<Names>,
  seams: GatewaySeams = {},
): Gateway<Names> {
  const settings = normaliseGateway(options);
  keepTickShape();
  const warnings = createWarnings(options.onWarning);
  for (const warning of settings.warnings) warnings.warn(warning);
  const { upstreams } = settings;
  for (const one of startSightings(Object.values(upstreams), startEnvironment()))
    warnings.report(one);
  const clock = seams.clock ?? systemClock;
  const events = emitter<GatewayEvents>();
  const lifecycle = createLifecycle(clock, (change) => {
    if (events.has("lifecycle:change")) events.emit("lifecycle:change", change);
    health.look();
  });
  const random = seams.random ?? systemRandom;
  const timers = sharedTimers(clock);
  const cores = new Map<string, UpstreamCore>();
  const closing = new Set<() => void>();
  const health = createHealth({
    clock,
    events,
    lifecycle,
    upstreams: () => statesOf(cores),
    asked: () => startProbes(cores),
  });
  const changed = health.look;
  const diagnose = (name: string, seen: readonly IncidentSeen[]): Diagnosis =>
    diagnoseUpstream(cores.get(name) as UpstreamCore, clock, seen, warnings.findingsFor(name));
  const incidents = createIncidents(events, (name, seen) => diagnose(name, seen).verdict);
  const load = loadOf(settings, clock, random, events);
  const tracing = { tracer: null };
  const telling = { events, endedCalls: endedCalls(clock), changed, incidents, tracing };
  const rateLimits: RateLimitStates = new Set();
  const fleet = settings.fleet?.join({ clock, random, events } as never) ?? null;
  const shared = { clock, timers, random, lifecycle, load, rateLimits, fleet, ...telling };
  const parts: GatewayParts = { name: settings.name, zone: settings.zone, ...shared };
  const handles = new Map<string, Upstream<Names>>();
  const inside = { ...parts, lifecycle, warnings, health, diagnose, closing };
  const core = coreOf(settings, options, inside, cores);
  for (const [name, upstream] of Object.entries(upstreams)) {
    const made = createUpstream(parts, upstream, core.around);
    cores.set(name, made);
    handles.set(name, upstreamHandle(core, made) as Upstream<Names>);
  }
  health.look();
  return handleOf(core, inside, cores, handles);
}

function handleOf<Names extends string>(
  core: GatewayCore,
  { lifecycle, health, incidents, closing }: Pick<GatewayParts, "incidents"> & OwnParts,
  cores: ReadonlyMap<string, UpstreamCore>,
  handles: ReadonlyMap<string, Upstream<Names>>,
): Gateway<Names> {
  const { on, once, off } = core.events;
  const unknown = (name: string): never => unknownUpstream(name, [...handles.keys()]);
  return {
    [CORE]: core,
    name: core.name,
    upstream: (name: Names) => handles.get(name) ?? unknown(name),
    upstreams: [...handles.values()],
    health,
    get incidents() {
      return incidents.list();
    },
    diagnose: (name: Names) => (cores.has(name) ? core.diagnose(name) : unknown(name)),
    snapshot: () => takeSnapshot(core, cores.values()),
    restore: (snapshot, asked) => restore(core.clock, cores, snapshot, asked),
    on,
    once,
    off,
    startMaintenance: (asked) =>
      lifecycle.startMaintenance(asked?.retryAfterMs ?? RETRY_AFTER.maintenanceMs),
    endMaintenance: () => lifecycle.endMaintenance(),
    drain: (asked) => lifecycle.drain(asked?.timeoutMs ?? GATEWAY.drainMs),
    close() {
      lifecycle.close("close");
      health.stop();
      for (const upstream of cores.values()) upstream.close();
      for (const closed of closing) closed();
      core.fleet?.leave();
    },
  } as Gateway<Names> & { readonly [CORE]: GatewayCore };
}

interface OwnParts extends Pick<GatewayCore, "lifecycle" | "health"> {
  readonly warnings: Warnings;
  diagnose(name: string, seen: readonly IncidentSeen[]): Diagnosis;
  /** What is closed with the gateway, after everything else. */
  readonly closing: Set<() => void>;
}

function loadOf(
  { shed }: NormalisedGateway,
  clock: Clock,
  random: Random,
  events: Emitter<GatewayEvents>,
): LoadGuard | null {
  if (shed === false) return null;
  return loadGuard(clock, random, shed, (change) => {
    if (events.has("load:change")) events.emit("load:change", change);
  });
}

function coreOf(
  settings: NormalisedGateway,
  options: GatewayOptions,
  parts: GatewayParts & OwnParts,
  cores: Map<string, UpstreamCore>,
): GatewayCore & { readonly around: MakeAround } {
  const instance = randomBytes(6).toString("hex");
  const idsBegin = `${instance}-`;
  // A copy: what the caller changes later is no option of this gateway.
  const defaults = copied(options.defaults ?? {});
  const { behind } = settings;
  let requests = 0;
  const make: MakeUpstream = (name, origin, addresses) => {
    const own = normaliseUpstream(name, { targets: origin }, defaults, behind);
    return createUpstream(parts, { ...own, addresses }, core.around);
  };
  const core: GatewayCore & { readonly around: MakeAround } = {
    name: settings.name,
    statusPolicy: settings.statusPolicy,
    via: viaSignature(settings.name, settings.named, instance),
    clock: parts.clock,
    timers: parts.timers,
    random: parts.random,
    events: parts.events,
    endedCalls: parts.endedCalls,
    lifecycle: parts.lifecycle,
    warn: parts.warnings.warn,
    report: parts.warnings.report,
    reported: parts.warnings.reported,
    health: parts.health,
    incidents: parts.incidents,
    diagnose: (name) => parts.diagnose(name, parts.incidents.list()),
    tracing: parts.tracing,
    rateLimits: parts.rateLimits,
    fleet: parts.fleet,
    onClose(fn) {
      parts.closing.add(fn);
      return () => void parts.closing.delete(fn);
    },
    behind,
    believe: behind === null || behind.fronts.length === 0 ? null : believeFronts(behind.fronts),
    newRequestId() {
      requests += 1;
      return idsBegin + requests;
    },
    around: (upstream) =>
      aroundPipe({ gateway: core, named: (name) => cores.get(name) ?? null }, upstream),
    ...originRoutes(parts, cores, settings.addresses, make),
  };
  return core;
}

/** A process that has not served yet must learn, too, whether what it needs is there. */
function startProbes(cores: ReadonlyMap<string, UpstreamCore>): void {
  for (const core of cores.values()) core.look();
}

function statesOf(cores: ReadonlyMap<string, UpstreamCore>): readonly UpstreamReport[] {
  return [...cores.values()].map(({ name, watch, options: { required } }) => ({
    name,
    state: watch.state,
    required,
  }));
}

function unknownUpstream(name: unknown, known: readonly string[]): never {
  const close = typeof name === "string" ? nearest(name, known) : null;
  const all = known.length === 0 ? "this gateway has none" : `known are ${known.join(", ")}`;
  const hint = close === null ? all : `did you mean "${close}"?`;
  throw new TypeError(`no upstream is called ${shown(name)}; ${hint}`);
}
