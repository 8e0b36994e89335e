/**
 * What a check returned or threw, read as a status with a sentence.
 *
 * Guarantee: whatever it was becomes one of three statuses. What cannot be understood fails and
 * says so, since a check that is misread as passing is worse than none.
 */
import { HEALTH } from "../../catalog/health-defaults.js";
import { isRecord, shown } from "../../options/findings.js";
import type { HealthStatus } from "../../records/events.js";

/** What a check may return to say more than that it passed. */
export interface CheckResult {
  readonly status: HealthStatus;
  /** A sentence for operators. */
  readonly output?: string;
  /** What was measured, and in which unit. */
  readonly observedValue?: string | number | boolean;
  readonly observedUnit?: string;
}

/** What of it is kept. */
export interface ReadResult {
  readonly status: HealthStatus;
  readonly output: string | null;
  readonly observedValue: string | number | boolean | null;
  readonly observedUnit: string | null;
}

// The words that the format allows for the same, so that results of other libraries can be used.
const STATUSES: Readonly<Record<string, HealthStatus>> = {
  pass: "pass",
  ok: "pass",
  up: "pass",
  warn: "warn",
  fail: "fail",
  error: "fail",
  down: "fail",
};

/** Nothing, and anything that is no verdict, is a check that went through. */
export function readReturned(value: unknown): ReadResult {
  if (value === false) return failed("the check returned false");
  if (value instanceof Response) return readResponse(value);
  if (!isRecord(value) || value["status"] === undefined) return result("pass", null);
  const { status: word, output, observedValue, observedUnit } = value;
  const status = typeof word === "string" ? STATUSES[word.toLowerCase()] : undefined;
  if (status === undefined) {
    return failed(`the check returned status ${shown(word)}, not "pass", "warn" or "fail"`);
  }
  return {
    status,
    output: typeof output === "string" ? clipped(output) : null,
    observedValue: isPlain(observedValue) ? observedValue : null,
    observedUnit: typeof observedUnit === "string" ? clipped(observedUnit) : null,
  };
}

/** A check that threw, or whose promise was rejected. */
export function readThrown(error: unknown): ReadResult {
  const { message, code, name } = (error ?? {}) as Record<string, unknown>;
  // Errors of several addresses have an empty message; their code says it.
  const text = [message, code, name].find((one) => typeof one === "string" && one !== "");
  return failed(text === undefined ? `the check threw ${shown(error)}` : String(text));
}

export function failed(output: string): ReadResult {
  return result("fail", clipped(output));
}

// `fetch` is fulfilled by a 503, too; who returns its answer means that it should be a good one.
function readResponse(response: Response): ReadResult {
  // An answer that is not read holds its connection.
  response.body?.cancel().catch(() => {});
  if (response.ok) return result("pass", null);
  return failed(`the check was answered with status ${response.status}`);
}

function result(status: HealthStatus, output: string | null): ReadResult {
  return { status, output, observedValue: null, observedUnit: null };
}

function isPlain(value: unknown): value is string | number | boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value === "string" || typeof value === "boolean";
}

function clipped(text: string): string {
  const { outputCharsMax: most } = HEALTH;
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
