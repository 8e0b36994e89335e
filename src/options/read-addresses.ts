/**
 * Reads `addresses`: which addresses are never connected to.
 *
 * Guarantee: every entry is an address, a range or the name of a group; a typo in a deny list is
 * reported, and not taken for a name that matches nothing.
 */
import { isIP, isIPv4 } from "node:net";
import { ADDRESS_GROUPS } from "../catalog/address-groups.js";
import type { AddressRules } from "../targets/address-guard.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import { checkNames } from "./option-names.js";

export function readAddresses(
  findings: Findings,
  path: string,
  value: unknown,
): false | AddressRules | undefined {
  if (value === undefined || value === false) return value;
  if (!isRecord(value)) {
    const example = '{ forbid: ["private"] }';
    findings.problem(path, `${shown(value)} is neither an object such as ${example} nor false`);
    return undefined;
  }
  checkNames(findings, path, "addresses", value);
  return {
    forbid: readEntries(findings, at(path, "forbid"), value["forbid"]),
    allow: readEntries(findings, at(path, "allow"), value["allow"]),
  };
}

function readEntries(findings: Findings, path: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    const meant = typeof value === "string" ? `; did you mean [${shown(value)}]?` : "";
    findings.problem(path, `${shown(value)} is not a list of addresses${meant}`);
    return [];
  }
  value.forEach((entry: unknown, index) => {
    const problem = problemWith(entry);
    if (problem !== null) findings.problem(at(path, index), problem);
  });
  return value as readonly string[];
}

const GROUPS = Object.keys(ADDRESS_GROUPS);

function problemWith(entry: unknown): string | null {
  if (typeof entry === "string" && (GROUPS.includes(entry) || isRange(entry))) return null;
  const close = typeof entry === "string" ? nearest(entry, GROUPS) : null;
  const advice =
    close === null ? `write one such as "10.0.0.0/8", or "private"` : `did you mean "${close}"?`;
  return `${shown(entry)} is not an address, a range or a group of addresses; ${advice}`;
}

function isRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  if (isIP(address) === 0 || more.length > 0) return false;
  const most = isIPv4(address) ? 32 : 128;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
}
