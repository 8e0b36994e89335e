/**
 * What an upstream of a fleet sees of its targets, and what it does about what others see.
 *
 * Guarantee: only what was seen here is reported, so no rumour comes back as evidence; hearsay
 * alone refuses nothing. It puts a target in doubt, which moves calls that cannot be repeated;
 * enough of it takes a target out while others are left; beyond that it takes an own failure.
 */
import { FLEET } from "../catalog/fleet-defaults.js";
import type { IllTarget, TargetsWitness } from "./fleet-link.js";
import type { Peers } from "./peers.js";
import type { Target } from "./target.js";
import { WatchedHealth } from "./watched-health.js";

/** In a row: one may be chance. */
const FAILURES_OUT = 2;

export class FleetWitness implements TargetsWitness {
  readonly upstream: string;
  /** Called when what is seen here has changed. */
  changed: () => void = nothing;
  readonly #peers: Peers;
  readonly #now: () => number;
  #targets: readonly Target[] = [];

  constructor(upstream: string, peers: Peers, now: () => number) {
    this.upstream = upstream;
    this.#peers = peers;
    this.#now = now;
  }

  /** These are the targets now. */
  sync(targets: readonly Target[]): void {
    this.#targets = targets;
    for (const target of targets) {
      const suspicion = countsOf(target)?.suspicion;
      if (suspicion !== undefined) suspicion.changed = () => this.changed();
    }
  }

  get targets(): readonly string[] {
    return this.#targets.map(({ id }) => id);
  }

  get someLate(): boolean {
    return this.#targets.some((target) => countsOf(target)?.late === true);
  }

  ill(): readonly IllTarget[] {
    const found: IllTarget[] = [];
    for (const target of this.#targets) {
      if (found.length >= FLEET.illMax) break;
      const counts = countsOf(target);
      const { breaker } = target;
      // What is out only since others said so is no evidence of ours.
      const isOut = breaker !== null && breaker.state !== "closed" && !isEjectedByFleet(target);
      const late = !isOut && counts?.suspicion.exists !== true;
      if (late && counts?.late !== true) continue;
      const out = isOut || (counts?.failuresInRow ?? 0) >= FAILURES_OUT;
      found.push({ target: target.id, losses: counts?.suspicion.losses ?? 0, out, late });
    }
    return found;
  }

  doubt(id: string, forMs: number, isNews: boolean): void {
    const target = this.#find(id);
    if (target !== null) countsOf(target)?.suspicion.heard(forMs, isNews);
  }

  confirm(id: string, forMs: number, isNews: boolean): void {
    const target = this.#find(id);
    if (target === null) return;
    this.#peers.heardIll(target, forMs);
    // What is answered well here stays, whatever others see.
    const goodAt = target.breaker?.goodAt ?? -1;
    const isWellHere = goodAt >= 0 && this.#now() - goodAt < FLEET.newsMs;
    if (isNews && !isWellHere) this.#peers.ejectFor(target, FLEET.ejectMs);
  }

  leaveTrial(id: string): void {
    const target = this.#find(id);
    if (target !== null) this.#peers.leaveTrial(target, 2 * FLEET.beatMs);
  }

  clear(id: string): void {
    const target = this.#find(id);
    if (target === null) return;
    countsOf(target)?.suspicion.unheard();
    this.#peers.heardIll(target, 0);
    this.#peers.leaveTrial(target, 0);
    if (isEjectedByFleet(target)) target.breaker?.hasten();
  }

  #find(id: string): Target | null {
    return this.#targets.find((target) => target.id === id) ?? null;
  }
}

function countsOf({ health }: Target) {
  return health instanceof WatchedHealth ? health.counts : null;
}

function isEjectedByFleet({ health }: Target): boolean {
  return health instanceof WatchedHealth && health.ejection === "fleet";
}

function nothing(): void {}
