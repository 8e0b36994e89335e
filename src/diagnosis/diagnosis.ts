/**
 * `gateway.diagnose(upstream)`: the doctor's verdict from live evidence. One target or all, one
 * route or all, new connections or kept ones, how old they were, since when: patterns that no
 * single failure shows.
 */
import { type Clock, isoDate } from "../base/clock.js";
import {
  FAILURES,
  type FailureCode,
  type FailureRow,
  hasTrait,
  isFault,
} from "../catalog/failures.js";
import { DIAGNOSIS } from "../catalog/health-defaults.js";
import type { TargetSet } from "../targets/target-set.js";
import { evidenceOf, seconds } from "./diagnosis-evidence.js";
import { fault, layerOf, lower, note, said, warning } from "./diagnosis-finding.js";
import { type FailurePattern, mostFrequent, patternOf } from "./diagnosis-pattern.js";
import type { Finding, Layer, Verdict } from "./diagnosis-report.js";
import { notWell, seenOf, type TargetSeen } from "./diagnosis-targets.js";
import { inOrder, verdictOf } from "./diagnosis-verdict.js";
import type { FailureEntry, FailureLedger, SuccessEntry } from "./failure-ledger.js";
import type { IncidentSeen } from "./incident.js";

/** What a diagnosis is made of. */
export interface LiveFacts {
  readonly upstream: string;
  readonly entries: readonly FailureEntry[];
  readonly successesSince: number;
  /** Exchanges that have ever succeeded. */
  readonly successes: number;
  /** The latest ones, the oldest first. */
  latestSuccesses(count: number): readonly SuccessEntry[];
  /** Ids of all targets. */
  readonly targets: readonly string[];
  /** How each of them is; those of which nothing is said are well. */
  readonly seen?: readonly TargetSeen[];
  readonly incidents: readonly IncidentSeen[];
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** The verdict about one upstream, with everything that was found. */
export interface Diagnosis {
  readonly upstream: string;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** What the most frequent failures have in common; null while there are too few failures. */
  readonly pattern: FailurePattern | null;
}

interface DiagnosedUpstream {
  readonly name: string;
  readonly ledger: FailureLedger;
  readonly targets: TargetSet;
}

/** The verdict about an upstream as it is now. */
export function diagnoseUpstream(
  { name, ledger, targets }: DiagnosedUpstream,
  clock: Pick<Clock, "now">,
  incidents: readonly IncidentSeen[],
  known: readonly Finding[] = [],
): Diagnosis {
  const live = diagnoseLive({
    upstream: name,
    entries: ledger.entries(),
    successesSince: ledger.successesSince(),
    successes: ledger.successes(),
    latestSuccesses: ledger.latestSuccesses,
    targets: targets.targets.map(({ id }) => id),
    seen: targets.targets.map(seenOf),
    incidents,
    now: clock.now(),
  });
  // What was known at the start explains, and is no verdict: the upstream may do without it.
  return known.length === 0 ? live : { ...live, findings: inOrder([...live.findings, ...known]) };
}

export function diagnoseLive(facts: LiveFacts): Diagnosis {
  const { upstream, entries } = facts;
  // Neither a client that left nor a hedge that lost says anything about the upstream.
  const blamed = entries.filter(({ code }) => isFault(FAILURES[code].blame));
  const main = mostFrequent(blamed.map(familyOf));
  const same = blamed.filter((one) => familyOf(one) === main);
  const pattern = same.length < DIAGNOSIS.patternMin ? null : patternOf(same, facts);
  const seen = pattern === null ? few(blamed, facts) : [failing(pattern)];
  const findings = inOrder([...vanished(facts), ...seen, ...notWell(facts, pattern)]);
  return { upstream, verdict: verdictOf([], findings), findings, pattern };
}

/** Processes that went and are not back; all targets at once are one finding. */
function vanished({ upstream, incidents, targets }: LiveFacts): readonly Finding[] {
  const open = incidents.filter((one) => one.upstream === upstream && one.endedAt === null);
  const gone = new Set(open.map(({ target }) => target));
  const isAll = targets.length > 1 && targets.every((target) => gone.has(target));
  return isAll ? [allVanished(open, targets), ...open.map(oneVanished)] : open.map(oneVanished);
}

function allVanished(open: readonly IncidentSeen[], targets: readonly string[]): Finding {
  const starts = open.map(({ startedAt }) => startedAt);
  const withinMs = Math.max(...starts) - Math.min(...starts);
  return fault({
    cause: "all_targets_vanished",
    layer: "process",
    code: lostBy(open[0]?.firstCode),
    confidence: open.every(isProven) ? "certain" : "likely",
    title: `All ${targets.length} targets vanished within ${seconds(withinMs)}.`,
    evidence: said(
      `since ${isoDate(Math.min(...starts))}`,
      `${sum(open, "cut")} connections cut, ${sum(open, "refused")} refused`,
    ),
    fix:
      "Look at what they share: a deploy, the host or the network before them, or one request " +
      "that crashes each process that gets it.",
  });
}

function sum(open: readonly IncidentSeen[], name: "cut" | "refused"): number {
  return open.reduce((all, one) => all + one[name], 0);
}

/** Who refuses and answers nothing is gone; who only cuts connections may have had a reason. */
function isProven({ refused, answeredAgainAt }: IncidentSeen): boolean {
  return refused > 0 && answeredAgainAt === null;
}

/** A connection at rest that was lost as well is no race, once others were. */
function lostBy(code: FailureCode | null | undefined): FailureCode {
  if (code === "stale_connection") return "connection_terminated";
  return code ?? "connection_refused";
}

function oneVanished(incident: IncidentSeen): Finding {
  const { target, refused, cut, downMs, firstCode, sockets, callsHit, newProcess } = incident;
  const isBack = incident.answeredAgainAt !== null;
  return fault({
    cause: "process_vanished",
    layer: "process",
    code: lostBy(firstCode),
    confidence: isProven(incident) ? "certain" : "likely",
    impact: isBack ? "some" : "all",
    title: isBack
      ? `The process behind ${target} was gone for ${seconds(downMs)}.`
      : `The process behind ${target} vanished ${seconds(downMs)} ago.`,
    evidence: said(
      `since ${isoDate(incident.startedAt)}`,
      `${cut} connections cut, ${refused} refused, ${callsHit} calls hit`,
      sockets !== null && `connections were ${seconds(sockets.oldestMs)} old and younger`,
      incident.answeredAgainAt !== null &&
        `it answers again since ${isoDate(incident.answeredAgainAt)}`,
      isBack && newProcess === true && "on new connections only: it was started anew",
      incident.relapses > 0 && `it came back and went again ${incident.relapses} times`,
    ),
    fix: "Read its log at that second: a crash, a kill for memory, a deploy.",
  });
}

/** No pattern yet: the failures are reported without a conclusion. */
function few(
  entries: readonly FailureEntry[],
  { now, successesSince }: LiveFacts,
): readonly Finding[] {
  const last = entries.at(-1);
  if (last === undefined) return [];
  const found = note({
    cause: "few_failures",
    layer: layerOf(last.code),
    code: last.code,
    confidence: "possible",
    title: `${entries.length} failures lately, the last one ${last.code}.`,
    evidence: said(
      `${last.method} ${last.route} at ${last.target}, ${seconds(now - last.at)} ago`,
      successesSince > 0 && `${successesSince} exchanges succeeded since`,
    ),
    fix: `good-gateway explain ${last.code}`,
  });
  return [found];
}

/** What a pattern is taken for: its name, and in what it differs from the failure's own row. */
interface Reading {
  readonly cause: string;
  readonly title: string;
  readonly fix: string;
  readonly layer?: Layer;
  readonly code?: FailureCode;
  readonly confidence: Finding["confidence"];
  readonly impact?: Finding["impact"];
}

function failing(pattern: FailurePattern): Finding {
  const { code, failedInARow, successesAfter, lastMs } = pattern;
  const parts = {
    layer: layerOf(code),
    code,
    impact: failedInARow >= DIAGNOSIS.patternMin ? "all" : "some",
    evidence: evidenceOf(pattern),
    ...(raceIn(pattern) ?? neverWorked(pattern) ?? placed(pattern)),
  } as const;
  if (lastMs < DIAGNOSIS.overMs || successesAfter <= pattern.count) return fault(parts);
  return warning({ ...parts, title: `Until ${seconds(lastMs)} ago: ${lower(parts.title)}` });
}

/** A connection that was lost has several names, by how far the exchange had come. */
function familyOf({ code }: FailureEntry): FailureCode {
  return hasTrait(code, "connection_lost") ? "connection_terminated" : code;
}

/** Kept connections that end at one age end by a time limit. */
function raceIn(pattern: FailurePattern): Reading | null {
  const { code, connections, agesAlike, restedMs, socketAgeMs, closedBy } = pattern;
  if (connections !== "kept" || !agesAlike || !hasTrait(code, "connection_lost")) return null;
  const rested = restedMs ?? socketAgeMs ?? 0;
  return {
    cause: "keep_alive_race",
    layer: "keep_alive",
    code: "stale_connection",
    impact: "some",
    confidence: closedBy === null ? "possible" : "likely",
    title: `Kept connections are closed just as they are used, at ${seconds(rested)}.`,
    fix:
      "Let the application keep idle connections longer than its clients do " +
      "(Node: server.keepAliveTimeout = 65_000), or let it send Keep-Alive: timeout=N.",
  };
}

/** What looks like an application that is down: a wrong address, port, scheme or name. */
const CONFIGURED: ReadonlySet<Layer> = new Set<Layer>(["resolve", "connect", "secure"]);

function neverWorked(pattern: FailurePattern): Reading | null {
  const { code, everWorked } = pattern;
  const { summary, remedies, blame }: FailureRow = FAILURES[code];
  const isConfigured = CONFIGURED.has(layerOf(code)) || code === "http_protocol_error";
  if (everWorked || blame === "self" || !isConfigured) return null;
  return {
    cause: "never_worked",
    confidence: "likely",
    title: `It has not worked once since this process started: ${lower(summary)}`,
    fix: `Compare address, port and scheme of the target with the application. ${remedies[0]}`,
  };
}

function placed(pattern: FailurePattern): Reading {
  const { code, otherTargetsWork, otherRoutesWork } = pattern;
  const row: FailureRow = FAILURES[code];
  return {
    cause: otherTargetsWork ? `${code}_at_one_target` : code,
    confidence: otherTargetsWork || otherRoutesWork ? "likely" : "possible",
    title: `${row.summary.replace(/\.$/, "")}: ${placeOf(pattern)}.`,
    fix: row.remedies[0] ?? `good-gateway explain ${code}`,
  };
}

function placeOf(pattern: FailurePattern): string {
  const { target, targets, otherTargetsWork, route, otherRoutesWork } = pattern;
  const isNamed = target !== null && targets > 1;
  const where = isNamed ? `${otherTargetsWork ? "only " : ""}at ${target}` : null;
  const what = otherRoutesWork
    ? `only on ${route}, of ${isNamed ? "a target" : "an upstream"} that answers all else`
    : null;
  return [where, what].filter((one) => one !== null).join(", ") || "on all routes";
}
