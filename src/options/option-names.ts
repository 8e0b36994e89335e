/**
 * The names of all options, and their names in other libraries.
 *
 * For an unknown name the message says where it belongs, what it is called here, or which name is
 * nearest.
 */

import { FRONT_OPTIONS } from "../catalog/options/front.js";
import { EXPECTATION_OPTIONS, PROBE_OPTIONS } from "../catalog/options/health.js";
import type { BalanceOptions, StickyOptions } from "./balance-options.js";
import { at, type Findings, isRecord } from "./findings.js";
import { nearest } from "./nearest.js";
import { SECTION_NAMES, SECTIONS } from "./option-rules.js";
import type { GatewayOptions, LayerOptions, UpstreamOptions } from "./options.js";
import type { RouteOptions } from "./route-options.js";
import { DIFFERENCES, NO_COUNTERPART, type Place, SYNONYMS } from "./synonyms.js";
import type { TargetInput } from "./target-options.js";

type Names<Options> = Readonly<Record<keyof Options & string, true>>;

const GATEWAY_NAMES = Object.keys({
  name: true,
  upstreams: true,
  defaults: true,
  statusPolicy: true,
  behind: true,
  shed: true,
  addresses: true,
  onWarning: true,
  zone: true,
} satisfies Names<GatewayOptions>);

const SHARED_NAMES = Object.keys({
  timeouts: true,
  retry: true,
  hedge: true,
  breaker: true,
  bulkhead: true,
  adaptiveLimit: true,
  priority: true,
  throttle: true,
  limits: true,
  addresses: true,
  ejection: true,
  slowStart: true,
  panic: true,
  probe: true,
  layers: true,
  trustProxyStatus: true,
  allowH2: true,
  allowBareLineFeeds: true,
  required: true,
  balance: true,
} satisfies Names<Omit<UpstreamOptions, "targets" | "discover" | "routes">>);

const ROUTE_NAMES = Object.keys({
  timeouts: true,
  retry: true,
  hedge: true,
  breaker: true,
  priority: true,
} satisfies Names<RouteOptions>);

const LAYER_NAMES = Object.keys({
  attemptHeader: true,
  deadlineHeader: true,
  sendDeadline: true,
  markAnswers: true,
} satisfies Names<LayerOptions>);

const TARGET_NAMES = Object.keys({
  url: true,
  weight: true,
  socketPath: true,
  tls: true,
  host: true,
  priority: true,
  backup: true,
  zone: true,
} satisfies Names<TargetInput>);

const BALANCE_NAMES = Object.keys({
  policy: true,
  key: true,
  loadFactor: true,
  sticky: true,
  overflowBelow: true,
} satisfies Names<BalanceOptions>);

const STICKY_NAMES = Object.keys({
  cookie: true,
  secret: true,
  secure: true,
  httpOnly: true,
  sameSite: true,
  path: true,
  domain: true,
  maxAgeMs: true,
} satisfies Names<StickyOptions>);

const TLS_NAMES = Object.keys({
  ca: true,
  cert: true,
  key: true,
  servername: true,
  rejectUnauthorized: true,
} satisfies Names<NonNullable<TargetInput["tls"]>>);

const PROBE_NAMES = Object.keys(PROBE_OPTIONS);

const EXPECT_NAMES = Object.keys(EXPECTATION_OPTIONS);

const FRONT_NAMES = ["front", ...Object.keys(FRONT_OPTIONS)];

const NAMES: Readonly<Record<Place, readonly string[]>> = {
  gateway: GATEWAY_NAMES,
  defaults: SHARED_NAMES,
  upstream: ["targets", "discover", "routes", ...SHARED_NAMES],
  route: ROUTE_NAMES,
  timeouts: Object.keys(SECTIONS.timeouts),
  retry: Object.keys(SECTIONS.retry),
  breaker: Object.keys(SECTIONS.breaker),
  bulkhead: Object.keys(SECTIONS.bulkhead),
  adaptiveLimit: Object.keys(SECTIONS.adaptiveLimit),
  throttle: Object.keys(SECTIONS.throttle),
  hedge: Object.keys(SECTIONS.hedge),
  shed: Object.keys(SECTIONS.shed),
  limits: Object.keys(SECTIONS.limits),
  layers: LAYER_NAMES,
  addresses: ["forbid", "allow"],
  ejection: Object.keys(SECTIONS.ejection),
  slowStart: Object.keys(SECTIONS.slowStart),
  panic: Object.keys(SECTIONS.panic),
  probe: PROBE_NAMES,
  expect: EXPECT_NAMES,
  target: TARGET_NAMES,
  tls: TLS_NAMES,
  balance: BALANCE_NAMES,
  sticky: STICKY_NAMES,
  key: ["header", "cookie"],
  behind: FRONT_NAMES,
};

/** Where a name belongs that was written elsewhere. */
const HOMES: readonly (readonly [home: string, names: readonly string[]])[] = [
  ...SECTION_NAMES.map((section) => [section, NAMES[section]] as const),
  ["shed of createGateway", NAMES.shed],
  ["layers", LAYER_NAMES],
  ["probe", PROBE_NAMES],
  ["probe.expect", EXPECT_NAMES],
  ["an upstream, or in defaults for all of them", SHARED_NAMES],
  ["each upstream", ["targets", "discover", "routes"]],
  ["a target: { url, weight, … }", ["weight", "socketPath", "tls", "priority", "backup"]],
  ["balance: { policy, … }", ["loadFactor", "sticky", "overflowBelow", "policy"]],
  ["tls of a target", TLS_NAMES],
  ["createGateway itself", GATEWAY_NAMES],
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

function adviceFor(place: Place, name: string, value: unknown): string {
  const home = HOMES.find(([, names]) => names.includes(name));
  if (home !== undefined) return `"${name}" belongs in ${home[0]}`;
  const synonym = lookup(SYNONYMS[place], name);
  const elsewhere = synonym === null ? lookup(NO_COUNTERPART, name) : null;
  if (elsewhere !== null) return elsewhere;
  // An object is a mistyped section: `timeout: {}` is `timeouts`.
  const meant = isRecord(value) ? (near(place, name) ?? synonym) : (synonym ?? near(place, name));
  if (meant === null) return `there are ${listed(NAMES[place])}`;
  const difference = meant === synonym ? lookup(DIFFERENCES, name) : null;
  return `did you mean "${meant}"${difference === null ? "" : `, which ${difference}`}?`;
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
