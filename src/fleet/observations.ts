/**
 * What members see of targets: what this one says, and what it makes of what the others say.
 *
 * A report puts a target in doubt; reports of enough members, on two hosts where there are two, are
 * a finding. Who sees most of the targets of an upstream fail while most others do not has a fault
 * of its own, and no voice. Guarantee: reports are observations and never verdicts, each is
 * believed for a few seconds, and the first of those that saw the same finds out for the others.
 */
import { FLEET } from "../catalog/fleet-defaults.js";
import type { IllTarget, TargetsWitness } from "../targets/fleet-link.js";

/** What one member sees of one upstream. */
export interface SeenUpstream {
  readonly upstream: string;
  /** Targets that it has. */
  readonly size: number;
  readonly ill: readonly IllTarget[];
}

/** A member and what it said last. */
export interface Witnessing {
  readonly member: string;
  readonly host: string;
  readonly sees: readonly SeenUpstream[];
}

interface HeardReport extends IllTarget {
  readonly member: string;
  readonly host: string;
}

/** Of one target, what was made of the reports so far. */
interface Heard {
  /** The losses of each member, by which news is known from what is only said again. */
  readonly losses: Map<string, number>;
  confirmed: boolean;
}

export class Observations {
  readonly #witnesses = new Set<TargetsWitness>();
  readonly #quorum: number;
  readonly #heard = new WeakMap<TargetsWitness, Map<string, Heard>>();

  constructor(quorum: number) {
    this.#quorum = quorum;
  }

  add(witness: TargetsWitness): void {
    this.#witnesses.add(witness);
  }

  remove(witness: TargetsWitness): void {
    this.#witnesses.delete(witness);
  }

  get someLate(): boolean {
    for (const witness of this.#witnesses) if (witness.someLate) return true;
    return false;
  }

  /** What this member sees by itself. */
  own(): readonly SeenUpstream[] {
    const seen: SeenUpstream[] = [];
    for (const witness of this.#witnesses) {
      if (seen.length >= FLEET.upstreamsMax) break;
      const { upstream, targets } = witness;
      seen.push({ upstream, size: targets.length, ill: witness.ill() });
    }
    return seen;
  }

  /** What the others see now. */
  consider(self: Witnessing, others: readonly Witnessing[]): void {
    const troubled = new Set<string>();
    for (const { sees } of others) {
      for (const { upstream, ill } of sees) if (ill.length > 0) troubled.add(upstream);
    }
    for (const witness of this.#witnesses) {
      const isKnown = (this.#heard.get(witness)?.size ?? 0) > 0;
      if (isKnown || troubled.has(witness.upstream)) this.#considerUpstream(witness, self, others);
    }
  }

  #considerUpstream(
    witness: TargetsWitness,
    self: Witnessing,
    others: readonly Witnessing[],
  ): void {
    const all = [self, ...others].flatMap(({ member, host, sees }) => {
      const seen = sees.find(({ upstream }) => upstream === witness.upstream);
      return seen === undefined ? [] : [{ member, host, seen }];
    });
    const troubled = all.filter(({ seen }) => seesMostIll(seen));
    // Where most see most of them fail, it is the targets.
    const isGeneral = troubled.length * 2 > all.length;
    const heeded = isGeneral ? all : all.filter(({ seen }) => !seesMostIll(seen));
    const reports = new Map<string, HeardReport[]>();
    for (const { member, host, seen } of heeded) {
      for (const one of seen.ill) {
        const known = reports.get(one.target) ?? [];
        known.push({ ...one, member, host });
        reports.set(one.target, known);
      }
    }
    const hosts = new Set(all.map(({ host }) => host)).size;
    const known = this.#heard.get(witness) ?? new Map<string, Heard>();
    this.#heard.set(witness, known);
    for (const target of witness.targets) {
      const of = reports.get(target) ?? [];
      if (of.some(({ member }) => member !== self.member)) {
        this.#considerTarget(witness, target, of, self.member, hosts, known);
      } else if (known.delete(target)) witness.clear(target);
    }
  }

  #considerTarget(
    witness: TargetsWitness,
    target: string,
    reports: readonly HeardReport[],
    self: string,
    hosts: number,
    known: Map<string, Heard>,
  ): void {
    const heard = known.get(target) ?? { losses: new Map<string, number>(), confirmed: false };
    known.set(target, heard);
    // That one waits longer than usual is chance.
    if (reports.every(({ late }) => late) && reports.length < 2) return;
    let isNews = false;
    for (const { member, losses } of reports) {
      if (member === self || losses <= (heard.losses.get(member) ?? -1)) continue;
      heard.losses.set(member, losses);
      isNews = true;
    }
    const [first] = reports.map(({ member }) => member).sort();
    if (first !== self) witness.doubt(target, FLEET.believedMs, isNews);
    const others = reports.filter(({ member, out }) => out && member !== self);
    const isMine = reports.some(({ member, out }) => out && member === self);
    // Of those that found it out the first one tries it.
    if (others.some(({ member }) => !isMine || member < self)) witness.leaveTrial(target);
    const votes = reports.filter(({ out }) => out);
    const isConfirmed =
      votes.length >= this.#quorum &&
      (hosts < 2 || new Set(votes.map(({ host }) => host)).size >= 2);
    if (isConfirmed) {
      witness.confirm(target, FLEET.believedMs, isNews || !heard.confirmed);
    }
    heard.confirmed = isConfirmed;
  }
}

function seesMostIll({ size, ill }: SeenUpstream): boolean {
  return size > 1 && ill.length * 2 > size;
}

/** Null for what no member says. */
export function readSees(value: unknown): readonly SeenUpstream[] | null {
  if (!Array.isArray(value) || value.length > FLEET.upstreamsMax) return null;
  const isRight = (value as readonly unknown[]).every((one) => {
    const { upstream, size, ill } = Object(one) as Record<string, unknown>;
    return (
      typeof upstream === "string" &&
      Number.isInteger(size) &&
      Array.isArray(ill) &&
      ill.length <= FLEET.illMax &&
      ill.every(isIll)
    );
  });
  return isRight ? (value as readonly SeenUpstream[]) : null;
}

function isIll(one: unknown): boolean {
  const { target, losses, out, late } = Object(one) as Record<string, unknown>;
  const flags = typeof out === "boolean" && typeof late === "boolean";
  return typeof target === "string" && Number.isFinite(losses) && flags;
}
