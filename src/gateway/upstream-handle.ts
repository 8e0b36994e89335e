/**
 * The public handle of an upstream: what every adapter takes as its first argument.
 *
 * Its inside is behind a registered symbol, so that a handle of another copy of the package works
 * too.
 */
import type { Standing } from "../catalog/words.js";
import type { CallOverrides } from "../core/call.js";
import type { Outcome } from "../core/outcome.js";
import type { PolicyDescription } from "../core/pipe.js";
import type { MaintenanceState } from "../policies/maintenance.js";
import { standingOf } from "../targets/standing.js";
import type { Target } from "../targets/target.js";
import type { HealthState } from "../targets/target-health.js";
import type { UpstreamState } from "../targets/upstream-state.js";
import type { TargetControl } from "../watching/target-control.js";
import type { GatewayCore } from "./core.js";
import { endMaintenance, startMaintenance } from "./maintenance.js";
import type { OverloadState } from "./overload.js";
import type { UpstreamBody } from "./send.js";
import { type SendRequest, sendThrough } from "./send.js";
import type { UpstreamCore } from "./upstream.js";
import type { UpstreamInside } from "./upstream-inside.js";

/** State of one target, as plain data. */
export interface TargetState {
  readonly target: string;
  readonly weight: number;
  /** Of its weight, above 0 and up to 1: less in slow start, and as it or its agent says. */
  readonly share: number;
  /** From 0, which is asked first; 100 is a backup. */
  readonly priority: number;
  readonly zone: string | null;
  /** It gets no new calls, and is removed when the last one is over. */
  readonly draining: boolean;
  /** An operator has taken it out; it is kept, and gets calls again when it is enabled. */
  readonly disabled: boolean;
  readonly pending: number;
  readonly breaker: "closed" | "open" | "half_open" | "off";
  /** How it is, in one word (docs/evidence.md): `well`, `failing`, `out` and others. */
  readonly standing: Standing;
  /** What probes, its own word and its peers say; why, when it is not healthy. */
  readonly health: HealthState;
  readonly reason: string | null;
  readonly connections: { readonly open: number; readonly idle: number; readonly waiting: number };
}

export interface Upstream<Names extends string = string> {
  readonly name: Names;
  /** One call, with its outcome as a value. Never rejects for a failure of the catalog. */
  send(request: SendRequest, overrides?: CallOverrides): Promise<Outcome<UpstreamBody>>;
  /** The effective pipe, in request order. */
  describe(): readonly PolicyDescription[];
  /** Its state as a whole; changes emit `upstream:state`. */
  readonly state: UpstreamState;
  /** How busy it is now, and what was refused because of it. */
  readonly overload: OverloadState;
  /** The targets as they are now, and how to change them. */
  readonly targets: UpstreamTargets;
  /** What is refused by `startMaintenance`. */
  readonly maintenance: readonly MaintenanceState[];
  /**
   * Calls are answered with 503, `maintenance` and this Retry-After until it is ended: all of them,
   * or those of the paths that fit a pattern, which is written as in `routes`.
   */
  startMaintenance(options?: { readonly path?: string; readonly retryAfterMs?: number }): void;
  /** Ends it, for all calls or for the paths of that pattern. */
  endMaintenance(options?: { readonly path?: string }): void;
}

/** The states of the targets at one moment; what is done to it is done to the upstream. */
export interface UpstreamTargets extends ReadonlyArray<TargetState>, TargetControl {}

const INSIDE = Symbol.for("good-gateway.upstream");

export function upstreamHandle(gateway: GatewayCore, core: UpstreamCore): Upstream {
  const handle: Upstream & { readonly [INSIDE]: UpstreamInside } = {
    [INSIDE]: { gateway, core },
    name: core.name,
    send: (request, overrides) => sendThrough(gateway, core, request, overrides ?? null),
    describe: () => core.describe(),
    get state() {
      core.look();
      return core.watch.state;
    },
    get overload() {
      return core.overload();
    },
    get targets() {
      core.look();
      const states = core.targets.targets.map((target) => targetState(core, target));
      return withControl(states, core.control);
    },
    get maintenance() {
      return core.maintenance.states;
    },
    startMaintenance: (options) => startMaintenance(gateway, core, options ?? {}),
    endMaintenance: (options) => endMaintenance(gateway, core, options ?? {}),
  };
  return handle;
}

/** The methods are no members that a loop or a comparison would meet. */
function withControl(states: TargetState[], control: TargetControl): UpstreamTargets {
  const { add, remove, drain, disable, enable, openBreaker, closeBreaker, setWeight } = control;
  return Object.defineProperties(states, {
    add: { value: add },
    remove: { value: remove },
    drain: { value: drain },
    disable: { value: disable },
    enable: { value: enable },
    openBreaker: { value: openBreaker },
    closeBreaker: { value: closeBreaker },
    setWeight: { value: setWeight },
  }) as readonly TargetState[] as UpstreamTargets;
}

/** One target as it is now. */
export function targetState(core: UpstreamCore, target: Target): TargetState {
  return {
    target: target.id,
    weight: target.weight,
    share: Math.round(1_000 * target.health.share()) / 1_000,
    priority: target.priority,
    zone: target.zone,
    draining: target.draining && !target.disabled,
    disabled: target.disabled,
    pending: target.pending,
    breaker: core.options.breaker === false ? "off" : (target.breaker?.state ?? "off"),
    standing: standingOf(target),
    health: target.health.state,
    reason: target.health.reason,
    connections: core.transport.stats(target),
  };
}

/** Whether a value is an upstream handle, of this or any other copy of the package. */
export function isUpstream(
  value: unknown,
): value is Upstream & { readonly [INSIDE]: UpstreamInside } {
  return typeof value === "object" && value !== null && INSIDE in value;
}

/** The inside of an upstream handle. Throws a TypeError for anything else. */
export function upstreamInside(upstream: unknown): UpstreamInside {
  if (isUpstream(upstream)) return upstream[INSIDE];
  throw new TypeError('expected the handle that gateway.upstream("name") returns');
}
