/**
 * States of a gateway as samples, from one snapshot.
 *
 * Guarantee: a state is shown by one series for each value that it can have, 1 for the one that
 * holds, so that a graph of it needs no code book and a series never disappears.
 */
import type { GatewaySnapshot, TargetSnapshot, UpstreamSnapshot } from "../gateway/snapshot.js";
import type { RateLimitState } from "../records/rate-limits.js";
import type { METRICS, MetricKey } from "./metric-table.js";
import type { Sample } from "./series.js";

type GaugeKey = {
  [Key in MetricKey]: (typeof METRICS)[Key] extends { readonly type: "gauge" } | { read: true }
    ? Key
    : never;
}[MetricKey];

export type GaugeSamples = Readonly<Record<GaugeKey, readonly Sample[]>>;

const LIFECYCLE = ["running", "lame_duck", "draining", "closed"];
const UPSTREAM = ["healthy", "degraded", "down"];
const HEALTH = ["healthy", "unhealthy", "ejected"];
const ROUTES = ["watched", "avoided", "refused"];
const BREAKER = ["closed", "half_open", "open"];

export function gaugeSamples(snapshot: GatewaySnapshot): GaugeSamples {
  const { lifecycle, health, upstreams, incidents, rateLimits, fleet } = snapshot;
  // One guard for all of them; null where it is off.
  const shed = upstreams[0]?.overload.shed ?? null;
  const eachTarget = (samplesOf: (upstream: string, one: TargetSnapshot) => readonly Sample[]) =>
    upstreams.flatMap(({ name, targets }) => targets.flatMap((one) => samplesOf(name, one)));
  return {
    rateLimited: rateLimits.flatMap(limitSamples),
    rateLimitStore: rateLimits.flatMap(({ name: limit, store }) =>
      store === null ? [] : [gauge({ limit }, store.up ? 1 : 0)],
    ),
    rateLimitKeys: rateLimits.map(({ name: limit, keys }) => gauge({ limit }, keys)),
    quotaWaiting: rateLimits.flatMap(({ upstream, waiting }) =>
      upstream === null ? [] : [gauge({ upstream }, waiting)],
    ),
    fleetMembers: fleet === null ? [] : [gauge({ fleet: fleet.name }, fleet.others.length + 1)],
    fleetBus: fleet === null ? [] : [gauge({ fleet: fleet.name }, fleet.bus.up ? 1 : 0)],
    active: [gauge({}, lifecycle.active)],
    lifecycle: states({}, lifecycle.state, LIFECYCLE),
    ready: [gauge({}, health.ready ? 1 : 0)],
    loopDelay: shed === null ? [] : [gauge({}, shed.eventLoopDelayMs / MS_PER_SECOND)],
    shedPressure: shed === null ? [] : [gauge({}, shed.pressure)],
    incidentsOpen: eachTarget((upstream, { target }) => {
      const going = incidents.some(
        (one) => one.upstream === upstream && one.target === target && one.endedAt === null,
      );
      return [gauge({ upstream, target }, going ? 1 : 0)];
    }),
    upstreamState: upstreams.flatMap(({ name, state }) =>
      states({ upstream: name }, state, UPSTREAM),
    ),
    maintenance: upstreams.map(({ name, maintenance }) =>
      gauge({ upstream: name }, maintenance.length > 0 ? 1 : 0),
    ),
    targetDisabled: eachTarget((upstream, { target, disabled }) => [
      gauge({ upstream, target }, disabled ? 1 : 0),
    ]),
    targetShare: eachTarget((upstream, { target, share }) => [gauge({ upstream, target }, share)]),
    places: upstreams.flatMap(placeSamples),
    adaptiveLimit: upstreams.flatMap(({ name, overload: { adaptiveLimit } }) =>
      adaptiveLimit === null ? [] : [gauge({ upstream: name }, adaptiveLimit.limit)],
    ),
    paceHold: upstreams.flatMap(({ name, overload: { pace } }) =>
      pace === null ? [] : [gauge({ upstream: name }, pace.heldMs / MS_PER_SECOND)],
    ),
    paceWaiting: upstreams.flatMap(({ name, overload: { pace } }) =>
      pace === null ? [] : [gauge({ upstream: name }, pace.waiting)],
    ),
    targetPending: eachTarget((upstream, { target, pending }) => [
      gauge({ upstream, target }, pending),
    ]),
    targetHealth: eachTarget((upstream, one) =>
      states({ upstream, target: one.target }, one.health, HEALTH),
    ),
    breakerState: eachTarget((upstream, { target, breaker }) =>
      breaker === null ? [] : states({ upstream, target }, breaker.state, BREAKER),
    ),
    suspectRoutes: eachTarget((upstream, { target, breaker }) =>
      ROUTES.map((standing) => {
        const routes = breaker?.routes.filter((one) => one.standing === standing) ?? [];
        return gauge({ upstream, target, standing }, routes.length);
      }),
    ),
    connections: eachTarget((upstream, { target, connections }) =>
      Object.entries(connections).map(([kind, count]) => gauge({ upstream, target, kind }, count)),
    ),
  };
}

const MS_PER_SECOND = 1_000;

function gauge(labels: Readonly<Record<string, string>>, value: number): Sample {
  return { suffix: "", labels, value };
}

function states(
  labels: Readonly<Record<string, string>>,
  current: string,
  known: readonly string[],
): readonly Sample[] {
  return known.map((state) => gauge({ ...labels, state }, state === current ? 1 : 0));
}

function limitSamples({ name: limit, requests }: RateLimitState): readonly Sample[] {
  return Object.entries(requests).flatMap(([tier, { admitted, refused, wouldRefuse }]) =>
    Object.entries({ admitted, refused, would_refuse: wouldRefuse }).map(([result, count]) =>
      gauge({ limit, tier, result }, count),
    ),
  );
}

function placeSamples({ name, overload: { bulkhead } }: UpstreamSnapshot): readonly Sample[] {
  if (bulkhead === null) return [];
  const { running, waiting, places, streams, callers } = bulkhead;
  const busiest = callers === null ? {} : { callers: callers.count, busiest_caller: callers.most };
  const counts = { running, waiting, places, ...busiest };
  const all = { ...counts, streams: streams.running, stream_places: streams.places };
  return Object.entries(all).map(([kind, count]) => gauge({ upstream: name, kind }, count));
}
