/**
 * `gateway.diagnose(upstream)`: the doctor's verdict from live evidence. One target or all, one
 * route or all, new connections or kept ones, how old they were, since when: patterns that no
 * single failure shows.
 */
import type { Clock } from "../base/clock.js";
import { FAILURES, type FailureCode, type FailureRow } from "../catalog/failures.js";
import { closerAt } from "../catalog/fingerprints.js";
import { DIAGNOSIS } from "../catalog/health-defaults.js";
import { fault, note, said } from "./diagnosis-finding.js";
import type { Finding, Layer, Verdict } from "./diagnosis-report.js";
import { inOrder, verdictOf } from "./diagnosis-verdict.js";
import type { FailureEntry } from "./failure-ledger.js";
import type { Incident } from "./incident.js";
import type { UpstreamCore } from "./upstream.js";

/** What a diagnosis is made of. */
export interface LiveFacts {
  readonly upstream: string;
  readonly entries: readonly FailureEntry[];
  readonly successesSince: number;
  /** Ids of all targets. */
  readonly targets: readonly string[];
  readonly incidents: readonly Incident[];
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** The verdict about one upstream, with everything that was found. */
export interface Diagnosis {
  readonly upstream: string;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

/** The verdict about an upstream as it is now. */
export function diagnoseUpstream(
  { name, ledger, targets }: Pick<UpstreamCore, "name" | "ledger" | "targets">,
  clock: Pick<Clock, "now">,
  incidents: readonly Incident[],
): Diagnosis {
  return diagnoseLive({
    upstream: name,
    entries: ledger.entries(),
    successesSince: ledger.successesSince(),
    targets: targets.targets.map(({ id }) => id),
    incidents,
    now: clock.now(),
  });
}

export function diagnoseLive(facts: LiveFacts): Diagnosis {
  const findings = inOrder([...vanished(facts), ...patterns(facts)]);
  const { upstream } = facts;
  return { upstream, findings, verdict: verdictOf([], findings) };
}

/** A process that went and is not back. */
function vanished({ upstream, incidents }: LiveFacts): readonly Finding[] {
  return incidents
    .filter((incident) => incident.upstream === upstream && incident.endedAt === null)
    .map(({ target, refused, cut, downMs, firstCode, sockets, callsHit, answeredAgainAt }) =>
      fault({
        cause: "process_vanished",
        layer: "process",
        code: firstCode ?? "connection_refused",
        blame: "upstream",
        impact: answeredAgainAt === null ? "all" : "some",
        title: `The process behind ${target} vanished ${seconds(downMs)} ago.`,
        evidence: said(
          `${cut} connections cut, ${refused} refused, ${callsHit} calls hit`,
          sockets !== null && `connections were ${seconds(sockets.oldestMs)} old and younger`,
          answeredAgainAt !== null && "it answers again since",
        ),
        fix: "Read its log at that second: a crash, a kill for memory, a deploy.",
      }),
    );
}

function patterns(facts: LiveFacts): readonly Finding[] {
  const { entries } = facts;
  const blamed = entries.filter(({ code }) => FAILURES[code].blame !== "client");
  if (blamed.length === 0) return [];
  const main = mostFrequent(blamed.map(({ code }) => code));
  const same = blamed.filter(({ code }) => code === main);
  return same.length < DIAGNOSIS.patternMin ? [few(blamed, facts)] : [pattern(main, same, facts)];
}

/** No pattern yet: what there was is told, and nothing is concluded. */
function few(entries: readonly FailureEntry[], { now, successesSince }: LiveFacts): Finding {
  const last = entries.at(-1) as FailureEntry;
  return note({
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
}

function pattern(code: FailureCode, entries: readonly FailureEntry[], facts: LiveFacts): Finding {
  const row: FailureRow = FAILURES[code];
  const { targets, now, successesSince } = facts;
  const target = shared(entries.map((one) => one.target));
  const route = shared(entries.map((one) => one.route));
  const reused = entries.filter((one) => one.reused).length / entries.length;
  const aged = ageOf(entries);
  const race = reused >= DIAGNOSIS.patternRatio && aged?.alike === true && LOST.has(code);
  const over = successesSince > entries.length;
  const where = whereOf(target, route, targets.length);
  return fault({
    cause: race
      ? "keep_alive_race"
      : target !== null && targets.length > 1
        ? `${code}_at_one_target`
        : code,
    layer: race ? "keep_alive" : layerOf(code),
    code,
    blame: race ? "proxy" : row.blame,
    impact: over || race ? "some" : "all",
    confidence: race || target !== null || route !== null ? "likely" : "possible",
    title: race
      ? `Kept connections are closed under requests at an age of ${seconds(aged.ageMs)}.`
      : `${row.summary.replace(/\.$/, "")}: ${where}.`,
    evidence: said(
      `${entries.length} times ${code} in ${seconds(now - (entries[0]?.at ?? now))}`,
      target !== null && targets.length > 1 && `only at ${target}, of ${targets.length} targets`,
      target === null && `at ${new Set(entries.map((one) => one.target)).size} targets`,
      route !== null && entries.length > DIAGNOSIS.patternMin && `only on ${route}`,
      `${Math.round(reused * 100)} % on kept connections`,
      aged !== null &&
        `age at the end ${seconds(aged.medianMs)}: ${aged.closedBy ?? "no known limit"}`,
      successesSince > 0 && `${successesSince} exchanges succeeded since the last one`,
    ),
    fix: race
      ? "Let the application keep idle connections longer than we do, or send Keep-Alive: " +
        "timeout=N."
      : (row.remedies[0] ?? `good-gateway explain ${code}`),
  });
}

function whereOf(target: string | null, route: string | null, targets: number): string {
  if (target !== null && targets > 1) return `only ${target}`;
  return route === null ? "on all routes" : `only ${route}`;
}

const LOST: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "stale_connection",
  "connection_terminated",
  "connection_terminated_while_sending",
]);

/** The typical age of the connections at their end, and who closes them then. */
function ageOf(entries: readonly FailureEntry[]) {
  const ages = entries
    .map(({ socketAgeMs }) => socketAgeMs)
    .filter((age) => age !== null)
    .sort((a, b) => a - b);
  const medianMs = ages[Math.floor(ages.length / 2)];
  if (medianMs === undefined) return null;
  const closer = closerAt(medianMs, DIAGNOSIS.ageSlackMs);
  const near = ages.filter((age) => Math.abs(age - medianMs) <= DIAGNOSIS.ageSlackMs);
  const alike = near.length / ages.length >= DIAGNOSIS.agesAlikeRatio;
  return { medianMs, alike, ageMs: closer?.ageMs ?? medianMs, closedBy: closer?.closedBy ?? null };
}

/** The value that nearly all have; null when there is none. */
function shared(values: readonly string[]): string | null {
  const value = mostFrequent(values);
  const count = values.filter((one) => one === value).length;
  return count / values.length >= DIAGNOSIS.patternRatio ? value : null;
}

function mostFrequent<Value extends string>(values: readonly Value[]): Value {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] as Value;
}

const LAYERS_OF: Readonly<Record<string, Layer>> = {
  admit: "request",
  queue: "request",
  resolve: "resolve",
  connect: "connect",
  secure: "secure",
  send: "request",
  wait: "head",
  receive: "body",
};

function layerOf(code: FailureCode): Layer {
  return LAYERS_OF[FAILURES[code].phase] ?? "request";
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}
