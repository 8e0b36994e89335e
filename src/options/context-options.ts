/**
 * Reads and checks the options of request contexts; errors name the option.
 *
 * Guarantee: the result is complete, and shares nothing with the caller's objects but functions.
 */
import type { IncomingMessage } from "node:http";
import { isPriority, PRIORITIES, type Priority } from "../catalog/priorities.js";
import { NEVER } from "../core/deadline.js";
import type { LayerSettings } from "../core/layers.js";
import { type Trust, trustProblem } from "../wire/trust.js";
import { createFindings, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./known-names.js";
import { GatewayOptionsError } from "./options-error.js";
import { fillLayers, readLayers } from "./read-layers.js";

export interface ReadContextOptions {
  readonly trust: Trust;
  readonly timeoutMs: number;
  readonly layers: LayerSettings;
  readonly priority: ((req: IncomingMessage) => Priority | undefined) | undefined;
}

export interface ReadContextInit {
  readonly timeoutMs: number;
  readonly priority: Priority | undefined;
  readonly signal: AbortSignal | undefined;
}

const OPTION_NAMES = ["trust", "timeoutMs", "attemptHeader", "deadlineHeader", "priority"];
const INIT_NAMES = ["timeoutMs", "priority", "signal"];

/** Reads the options of a context for requests; throws a `GatewayOptionsError`. */
export function readContextOptions(options: object): ReadContextOptions {
  const findings = createFindings();
  const written = readRecord(findings, OPTION_NAMES, options);
  const { trust, priority, attemptHeader, deadlineHeader } = written;
  if (priority !== undefined && typeof priority !== "function") {
    findings.problem("priority", `${shown(priority)} is not a function of the request`);
  }
  checkTrust(findings, trust);
  const layers = readLayers(findings, "", { attemptHeader, deadlineHeader });
  const timeoutMs = readTimeout(findings, written["timeoutMs"]);
  throwProblems(findings);
  return {
    trust: (trust ?? false) as ReadContextOptions["trust"],
    timeoutMs,
    layers: fillLayers(layers) as LayerSettings,
    priority: priority as ReadContextOptions["priority"],
  };
}

/** Reads what `runInContext` takes; throws a `GatewayOptionsError`. */
export function readContextInit(init: object): ReadContextInit {
  const findings = createFindings();
  const { timeoutMs, priority, signal } = readRecord(findings, INIT_NAMES, init);
  if (priority !== undefined && !isPriority(priority)) {
    findings.problem("priority", `${shown(priority)} is not one of ${PRIORITIES.join(", ")}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    findings.problem("signal", `${shown(signal)} is not an AbortSignal`);
  }
  const read = readTimeout(findings, timeoutMs);
  throwProblems(findings);
  return {
    timeoutMs: read,
    priority: priority as Priority | undefined,
    signal: signal as AbortSignal | undefined,
  };
}

function readRecord(
  findings: Findings,
  names: readonly string[],
  options: unknown,
): Readonly<Record<string, unknown>> {
  if (!isRecord(options)) {
    findings.problem("options", `${shown(options)} is not an object such as { timeoutMs: 5_000 }`);
    return {};
  }
  checkNames(findings, "", names, options);
  return options;
}

function readTimeout(findings: Findings, value: unknown): number {
  if (value === undefined) return NEVER;
  if (typeof value === "number" && value > 0) return value;
  const advice = "is not a number of milliseconds above 0; leave it out for no limit";
  findings.problem("timeoutMs", `${shown(value)} ${advice}`);
  return NEVER;
}

function checkTrust(findings: Findings, value: unknown): void {
  const problem = value === undefined ? null : trustProblem(value);
  if (problem !== null) findings.problem("trust", `${shown(value)} ${problem}`);
}

function throwProblems({ problems }: Findings): void {
  if (problems.length > 0) throw new GatewayOptionsError(problems);
}
