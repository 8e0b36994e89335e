/**
 * Reads `probe`: a path or only a connection, and what counts as a good answer.
 *
 * Numbers are declared in `catalog/options/health.ts`. A regular expression is copied,
 * so that neither its `lastIndex` nor a later change of it matters.
 */
import { PROBE } from "../catalog/defaults.js";
import { PROBE_OPTIONS } from "../catalog/options/health.js";
import { defaultsOf } from "../catalog/options/option.js";
import { at, type Findings, isRecord, literal, shown } from "./findings.js";
import { checkNames, meantAs } from "./option-names.js";
import type { NormalisedProbe } from "./probe-options.js";
import { readOptions } from "./read-option.js";
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
  const { tcp, ...numbers } = { ...DEFAULTS, ...readOptions(findings, path, PROBE_OPTIONS, value) };
  if (numbers.timeoutMs > numbers.intervalMs && value["timeoutMs"] !== undefined) {
    const text = `is more than intervalMs (${literal(numbers.intervalMs)}), so probes come later`;
    findings.warning(at(path, "timeoutMs"), `${literal(numbers.timeoutMs)} ${text}`);
  }
  return {
    ...numbers,
    path: readPath(findings, path, value, tcp),
    ...readProbeRequest(findings, path, value),
    ...readExpect(findings, path, value),
  };
}

/** Null for a connection only. */
function readPath(
  findings: Findings,
  path: string,
  value: Readonly<Record<string, unknown>>,
  tcp: boolean,
): string | null {
  const { path: asked } = value;
  if (asked === undefined) {
    if (!tcp && !meantAs("probe", value, "path")) {
      findings.problem(path, `has nothing to probe; write ${EXAMPLE}, or { tcp: true }`);
    }
    return null;
  }
  if (typeof asked !== "string" || !/^\/[\x21-\x7e]*$/.test(asked)) {
    const advice =
      typeof asked === "string" && /^[\x21-\x7e]+$/.test(asked)
        ? `; did you mean ${shown(asked.replace(/^(?:https?:\/\/[^/]*)?\/?/, "/"))}?`
        : "";
    findings.problem(at(path, "path"), `${shown(asked)} is not a path such as "/healthz"${advice}`);
  } else if (tcp) {
    findings.problem(at(path, "tcp"), "only connects, so it contradicts path; leave one out");
  }
  return String(asked);
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
  if (value["tcp"] === true) {
    findings.problem(where, "expects an answer; tcp: true only connects");
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
