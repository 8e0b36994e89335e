/**
 * Reads `routes`: patterns of paths, in the syntax of path-to-regexp 8 (that of Express 5), and
 * what holds for them.
 *
 * Guarantee: a pattern that cannot be read, and one that the patterns before it leave nothing, is a
 * problem with its name; so is a setting that only the upstream as a whole can have.
 */
import { parse, pathToRegexp, type Token } from "path-to-regexp";
import { ROUTES } from "../catalog/defaults.js";
import { BREAKER_OPTIONS } from "../catalog/options/breaker.js";
import { RETRY_OPTIONS } from "../catalog/options/retry.js";
import { TIMEOUT_OPTIONS } from "../catalog/options/timeouts.js";
import type { CallOverrides } from "../core/call.js";
import type { RouteBreaker, RouteRule } from "../targets/route-rules.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import { readFallback } from "./read-fallback.js";
import { readHedge } from "./read-overrides.js";
import { readPriority } from "./read-priority.js";
import {
  mergeWritten,
  NOTHING_WRITTEN,
  readSection,
  type Setting,
  type Written,
  type WrittenSection,
} from "./read-sections.js";
import { fillSections, type TargetFacts } from "./relations.js";
import { ROUTE_OPTIONS } from "./route-options.js";

const EXAMPLE = '{ "/reports/*": { timeouts: { responseMs: 60_000 } } }';

/** By what an upstream has written besides. */
export function readRoutes(
  findings: Findings,
  path: string,
  value: unknown,
  written: Written,
  facts: TargetFacts,
): readonly RouteRule[] {
  if (value === undefined) return NONE;
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} is not an object; write ${EXAMPLE}`);
    return NONE;
  }
  const entries = Object.entries(value);
  if (entries.length > ROUTES.rulesMax) {
    const text = `${entries.length} patterns are more than ${ROUTES.rulesMax}`;
    findings.problem(path, `${text}, all compared with each call; let one stand for many paths`);
    return NONE;
  }
  const rules: RouteRule[] = [];
  for (const [pattern, options] of entries) {
    const own = at(path, pattern);
    const regexp = readPattern(findings, own, pattern);
    if (regexp === null) continue;
    const before = rules.find((one) => leavesNothing(one, pattern));
    if (before !== undefined) {
      const text = `is never reached: ${shown(before.pattern)} before it takes all of its paths`;
      findings.problem(own, `${text}; write it first`);
    }
    rules.push({ pattern, regexp, ...readRoute(findings, own, options, written, facts) });
  }
  return rules;
}

const NONE: readonly RouteRule[] = [];

export function readPattern(findings: Findings, path: string, pattern: string): RegExp | null {
  if (!pattern.startsWith("/")) {
    const isAddress = /^[a-z]+:\/\//i.test(pattern);
    const meant = isAddress ? "write its path only" : `did you mean ${shown(`/${pattern}`)}?`;
    findings.problem(path, `a pattern is a path and begins with a slash; ${meant}`);
    return null;
  }
  try {
    return pathToRegexp(named(pattern), { sensitive: true }).regexp;
  } catch (error) {
    const [why = ""] = String((error as Error).message).split(/[:;]/);
    const rule = "write :name for a part, * for the rest, and {/name} for what may be left out";
    findings.problem(
      path,
      `is no pattern (${why.charAt(0).toLowerCase()}${why.slice(1)}); ${rule}`,
    );
    return null;
  }
}

/** A star needs a name in path-to-regexp, which nothing here asks for. */
function named(pattern: string): string {
  let count = 0;
  return pattern.replace(/(?<!\\)\*(?![\p{ID_Start}$_"])/gu, () => {
    count += 1;
    return `*rest${count}`;
  });
}

/** Whether the earlier rule takes every path of a later pattern. */
function leavesNothing({ regexp }: RouteRule, pattern: string): boolean {
  return samplesOf(parse(named(pattern)).tokens).every((path) => regexp.test(path));
}

/** A path of each shape that a pattern takes, with parts that no other pattern names. */
function samplesOf(tokens: readonly Token[]): readonly string[] {
  let paths: readonly string[] = [""];
  for (const token of tokens) {
    const parts = partsOf(token);
    paths = paths.flatMap((path) => parts.map((part) => path + part)).slice(0, SAMPLES_MAX);
  }
  return paths;
}

const SAMPLES_MAX = 64;
const PART = "~part~";

function partsOf(token: Token): readonly string[] {
  if (token.type === "text") return [token.value];
  if (token.type === "param") return [PART];
  if (token.type === "wildcard") return [PART, `${PART}/${PART}/${PART}`];
  return ["", ...samplesOf(token.tokens)];
}

const [TIMEOUTS, RETRY, BREAKER] = [
  ROUTE_OPTIONS.timeouts,
  ROUTE_OPTIONS.retry,
  ROUTE_OPTIONS.breaker,
].map(({ section }) => Object.keys(section)) as [string[], string[], string[]];

function readRoute(
  findings: Findings,
  path: string,
  value: unknown,
  written: Written,
  facts: TargetFacts,
): Pick<RouteRule, "overrides" | "breaker"> {
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} is not an object; write ${EXAMPLE}`);
    return { overrides: null, breaker: null };
  }
  checkNames(findings, path, "route", value);
  const read = (section: "timeouts" | "retry" | "breaker", names: readonly string[]) => {
    const given = value[section];
    refuseOthers(findings, at(path, section), names, given);
    return readSection(findings, at(path, section), section, given);
  };
  const timeouts = read("timeouts", TIMEOUTS);
  const retry = read("retry", RETRY);
  const breaker = read("breaker", BREAKER);
  const hedge = readHedge(findings, at(path, "hedge"), value["hedge"]);
  const priority = readPriority(findings, at(path, "priority"), value["priority"]);
  const fallback = readFallback(findings, at(path, "fallback"), value["fallback"]);
  const sections = {
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(retry === undefined ? {} : { retry }),
  };
  // As if the route were an upstream of its own: defaults give way, contradictions warn.
  const filled = fillSections(
    findings,
    mergeWritten(written, { ...NOTHING_WRITTEN, sections }),
    facts,
  );
  const overrides: CallOverrides = {
    ...(timeouts === undefined ? {} : { timeouts: picked(filled.timeouts, TIMEOUTS) }),
    ...(retry === undefined ? {} : { retry: filled.retry && picked(filled.retry, RETRY) }),
    ...(hedge === undefined ? {} : { hedge }),
    ...(priority === undefined ? {} : { priority }),
    ...(fallback === undefined ? {} : { fallback }),
  };
  return {
    overrides: Object.keys(overrides).length === 0 ? null : overrides,
    breaker: breakerOf(breaker),
  };
}

function refuseOthers(
  findings: Findings,
  path: string,
  names: readonly string[],
  value: unknown,
): void {
  if (!isRecord(value)) return;
  for (const name of Object.keys(value)) {
    if (names.includes(name) || !OF_UPSTREAM.has(name)) continue;
    const text = `is a setting of the upstream; a route can only set ${names.join(", ")}`;
    findings.problem(at(path, name), text);
  }
}

/** What calls of all routes share. */
const OF_UPSTREAM: ReadonlySet<string> = new Set(
  [TIMEOUT_OPTIONS, RETRY_OPTIONS, BREAKER_OPTIONS].flatMap((section) => Object.keys(section)),
);

function picked(
  section: false | Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, number>> {
  const values = section === false ? {} : section;
  return Object.fromEntries(names.map((name) => [name, values[name] as number]));
}

function numberOf(setting: Setting | undefined): number | null {
  return setting === undefined ? null : (setting.value as number);
}

function breakerOf(written: WrittenSection | undefined): false | RouteBreaker | null {
  if (written === undefined) return null;
  if (written === false) return false;
  return {
    consecutiveFailures: numberOf(written["consecutiveFailures"]),
    openMs: numberOf(written["openMs"]),
    openMsMax: numberOf(written["openMsMax"]),
  };
}
