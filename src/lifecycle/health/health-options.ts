/**
 * The options of a health check: their types, their defaults, and what is thrown for wrong ones.
 * All that is wrong with one check is reported at once, with its name.
 */
import { HEALTH } from "../../catalog/health-defaults.js";
import { FINITE, type NumberRule, number } from "../../catalog/options/option.js";
import { checkNumber } from "../../options/check-number.js";
import { createFindings, type Findings, isRecord, shown } from "../../options/findings.js";
import { nearest } from "../../options/nearest.js";
import { GatewayOptionsError } from "../../options/options-error.js";
import { readBoolean } from "../../options/read-boolean.js";

/** How a check of the application's health is run. */
export interface CheckOptions {
  /**
   * Longest time that a run may take; after it the check fails and its signal aborts.
   * @default 800
   */
  readonly timeoutMs?: number;
  /**
   * Runs in the background, this long after the end of the run before; probes get the latest
   * result. Without it the check runs when a probe asks.
   */
  readonly intervalMs?: number;
  /**
   * Readiness fails while this check fails. A dependency that all processes share is seldom
   * critical: when it fails, no process is ready, and none is left to answer.
   * @default false
   */
  readonly critical?: boolean;
  /**
   * How long the result of a run that a probe started is used for further probes.
   * @default 1000
   */
  readonly cacheMs?: number;
}

export interface CheckSettings {
  readonly timeoutMs: number;
  /** Null for a check that runs when it is asked. */
  readonly intervalMs: number | null;
  readonly critical: boolean;
  readonly cacheMs: number;
}

const ABOVE_ZERO = "a finite number of milliseconds above 0";

const RULES = {
  timeoutMs: time(
    HEALTH.checkMs,
    ABOVE_ZERO,
    "a probe must get an answer; write how long it may wait",
  ),
  intervalMs: time(0, ABOVE_ZERO, "leave it out to run the check when a probe asks"),
  cacheMs: number(HEALTH.cacheMs, {
    unit: "ms",
    wanted: "a finite number of milliseconds of at least 0",
    least: 0,
    most: FINITE,
    tooHigh: "a result must get old; to run it in the background write intervalMs",
  }),
} as const satisfies Readonly<Record<string, NumberRule>>;

const NAMES = [
  "timeoutMs",
  "intervalMs",
  "critical",
  "cacheMs",
] as const satisfies readonly (keyof CheckOptions)[];

/** Names that our own entries of a report have. */
const OWN = "gateway";

function time(initial: number, wanted: string, advice: string): NumberRule {
  const above = { unit: "ms", wanted, least: 0, above: true, most: FINITE } as const;
  return number(initial, { ...above, tooLow: advice, tooHigh: advice });
}

/** Checks what `addCheck` is given; throws a `GatewayOptionsError` with all that is wrong. */
export function readCheck(
  name: unknown,
  fn: unknown,
  options: unknown,
  known: ReadonlySet<string>,
): CheckSettings {
  const findings = createFindings();
  checkName(findings, name, known);
  if (typeof fn !== "function") {
    const advice = "write a function that throws, or returns false, when something is wrong";
    findings.problem("fn", `${shown(fn)} is not a function; ${advice}`);
  }
  const settings = readOptions(findings, options);
  if (findings.problems.length > 0) {
    const path = typeof name === "string" ? `addCheck(${shown(name)})` : "addCheck";
    throw new GatewayOptionsError(findings.problems.map((one) => `${path}: ${one}`));
  }
  return settings;
}

function checkName(findings: Findings, name: unknown, known: ReadonlySet<string>): void {
  if (typeof name !== "string" || name.trim() === "") {
    findings.problem(
      "name",
      `${shown(name)} is not a name; write what is checked, like "database"`,
    );
  } else if (known.has(name)) {
    const advice = "a check that is to be replaced is removed first, by what addCheck returned";
    findings.problem("name", `there is a check called ${shown(name)} already; ${advice}`);
  } else if (name === OWN || name.startsWith(`${OWN}:`)) {
    findings.problem("name", `"${OWN}" is what the gateway calls its own entries`);
  } else if (name.split(":").length > 2) {
    // The format joins the names of a component and of what is measured by the one colon.
    const advice = 'at most one, as in "database:responseTime"';
    findings.problem("name", `${shown(name)} has several colons; ${advice}`);
  }
}

function readOptions(findings: Findings, options: unknown): CheckSettings {
  const initial = { timeoutMs: HEALTH.checkMs, intervalMs: null, critical: false, cacheMs: 0 };
  if (options === undefined) return { ...initial, cacheMs: HEALTH.cacheMs };
  if (!isRecord(options)) {
    findings.problem("options", `${shown(options)} is not an object such as { critical: true }`);
    return initial;
  }
  for (const key of Object.keys(options)) {
    if ((NAMES as readonly string[]).includes(key)) continue;
    const close = nearest(key, NAMES);
    const all = `there are ${NAMES.slice(0, -1).join(", ")} and ${NAMES.at(-1)}`;
    findings.problem(key, `unknown option; ${close === null ? all : `did you mean "${close}"?`}`);
  }
  const number = (key: keyof typeof RULES): number | undefined =>
    options[key] === undefined ? undefined : checkNumber(findings, key, RULES[key], options[key]);
  const intervalMs = number("intervalMs") ?? null;
  if (intervalMs !== null && options["cacheMs"] !== undefined) {
    const text = "has no meaning beside intervalMs, whose latest result serves every probe";
    findings.problem("cacheMs", text);
  }
  return {
    timeoutMs: number("timeoutMs") ?? initial.timeoutMs,
    intervalMs,
    critical: readBoolean(findings, "critical", options["critical"]) ?? initial.critical,
    cacheMs: number("cacheMs") ?? HEALTH.cacheMs,
  };
}
