/**
 * The options of `gatewayFetch`, and of one call through it: read, checked, told by name when
 * wrong.
 *
 * Timeouts and repeats are read by the same rules as in `createGateway`; here they stand over the
 * settings of the upstream, for one fetch or for one call.
 */
import type { Priority } from "../../catalog/priorities.js";
import type { CallOverrides } from "../../core/call.js";
import { at, createFindings, type Findings, isRecord, shown } from "../../options/findings.js";
import { nearest } from "../../options/nearest.js";
import { GatewayOptionsError } from "../../options/options-error.js";
import { readPriority } from "../../options/read-priority.js";
import { readShared, type WrittenSection } from "../../options/read-sections.js";
import type { TimeoutOptions } from "../../options/timeout-options.js";

/** Timeouts that a fetch can set: it has no client, and no question before the body. */
export type FetchTimeouts = Omit<TimeoutOptions, keyof typeof OF_SERVERS>;

/** Timeouts of clients at a server, and what stands for them at a fetch. */
const OF_SERVERS = {
  clientMs: "a fetch has no client; idleMs limits a silence in a body, bodyMs the whole answer",
  continueMs: "a fetch sends no Expect: 100-continue; responseMs limits the wait for the head",
  tunnelIdleMs: "a fetch opens no tunnel; idleMs limits a silence in a body",
} as const;

/** What may be set for all calls of one fetch, over the options of the upstream. */
export interface GatewayFetchOptions {
  /**
   * What becomes of a failure: a rejection as of a fetch, or a Response with the status that the
   * failure deserves.
   * @default "throw"
   */
  readonly onFailure?: "throw" | "respond";
  /** The fetch function that makes the Responses; `globalThis.fetch` at the time of the call. */
  readonly fetch?: typeof fetch;
  /** Cuts in time, each over the upstream's own. */
  readonly timeouts?: FetchTimeouts;
  /** Repeats, over the upstream's own. */
  readonly retry?: false | { readonly attemptsMax?: number };
  /** False asks no second target while the first has not answered. */
  readonly hedge?: false;
  /** How much these calls matter when not all can be served. */
  readonly priority?: Priority;
}

/** What may be set for one call, as `init.gateway`. */
export interface GatewayCallOptions {
  /** Cuts in time, each over that of the fetch and of the upstream. */
  readonly timeouts?: FetchTimeouts;
  /** Repeats, over those of the fetch and of the upstream. */
  readonly retry?: false | { readonly attemptsMax?: number };
  /** False asks no second target while the first has not answered. */
  readonly hedge?: false;
  /** How much the call matters when not all can be served, over that of the fetch. */
  readonly priority?: Priority;
  /** A promise that sending this twice does no harm, whatever the method. */
  readonly replayable?: boolean;
}

/** The options of a fetch, checked. */
export interface ReadFetchOptions {
  readonly onFailure: "throw" | "respond";
  readonly fetch: typeof fetch | null;
  readonly overrides: CallOverrides;
}

/** The options of a call, checked. */
export interface ReadCallOptions {
  readonly replayable: boolean;
  readonly overrides: CallOverrides;
}

const FETCH_NAMES = ["onFailure", "fetch", "timeouts", "retry", "hedge", "priority"] as const;
const CALL_NAMES = ["timeouts", "retry", "hedge", "priority", "replayable"] as const;
const ON_FAILURE = ["throw", "respond"] as const;

/** Reads the options of `gatewayFetch`; throws a `GatewayOptionsError`. */
export function readFetchOptions(options: unknown): ReadFetchOptions {
  const findings = createFindings();
  const written = readRecord(findings, "options", "", FETCH_NAMES, options);
  const { onFailure, fetch: given } = written;
  const known = ON_FAILURE.find((one) => one === onFailure);
  if (onFailure !== undefined && known === undefined) {
    const close = typeof onFailure === "string" ? nearest(onFailure, ON_FAILURE) : null;
    const advice = close === null ? 'write "throw" or "respond"' : `did you mean "${close}"?`;
    findings.problem("onFailure", `${shown(onFailure)} is not known; ${advice}`);
  }
  if (given !== undefined && typeof given !== "function") {
    findings.problem(
      "fetch",
      `${shown(given)} is not a function; leave it out for the built-in one`,
    );
  }
  const overrides = readOverrides(findings, "", written);
  throwProblems(findings);
  return {
    onFailure: known ?? "throw",
    fetch: typeof given === "function" ? (given as typeof fetch) : null,
    overrides,
  };
}

const NOTHING: ReadCallOptions = { replayable: false, overrides: {} };

/** Reads `init.gateway`; throws a `GatewayOptionsError`. */
export function readCallOptions(options: unknown): ReadCallOptions {
  if (options === undefined) return NOTHING;
  const findings = createFindings();
  const written = readRecord(findings, "gateway", "gateway", CALL_NAMES, options);
  const { replayable } = written;
  if (replayable !== undefined && typeof replayable !== "boolean") {
    findings.problem("gateway.replayable", `${shown(replayable)} is not true or false`);
  }
  const overrides = readOverrides(findings, "gateway", written);
  throwProblems(findings);
  return { replayable: replayable === true, overrides };
}

function readRecord(
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
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const close = nearest(name, names);
    const advice = close === null ? `there are ${names.join(", ")}` : `did you mean "${close}"?`;
    findings.problem(path === "" ? name : `${path}.${name}`, `unknown option; ${advice}`);
  }
  return options;
}

function readOverrides(
  findings: Findings,
  path: string,
  { timeouts, retry, hedge, priority }: Readonly<Record<string, unknown>>,
): CallOverrides {
  const { sections } = readShared(findings, path, { timeouts, retry });
  const { timeouts: cuts, retry: repeats } = sections;
  if (repeats) refuseSharedSettings(findings, repeats);
  for (const [name, { path: where }] of Object.entries(cuts || {})) {
    const instead = (OF_SERVERS as Readonly<Record<string, string>>)[name];
    if (instead !== undefined) findings.problem(where, `does nothing here: ${instead}`);
  }
  if (hedge !== undefined && hedge !== false) {
    const advice = "a call can only leave out what the upstream does; write false";
    findings.problem(at(path, "hedge"), `${shown(hedge)} is not false; ${advice}`);
  }
  const rank = readPriority(findings, at(path, "priority"), priority);
  return {
    ...(rank === undefined ? {} : { priority: rank }),
    ...(hedge === false ? { hedge } : {}),
    ...(cuts ? { timeouts: valuesOf(cuts) } : {}),
    ...(repeats === undefined ? {} : { retry: repeats === false ? false : valuesOf(repeats) }),
  };
}

/** Backoff and budget are shared by all calls of an upstream, so no single call can set them. */
function refuseSharedSettings(findings: Findings, repeats: Exclude<WrittenSection, false>): void {
  for (const [name, { path }] of Object.entries(repeats)) {
    if (name === "attemptsMax") continue;
    findings.problem(path, "is a setting of the upstream; a call can only set attemptsMax");
  }
}

function valuesOf(section: Exclude<WrittenSection, false>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(section).map(([name, { value }]) => [name, value]));
}

function throwProblems({ problems }: Findings): void {
  if (problems.length > 0) throw new GatewayOptionsError(problems);
}
