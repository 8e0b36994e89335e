/**
 * The options of a health handler: which path asks for what, and who may see details.
 *
 * Guarantee: details are shown only where the options say so, and a function that throws says no.
 */
import type { IncomingMessage } from "node:http";
import { createFindings, type Findings, shown } from "../../options/findings.js";
import { nearest } from "../../options/nearest.js";
import { hostsProblem, hostTest, isFromHere } from "../../options/operators.js";
import { GatewayOptionsError } from "../../options/options-error.js";
import type { HealthView } from "./health-answer.js";

/** Where probes are answered, and who gets details. */
export interface HealthHandlerOptions {
  /**
   * Liveness: would a restart help? `false` for no such path.
   * @default "/livez"
   */
  readonly livePath?: string | false;
  /**
   * Readiness: can this process take requests now?
   * @default "/readyz"
   */
  readonly readyPath?: string | false;
  /**
   * Everything that is known: all checks and all upstreams.
   * @default "/healthz"
   */
  readonly healthPath?: string | false;
  /**
   * Who gets names, states and error texts with `?verbose`: no client; clients on this machine that
   * connect to a loopback port of `startAdmin`, not through a proxy; all clients; or those for
   * which a function returns true.
   * @default "never"
   */
  readonly verbose?: "never" | "local" | "always" | ((req: IncomingMessage) => boolean);
  /**
   * Names allowed in `Host` of requests for details, such as "ops.example", beside addresses and
   * names outside the public DNS; "any" for all. With `"local"` only the names of this machine are
   * allowed.
   * @default []
   */
  readonly hosts?: readonly string[] | "any";
}

export interface HealthPaths {
  /** What a request asks for; null for a path that is not ours. */
  viewOf(url: string): HealthView | null;
  /** The paths, in the order of the options. */
  readonly paths: readonly string[];
  /** Whether this request asks for details, and may have them. */
  detailsFor(
    req: IncomingMessage,
    url: string,
  ): { readonly asked: boolean; readonly allowed: boolean };
}

const PATHS = {
  livePath: { initial: "/livez", view: "live" },
  readyPath: { initial: "/readyz", view: "ready" },
  healthPath: { initial: "/healthz", view: "health" },
} as const satisfies Readonly<
  Partial<Record<keyof HealthHandlerOptions, { initial: string; view: HealthView }>>
>;

const NAMES = [...Object.keys(PATHS), "verbose", "hosts"];
const AUDIENCES: readonly unknown[] = ["never", "local", "always"];

/** Reads the options; throws a `GatewayOptionsError` for wrong ones. */
export function readHealthPaths(options: HealthHandlerOptions): HealthPaths {
  const findings = createFindings();
  const views = readViews(findings, options);
  checkOthers(findings, options);
  if (findings.problems.length > 0) throw new GatewayOptionsError(findings.problems);
  const isAllowed = audienceTest(options);
  return {
    paths: [...views.keys()],
    viewOf: (url) => views.get(pathOf(url)) ?? null,
    detailsFor(req, url) {
      const asked = asksForDetails(url);
      return { asked, allowed: asked && isAllowed(req) };
    },
  };
}

function readViews(
  findings: Findings,
  options: HealthHandlerOptions,
): ReadonlyMap<string, HealthView> {
  const views = new Map<string, HealthView>();
  for (const [name, { initial, view }] of Object.entries(PATHS)) {
    const path: unknown = options[name as keyof typeof PATHS] ?? initial;
    if (path === false) continue;
    if (typeof path !== "string" || !path.startsWith("/") || /[?#\s]/.test(path)) {
      const meant =
        typeof path === "string" && /^[^?#\s]+$/.test(path)
          ? `; did you mean ${shown(`/${path}`)}?`
          : "";
      findings.problem(
        name,
        `${shown(path)} is neither a path such as "${initial}" nor false${meant}`,
      );
    } else if (views.has(path)) {
      findings.problem(name, `${shown(path)} is the path of another answer already`);
    } else views.set(path, view);
  }
  return views;
}

function checkOthers(findings: Findings, options: HealthHandlerOptions): void {
  const { verbose } = options;
  if (verbose !== undefined && typeof verbose !== "function" && !AUDIENCES.includes(verbose)) {
    findings.problem(
      "verbose",
      `${shown(verbose)} is not "never", "local", "always" or a function`,
    );
  }
  const problem = hostsProblem(options.hosts);
  if (problem !== null) findings.problem("hosts", `${shown(options.hosts)} ${problem}`);
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue;
    const close = nearest(name, NAMES);
    const hint = close === null ? `there are ${NAMES.join(", ")}` : `did you mean "${close}"?`;
    findings.problem(name, `unknown option; ${hint}`);
  }
}

/** Origin-form nearly always; RFC 9112 §3.2.2: the absolute-form must be understood, too. */
function pathOf(url: string): string {
  const target = url.startsWith("/") ? url : url.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

function asksForDetails(url: string): boolean {
  const query = url.indexOf("?");
  if (query === -1) return false;
  const value = new URLSearchParams(url.slice(query)).get("verbose");
  return value !== null && value !== "0" && value !== "false";
}

function audienceTest({
  verbose = "never",
  hosts,
}: HealthHandlerOptions): (req: IncomingMessage) => boolean {
  if (verbose === "never") return () => false;
  if (verbose === "local") return isFromHere;
  const asksForUs = hostTest(hosts);
  if (verbose === "always") return asksForUs;
  return (req) => {
    try {
      // Nothing but true: a promise that was not awaited is no permission.
      return asksForUs(req) && verbose(req) === true;
    } catch {
      return false;
    }
  };
}
