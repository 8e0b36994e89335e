/**
 * What a gateway knew of its targets before a restart: which breakers were open, and how long
 * answers took. Nothing else of a snapshot is believed again.
 *
 * Guarantee: a breaker is never closed and never opened for longer than was left of its open time;
 * then trials decide, as always. What this process has learned itself is newer, and stays.
 */
import type { Clock } from "../base/clock.js";
import { RESTORE } from "../catalog/defaults.js";
import { shown } from "../options/findings.js";
import type { Target } from "../targets/target.js";
import type { GatewaySnapshot, TargetSnapshot } from "./snapshot.js";
import type { UpstreamCore } from "./upstream.js";

export interface RestoreOptions {
  /**
   * An older snapshot says nothing any more.
   * @default 60000
   */
  readonly ageMsMax?: number;
}

/** What came of it. */
export interface RestoreReport {
  /** How old the snapshot is; its clock may be ahead of ours, which makes it 0. */
  readonly ageMs: number;
  /** It is too old, so nothing of it was used. */
  readonly tooOld: boolean;
  /** Targets of which something was used. */
  readonly targets: number;
  /** Breakers that were opened. */
  readonly breakers: number;
}

/** The parts of a snapshot that are used; from a file, so that anything may be missing. */
type Kept = Pick<TargetSnapshot, "target"> & Partial<Pick<TargetSnapshot, "breaker" | "latencyMs">>;

export function restore(
  clock: Pick<Clock, "now" | "wallNow">,
  cores: ReadonlyMap<string, UpstreamCore>,
  snapshot: GatewaySnapshot,
  { ageMsMax = RESTORE.ageMsMax }: RestoreOptions = {},
): RestoreReport {
  check(snapshot, ageMsMax);
  const ageMs = Math.max(0, clock.wallNow() - snapshot.at);
  const tooOld = ageMs > ageMsMax;
  let [targets, breakers] = [0, 0];
  for (const { name, targets: kept } of tooOld ? [] : snapshot.upstreams) {
    const core = cores.get(name);
    for (const one of core === undefined ? [] : kept) {
      const target = core?.targets.get(one.target);
      if (target === undefined) continue;
      const isOpened = reopen(target, one, ageMs);
      const isKnown = relearn(target, one, clock.now() - ageMs);
      if (isOpened) breakers += 1;
      if (isOpened || isKnown) targets += 1;
    }
    core?.look();
  }
  return { ageMs, tooOld, targets, breakers };
}

function reopen({ breaker }: Target, { breaker: was }: Kept, ageMs: number): boolean {
  if (breaker === null || breaker.state !== "closed") return false;
  if (was?.state !== "open" && was?.state !== "half_open") return false;
  const left = Number.isFinite(was.deniedForMs) ? was.deniedForMs - ageMs : 0;
  // Where nothing is left of its time, it begins with its trials.
  breaker.open("restored", Math.min(Math.max(0, left), RESTORE.openMsMax));
  return true;
}

function relearn({ latency }: Target, { latencyMs }: Kept, at: number): boolean {
  if (typeof latencyMs !== "number" || !(latencyMs > 0) || latency.known) return false;
  latency.restore(Math.min(latencyMs, RESTORE.latencyMsMax), at);
  return true;
}

function check(snapshot: unknown, ageMsMax: unknown): void {
  if (typeof ageMsMax !== "number" || !(ageMsMax > 0)) {
    throw new TypeError(`ageMsMax: ${shown(ageMsMax)} is not a number of milliseconds above 0`);
  }
  const { version, at, upstreams } = Object(snapshot) as Partial<GatewaySnapshot>;
  if (version !== 1 || typeof at !== "number" || !Array.isArray(upstreams)) {
    const what =
      typeof snapshot === "string" ? "a text; parse it with JSON.parse" : shown(snapshot);
    throw new TypeError(`restore: expected what gateway.snapshot() returned, not ${what}`);
  }
  for (const one of upstreams) {
    const { name, targets } = Object(one) as Partial<(typeof upstreams)[number]>;
    if (typeof name === "string" && Array.isArray(targets)) continue;
    throw new TypeError("restore: an upstream of the snapshot has no name or no targets");
  }
}
