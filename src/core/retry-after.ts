/**
 * `Retry-After`, RFC 9110 §10.2.3: seconds or an HTTP date, never anything else.
 *
 * It is milliseconds from now everywhere inside; this file is the only one that knows the field's
 * units.
 */

import { parseDate } from "../base/clock.js";
import { RETRY_AFTER } from "../catalog/defaults.js";

// RFC 9110 §10.2.3: a number of any length.
const SECONDS = /^\d+$/;
// RFC 9110 §5.6.7: the preferred form; the two obsolete ones are read as well.
const HTTP_DATES: readonly RegExp[] = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** Milliseconds from `wallNow`, never below zero; null when the value is neither form. */
export function parseRetryAfterMs(value: string, wallNow: number): number | null {
  const text = value.trim();
  if (SECONDS.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  if (!HTTP_DATES.some((form) => form.test(text))) return null;
  // The third form has no zone and means GMT all the same.
  const at = parseDate(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? null : Math.max(0, at - wallNow);
}

/** Whole seconds, rounded up, at least one: zero would invite a storm. */
export function formatRetryAfter(ms: number): string {
  return String(Math.ceil(Math.max(RETRY_AFTER.msMin, ms) / 1_000));
}
