/**
 * The options of `gatewayFetch`, and of one call through it: read, checked, and named when
 * wrong.
 *
 * Timeouts and repeats are read by the same rules as in `createGateway`; here they stand over the
 * settings of the upstream, for one fetch or for one call.
 */

import type { TimeoutOptions } from "../../catalog/options/timeouts.js";
import type { Priority } from "../../catalog/priorities.js";
import type { CallOverrides } from "../../core/call.js";
import type { Fallback } from "../../core/fallback.js";
import { createFindings, type Findings, shown } from "../../options/findings.js";
import { nearest } from "../../options/nearest.js";
import { GatewayOptionsError } from "../../options/options-error.js";
import { readNamed, readOverrides } from "../../options/read-overrides.js";

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
   * What happens on a failure: a rejection, as with fetch, or a Response with the status of the
   * failure.
   * @default "throw"
   */
  readonly onFailure?: "throw" | "respond";
  /** The fetch function that makes the Responses; `globalThis.fetch` at the time of the call. */
  readonly fetch?: typeof fetch;
  /** Timeouts; each replaces that of the upstream. */
  readonly timeouts?: FetchTimeouts;
  /** Retries, instead of the upstream's. */
  readonly retry?: false | { readonly attemptsMax?: number };
  /** `false`: no second target is tried while the first has not answered. */
  readonly hedge?: false;
  /**
   * The body of a GET that breaks goes on with `Range` and `If-Range`, if its answer has a strong
   * `ETag`; at most five times. Otherwise it ends with its failure.
   * @default false
   */
  readonly resume?: boolean;
  /** How important these calls are when not all can be served. */
  readonly priority?: Priority;
  /** What stands in when a call fails, instead of what the upstream has. See docs/fallbacks.md. */
  readonly fallback?: Fallback;
}

/** What may be set for one call, as `init.gateway`. */
export interface GatewayCallOptions {
  /** Timeouts; each replaces that of the fetch and of the upstream. */
  readonly timeouts?: FetchTimeouts;
  /** Retries, instead of those of the fetch and of the upstream. */
  readonly retry?: false | { readonly attemptsMax?: number };
  /** `false`: no second target is tried while the first has not answered. */
  readonly hedge?: false;
  /** Whether the body goes on where it breaks; replaces that of the fetch. */
  readonly resume?: boolean;
  /** How important the call is when not all can be served; replaces that of the fetch. */
  readonly priority?: Priority;
  /** What stands in when the call fails, instead of what the fetch and the upstream have. */
  readonly fallback?: Fallback;
  /** A promise that sending the request twice does no harm, whatever the method. */
  readonly replayable?: boolean;
}

/** The options of a fetch, checked. */
export interface ReadFetchOptions {
  readonly onFailure: "throw" | "respond";
  readonly fetch: typeof fetch | null;
  readonly resume: boolean;
  readonly overrides: CallOverrides;
}

/** The options of a call, checked. */
export interface ReadCallOptions {
  readonly replayable: boolean;
  /** Null for that of the fetch. */
  readonly resume: boolean | null;
  readonly overrides: CallOverrides;
}

const FETCH_NAMES = [
  "onFailure",
  "fetch",
  "timeouts",
  "retry",
  "hedge",
  "priority",
  "fallback",
  "resume",
] as const;
const CALL_NAMES = [
  ...["timeouts", "retry", "hedge", "priority", "fallback", "resume", "replayable"],
] as const;
const ON_FAILURE = ["throw", "respond"] as const;

/** Reads the options of `gatewayFetch`; throws a `GatewayOptionsError`. */
export function readFetchOptions(options: unknown): ReadFetchOptions {
  const findings = createFindings();
  const written = readNamed(findings, "options", "", FETCH_NAMES, options);
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
  const resume = readFlag(findings, "resume", written["resume"]);
  const overrides = readOverrides(findings, "", written, OF_SERVERS);
  throwProblems(findings);
  return {
    onFailure: known ?? "throw",
    fetch: typeof given === "function" ? (given as typeof fetch) : null,
    resume: resume === true,
    overrides,
  };
}

const NOTHING: ReadCallOptions = { replayable: false, resume: null, overrides: {} };

/** Reads `init.gateway`; throws a `GatewayOptionsError`. */
export function readCallOptions(options: unknown): ReadCallOptions {
  if (options === undefined) return NOTHING;
  const findings = createFindings();
  const written = readNamed(findings, "gateway", "gateway", CALL_NAMES, options);
  const replayable = readFlag(findings, "gateway.replayable", written["replayable"]);
  const resume = readFlag(findings, "gateway.resume", written["resume"]);
  const overrides = readOverrides(findings, "gateway", written, OF_SERVERS);
  throwProblems(findings);
  return { replayable: replayable === true, resume: resume ?? null, overrides };
}

function readFlag(findings: Findings, path: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  findings.problem(path, `${shown(value)} is not true or false`);
  return undefined;
}

function throwProblems({ problems }: Findings): void {
  if (problems.length > 0) throw new GatewayOptionsError(problems);
}
