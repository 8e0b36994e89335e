/**
 * Turns options as people write them into options as the gateway uses them.
 *
 * They are copied, checked once and frozen; the caller's objects are neither changed nor kept,
 * except functions. Invalid options are thrown, all of them at once; contradictory options are
 * returned as warnings, which the caller emits.
 */
import { hostname } from "node:os";
import { FOREIGN_FORBIDDEN } from "../catalog/address-groups.js";
import { defaultsOf } from "../catalog/options/option.js";
import { SHED } from "../catalog/overload-defaults.js";
import { STATUS_TABLES, type StatusPolicy } from "../catalog/status-policy.js";
import type { Quota } from "../policies/quota.js";
import type { AddressRules } from "../targets/address-guard.js";
import type { Fleet } from "../targets/fleet-link.js";
import type { ParsedTarget } from "../targets/target.js";
import { type Behind, readableStatuses, replacedBodies, responseLimit } from "./behind.js";
import { at, createFindings, type Findings, isRecord, shown } from "./findings.js";
import { deepFreeze } from "./freeze.js";
import { nearest } from "./nearest.js";
import { checkNames, meantAs } from "./option-names.js";
import {
  type GatewayOptions,
  type NormalisedGateway,
  type NormalisedUpstream,
  SHARED_OPTIONS,
  type UpstreamOptions,
} from "./options.js";
import { GatewayOptionsError } from "./options-error.js";
import { readAddresses } from "./read-addresses.js";
import { checkOthers, readAround } from "./read-around.js";
import { DEFAULT_BALANCE } from "./read-balance.js";
import { readBehind } from "./read-behind.js";
import { fillLayers } from "./read-layers.js";
import { readRoutes } from "./read-routes.js";
import {
  mergeWritten,
  NOTHING_WRITTEN,
  readSection,
  readShared,
  type Written,
} from "./read-sections.js";
import { readTargets, readZone } from "./read-targets.js";
import { sectionsOf } from "./shared-sections.js";
import type { Discover } from "./target-options.js";

const NONE_REPLACED: ReadonlySet<number> = new Set();
const EXAMPLE = '{ targets: "http://127.0.0.1:8080" }';

/** Checks and completes what `createGateway` takes; throws a `GatewayOptionsError`. */
export function normaliseGateway(options: GatewayOptions): NormalisedGateway {
  const findings = createFindings();
  const gateway = readGateway(findings, options);
  throwProblems(findings);
  return deepFreeze({ ...gateway, warnings: findings.warnings });
}

/** The same for one upstream, such as one created for an origin. Warnings are dropped. */
export function normaliseUpstream(
  name: string,
  options: UpstreamOptions,
  defaults: GatewayOptions["defaults"] = {},
  behind: Behind | null = null,
): NormalisedUpstream {
  const findings = createFindings();
  const shared = readDefaults(findings, defaults, behind);
  const upstream = readUpstream(findings, at("upstreams", name), name, options, shared);
  throwProblems(findings);
  return deepFreeze(upstream);
}

function throwProblems({ problems }: Findings): void {
  if (problems.length > 0) throw new GatewayOptionsError(problems);
}

function readGateway(findings: Findings, options: unknown): Omit<NormalisedGateway, "warnings"> {
  if (!isRecord(options)) {
    const advice = `write createGateway({ upstreams: { orders: ${EXAMPLE} } })`;
    findings.problem("options", `${shown(options)} is not an object; ${advice}`);
    const nothing = { zone: null, upstreams: {}, statusPolicy: "rfc9209", behind: null } as const;
    const off = { shed: false, addresses: [], fleet: null } as const;
    return { ...readName(findings, undefined), ...nothing, ...off };
  }
  checkNames(findings, "", "gateway", options);
  const name = readName(findings, options["name"]);
  const behind = readBehind(findings, options["behind"]);
  const shared = readDefaults(findings, options["defaults"], behind);
  const upstreams = readUpstreams(findings, options, shared);
  const statusPolicy = readStatusPolicy(findings, options["statusPolicy"], behind);
  const { onWarning } = options;
  if (onWarning !== undefined && typeof onWarning !== "function") {
    findings.problem("onWarning", `${shown(onWarning)} is not a function`);
  }
  const zone = readZone(findings, "zone", options["zone"]);
  const shed = readShed(findings, options["shed"]);
  const foreign = foreignRules(readAddresses(findings, "addresses", options["addresses"]));
  const addresses = rulesOf(foreign, shared.plain.addresses ?? false);
  const fleet = readFleet(findings, options["fleet"]);
  return { ...name, zone, upstreams, statusPolicy, behind, shed, addresses, fleet };
}

function readFleet(findings: Findings, value: unknown): Fleet | null {
  if (value === undefined) return null;
  if (typeof (Object(value) as Partial<Fleet>).join === "function") return value as Fleet;
  findings.problem("fleet", `${shown(value)} is no fleet; write fleet({ name: "edge", bus })`);
  return null;
}

/** Own rules are added to the defaults; false removes all of them. */
function foreignRules(written: false | AddressRules | undefined): false | AddressRules {
  if (written === false) return false;
  if (written === undefined) return { forbid: FOREIGN_FORBIDDEN, allow: [], byDefault: true };
  const { forbid, allow } = written;
  return { forbid: [...FOREIGN_FORBIDDEN, ...forbid], allow };
}

function rulesOf(...written: readonly (false | AddressRules)[]): readonly AddressRules[] {
  return written.filter((rules) => rules !== false);
}

function readShed(findings: Findings, value: unknown): NormalisedGateway["shed"] {
  const written = readSection(findings, "shed", "shed", value);
  if (written === undefined || written === false) return false;
  return {
    eventLoopDelayMs: (written["eventLoopDelayMs"]?.value ?? SHED.eventLoopDelayMs) as number,
  };
}

const PRINTABLE = /^[\x20-\x7e]+$/;

function readName(findings: Findings, value: unknown): Pick<NormalisedGateway, "name" | "named"> {
  // RFC 8941 §3.3.3: a name in Proxy-Status is printable ASCII, also if the host name is not.
  if (value === undefined) {
    const name = hostname()
      .replace(/[^\x20-\x7e]/g, "-")
      .trim();
    return { name: name === "" ? "localhost" : name, named: false };
  }
  if (typeof value !== "string" || value.trim() === "") {
    const advice = "write the name of this deployment, or leave it out for the host name";
    findings.problem("name", `${shown(value)} is not a name; ${advice}`);
  } else if (!PRINTABLE.test(value)) {
    const right = value
      .normalize("NFKD")
      .replace(/[^\x20-\x7e]/g, "")
      .trim();
    const advice = right === "" ? "" : `; did you mean ${shown(right)}?`;
    findings.problem("name", `${shown(value)} is not printable ASCII${advice}`);
  }
  return { name: String(value), named: true };
}

function readDefaults(findings: Findings, value: unknown, behind: Behind | null): Written {
  const limit = behind === null ? null : responseLimit(behind);
  return { ...readWrittenDefaults(findings, value), limit };
}

function readWrittenDefaults(findings: Findings, value: unknown): Written {
  if (value === undefined) return NOTHING_WRITTEN;
  if (!isRecord(value)) {
    const advice = "such as { timeouts: { totalMs: 8_000 } }";
    findings.problem("defaults", `${shown(value)} is not an object ${advice}`);
    return NOTHING_WRITTEN;
  }
  checkNames(findings, "defaults", "defaults", value);
  return readShared(findings, "defaults", value);
}

function readUpstreams(
  findings: Findings,
  options: Readonly<Record<string, unknown>>,
  shared: Written,
): NormalisedGateway["upstreams"] {
  const { upstreams: value } = options;
  const example = `write upstreams by name, such as { orders: ${EXAMPLE} }`;
  if (value === undefined) return {};
  if (!isRecord(value)) {
    findings.problem("upstreams", `${shown(value)} is not an object; ${example}`);
    return {};
  }
  const entries = Object.entries(value);
  if (entries.length === 0) {
    findings.problem("upstreams", `is empty; ${example}, or leave it out for a gateway without`);
  }
  const read = Object.fromEntries(
    entries.map(([name, upstream]) => {
      const path = at("upstreams", name);
      if (name.trim() === "") findings.problem(path, "the name of an upstream must not be empty");
      return [name, readUpstream(findings, path, name, upstream, shared)];
    }),
  );
  for (const upstream of Object.values(read)) checkOthers(findings, upstream, Object.keys(read));
  return read;
}

function readUpstream(
  findings: Findings,
  path: string,
  name: string,
  value: unknown,
  shared: Written,
): NormalisedUpstream {
  if (!isRecord(value)) {
    const isAddress = typeof value === "string" || Array.isArray(value);
    const meant = typeof value === "string" ? shown(value) : "[…]";
    const advice = isAddress ? `did you mean { targets: ${meant} }?` : `write ${EXAMPLE}`;
    findings.problem(path, `${shown(value)} is not an object; ${advice}`);
    return complete(findings, name, [], shared, shared, NOTHING_APART);
  }
  checkNames(findings, path, "upstream", value);
  const discover = readDiscover(findings, at(path, "discover"), value["discover"]);
  const targets = readOwnTargets(findings, path, value, discover !== null);
  const own = readShared(findings, path, value);
  const quota = readQuota(findings, at(path, "quota"), value["quota"]);
  const apart = { discover, quota, routes: value["routes"], around: value };
  return complete(findings, name, targets, shared, mergeWritten(shared, own), apart);
}

function readOwnTargets(
  findings: Findings,
  path: string,
  options: Readonly<Record<string, unknown>>,
  discovered: boolean,
): readonly ParsedTarget[] {
  const { targets } = options;
  const none = targets === undefined || (Array.isArray(targets) && targets.length === 0);
  if (discovered && none) return [];
  if (targets !== undefined) return readTargets(findings, at(path, "targets"), targets);
  if (!meantAs("upstream", options, "targets")) {
    const text = 'missing; write where to send calls, such as "http://127.0.0.1:8080"';
    findings.problem(at(path, "targets"), text);
  }
  return [];
}

function readDiscover(findings: Findings, path: string, value: unknown): Discover | null {
  if (value === undefined) return null;
  if (typeof value === "function") return value as Discover;
  const meant = typeof value === "string" ? `did you mean dns(${shown(value)})?` : "";
  const advice = meant === "" ? 'write dns("http://name:8080") or an async generator' : meant;
  findings.problem(path, `${shown(value)} is not a source of targets; ${advice}`);
  return null;
}

function readQuota(findings: Findings, path: string, value: unknown): Quota | null {
  if (value === undefined) return null;
  if (typeof (Object(value) as Partial<Quota>).count === "function") return value as Quota;
  const advice = "write outgoingQuota({ limit: 600, windowMs: 60_000 })";
  findings.problem(path, `${shown(value)} is not a quota; ${advice}`);
  return null;
}

function complete(
  findings: Findings,
  name: string,
  targets: readonly ParsedTarget[],
  shared: Written,
  written: Written,
  { discover, quota, routes: given, around }: Apart,
): NormalisedUpstream {
  const facts = { count: Math.max(1, targets.length), local: isLocal(targets) };
  const sections = sectionsOf(findings, shared, written, facts);
  const { plain } = written;
  const own = at("upstreams", name);
  const routes = readRoutes(findings, at(own, "routes"), given, written, facts);
  const readApart = {
    balance: plain.balance ?? DEFAULT_BALANCE,
    addresses: rulesOf(plain.addresses ?? false),
    probe: plain.probe ?? "reconnect",
    layers: fillLayers(plain.layers),
  };
  const rest = {
    ...DEFAULTS,
    ...plain,
    ...readApart,
    ...{ routes, discover, quota },
    ...readAround(findings, own, around),
  };
  // The sections have the options of the types, one for one: these are derived from them.
  return { name, targets, ...sections, ...rest } as unknown as NormalisedUpstream;
}

/** Of what is no section. */
const DEFAULTS = defaultsOf(SHARED_OPTIONS);

/** What no `defaults` can have. */
interface Apart {
  readonly discover: Discover | null;
  readonly quota: Quota | null;
  readonly routes: unknown;
  /** What stands around its pipe. */
  readonly around: Readonly<Record<string, unknown>>;
}

const NOTHING_APART: Apart = { discover: null, quota: null, routes: undefined, around: {} };

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|::1)$/;

function isLocal(targets: readonly ParsedTarget[]): boolean {
  const near = targets.filter(
    ({ socketPath, hostname: host }) => socketPath !== null || isLoopback(host),
  );
  return targets.length > 0 && near.length === targets.length;
}

/** Whether a host is this host, by its name alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

function readStatusPolicy(findings: Findings, value: unknown, behind: Behind | null): StatusPolicy {
  const policies = Object.keys(STATUS_TABLES) as (keyof typeof STATUS_TABLES)[];
  if (value === undefined) {
    const replaced = behind === null ? NONE_REPLACED : replacedBodies(behind);
    return replaced.size === 0 ? "rfc9209" : readableStatuses(replaced);
  }
  if (typeof value === "function") return value as Exclude<StatusPolicy, string>;
  const known = policies.find((policy) => policy === value);
  if (known !== undefined) return known;
  const close = typeof value === "string" ? nearest(value, policies) : null;
  const all = `write ${policies.map((policy) => `"${policy}"`).join(", ")} or a function`;
  const advice = close === null ? all : `did you mean "${close}"?`;
  findings.problem("statusPolicy", `${shown(value)} is not a status policy; ${advice}`);
  return "rfc9209";
}
