/**
 * Reads `upstreamFor`: a function, or rules. Whether the upstreams exist that rules name is asked
 * when all of them are known.
 */

import { ROUTES } from "../catalog/defaults.js";
import { UPSTREAM_RULE_OPTIONS } from "../catalog/options/upstream-for.js";
import type { UpstreamChoice, UpstreamRule } from "../targets/upstream-rules.js";
import { checkNumber } from "./check-number.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import { readKey } from "./read-key.js";
import { readPattern } from "./read-routes.js";

const EXAMPLE = 'write a function, or rules such as [{ to: "next", weight: 0.05 }]';

export function readUpstreamFor(
  findings: Findings,
  path: string,
  value: unknown,
): false | UpstreamChoice {
  if (value === undefined || value === false) return false;
  if (typeof value === "function") return value as UpstreamChoice;
  if (!Array.isArray(value) || value.length === 0 || value.length > ROUTES.rulesMax) {
    findings.problem(path, `${shown(value)} is no choice of upstreams; ${EXAMPLE}`);
    return false;
  }
  const rules = value.map((rule, index) => readRule(findings, at(path, index), rule));
  return rules.filter((rule) => rule !== null);
}

function readRule(findings: Findings, path: string, value: unknown): UpstreamRule | null {
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} is no rule; ${EXAMPLE}`);
    return null;
  }
  checkNames(findings, path, "upstreamFor", value);
  const { to, path: pattern, weight, by } = value;
  if (typeof to !== "string" || to === "") {
    findings.problem(at(path, "to"), `${shown(to)} is not the name of an upstream`);
    return null;
  }
  const regexp =
    pattern === undefined ? null : readPattern(findings, at(path, "path"), String(pattern));
  const share =
    weight === undefined
      ? 1
      : checkNumber(findings, at(path, "weight"), UPSTREAM_RULE_OPTIONS.weight, weight);
  return {
    to,
    path: regexp === null ? null : { pattern: String(pattern), regexp },
    hosts: readHosts(findings, at(path, "host"), value["host"]),
    header: readTexts(findings, at(path, "header"), value["header"], (name) => name.toLowerCase()),
    cookie: readTexts(findings, at(path, "cookie"), value["cookie"], (name) => name),
    weight: share ?? 1,
    by: by === undefined ? null : readKey(findings, at(path, "by"), by),
  };
}

/** RFC 9110 §7.2: a name or an address, without its port. */
const HOST = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$|^\[[0-9a-f:.]+\]$/i;

function readHosts(findings: Findings, path: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  const hosts: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const host of hosts) {
    if (typeof host === "string" && HOST.test(host)) continue;
    const text = "is not a host without a port, such as shop.example or *.example.com";
    findings.problem(path, `${shown(host)} ${text}`);
  }
  return hosts.map((host) => String(host).toLowerCase().replace(/^\*\./, "."));
}

/** RFC 9110 §5.6.2: names of fields and cookies are tokens. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function readTexts(
  findings: Findings,
  path: string,
  value: unknown,
  named: (name: string) => string,
): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const entries = isRecord(value) ? Object.entries(value) : [];
  const wrong = entries.find(([name, text]) => !TOKEN.test(name) || typeof text !== "string");
  if (entries.length === 0 || wrong !== undefined) {
    const what = wrong === undefined ? shown(value) : `${shown(wrong[0])}: ${shown(wrong[1])}`;
    findings.problem(path, `${what} is not names with their values, such as { "x-canary": "1" }`);
    return {};
  }
  return Object.fromEntries(entries.map(([name, text]) => [named(name), String(text)]));
}
