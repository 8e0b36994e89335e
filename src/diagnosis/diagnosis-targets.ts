/**
 * Targets that are not well, and routes that fail at targets that are, by what keeps calls from
 * them. They stay in a verdict when they are hardly asked any more, and so hardly fail.
 */
import { FAILURES, type FailureCode, type FailureRow } from "../catalog/failures.js";
import { STANDINGS, type Standing } from "../catalog/words.js";
import type { RouteSuspect } from "../targets/route-ledger.js";
import { standingOf } from "../targets/standing.js";
import type { Target } from "../targets/target.js";
import { fault, layerOf, lower, said } from "./diagnosis-finding.js";
import type { FailurePattern } from "./diagnosis-pattern.js";
import type { Finding } from "./diagnosis-report.js";
import type { IncidentSeen } from "./incident.js";

/** A target as a diagnosis looks at it. */
export interface TargetSeen {
  readonly target: string;
  readonly standing: Standing;
  /** Why probes, its own word or its peers keep it out; null where they do not. */
  readonly reason: string | null;
  /** Its latest failure; null before the first. */
  readonly failedBy: FailureCode | null;
  readonly routes: readonly RouteSuspect[];
}

export function seenOf(target: Target): TargetSeen {
  return {
    target: target.id,
    standing: standingOf(target),
    reason: target.health.reason,
    failedBy: target.failedBy,
    routes: target.breaker?.suspects?.list() ?? [],
  };
}

interface DiagnosedTargets {
  readonly upstream: string;
  readonly seen?: readonly TargetSeen[];
  readonly incidents: readonly IncidentSeen[];
}

/** What neither the pattern of the failures nor an incident has reported already. */
export function notWell(
  { upstream, seen = [], incidents }: DiagnosedTargets,
  pattern: FailurePattern | null,
): readonly Finding[] {
  const reported = new Set(
    incidents.flatMap((one) =>
      one.upstream === upstream && one.endedAt === null ? [one.target] : [],
    ),
  );
  if (pattern !== null && pattern.target !== null) reported.add(pattern.target);
  const bad = seen.filter(({ standing }) => !SPARED.has(standing));
  const isTold = pattern !== null && pattern.target === null && bad.length > 1;
  const isAll = bad.length === seen.length;
  const targets = isTold ? [] : bad.filter(({ target }) => !reported.has(target));
  return [
    ...targets.map((one) =>
      one.standing === "refusing" ? refusingFinding(one) : targetFinding(one, isAll),
    ),
    ...routesOf(seen)
      .filter(({ route }) => pattern?.route == null || !route.includes(` ${pattern.route}`))
      .map(routeFinding),
  ];
}

const SPARED: ReadonlySet<Standing> = new Set<Standing>([
  "well",
  "route_failing",
  "disabled",
  "draining",
]);

function targetFinding({ target, standing, reason, failedBy }: TargetSeen, isAll: boolean) {
  const code = failedBy ?? "no_healthy_target";
  const { summary, remedies }: FailureRow = FAILURES[code];
  const why = failedBy === null ? "" : ` Its latest failure: ${lower(summary)}`;
  return fault({
    cause: `target_${standing}`,
    layer: failedBy === null ? "health" : layerOf(failedBy),
    code,
    confidence: failedBy === null ? "possible" : "likely",
    impact: isAll ? "all" : "some",
    title: `${target}: ${lower(STANDINGS[standing])}${why}`,
    evidence: said(
      `${target} is ${standing}${reason === null ? "" : `, ${reason}`}`,
      failedBy !== null && `its latest failure is ${failedBy}`,
      !isAll && "others of the targets are well",
    ),
    fix: remedies[0] ?? `good-gateway explain ${code}`,
  });
}

function refusingFinding({ target, standing }: TargetSeen): Finding {
  return fault({
    cause: `target_${standing}`,
    layer: "health",
    blame: "upstream",
    confidence: "likely",
    impact: "some",
    title: `${target}: ${lower(STANDINGS[standing])}`,
    evidence: [`${target} is ${standing}`, "others of the targets answer well"],
    fix: "Compare its version, its keys and its rate limit with those of the others.",
  });
}

interface RouteSeen extends RouteSuspect {
  readonly target: string;
  readonly failedBy: FailureCode | null;
}

/** The routes that are kept from targets which answer all else, each once. */
function routesOf(seen: readonly TargetSeen[]): readonly RouteSeen[] {
  const found = new Map<string, RouteSeen>();
  for (const { standing, routes, target, failedBy } of seen) {
    if (standing !== "route_failing") continue;
    for (const one of routes) {
      const before = found.get(one.route);
      if (one.standing === "watched" || before?.standing === "refused") continue;
      found.set(one.route, { ...one, target, failedBy });
    }
  }
  return [...found.values()];
}

function routeFinding({ route, standing, failuresInRow, target, failedBy }: RouteSeen): Finding {
  const code = failedBy ?? "breaker_open";
  return fault({
    cause: "route_failing",
    layer: layerOf(code),
    code,
    confidence: "likely",
    impact: "some",
    title: `${route} fails: one route of an upstream that answers all else.`,
    evidence: [
      `${failuresInRow} calls of it in a row failed at ${target}, where it is ${standing}`,
    ],
    fix: "Look at the application's log for this route; `routes` gives it limits of its own.",
  });
}
