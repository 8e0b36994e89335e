/**
 * The names of all options, and their names in other libraries.
 *
 * For an unknown name the message says where it belongs, what it is called here, or which name is
 * nearest.
 */

import { ADDRESS_OPTIONS } from "../catalog/options/addresses.js";
import { STICKY_OPTIONS } from "../catalog/options/balance.js";
import { FRONT_OPTIONS } from "../catalog/options/front.js";
import { CHECK_OPTIONS, EXPECTATION_OPTIONS, PROBE_OPTIONS } from "../catalog/options/health.js";
import { LAYER_OPTIONS } from "../catalog/options/layers.js";
import { MIRROR_OPTIONS } from "../catalog/options/mirror.js";
import { UPSTREAM_RULE_OPTIONS } from "../catalog/options/upstream-for.js";
import { TARGET_OPTIONS, TLS_OPTIONS } from "../targets/target-options.js";
import { BALANCE_OPTIONS } from "./balance-options.js";
import { at, type Findings, isRecord } from "./findings.js";
import { nearest } from "./nearest.js";
import { SECTION_NAMES, SECTIONS, type SectionName } from "./option-rules.js";
import { GATEWAY_OPTIONS, SHARED_OPTIONS, UPSTREAM_OPTIONS } from "./options.js";
import { ALL_PROXY_OPTIONS } from "./proxy-options.js";
import { ROUTE_OPTIONS } from "./route-options.js";
import { DIFFERENCES, NO_COUNTERPART, type Place, SYNONYMS } from "./synonyms.js";

const SHARED_NAMES = Object.keys(SHARED_OPTIONS);
const OWN_NAMES = Object.keys(UPSTREAM_OPTIONS);

const OF_SECTIONS = Object.fromEntries(
  Object.entries(SECTIONS).map(([name, { section }]) => [name, Object.keys(section)]),
) as unknown as Readonly<Record<SectionName, readonly string[]>>;

const NAMES: Readonly<Record<Place, readonly string[]>> = {
  ...OF_SECTIONS,
  gateway: ["upstreams", "defaults", ...Object.keys(GATEWAY_OPTIONS)],
  defaults: SHARED_NAMES,
  upstream: [...OWN_NAMES, ...SHARED_NAMES],
  route: Object.keys(ROUTE_OPTIONS),
  layers: Object.keys(LAYER_OPTIONS),
  addresses: Object.keys(ADDRESS_OPTIONS),
  probe: Object.keys(PROBE_OPTIONS),
  check: Object.keys(CHECK_OPTIONS),
  expect: Object.keys(EXPECTATION_OPTIONS),
  target: ["url", ...Object.keys(TARGET_OPTIONS)],
  tls: Object.keys(TLS_OPTIONS),
  balance: Object.keys(BALANCE_OPTIONS),
  sticky: Object.keys(STICKY_OPTIONS),
  key: ["header", "cookie"],
  mirror: ["to", ...Object.keys(MIRROR_OPTIONS)],
  upstreamFor: ["to", ...Object.keys(UPSTREAM_RULE_OPTIONS)],
  behind: ["front", ...Object.keys(FRONT_OPTIONS)],
};

/** Where a name belongs that was written elsewhere. */
const HOMES: readonly (readonly [home: string, names: readonly string[]])[] = [
  ...SECTION_NAMES.map((section) => [section, NAMES[section]] as const),
  ["shed of createGateway", NAMES.shed],
  ["layers", NAMES.layers],
  ["probe", NAMES.probe],
  ["probe.expect", NAMES.expect],
  ["an upstream, or in defaults for all of them", SHARED_NAMES],
  ["each upstream", OWN_NAMES],
  ["a target: { url, weight, … }", ["weight", "socketPath", "tls", "priority", "backup"]],
  ["balance: { policy, … }", ["loadFactor", "sticky", "overflowBelow", "policy"]],
  ["tls of a target", NAMES.tls],
  ["createGateway itself", NAMES.gateway],
];

/** Notes every name that is no option of this place. */
export function checkNames(
  findings: Findings,
  path: string,
  place: Place,
  options: Readonly<Record<string, unknown>>,
): void {
  const known = NAMES[place];
  // By name, so that no option is read more than once.
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    findings.problem(at(path, name), `unknown option; ${adviceFor(place, name, options[name])}`);
  }
}

/** Whether one of these unknown names was meant as `option`, which then is not missing as well. */
export function meantAs(place: Place, options: object, option: string): boolean {
  const names = Object.keys(options).filter((name) => !NAMES[place].includes(name));
  return names.some((name) => (lookup(SYNONYMS[place], name) ?? near(place, name)) === option);
}

/** Where a name belongs that is an option, but not of this place; null for what is none. */
export function homeOf(name: string): string | null {
  const home = HOMES.find(([, names]) => names.includes(name));
  return home === undefined ? null : `"${name}" belongs in ${home[0]}`;
}

function adviceFor(place: Place, name: string, value: unknown): string {
  const synonym = lookup(SYNONYMS[place], name);
  const isTarget = isAddress(value) && synonym !== null;
  if (!isTarget) {
    if (Object.hasOwn(ALL_PROXY_OPTIONS, name)) return ofProxies(name);
    const other = homeOf(name) ?? (synonym === null ? lookup(NO_COUNTERPART, name) : null);
    if (other !== null) return other;
  }
  // An object is a mistyped section: `timeout: {}` is `timeouts`.
  const meant = isRecord(value) ? (near(place, name) ?? synonym) : (synonym ?? near(place, name));
  if (meant === null) return `there are ${listed(NAMES[place])}`;
  const difference = meant === synonym ? lookup(DIFFERENCES, name) : null;
  return `did you mean "${meant}"${difference === null ? "" : `, which ${difference}`}?`;
}

function ofProxies(name: string): string {
  const also = name === "host" ? ", and of a target: { url, host }" : "";
  return `"${name}" is an option of proxies, such as nodeProxy(upstream, { ${name} })${also}`;
}

function isAddress(value: unknown): boolean {
  return typeof value === "string" && value.includes("://");
}

function near(place: Place, name: string): string | null {
  return nearest(name, NAMES[place]);
}

/** A member of a table; names such as "constructor" have none. */
function lookup(table: Readonly<Record<string, string>>, name: string): string | null {
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
