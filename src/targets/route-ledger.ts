/**
 * The routes of one target under suspicion: what failed there, by what was asked.
 *
 * A failure that does not name the connection may be the fault of the request, of its route, or of
 * the target. Whatever it is, what shares the failure is its route: method and path, without what
 * looks like an id. Upgrades are routes of their own. A route that fails is asked for elsewhere
 * first, and is refused when nothing of it has been answered well for as long as a good answer was
 * due. One call at a time finds out.
 * Guarantee: bounded by `EVIDENCE.routesMax` whatever is asked for; an entry is made by a failure
 * only, so that a target that is well costs nothing.
 */
import type { Clock } from "../base/clock.js";
import { EVIDENCE } from "../catalog/defaults.js";
import { type Jury, NO_JURY } from "./jury.js";
import { type Routed, routeOf } from "./route-of.js";
import { type RouteRule, ruleFor } from "./route-rules.js";

export type { Routed };

/** A route that fails, as plain data. */
export interface RouteSuspect {
  /** Method and pattern of the path. */
  readonly route: string;
  /** Calls in a row that failed, and how many since it is watched. */
  readonly failuresInRow: number;
  readonly failed: number;
  readonly passed: number;
  /** `avoided`: asked for elsewhere first; `refused`: its breaker is open. */
  readonly standing: "watched" | "avoided" | "refused";
}

/** What a failure cost its caller. */
interface FailedHow {
  readonly isSlow?: boolean;
  readonly isHarmless?: boolean;
  readonly isBroken?: boolean;
}

/** When a route is avoided and refused. */
interface Limits {
  readonly failuresMin: number;
  readonly avoidedAfter: number;
  readonly openMs: number;
  readonly openMsMax: number;
  /** The open time is configured for this route, and doubles with or without other targets. */
  readonly grows: boolean;
  /** The failures in a row were written for this route, and need nothing beside them. */
  readonly asWritten: boolean;
}

const NO_RULES: readonly RouteRule[] = [];

interface Entry {
  readonly route: string;
  readonly limits: Limits;
  readonly since: number;
  failuresInRow: number;
  /** These, and more for each that kept its caller waiting. */
  weightInRow: number;
  failed: number;
  passed: number;
  failedAt: number;
  /** When something was answered well last, or it came under suspicion. */
  goodAt: number;
  until: number;
  openings: number;
  /** A call finds out. */
  onTrial: boolean;
  /** What a good head has cleared, until its body is whole; null for nothing. */
  cleared: Cleared | null;
}

type Cleared = Pick<Entry, "failuresInRow" | "weightInRow" | "openings">;

export class RouteLedger {
  readonly #clock: Pick<Clock, "now">;
  /** So many failures in a row may open the breaker of a route. */
  readonly #failuresMin: number;
  /** In the order of their latest failures. */
  readonly #entries = new Map<string, Entry>();

  readonly #rules: readonly RouteRule[];
  readonly #jury: Pick<Jury, "answeredAt" | "isLast">;

  constructor(
    clock: Pick<Clock, "now">,
    failuresMin: number,
    rules: readonly RouteRule[] = NO_RULES,
    jury: Pick<Jury, "answeredAt" | "isLast"> = NO_JURY,
  ) {
    this.#clock = clock;
    this.#failuresMin = failuresMin;
    this.#rules = rules;
    this.#jury = jury;
  }

  /** Routes that are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** A call of this route has failed; its repeats are no further failures. */
  failed(request: Routed, how: FailedHow = {}): void {
    const { isSlow = false, isHarmless = false, isBroken = false } = how;
    const now = this.#clock.now();
    const entry = this.#taken(request, now);
    if (isBroken) takeBack(entry);
    entry.failuresInRow += 1;
    entry.weightInRow += isSlow ? EVIDENCE.slowFactor : 1;
    entry.failed += 1;
    entry.failedAt = now;
    halveIfMany(entry);
    const { avoidedAfter, openMs, openMsMax } = entry.limits;
    const isFound = entry.onTrial || (isBroken && isBad(entry));
    if (entry.failuresInRow !== avoidedAfter && !isFound) return;
    entry.onTrial = false;
    entry.until = now + Math.min(openMs * 2 ** entry.openings, openMsMax);
    // Longer each time, to spare calls that others take. Where there are none, or the call that
    // found out is repeated elsewhere, it is tried as soon.
    const spares = !isHarmless && !this.#jury.isLast();
    if (entry.limits.grows || spares) entry.openings += 1;
  }

  /** A call of this route is answered well: its head has come. */
  passed(request: Routed): void {
    const now = this.#clock.now();
    this.#forget(now);
    const entry = this.#entries.get(this.nameOf(request));
    if (entry === undefined) return;
    entry.passed += 1;
    entry.goodAt = now;
    clear(entry);
    halveIfMany(entry);
  }

  /** And its body is whole. */
  ended(request: Routed): void {
    if (this.#entries.size === 0) return;
    const entry = this.#entries.get(this.nameOf(request));
    if (entry === undefined) return;
    clear(entry);
    entry.cleared = null;
  }

  /** A call of this route is about to be sent: it finds out for others, if time has come. */
  tried(request: Routed): void {
    const entry = this.#entries.get(this.nameOf(request));
    const now = this.#clock.now();
    if (entry === undefined || !isBad(entry) || entry.until > now) return;
    entry.onTrial = true;
    entry.until = now + entry.limits.openMs;
  }

  /** Its last call failed. */
  suspects(request: Routed): boolean {
    return (this.#entries.get(this.nameOf(request))?.failuresInRow ?? 0) > 0;
  }

  /** Others are to be asked first. */
  avoids(request: Routed): boolean {
    const entry = this.#entries.get(this.nameOf(request));
    return entry !== undefined && isBad(entry) && entry.until > this.#clock.now();
  }

  /** For how long it is refused; 0 when it is not. */
  refusedForMs(request: Routed): number {
    const entry = this.#entries.get(this.nameOf(request));
    const now = this.#clock.now();
    return entry !== undefined && this.#refuses(entry, now) ? entry.until - now : 0;
  }

  /** It fails here by itself and not by chance, so that it says nothing of another target. */
  isFailing(request: Routed): boolean {
    const entry = this.#entries.get(this.nameOf(request));
    if (entry === undefined) return false;
    const { failed, passed } = entry;
    const share = failed / (failed + passed);
    return isBad(entry) || (failed >= EVIDENCE.avoidedAfter && share >= EVIDENCE.failingRatio);
  }

  /** It is failing, or one of many without a good answer since they failed. */
  isHopeless(request: Routed): boolean {
    if (this.isFailing(request)) return true;
    if (this.#entries.get(this.nameOf(request))?.passed !== 0) return false;
    let without = 0;
    for (const { passed } of this.#entries.values()) if (passed === 0) without += 1;
    return without >= EVIDENCE.missedMin;
  }

  /** When a route that fails here was answered well last; -Infinity for never. */
  answeredAt(route: string): number {
    const { passed = 0, goodAt = 0 } = this.#entries.get(route) ?? {};
    return passed > 0 ? goodAt : Number.NEGATIVE_INFINITY;
  }

  /** What fails here, the latest last. */
  list(): readonly RouteSuspect[] {
    const now = this.#clock.now();
    this.#forget(now);
    return [...this.#entries].map(([route, entry]) => ({
      route,
      failuresInRow: entry.failuresInRow,
      failed: Math.round(entry.failed),
      passed: Math.round(entry.passed),
      standing: this.#standingOf(entry, now),
    }));
  }

  #standingOf(entry: Entry, now: number): RouteSuspect["standing"] {
    if (this.#refuses(entry, now)) return "refused";
    return isBad(entry) && entry.until > now ? "avoided" : "watched";
  }

  /**
   * Enough have failed, and for longer than it takes until one is answered well. For a route
   * with few good answers that time is unknown: more have to fail.
   */
  #refuses(entry: Entry, now: number): boolean {
    const { since, goodAt, passed, limits } = entry;
    if (entry.failuresInRow < limits.failuresMin || entry.until <= now) return false;
    if (limits.asWritten) return true;
    const { missedMin, routeMissedMsMin, routeMissedMs, unseenFactor } = EVIDENCE;
    const isKnown = passed >= missedMin;
    if (!isKnown && entry.weightInRow < unseenFactor * limits.failuresMin) return false;
    const dueMs = isKnown
      ? (missedMin * (goodAt - since)) / passed
      : passed > 0
        ? routeMissedMs
        : 0;
    // While it is answered well elsewhere it is asked for here by chance only.
    const missedMs = now - Math.max(goodAt, this.#jury.answeredAt(entry.route));
    return missedMs >= Math.max(routeMissedMsMin, dueMs);
  }

  /** The name of a route: that of its rule, where there is one. */
  nameOf(request: Routed): string {
    return keyOf(request, this.#rules);
  }

  #taken(request: Routed, now: number): Entry {
    this.#forget(now);
    const key = this.nameOf(request);
    const known = this.#entries.get(key);
    if (known === undefined && this.#entries.size >= EVIDENCE.routesMax) this.#evict();
    const entry = known ?? newEntry(key, now, this.#limitsOf(request));
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** The one that failed longest ago, of those without a good answer if there are any. */
  #evict(): void {
    let evicted: string | undefined;
    for (const [key, { passed }] of this.#entries) {
      evicted ??= key;
      if (passed > 0) continue;
      evicted = key;
      break;
    }
    if (evicted !== undefined) this.#entries.delete(evicted);
  }

  #limitsOf({ path }: Routed): Limits {
    const { routeMs, routeMsMax, avoidedAfter } = EVIDENCE;
    const breaker = ruleFor(this.#rules, path)?.breaker;
    const written = breaker ? breaker.consecutiveFailures : null;
    const failuresMin = written ?? this.#failuresMin;
    const writtenMs = breaker ? breaker.openMs : null;
    const openMs = writtenMs ?? routeMs;
    return {
      failuresMin,
      avoidedAfter: Math.min(avoidedAfter, failuresMin),
      openMs,
      openMsMax: (breaker ? breaker.openMsMax : null) ?? Math.max(openMs, routeMsMax),
      grows: (writtenMs ?? null) !== null,
      asWritten: written !== null,
    };
  }

  #forget(now: number): void {
    for (const [key, { failedAt }] of this.#entries) {
      if (now - failedAt < EVIDENCE.forgetMs) return;
      this.#entries.delete(key);
    }
  }
}

/** The name of a route. */
export function keyOf(
  { method, path, upgrade }: Routed,
  rules: readonly RouteRule[] = NO_RULES,
): string {
  const route = ruleFor(rules, path)?.pattern ?? routeOf(path);
  const asked = `${method} ${route.slice(0, EVIDENCE.routeCharsMax)}`;
  return upgrade === null || upgrade === undefined ? asked : `${asked} (${upgrade})`;
}

function newEntry(route: string, now: number, limits: Limits): Entry {
  return {
    route,
    limits,
    since: now,
    failuresInRow: 0,
    weightInRow: 0,
    failed: 0,
    passed: 0,
    failedAt: now,
    goodAt: now,
    until: 0,
    openings: 0,
    onTrial: false,
    cleared: null,
  };
}

function clear(entry: Entry): void {
  const { failuresInRow, weightInRow, openings } = entry;
  if (failuresInRow > 0) entry.cleared = { failuresInRow, weightInRow, openings };
  entry.failuresInRow = 0;
  entry.weightInRow = 0;
  entry.until = 0;
  entry.openings = 0;
  entry.onTrial = false;
}

/** The body broke whose head had cleared it. */
function takeBack(entry: Entry): void {
  const { cleared } = entry;
  entry.passed = Math.max(0, entry.passed - 1);
  if (cleared === null) return;
  entry.failuresInRow += cleared.failuresInRow;
  entry.weightInRow += cleared.weightInRow;
  entry.openings = Math.max(entry.openings, cleared.openings);
  entry.cleared = null;
}

function isBad({ failuresInRow, limits }: Entry): boolean {
  return failuresInRow >= limits.avoidedAfter;
}

/** What it was long ago counts for less. */
function halveIfMany(entry: Entry): void {
  if (entry.failed + entry.passed < 2 * EVIDENCE.routesMax) return;
  entry.failed /= 2;
  entry.passed /= 2;
}
