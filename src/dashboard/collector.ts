/**
 * Listens to a gateway for its dashboard, and keeps what is shown: traffic, the last failures, and
 * the last changes of state.
 *
 * Guarantee: bounded memory whatever happens (every list and ring has its length in
 * catalog/dashboard-defaults.ts); nothing is listened to after `stop`; no timer.
 */
import { type Clock, epochMs } from "../base/clock.js";
import { DASHBOARD } from "../catalog/dashboard-defaults.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { EndedCall } from "../records/ended-call.js";
import type { GatewayEvents } from "../records/events.js";
import { failedCall } from "./failed-call.js";
import { type FailedCalls, failureGroups } from "./failure-groups.js";
import { type Traffic, traffic } from "./traffic.js";

/** Something that changed: a breaker, a target, an upstream, the gateway. */
export interface Change {
  /** Counted from 1 by the dashboard, over all upstreams. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: ChangeKind;
  /** Null for the gateway itself. */
  readonly upstream: string | null;
  readonly target: string | null;
  readonly from: string | null;
  readonly to: string;
  readonly reason: string | null;
}

export type ChangeKind =
  | "breaker"
  | "target"
  | "upstream"
  | "lifecycle"
  | "health"
  | "load"
  | "incident"
  | "discovery";

/** What is known of one upstream. */
export interface Collected {
  readonly traffic: Traffic;
  /** Failed calls, equal ones as one, the oldest first; those made good are among them. */
  failures(): readonly FailedCalls[];
  changes(): readonly Change[];
}

export interface Collector {
  /** The number of the slot of this moment. */
  slotNow(): number;
  /** When slot 0 began, in milliseconds since 1970. */
  epochMs(): number;
  /** By the name of the upstream. */
  readonly upstreams: ReadonlyMap<string, Collected>;
  /** Changes of the gateway itself. */
  changes(): readonly Change[];
  /** Numbers of the last failure and the last change. */
  readonly seq: number;
  stop(): void;
}

export function collect(gateway: Gateway, clock: Clock): Collector {
  let seq = 0;
  const slotNow = (): number => slotOf(clock.now());
  const upstreams = new Map<string, Kept>();
  const own = lastOf<Change>(DASHBOARD.changesMax);
  const next = (): number => {
    seq += 1;
    return seq;
  };
  let fullIn: number | null = null;
  /** What is no longer shown makes room; looked at once a slot, since there may be many. */
  const hasMadeRoom = (): boolean => {
    const slot = slotNow();
    if (slot === fullIn) return false;
    const shown = gateway.upstreams.slice(0, DASHBOARD.upstreamsMax).map(({ name }) => name);
    for (const name of upstreams.keys()) if (!shown.includes(name)) upstreams.delete(name);
    const hasRoom = upstreams.size < DASHBOARD.upstreamsMax;
    fullIn = hasRoom ? null : slot;
    return hasRoom;
  };
  const keptOf = (name: string): Kept | null => {
    const known = upstreams.get(name);
    if (known !== undefined) return known;
    if (upstreams.size >= DASHBOARD.upstreamsMax && !hasMadeRoom()) return null;
    const fresh = keep(slotNow);
    upstreams.set(name, fresh);
    return fresh;
  };
  for (const { name } of gateway.upstreams) keptOf(name);

  const { follow, flush } = gatewayCore(gateway).endedCalls;
  const leave = follow((calls) => {
    for (const call of calls) keptOf(call.upstream)?.count(call, slotOf(call.endedAt), next);
  });
  const onChange = (change: Omit<Change, "seq" | "at">): void => {
    flush();
    const list = change.upstream === null ? own : keptOf(change.upstream)?.changed;
    list?.add({ seq: next(), at: clock.wallNow(), ...change });
  };
  const forget = [leave, ...listenToChanges(gateway, onChange)];

  return {
    slotNow,
    epochMs: () => epochMs(clock),
    get upstreams() {
      flush();
      return upstreams;
    },
    changes: own.list,
    get seq() {
      flush();
      return seq;
    },
    stop() {
      for (const off of forget) off();
    },
  };
}

interface Kept extends Collected {
  count(call: EndedCall, slot: number, next: () => number): void;
  readonly changed: LastOf<Change>;
}

function keep(slotNow: () => number): Kept {
  const counted = traffic(slotNow);
  const failed = failureGroups(DASHBOARD.failuresMax);
  const recovered = failureGroups(DASHBOARD.recoveredMax);
  const changed = lastOf<Change>(DASHBOARD.changesMax);
  return {
    traffic: counted,
    changed,
    changes: changed.list,
    failures: () => [...failed.list(), ...recovered.list()].sort((a, b) => a.seq - b.seq),
    count(call, slot, next) {
      const shown = isWrong(call) ? failedCall(call, next()) : null;
      counted.count(call, slot, shown?.recovered ?? false);
      if (shown !== null) (shown.recovered ? recovered : failed).add(shown);
    },
  };
}

function isWrong(call: EndedCall): boolean {
  // Most have one attempt and it was good, so that none has to be looked at.
  if (call.code !== null) return true;
  if (call.detour?.code) return true;
  return call.sole === null && call.attempts.some(({ code }) => code !== null);
}

/** Slots have numbers, so that no message is needed when one is over. */
function slotOf(now: number): number {
  return Math.floor(now / DASHBOARD.slotMs);
}

interface LastOf<T> {
  add(one: T): void;
  /** The oldest first. */
  readonly list: () => readonly T[];
}

function lastOf<T>(max: number): LastOf<T> {
  const kept: T[] = [];
  return {
    add(one) {
      if (kept.length >= max) kept.shift();
      kept.push(one);
    },
    list: () => [...kept],
  };
}

type OnChange = (change: Omit<Change, "seq" | "at">) => void;
const GATEWAY_ITSELF = { upstream: null, target: null } as const;

function listenToChanges(gateway: Gateway, onChange: OnChange): readonly (() => void)[] {
  return [
    gateway.on("breaker:change", ({ upstream, target, from, to, reason }) =>
      onChange({ kind: "breaker", upstream, target, from, to, reason }),
    ),
    gateway.on("target:health", ({ upstream, target, from, to, reason }) =>
      onChange({ kind: "target", upstream, target, from, to, reason }),
    ),
    gateway.on("upstream:state", ({ upstream, from, to }) =>
      onChange({ kind: "upstream", upstream, target: null, from, to, reason: null }),
    ),
    gateway.on("lifecycle:change", ({ from, to, reason }) =>
      onChange({ kind: "lifecycle", ...GATEWAY_ITSELF, from, to, reason }),
    ),
    gateway.on("health:change", ({ subject, check, from, to, output }) =>
      onChange({
        kind: "health",
        ...GATEWAY_ITSELF,
        from,
        to,
        reason: joined(check ?? subject, output),
      }),
    ),
    gateway.on("load:change", ({ shedding, eventLoopDelayMs }) =>
      onChange({
        kind: "load",
        ...GATEWAY_ITSELF,
        from: null,
        ...loadInWords(shedding, eventLoopDelayMs),
      }),
    ),
    gateway.on("discovery:fail", ({ upstream, targets }) => {
      const reason = `${targets} targets stay as they were`;
      onChange({ kind: "discovery", upstream, target: null, from: null, to: "failed", reason });
    }),
    ...(["add", "drain", "remove", "disable", "enable"] as const).map((what) =>
      gateway.on(`target:${what}`, ({ upstream, target }) =>
        onChange({ kind: "target", upstream, target, from: null, to: DONE[what], reason: null }),
      ),
    ),
    gateway.on("maintenance:change", ({ upstream, path, on }) => {
      const to = on ? "maintenance" : "in service";
      onChange({ kind: "upstream", upstream, target: null, from: null, to, reason: path });
    }),
    gateway.on("incident:start", (incident) => onChange(incidentChange(incident, "started"))),
    gateway.on("incident:end", (incident) => onChange(incidentChange(incident, "over"))),
  ];
}

const DONE = {
  add: "added",
  drain: "draining",
  remove: "removed",
  disable: "disabled",
  enable: "enabled",
} as const;

function incidentChange(
  { upstream, target, id }: GatewayEvents["incident:start"],
  to: "started" | "over",
): Omit<Change, "seq" | "at"> {
  return { kind: "incident", upstream, target, from: null, to, reason: `incident ${id}` };
}

function loadInWords(shedding: boolean, delayMs: number) {
  const reason = `the event loop is ${Math.round(delayMs)} ms late`;
  return { to: shedding ? "shedding" : "normal", reason };
}

function joined(subject: string, output: string | null): string {
  const text = output === null ? subject : `${subject}: ${output}`;
  return text.slice(0, DASHBOARD.textCharsMax);
}
