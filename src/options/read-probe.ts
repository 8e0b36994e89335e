/**
 * Reads `probe`: when it is sent, what it asks, its checks, and what counts as a good answer.
 *
 * Numbers are declared in `catalog/options/health.ts`. A regular expression is copied,
 * so that neither its `lastIndex` nor a later change of it matters.
 */
import { PROBE } from "../catalog/defaults.js";
import { CHECK_OPTIONS, PROBE_OPTIONS } from "../catalog/options/health.js";
import { defaultsOf } from "../catalog/options/option.js";
import { at, type Findings, isRecord, literal, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import type { NormalisedProbe, ProbeAsked } from "./probe-options.js";
import { readOptions } from "./read-option.js";
import { kindsOf, readKind, type WrittenCheck } from "./read-probe-kind.js";
import { readProbeRequest } from "./read-probe-request.js";

type Settings = Exclude<NormalisedProbe, false | "reconnect">;
type Ranges = Settings["statuses"];

const DEFAULTS = defaultsOf(PROBE_OPTIONS);
const EXAMPLE = '{ path: "/healthz" }';
const ANY_GOOD: Ranges = [[200, 299]];

/** Undefined when nothing was written. */
export function readProbe(
  findings: Findings,
  path: string,
  value: unknown,
): NormalisedProbe | undefined {
  if (value === undefined || value === false) return value;
  if (!isRecord(value)) {
    const meant =
      typeof value === "string" && value.startsWith("/")
        ? `; did you mean { path: ${shown(value)} }?`
        : "";
    findings.problem(path, `${shown(value)} is neither ${EXAMPLE} nor false${meant}`);
    return undefined;
  }
  checkNames(findings, path, "probe", value);
  const { checks: named } = value;
  const read = { ...DEFAULTS, ...readOptions(findings, path, PROBE_OPTIONS, value) };
  const { tcp: _, agent: __, ...numbers } = read;
  if (numbers.timeoutMs > numbers.intervalMs && value["timeoutMs"] !== undefined) {
    const text = `is more than intervalMs (${literal(numbers.intervalMs)}), so probes come later`;
    findings.warning(at(path, "timeoutMs"), `${literal(numbers.timeoutMs)} ${text}`);
  }
  const checks = readChecks(findings, at(path, "checks"), named);
  const onlyChecks = named !== undefined && kindsOf(value).length === 0;
  return { ...numbers, ...readAsked(findings, path, value, onlyChecks), checks, onlyChecks };
}

function readChecks(findings: Findings, path: string, value: unknown): Settings["checks"] {
  if (value === undefined) return [];
  const named = isRecord(value) ? Object.entries(value) : [];
  if (named.length === 0 || named.length > PROBE.checksMax) {
    const example = '{ database: { path: "/health/database" } }';
    const text = `is not an object of 1 to ${PROBE.checksMax} checks by name, such as ${example}`;
    findings.problem(path, isRecord(value) ? text : `${shown(value)} ${text}`);
    return [];
  }
  return named.flatMap(([name, check]) => {
    const where = at(path, name);
    if (!/^[\w.-]{1,64}$/.test(name)) {
      findings.problem(where, "is not a name of letters, digits, dots and hyphens");
    }
    if (!isRecord(check)) {
      findings.problem(where, `${shown(check)} is not an object such as ${EXAMPLE}`);
      return [];
    }
    checkNames(findings, where, "check", check);
    const { method } = { ...DEFAULTS, ...readOptions(findings, where, CHECK_OPTIONS, check) };
    return [{ name, method, ...readAsked(findings, where, check, false) }];
  });
}

function readAsked(
  findings: Findings,
  path: string,
  value: WrittenCheck,
  nothing: boolean,
): Omit<ProbeAsked, "method"> {
  return {
    ...readKind(findings, path, value, nothing),
    ...readProbeRequest(findings, path, value),
    ...readExpect(findings, path, value),
  };
}

function readExpect(
  findings: Findings,
  path: string,
  value: Readonly<Record<string, unknown>>,
): Pick<Settings, "statuses" | "body"> {
  const { expect } = value;
  const where = at(path, "expect");
  if (expect === undefined) return { statuses: ANY_GOOD, body: null };
  if (!isRecord(expect)) {
    const isStatus = typeof expect === "number" || typeof expect === "string";
    const advice = isStatus ? `; did you mean { status: ${shown(expect)} }?` : "";
    findings.problem(where, `${shown(expect)} is not an object such as { status: 204 }${advice}`);
    return { statuses: ANY_GOOD, body: null };
  }
  checkNames(findings, where, "expect", expect);
  for (const kind of kindsOf(value)) {
    if (kind === "tcp") findings.problem(where, "expects an answer; tcp: true only connects");
    else if (kind !== "path") findings.problem(where, `is for path; ${kind} has its own answers`);
  }
  return {
    statuses: readStatuses(findings, at(where, "status"), expect["status"]),
    body: readBody(findings, at(where, "body"), expect["body"]),
  };
}

function readStatuses(findings: Findings, path: string, value: unknown): Ranges {
  if (value === undefined) return ANY_GOOD;
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) findings.problem(path, "is empty; no answer could pass");
  return list.flatMap((one: unknown, index) => {
    const range = rangeOf(one);
    if (range !== null) return [range];
    const where = Array.isArray(value) ? at(path, index) : path;
    findings.problem(where, `${shown(one)} is neither a status such as 204 nor a class: "2xx"`);
    return [];
  });
}

function rangeOf(value: unknown): readonly [number, number] | null {
  if (typeof value === "string" && /^[1-5]xx$/.test(value)) {
    const from = Number(value[0]) * 100;
    return [from, from + 99];
  }
  const isStatus = typeof value === "number" && Number.isInteger(value);
  return isStatus && value >= 100 && value <= 599 ? [value, value] : null;
}

function readBody(findings: Findings, path: string, value: unknown): string | RegExp | null {
  if (value === undefined) return null;
  // With these flags an expression keeps its position between matches.
  if (value instanceof RegExp) return new RegExp(value.source, value.flags.replace(/[gy]/g, ""));
  if (typeof value === "string" && value !== "" && value.length <= PROBE.bodyBytesMax) return value;
  findings.problem(path, `${shown(value)} is neither a text to look for nor a regular expression`);
  return null;
}
