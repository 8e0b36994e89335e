/**
 * Reads what is set for one call over the options of its upstream, by the same rules as there: of a
 * fetch, and of a request at a proxy.
 */
import type { CallOverrides } from "../core/call.js";
import { at, createFindings, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./known-names.js";
import { readFallback } from "./read-fallback.js";
import { readPriority } from "./read-priority.js";
import { readShared, type WrittenSection } from "./read-sections.js";

/** Timeouts that do nothing here, with what to write instead. */
export type UselessTimeouts = Readonly<Record<string, string>>;

/** The members of an options object, whose unknown names are noted. */
export function readNamed(
  findings: Findings,
  what: string,
  path: string,
  names: readonly string[],
  options: unknown,
): Readonly<Record<string, unknown>> {
  if (options === undefined) return {};
  if (!isRecord(options)) {
    findings.problem(what, `${shown(options)} is not an object such as { retry: false }`);
    return {};
  }
  checkNames(findings, path, names, options);
  return options;
}

export function readOverrides(
  findings: Findings,
  path: string,
  { timeouts, retry, hedge, priority, fallback, upstream }: Readonly<Record<string, unknown>>,
  useless: UselessTimeouts,
): CallOverrides {
  const { sections } = readShared(findings, path, { timeouts, retry });
  const { timeouts: cuts, retry: repeats } = sections;
  if (repeats) refuseSharedSettings(findings, repeats);
  for (const [name, { path: where }] of Object.entries(cuts || {})) {
    const instead = useless[name];
    if (instead !== undefined) findings.problem(where, `does nothing here: ${instead}`);
  }
  const isHedged = readHedge(findings, at(path, "hedge"), hedge);
  const rank = readPriority(findings, at(path, "priority"), priority);
  const standIn = readFallback(findings, at(path, "fallback"), fallback);
  const instead = readInstead(findings, at(path, "upstream"), upstream);
  return {
    ...(instead === undefined ? {} : { upstream: instead }),
    ...(standIn === undefined ? {} : { fallback: standIn }),
    ...(rank === undefined ? {} : { priority: rank }),
    ...(isHedged === undefined ? {} : { hedge: isHedged }),
    ...(cuts ? { timeouts: valuesOf(cuts) } : {}),
    ...(repeats === undefined ? {} : { retry: repeats === false ? false : valuesOf(repeats) }),
  };
}

const PROXY_NAMES = ["timeouts", "retry", "hedge", "priority", "fallback", "upstream"] as const;
const OF_UPSTREAM = {
  clientMs: "it is a setting of the upstream, for the clients of all calls",
  continueMs: "it is a setting of the upstream, for all calls",
} as const;

/** What a proxy's hook has given for one request, or why it cannot be used. */
export function readProxyCall(value: unknown): {
  readonly overrides: CallOverrides | null;
  readonly problem: string | null;
} {
  if (value === undefined || value === null) return NOTHING;
  const findings = createFindings();
  const given = readNamed(findings, "overrides", "overrides", PROXY_NAMES, value);
  const overrides = readOverrides(findings, "overrides", given, OF_UPSTREAM);
  const [problem = null] = findings.problems;
  return { overrides, problem };
}

const NOTHING = { overrides: null, problem: null };

function readInstead(findings: Findings, path: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  findings.problem(path, `${shown(value)} is not the name of an upstream`);
  return undefined;
}

/** A call, or a route, can only leave out a hedge; whether there are any is the upstream's. */
export function readHedge(findings: Findings, path: string, hedge: unknown): false | undefined {
  if (hedge === undefined || hedge === false) return hedge;
  const advice = "a call can only leave out what the upstream does; write false";
  findings.problem(path, `${shown(hedge)} is not false; ${advice}`);
  return undefined;
}

/** Backoff and budget are shared by all calls of an upstream, so no single call can set them. */
function refuseSharedSettings(findings: Findings, repeats: Exclude<WrittenSection, false>): void {
  for (const [name, { path }] of Object.entries(repeats)) {
    if (name === "attemptsMax") continue;
    findings.problem(path, "is a setting of the upstream; a call can only set attemptsMax");
  }
}

function valuesOf(section: Exclude<WrittenSection, false>): Readonly<Record<string, number>> {
  const values = Object.entries(section).map(([name, { value }]) => [name, value as number]);
  return Object.fromEntries(values);
}
