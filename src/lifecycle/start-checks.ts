/**
 * Checks the settings and the environment of the process before the first request. The texts and
 * fixes are in catalog/start-checks.ts.
 *
 * Guarantee: nothing is probed and nothing waits; a warning is emitted once, a note only appears in
 * a diagnosis. What cannot be known is not reported.
 */
import { isIP } from "node:net";
import { START_CHECKS, type StartCheckCode } from "../catalog/start-checks.js";
import { note, warning } from "../diagnosis/diagnosis-finding.js";
import type { Finding } from "../diagnosis/diagnosis-report.js";
import { literal } from "../options/findings.js";
import { isLoopback } from "../options/normalise.js";
import type { NormalisedUpstream } from "../options/options.js";
import type { ParsedTarget } from "../targets/target.js";
import type { StartEnvironment } from "./start-environment.js";

/** One finding. */
export interface Sighting {
  readonly code: StartCheckCode;
  /** Null for a finding about the process. */
  readonly upstream: string | null;
  /** What was seen: the option, the value, the number. */
  readonly seen: string;
}

type Upstreams = readonly NormalisedUpstream[];
type Finder = (upstreams: Upstreams, environment: StartEnvironment) => readonly Sighting[];

/** All findings when a gateway is created. */
export function startSightings(
  upstreams: Upstreams,
  environment: StartEnvironment,
): readonly Sighting[] {
  return FINDERS.flatMap((find) => find(upstreams, environment));
}

/** A finding as a message: what is wrong, where, what to do. */
export function toldSighting({ code, seen }: Sighting): string {
  const { wrong, fix } = START_CHECKS[code];
  return `${wrong.replace(/\.$/, "")} (${seen}); ${fix}`;
}

/** A finding as a part of a diagnosis. */
export function sightingFinding({ code, seen }: Sighting): Finding {
  const { level, wrong, fix } = START_CHECKS[code];
  const make = level === "warning" ? warning : note;
  return make({ cause: code, layer: "config", title: wrong, evidence: [seen], fix });
}

const FINDERS: readonly Finder[] = [
  eachTarget("scheme_port_mismatch", ({ protocol, port }) =>
    port === (protocol === "http:" ? 443 : 80) ? "" : null,
  ),
  eachTarget("listen_address_as_target", ({ hostname }) =>
    hostname === "0.0.0.0" || hostname === "::" ? "" : null,
  ),
  eachTarget("tls_name_missing", ({ protocol, hostname, socketPath, tls }) => {
    const isNamed = isIP(hostname) === 0 || tls?.servername !== undefined;
    const isLax = tls?.rejectUnauthorized === false || isLoopback(hostname);
    return protocol === "http:" || socketPath !== null || isNamed || isLax ? null : "";
  }),
  eachTarget("unix_path_too_long", ({ socketPath }) => {
    const bytes = Buffer.byteLength(socketPath ?? "");
    return bytes > UNIX_PATH_BYTES_MAX ? `${bytes} bytes of ${UNIX_PATH_BYTES_MAX}` : null;
  }),
  eachTarget("unix_socket_forbidden", socketIs("forbidden")),
  eachTarget("unix_socket_missing", socketIs("missing")),
  eachTarget("loopback_in_container", ({ hostname, socketPath }, { container }) =>
    container && socketPath === null && isLoopback(hostname) ? "" : null,
  ),
  eachTarget("proxy_environment", environmentProxy),
  tlsUnverified,
  openFiles,
  heapBeyondMemory,
  nodeVersion,
  eachUpstream("no_time_limit", ({ timeouts }) =>
    timeouts.responseMs === Infinity && timeouts.totalMs === Infinity
      ? "responseMs and totalMs are Infinity"
      : null,
  ),
  eachUpstream("broken_target_stays", ({ targets, breaker, ejection, probe }) =>
    targets.length > 1 && breaker === false && ejection === false && typeof probe !== "object"
      ? `${targets.length} targets`
      : null,
  ),
  eachUpstream("retries_without_budget", ({ retry }) => {
    if (retry === false || retry.attemptsMax === 1) return null;
    if (retry.budgetFloorPerSecond === Infinity) return "retry.budgetFloorPerSecond: Infinity";
    return retry.budgetRatio >= 1 ? `retry.budgetRatio: ${retry.budgetRatio}` : null;
  }),
  eachUpstream("no_probe_path", ({ targets, probe }) =>
    targets.length > 1 && typeof probe !== "object" ? `${targets.length} targets` : null,
  ),
];

/** A finding about a target has its address; null for none. */
function eachTarget(
  code: StartCheckCode,
  look: (target: ParsedTarget, environment: StartEnvironment) => string | null,
): Finder {
  return (upstreams, environment) =>
    upstreams.flatMap(({ name, targets }) =>
      targets.flatMap((target) => {
        const more = look(target, environment);
        const seen = [`upstreams.${name}: ${target.id}`, more].filter((one) => one !== "");
        return more === null ? [] : [{ code, upstream: name, seen: seen.join(", ") }];
      }),
    );
}

function eachUpstream(
  code: StartCheckCode,
  look: (upstream: NormalisedUpstream) => string | null,
): Finder {
  return (upstreams) =>
    upstreams.flatMap((upstream) => {
      const seen = look(upstream);
      const { name } = upstream;
      return seen === null ? [] : [{ code, upstream: name, seen: `upstreams.${name}: ${seen}` }];
    });
}

/** `sun_path` of Linux, less the zero at its end. */
const UNIX_PATH_BYTES_MAX = 107;

function socketIs(state: "missing" | "forbidden") {
  return ({ socketPath }: ParsedTarget, { socketState }: StartEnvironment): string | null =>
    socketPath !== null && socketState(socketPath) === state ? "" : null;
}

/** Internal names, for which a company's proxy is not used. */
const INSIDE = /^[^.]+$|\.(?:internal|local|localhost|lan|svc|cluster\.local|test|invalid|home)$/;

function environmentProxy(
  { protocol, hostname, socketPath }: ParsedTarget,
  { variables }: StartEnvironment,
): string | null {
  const name = protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const found = [name, name.toLowerCase(), "ALL_PROXY", "all_proxy"].find((one) => variables[one]);
  if (found === undefined || socketPath !== null || isIP(hostname) !== 0) return null;
  const exempt = (variables["NO_PROXY"] ?? variables["no_proxy"] ?? "").split(/[\s,]+/);
  if (INSIDE.test(hostname) || exempt.some((one) => isExempt(hostname, one))) return null;
  return found;
}

/** As curl reads it: `*`, a name, or a name with all below it. */
function isExempt(hostname: string, rule: string): boolean {
  const name = rule.replace(/^\*?\./, "").replace(/:\d+$/, "");
  return rule === "*" || (name !== "" && (hostname === name || hostname.endsWith(`.${name}`)));
}

function tlsUnverified(upstreams: Upstreams, { variables }: StartEnvironment): readonly Sighting[] {
  const isSecure = upstreams.some(({ targets }) =>
    targets.some(({ protocol }) => protocol === "https:"),
  );
  if (variables["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0" || !isSecure) return [];
  return [{ code: "tls_unverified", upstream: null, seen: "for the whole process" }];
}

function openFiles(upstreams: Upstreams, environment: StartEnvironment): readonly Sighting[] {
  const { openFilesMax } = environment;
  const wanted = upstreams.reduce((sum, one) => sum + connectionsOf(one), 0);
  if (openFilesMax === null || wanted <= openFilesMax || wanted === Infinity) return [];
  const seen = `up to ${literal(wanted)} connections, ${literal(openFilesMax)} open files`;
  return [{ code: "open_files", upstream: null, seen }];
}

/** The most that it can have at once: each call needs one, and idle ones are limited. */
function connectionsOf({ targets, limits, bulkhead }: NormalisedUpstream): number {
  const each = limits.connectionsMax * Math.max(1, targets.length);
  return bulkhead === false ? each : Math.min(each, bulkhead.concurrencyMax);
}

const MIB = 1_048_576;

function heapBeyondMemory(
  _: Upstreams,
  { heapBytesMax, memoryBytesMax }: StartEnvironment,
): readonly Sighting[] {
  if (memoryBytesMax === null || heapBytesMax <= memoryBytesMax) return [];
  const [heap, memory] = [heapBytesMax, memoryBytesMax].map((bytes) => Math.round(bytes / MIB));
  const seen = `${heap} MiB of ${memory} MiB`;
  return [{ code: "heap_beyond_memory", upstream: null, seen }];
}

const NODE_MIN = [20, 19] as const;

function nodeVersion(_: Upstreams, { nodeVersion: seen }: StartEnvironment): readonly Sighting[] {
  const [major = 0, minor = 0] = seen.split(".").map(Number);
  const isOld = major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]);
  return isOld ? [{ code: "node_version", upstream: null, seen: `Node ${seen}` }] : [];
}
