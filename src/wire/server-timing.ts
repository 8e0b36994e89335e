/**
 * `Server-Timing`: where the time of a call went, for the developer tools of a browser.
 *
 * One entry for each attempt, named by what it came to, and one for the whole; no address among
 * them.
 */
import type { AttemptRecord } from "../core/call.js";

/** One entry for each attempt and one for the whole, in milliseconds. */
export function serverTiming(attempts: readonly AttemptRecord[], totalMs: number): string {
  let text = "";
  for (const { number, durationMs, code } of attempts) {
    text += `attempt-${number};dur=${rounded(durationMs)};desc="${code ?? "ok"}", `;
  }
  return `${text}gateway;dur=${rounded(totalMs)}`;
}

function rounded(ms: number): string {
  return String(Math.round(ms * 10) / 10);
}
