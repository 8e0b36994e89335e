/**
 * Which upstream serves an origin: one that was configured, else one that is made for it.
 *
 * Guarantee: what an upstream leads to keeps to that upstream's own guard of addresses, and no
 * other call meets it.
 */
import { GATEWAY } from "../catalog/defaults.js";
import type { AddressRules } from "../targets/address-guard.js";
import type { GatewayCore } from "./core.js";
import { madeOrigins, originIndex } from "./origin-index.js";
import type { GatewayParts } from "./parts.js";
import type { UpstreamCore } from "./upstream.js";

export type OriginRoutes = Pick<GatewayCore, "upstreamOf" | "upstreamBehind">;

/** Makes an upstream of this name with the origin as its target. */
export type MakeUpstream = (
  name: string,
  origin: string,
  addresses: readonly AddressRules[],
) => UpstreamCore;

export function originRoutes(
  { events, changed }: Pick<GatewayParts, "events" | "changed">,
  cores: Map<string, UpstreamCore>,
  addresses: readonly AddressRules[],
  make: MakeUpstream,
): OriginRoutes {
  // Made for what one upstream has led to, with its guard.
  const aside = new Set<UpstreamCore>();
  const origins = originIndex(cores, aside);
  for (const name of ["target:add", "target:remove"] as const) events.on(name, origins.stale);
  const made = madeOrigins<UpstreamCore>(GATEWAY.originsMax, (core) => {
    cores.delete(core.name);
    if (!aside.delete(core)) origins.remove(core);
    changed();
  });
  const add = (name: string, origin: string, rules: readonly AddressRules[]): UpstreamCore => {
    const core = make(name, origin, rules);
    cores.set(name, core);
    return core;
  };
  const upstreamOf: OriginRoutes["upstreamOf"] = (origin, path) => {
    const known = origins.find(origin, path);
    if (known !== null) {
      made.used(known.core);
      return known;
    }
    const core = add(origin, origin, addresses);
    origins.add(core);
    made.add(core);
    return { core, path };
  };
  return {
    upstreamOf,
    upstreamBehind(from, origin, path) {
      const known = origins.find(origin, path);
      const isConfigured = known !== null && !made.has(known.core);
      const rules = from.options.addresses;
      if (rules.length === 0 || isConfigured) return upstreamOf(origin, path);
      const name = `${origin} behind ${from.name}`;
      const before = cores.get(name);
      if (before !== undefined) {
        made.used(before);
        return { core: before, path };
      }
      const core = add(name, origin, [...addresses, ...rules]);
      aside.add(core);
      made.add(core);
      return { core, path };
    },
  };
}
