/**
 * What the layers of a call exchange: the number of the attempt, and the time that is left.
 *
 * Every convention is a name with a form of its own; names that are not known here hold a count or
 * whole milliseconds. Guarantee: a value that cannot be read says nothing.
 */

import type { Clock } from "../base/clock.js";
import { LAYERS } from "../catalog/defaults.js";
import { LAYER_FIELD } from "../catalog/field-names.js";
import type { LayerOptions } from "../catalog/options/layers.js";
import type { Call } from "./call.js";
import { NEVER, remainingMs } from "./deadline.js";

/** Which fields are used with an upstream; false for none of that kind. */
export type LayerSettings = Required<LayerOptions>;

/** What a caller has said about a request of its own. */
export interface CallerHints {
  /** Milliseconds that it waits from now; NEVER when it does not say. */
  readonly deadlineMs: number;
  /** The number of its attempt, from 1. */
  readonly attempt: number;
}

/** Counts attempts that were made before, as gRPC does (A6). */
const PREVIOUS_ATTEMPTS = "grpc-previous-rpc-attempts";
const GRPC_TIMEOUT = "grpc-timeout";

/** Fields between client and service. They are read, and sent on as they came. */
export const END_TO_END: ReadonlySet<string> = new Set([PREVIOUS_ATTEMPTS, GRPC_TIMEOUT]);
/** Fields that are read of a trusted caller whatever is configured, by what they say. */
export const KNOWN_ATTEMPTS: ReadonlySet<string> = new Set([
  LAYER_FIELD.attempt,
  PREVIOUS_ATTEMPTS,
]);
export const KNOWN_DEADLINES: ReadonlySet<string> = new Set([LAYER_FIELD.deadline, GRPC_TIMEOUT]);

const COUNT = /^\d{1,9}$/;

/** The number of the attempt, from 1; 1 when the value says nothing. */
export function parseAttempt(name: string, value: string): number {
  if (!COUNT.test(value)) return 1;
  const count = name === PREVIOUS_ATTEMPTS ? Number(value) + 1 : Number(value);
  return count >= 1 && count <= LAYERS.attemptsMax ? count : 1;
}

const MILLISECONDS = /^\d{1,12}(?:\.\d{1,9})?$/;
const GRPC = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1 / 1_000,
  n: 1 / 1_000_000,
};

/** Milliseconds from now; NEVER when the value says nothing. */
export function parseDeadlineMs(name: string, value: string): number {
  if (name === GRPC_TIMEOUT) {
    const [, count, unit = ""] = GRPC.exec(value) ?? [];
    return count === undefined ? NEVER : Number(count) * (UNIT_MS[unit] ?? NEVER);
  }
  if (!MILLISECONDS.test(value)) return NEVER;
  const ms = Number(value);
  // Envoy writes 0 for a route without a timeout.
  return ms === 0 && name === LAYER_FIELD.deadline ? NEVER : ms;
}

/**
 * Fields for one attempt, names and values in turn; null for none, which is the usual case: a first
 * attempt of a call whose caller has set no deadline.
 */
export function layerFields(
  settings: LayerSettings,
  call: Call,
  attempt: number,
  waitsMs: number,
  clock: Pick<Clock, "now">,
): readonly string[] | null {
  const { attemptHeader, deadlineHeader, priorityHeader, sendDeadline } = settings;
  const count = call.callerAttempt + attempt - 1;
  const tellsTime = sendDeadline === "always" || call.callerDeadline !== NEVER;
  const fields: string[] = [];
  if (attemptHeader !== false && count > 1) {
    fields.push(attemptHeader, formatAttempt(attemptHeader, count));
  }
  if (deadlineHeader !== false && tellsTime) {
    const leftMs = Math.min(waitsMs, remainingMs(call.deadline, clock.now()));
    if (leftMs !== NEVER) fields.push(deadlineHeader, formatDeadline(deadlineHeader, leftMs));
  }
  if (priorityHeader !== false) fields.push(priorityHeader, call.priority);
  return fields.length === 0 ? null : fields;
}

/** Fields with these in place of any of the same names. Names of `added` are in lower case. */
export function withLayerFields(
  fields: readonly string[],
  added: readonly string[] | null,
): readonly string[] {
  if (added === null) return fields;
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (!added.includes(name.toLowerCase())) kept.push(name, fields[index + 1] as string);
  }
  return kept.concat(added);
}

function formatAttempt(name: string, count: number): string {
  return String(name === PREVIOUS_ATTEMPTS ? count - 1 : count);
}

/** In Envoy's form 0 would mean that there is no end. */
const LEFT_MS_MIN = 1;
/** gRPC: at most eight digits. */
const GRPC_MS_MAX = 99_999_999;

function formatDeadline(name: string, ms: number): string {
  const whole = Math.max(LEFT_MS_MIN, Math.floor(ms));
  return name === GRPC_TIMEOUT ? `${Math.min(whole, GRPC_MS_MAX)}m` : String(whole);
}
