/**
 * Creates the chaos policy of an upstream from its options.
 *
 * It is off where `NODE_ENV` is `production`, unless its switch is set.
 */
import type { NormalisedUpstream } from "../options/options.js";
import { chaos } from "../policies/chaos.js";
import type { Stages } from "./assemble.js";
import type { GatewayParts } from "./parts.js";

export function chaosOf(
  { clock, random, events }: GatewayParts,
  { name: upstream, chaos: settings }: NormalisedUpstream,
): Stages["chaos"] {
  if (settings === false) return null;
  if (process.env["NODE_ENV"] === "production" && !settings.inProduction) return null;
  const { failure, delayMs } = settings;
  return chaos(clock, random, settings, ({ call, target }) => {
    if (!events.has("chaos:act")) return;
    events.emit("chaos:act", { upstream, target: target.id, id: call.id, failure, delayMs });
  });
}
