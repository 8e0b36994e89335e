/**
 * What all upstreams of a gateway share: its name, time, chance, life and events.
 * Each of them is a seam, so that a test can put its own in the place.
 */
import type { Clock } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import type { Lifecycle } from "../policies/drain-gate.js";
import type { LoadGuard } from "../policies/load-shed.js";
import type { EndedCalls } from "../records/ended-calls.js";
import type { GatewayEvents } from "../records/events.js";
import type { Incidents } from "../records/incidents.js";
import type { RateLimitStates } from "../records/rate-limits.js";
import type { Tracing } from "../records/tracing.js";
import type { FleetMembership } from "../targets/fleet-link.js";
import type { ProberParts } from "../watching/probing.js";

export interface GatewayParts extends ProberParts {
  /** The name of this deployment. */
  readonly name: string;
  /** Where it runs; null when that was not said. */
  readonly zone: string | null;
  /** The clock of the probers, for the timers that every call sets. */
  readonly timers: Clock;
  readonly lifecycle: Lifecycle;
  readonly events: Emitter<GatewayEvents>;
  /** The calls that are over, for our own counting. */
  readonly endedCalls: EndedCalls;
  /** Something that health depends on has changed. */
  readonly changed: () => void;
  readonly incidents: Incidents;
  readonly rateLimits: RateLimitStates;
  /** Null for a gateway that is alone. */
  readonly fleet: FleetMembership | null;
  /** Who follows the calls; the same for all upstreams. */
  readonly tracing: Tracing;
  /** The load of this process; null where none is shed. */
  readonly load: LoadGuard | null;
}
