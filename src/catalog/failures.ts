/**
 * The catalog: one row for every failure that the gateway can name.
 *
 * Status, Proxy-Status, Retry-After, repeat permission, breaker verdict, metric labels, `explain`,
 * the dashboard and the README's table are all read from here. The rows live in rows/, by the part
 * of a call's life in which they occur, and are merged here in that order. To add a failure is to
 * add a row; the gallery and the tests of this folder then list what is missing.
 */

import { ADMISSION_ROWS } from "./rows/admission.js";
import { BODY_ROWS } from "./rows/body.js";
import { CONNECT_ROWS } from "./rows/connect.js";
import { EXCHANGE_ROWS } from "./rows/exchange.js";
import type { FailureCode } from "./rows/failure-code.js";
import type { Blame, FailureRow, Trait } from "./rows/failure-row.js";
import { OWN_ROWS } from "./rows/own.js";
import { RECEIVED_ROWS } from "./rows/received.js";

export type { FailureCode } from "./rows/failure-code.js";
export type { Blame, FailureRow, FailureStatus, Phase, Repeat } from "./rows/failure-row.js";
export { PHASES } from "./rows/failure-row.js";

/** Every failure by its name. */
export const FAILURES = {
  ...CONNECT_ROWS,
  ...ADMISSION_ROWS,
  ...OWN_ROWS,
  ...EXCHANGE_ROWS,
  ...BODY_ROWS,
  ...RECEIVED_ROWS,
} as const satisfies Record<string, FailureRow>;

/** All names, in the order of the table. */
export const FAILURE_CODES: readonly FailureCode[] = Object.keys(FAILURES) as FailureCode[];

/** Whether a string from outside (a header, the command line) names a failure. */
export function isFailureCode(value: string): value is FailureCode {
  return Object.hasOwn(FAILURES, value);
}

/** Whether a failure is held against its target. */
export function countsAgainstTarget(code: FailureCode): boolean {
  const { blame } = FAILURES[code];
  return blame === "upstream" || blame === "overload" || blame === "network";
}

/** Whether it is a failure of this side: neither of the client, nor a planned end. */
export function isFault(blame: Blame | null): boolean {
  return blame !== "client" && blame !== "none";
}

/** Whether a failure has a trait; false for none. */
export function hasTrait(code: FailureCode | null, trait: Trait): boolean {
  const row: FailureRow | null = code && FAILURES[code];
  return row?.traits?.includes(trait) === true;
}
