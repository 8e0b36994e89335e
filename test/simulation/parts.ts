/** The parts of a gateway on virtual time, for simulations of a real upstream. */
import type { Emitter } from "../../src/base/emitter.js";
import { seededRandom } from "../../src/base/random.js";
import { sharedTimers } from "../../src/base/shared-timers.js";
import { verdictOf } from "../../src/diagnosis/diagnosis-verdict.js";
import type { GatewayParts } from "../../src/gateway/parts.js";
import { createLifecycle } from "../../src/lifecycle/lifecycle.js";
import { endedCalls } from "../../src/records/ended-calls.js";
import type { GatewayEvents } from "../../src/records/events.js";
import { createIncidents } from "../../src/records/incidents.js";
import type { VirtualClock } from "../../src/testing/virtual-clock.js";

export function simulatedParts(
  clock: VirtualClock,
  seed: number,
  events: Emitter<GatewayEvents>,
  probe: NonNullable<GatewayParts["probe"]>,
): GatewayParts {
  return {
    name: "simulation",
    zone: null,
    load: null,
    changed: () => {},
    incidents: createIncidents(events, () => verdictOf([], [])),
    tracing: { tracer: null },
    rateLimits: new Set(),
    fleet: null,
    endedCalls: endedCalls(clock),
    clock,
    timers: sharedTimers(clock),
    random: seededRandom(seed),
    lifecycle: createLifecycle(clock, () => {}),
    events,
    probe,
  };
}
