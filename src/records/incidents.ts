/**
 * The incidents of a gateway: one for each process that vanished behind a target.
 *
 * Guarantee: exactly one `incident:start` and one `incident:end` each; the list is bounded, and
 * what goes on is in it with what is known by now.
 */
import type { Emitter } from "../base/emitter.js";
import { INCIDENT } from "../catalog/health-defaults.js";
import type { Verdict } from "../diagnosis/diagnosis-report.js";
import type { Incident, IncidentSeen } from "../diagnosis/incident.js";
import type { Evidence } from "../targets/evidence.js";
import type { PresenceListener } from "../targets/presence.js";
import type { GatewayEvents } from "./events.js";

export interface Incidents {
  /** The latest ones, the oldest first. */
  list(): readonly Incident[];
  /** The listener for the presence of one target. */
  listenerFor(upstream: string, target: string): PresenceListener;
}

/** The verdict about an upstream, by these incidents. */
export type Diagnose = (upstream: string, incidents: readonly IncidentSeen[]) => Verdict;

interface Kept {
  readonly seen: () => IncidentSeen;
  verdict: Verdict;
}

export function createIncidents(events: Emitter<GatewayEvents>, diagnose: Diagnose): Incidents {
  const kept: Kept[] = [];
  const open = new Map<Evidence, Kept>();
  let count = 0;
  const read = ({ seen, verdict }: Kept): Incident => ({ ...seen(), verdict });
  // What has just ended is judged as what it was, and not as over.
  const judge = (one: IncidentSeen): Verdict => {
    const others = [...open.values()].map(({ seen }) => seen());
    const judged = { ...one, endedAt: null };
    return diagnose(one.upstream, [...others.filter(({ id }) => id !== one.id), judged]);
  };
  return {
    list: () => kept.map(read),
    listenerFor: (upstream, target) => ({
      started(evidence) {
        count += 1;
        const id = count;
        const seen = (): IncidentSeen => ({ id, upstream, target, ...evidence.facts() });
        const one = { seen, verdict: judge(seen()) };
        open.set(evidence, one);
        kept.push(one);
        if (kept.length > INCIDENT.keptMax) kept.shift();
        if (events.has("incident:start")) events.emit("incident:start", read(one));
      },
      ended(evidence) {
        const one = open.get(evidence);
        if (one === undefined) return;
        one.verdict = judge(one.seen());
        open.delete(evidence);
        if (events.has("incident:end")) events.emit("incident:end", read(one));
      },
    }),
  };
}
