/**
 * The handle of a gateway, and the way from it to its inside.
 *
 * Apart from createGateway, so that an adapter, which is handed a gateway, does not load what makes
 * one.
 */
import type { Emitter } from "../base/emitter.js";
import type { Diagnosis } from "../diagnosis/diagnosis.js";
import type { Incident } from "../diagnosis/incident.js";
import type { GatewayHealth } from "../lifecycle/health/health.js";
import type { DrainReport } from "../lifecycle/lifecycle.js";
import type { GatewayEvents } from "../records/events.js";
import type { GatewayCore } from "./core.js";
import type { RestoreOptions, RestoreReport } from "./restore.js";
import type { GatewaySnapshot } from "./snapshot.js";
import type { Upstream } from "./upstream-handle.js";

export interface Gateway<Names extends string = string> {
  /** This deployment in Proxy-Status and Via. */
  readonly name: string;
  /** Handle of an upstream; a name that was not configured throws and names the nearest one. */
  upstream(name: Names): Upstream<Names>;
  readonly upstreams: readonly Upstream<Names>[];
  /** Liveness, readiness, and the checks of the application. */
  readonly health: GatewayHealth;
  /** Processes that vanished behind targets, the latest last; those that go on have no end yet. */
  readonly incidents: readonly Incident[];
  /**
   * What is wrong with an upstream right now, by live evidence: one target or all, one route or
   * all, new connections or kept ones, since when; in the form of `good-gateway doctor`.
   */
  diagnose(name: Names): Diagnosis;
  /** Everything that is known right now, as plain data that can be sent as JSON. */
  snapshot(): GatewaySnapshot;
  /**
   * Takes over from a snapshot of before a restart which breakers were open and how long answers
   * took. Throws a `TypeError` for what is no snapshot.
   */
  restore(snapshot: GatewaySnapshot, options?: RestoreOptions): RestoreReport;
  /** Subscribes to an event; returns how to unsubscribe. */
  on: Emitter<GatewayEvents>["on"];
  once: Emitter<GatewayEvents>["once"];
  off: Emitter<GatewayEvents>["off"];
  /** Calls are answered with 503 and this Retry-After until maintenance ends. */
  startMaintenance(options?: { readonly retryAfterMs?: number }): void;
  endMaintenance(): void;
  /** Refuses new calls, waits for those in flight, and reports how many ended by themselves. */
  drain(options?: { readonly timeoutMs?: number }): Promise<DrainReport>;
  /** Drains without waiting and closes the connections at rest. */
  close(): void;
}

export const CORE = Symbol.for("good-gateway.gateway");

/** The inside of a gateway handle. Throws a TypeError for anything else. */
export function gatewayCore(gateway: unknown): GatewayCore {
  const core = isGateway(gateway) ? gateway[CORE] : undefined;
  if (core === undefined) throw new TypeError("expected what createGateway() returns");
  return core;
}

/** Whether a value is a gateway handle, of this or any other copy of the package. */
export function isGateway(value: unknown): value is Gateway & { readonly [CORE]: GatewayCore } {
  return typeof value === "object" && value !== null && CORE in value;
}
