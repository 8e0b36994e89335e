/**
 * Reads `behind`: the names of fronts, or objects with what was changed of their settings.
 *
 * A wrong name is answered with the nearest right one; `auto` stands alone, since who knows one
 * front knows more than could be guessed.
 */
import { FRONT_NAMES, FRONTS, type FrontName } from "../catalog/fronts.js";
import { FRONT_OPTIONS } from "../catalog/options/front.js";
import { addressProblem } from "../wire/trust.js";
import type { Behind, Front } from "./behind.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import { checkNames } from "./option-names.js";
import { readOptions } from "./read-option.js";

/** What stands in front; null when nothing was written. */
export function readBehind(findings: Findings, value: unknown): Behind | null {
  if (value === undefined || value === false) return null;
  if (value === "auto") return { auto: true, fronts: [] };
  const path = "behind";
  if (!Array.isArray(value)) {
    const front = readFront(findings, path, value);
    return { auto: false, fronts: front === null ? [] : [front] };
  }
  if (value.length === 0) {
    findings.problem(path, "is empty; name the nearest front first, or leave it out");
  }
  const fronts = value.map((one, index) => readFront(findings, at(path, index), one));
  return { auto: false, fronts: fronts.filter((front) => front !== null) };
}

function readFront(findings: Findings, path: string, value: unknown): Front | null {
  if (!isRecord(value)) return readName(findings, path, value);
  checkNames(findings, path, "behind", value);
  const known = readName(findings, at(path, "front"), value["front"]);
  if (known === null) return null;
  const numbers = readOptions(findings, path, FRONT_OPTIONS, value);
  const addresses = readTexts(findings, at(path, "addresses"), value["addresses"], addressProblem);
  const fields = readTexts(findings, at(path, "fields"), value["fields"], fieldProblem);
  return {
    ...known,
    ...numbers,
    ...(addresses === null ? {} : { addresses }),
    ...(fields === null ? {} : { fields: fields.map((field) => field.toLowerCase()) }),
  };
}

function readName(findings: Findings, path: string, value: unknown): Front | null {
  const known = FRONT_NAMES.find((name) => name === value);
  if (known !== undefined) return { ...FRONTS[known], name: known };
  if (value === "auto") {
    findings.problem(path, '"auto" stands alone: behind: "auto"');
    return null;
  }
  const all = FRONT_NAMES.map((name) => `"${name}"`).join(", ");
  const meant = typeof value === "string" ? (MEANT[value.toLowerCase()] ?? close(value)) : null;
  const advice = meant === null ? `there are ${all} and "auto"` : `did you mean "${meant}"?`;
  const what = value === undefined ? "missing" : `${shown(value)} is no front that is known`;
  findings.problem(path, `${what}; ${advice}`);
  return null;
}

function close(value: string): string | null {
  return nearest(value.toLowerCase(), [...FRONT_NAMES, "auto"]);
}

/** What people call them. */
const MEANT: Readonly<Record<string, FrontName>> = {
  alb: "aws-alb",
  aws: "aws-alb",
  elb: "aws-alb",
  "ingress-nginx": "nginx",
  openresty: "nginx",
  httpd: "apache",
  apache2: "apache",
  gcp: "gcp-lb",
  gclb: "gcp-lb",
  google: "gcp-lb",
  cf: "cloudflare",
  istio: "envoy",
};

function readTexts(
  findings: Findings,
  path: string,
  value: unknown,
  problemOf: (text: string) => string | null,
): readonly string[] | null {
  if (value === undefined) return null;
  if (!Array.isArray(value)) {
    const advice = typeof value === "string" ? `; did you mean [${shown(value)}]?` : "";
    findings.problem(path, `${shown(value)} is no list${advice}`);
    return null;
  }
  const texts: string[] = [];
  for (const [index, text] of value.entries()) {
    const problem = typeof text === "string" ? problemOf(text) : "is no text";
    if (problem === null) texts.push(text);
    else findings.problem(at(path, index), `${shown(text)} ${problem}`);
  }
  return texts;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function fieldProblem(text: string): string | null {
  return TOKEN.test(text) ? null : "is no name of a field";
}
