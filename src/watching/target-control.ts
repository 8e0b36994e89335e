/**
 * Targets that come and go while the gateway runs.
 *
 * Guarantee: no call that has begun is cut. A target that goes gets no further call, its
 * connections at rest are closed at once and the others after their exchange, and only then is
 * what was known of it forgotten.
 */
import type { Emitter } from "../base/emitter.js";
import { createFindings, shown } from "../options/findings.js";
import { nearest } from "../options/nearest.js";
import { GatewayOptionsError } from "../options/options-error.js";
import { readTargets } from "../options/read-targets.js";
import type { TargetInput } from "../options/target-options.js";
import type { GatewayEvents } from "../records/events.js";
import type { ParsedTarget, Target } from "../targets/target.js";
import type { TargetSet } from "../targets/target-set.js";
import type { UndiciTransport } from "../transports/undici.js";

export interface TargetControl {
  /**
   * Takes a target in; it gets calls at once. One that drains is taken back with all that is known
   * of it, if nothing but its weight is written otherwise now.
   */
  add(target: string | TargetInput): void;
  /** Sends nothing more there. Resolves when the last exchange with it is over. */
  remove(target: string): Promise<void>;
  /** Sends no new calls there, and removes it when the last exchange is over; then it resolves. */
  drain(target: string): Promise<void>;
  /**
   * Sends no new calls there, and keeps it with all that is known of it; resolves when the last
   * exchange is over.
   */
  disable(target: string): Promise<void>;
  /** Takes back one that is disabled or drains; nothing of what is known of it is lost. */
  enable(target: string): void;
  /** Opens its breaker, for this time or for its own; trials decide afterwards. */
  openBreaker(target: string, options?: { readonly forMs?: number }): void;
  /** Closes its breaker, and forgets the failures, those of routes too. */
  closeBreaker(target: string): void;
  /** Changes its share, against the others. */
  setWeight(target: string, weight: number): void;
}

/** What a control works on. */
export interface ControlParts {
  readonly upstream: string;
  readonly events: Emitter<GatewayEvents>;
  readonly set: TargetSet;
  readonly transport: Pick<UndiciTransport, "retire" | "forget">;
  make(address: ParsedTarget): Target;
}

/** The same, for addresses that are read already. */
export interface InnerControl extends TargetControl {
  take(address: ParsedTarget): void;
}

export function targetControl(parts: ControlParts): InnerControl {
  const { upstream, events, set, transport } = parts;
  const emit = (name: `target:${TargetChange}`, target: Target): void => {
    const { id, pending } = target;
    if (events.has(name)) events.emit(name, { upstream, target: id, pending });
  };
  const whenIdle = (target: Target): Promise<void> =>
    new Promise((resolve) => set.whenIdle(target, resolve));

  const remove = async (target: Target): Promise<void> => {
    target.draining = true;
    set.remove(target.id);
    transport.retire(target);
    emit("target:remove", target);
    await whenIdle(target);
    transport.forget(target);
  };
  const enable = (target: Target): void => {
    if (!target.draining) return;
    target.draining = false;
    target.disabled = false;
    set.changed();
    emit("target:enable", target);
  };
  const control: InnerControl = {
    take(address) {
      const known = set.get(address.id);
      if (known?.draining === true && isSame(known, address)) {
        enable(known);
        control.setWeight(known.id, address.weight);
        return;
      }
      if (known?.draining === true) void remove(known);
      const target = parts.make(address);
      set.add(target);
      emit("target:add", target);
    },
    add: (input) => control.take(readOne(input)),
    remove: async (id) => remove(find(set, upstream, id)),
    async drain(id) {
      const target = find(set, upstream, id);
      if (!target.draining) {
        target.draining = true;
        set.changed();
        emit("target:drain", target);
      }
      await whenIdle(target);
      // A later command for this target takes precedence.
      const isLeaving = target.draining && !target.disabled;
      if (set.get(target.id) === target && isLeaving) await remove(target);
    },
    ...byHand(parts, emit, enable, whenIdle),
    setWeight(id, weight) {
      const target = find(set, upstream, id);
      if (!(Number.isFinite(weight) && weight > 0)) {
        const advice = "drain or remove it to send nothing there";
        throw new TypeError(`weight: ${shown(weight)} is not a number above 0; ${advice}`);
      }
      target.weight = weight;
      set.reweighted();
    },
  };
  return control;
}

/** What takes a target out and back, and keeps it. */
function byHand(
  { upstream, set }: ControlParts,
  emit: (name: `target:${TargetChange}`, target: Target) => void,
  enable: (target: Target) => void,
  whenIdle: (target: Target) => Promise<void>,
): Pick<TargetControl, "disable" | "enable" | "openBreaker" | "closeBreaker"> {
  return {
    async disable(id) {
      const target = find(set, upstream, id);
      if (!target.disabled) {
        target.draining = true;
        target.disabled = true;
        set.changed();
        emit("target:disable", target);
      }
      await whenIdle(target);
    },
    enable: (id) => enable(find(set, upstream, id)),
    openBreaker(id, options) {
      const forMs = options?.forMs ?? null;
      const target = find(set, upstream, id);
      if (forMs !== null && !(Number.isFinite(forMs) && forMs > 0)) {
        const advice = "disable the target to send nothing there until it is enabled";
        throw new TypeError(`forMs: ${shown(forMs)} is not a finite time above 0; ${advice}`);
      }
      target.breaker?.open("by_hand", forMs);
    },
    closeBreaker(id) {
      const target = find(set, upstream, id);
      target.failures = 0;
      target.breaker?.close();
      set.changed();
    },
  };
}

type TargetChange = "add" | "remove" | "drain" | "disable" | "enable";

/** Whether the same is written for it, but for its weight. */
function isSame(target: Target, address: ParsedTarget): boolean {
  return SAME.every((name) => JSON.stringify(target[name]) === JSON.stringify(address[name]));
}

const SAME = ["authority", "pathPrefix", "socketPath", "tls", "priority", "zone"] as const;

function readOne(input: unknown): ParsedTarget {
  const findings = createFindings();
  const [target] = readTargets(findings, "target", Array.isArray(input) ? null : input);
  if (target === undefined || findings.problems.length > 0) {
    throw new GatewayOptionsError(findings.problems);
  }
  return target;
}

/** By its id, or by an address that means the same. */
function find(set: TargetSet, upstream: string, id: string): Target {
  const found = set.get(id) ?? set.get(String(id).replace(/\/+$/, ""));
  if (found !== undefined) return found;
  const known = set.targets.map((target) => target.id);
  const close = nearest(String(id), known);
  const hint = close === null ? "see upstream.targets" : `did you mean "${close}"?`;
  throw new TypeError(`${shown(id)} is no target of "${upstream}"; ${hint}`);
}
