/**
 * `Server-Timing`: where the time of a call went, for the developer tools of a browser.
 *
 * One entry for each attempt, named by what it came to, and one for the whole; no address among
 * them.
 */
import type { AttemptRecord } from "../core/call.js";

/** One entry for each attempt and one for the whole, in milliseconds. */
export function serverTiming(attempts: readonly AttemptRecord[], totalMs: number): string {
  const entries = attempts.map((attempt) => {
    const what = attempt.code ?? "ok";
    return `attempt-${attempt.number};dur=${rounded(attempt.durationMs)};desc="${what}"`;
  });
  entries.push(`gateway;dur=${rounded(totalMs)}`);
  return entries.join(", ");
}

function rounded(ms: number): string {
  return String(Math.round(ms * 10) / 10);
}
