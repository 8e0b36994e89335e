/**
 * The incidents of a gateway: one for each process that vanished behind a target.
 *
 * Guarantee: exactly one `incident:start` and one `incident:end` each; the list is bounded, and
 * what goes on is in it with what is known by now.
 */
import type { Emitter } from "../base/emitter.js";
import { INCIDENT } from "../catalog/health-defaults.js";
import type { Evidence } from "../targets/evidence.js";
import type { PresenceListener } from "../targets/presence.js";
import type { GatewayEvents } from "./events.js";
import type { Incident } from "./incident.js";

export interface Incidents {
  /** The latest ones, the oldest first. */
  list(): readonly Incident[];
  /** Who tells of the presence of one target. */
  listenerFor(upstream: string, target: string): PresenceListener;
}

export function createIncidents(events: Emitter<GatewayEvents>): Incidents {
  const kept: (() => Incident)[] = [];
  const open = new Map<Evidence, () => Incident>();
  let count = 0;
  return {
    list: () => kept.map((read) => read()),
    listenerFor: (upstream, target) => ({
      started(evidence) {
        count += 1;
        const id = count;
        const read = (): Incident => ({ id, upstream, target, ...evidence.facts() });
        open.set(evidence, read);
        kept.push(read);
        if (kept.length > INCIDENT.keptMax) kept.shift();
        if (events.has("incident:start")) events.emit("incident:start", read());
      },
      ended(evidence) {
        const read = open.get(evidence);
        open.delete(evidence);
        if (read !== undefined && events.has("incident:end")) events.emit("incident:end", read());
      },
    }),
  };
}
