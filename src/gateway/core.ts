/**
 * What a gateway offers its adapters only: identity, time, policy of statuses, and
 * upstreams by origin.
 */
import type { Clock } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import type { Random } from "../base/random.js";
import type { StatusPolicy } from "../catalog/status-policy.js";
import type { Diagnosis } from "../diagnosis/diagnosis.js";
import type { HealthCore } from "../lifecycle/health/health.js";
import type { GatewayLifecycle } from "../lifecycle/lifecycle.js";
import type { Warnings } from "../lifecycle/warnings.js";
import type { Behind } from "../options/behind.js";
import type { EndedCalls } from "../records/ended-calls.js";
import type { GatewayEvents } from "../records/events.js";
import type { Incidents } from "../records/incidents.js";
import type { RateLimitStates } from "../records/rate-limits.js";
import type { Tracing } from "../records/tracing.js";
import type { FleetMembership } from "../targets/fleet-link.js";
import type { Believe, ViaSignature } from "../wire/forwarding.js";
import type { OriginRoute } from "./origin-index.js";
import type { UpstreamCore } from "./upstream.js";

/** The inside of a gateway, for the adapters. */
export interface GatewayCore {
  readonly name: string;
  readonly statusPolicy: StatusPolicy;
  readonly via: ViaSignature;
  readonly clock: Clock;
  /** The same for the timers that every call sets. */
  readonly timers: Clock;
  readonly random: Random;
  readonly events: Emitter<GatewayEvents>;
  /** The calls that are over, for our own counting. */
  readonly endedCalls: EndedCalls;
  readonly lifecycle: GatewayLifecycle;
  /** What stands in front of the server; null when nothing was written. */
  readonly behind: Behind | null;
  /** What is believed of forwarding fields because of it. */
  readonly believe: Believe | null;
  /** Warns of a contradiction that is no error. */
  warn: Warnings["warn"];
  /** The same for what a start check finds; a diagnosis has it, too. */
  report: Warnings["report"];
  /** The warnings so far. */
  reported: Warnings["reported"];
  readonly health: HealthCore;
  readonly incidents: Incidents;
  /** The verdict about an upstream of this name, by live evidence. */
  diagnose(name: string): Diagnosis;
  readonly tracing: Tracing;
  /** The rate limits that belong to it. */
  readonly rateLimits: RateLimitStates;
  /** Null for a gateway that is alone. */
  readonly fleet: FleetMembership | null;
  newRequestId(): string;
  /** Calls this function when the gateway has been closed; returns how to take that back. */
  onClose(fn: () => void): () => void;
  /**
   * The upstream that serves this path of an origin, and the path below its targets; made for the
   * origin on first use. The path chooses among the upstreams of the origin, never another host.
   */
  upstreamOf(origin: string, path: string): OriginRoute;
  /** The same for what an upstream has led to, as by a redirect: its own guard holds there, too. */
  upstreamBehind(from: UpstreamCore, origin: string, path: string): OriginRoute;
}
