/**
 * What an answer says about repeating: `Retry-After` in seconds or as a date, in milliseconds from
 * now.
 */
import { parseRetryAfterMs } from "../core/retry-after.js";
import type { ResponseHead } from "./response-head.js";

/** Null when the answer says nothing of it. */
export function readRetryAfterMs(head: ResponseHead, wallNow: () => number): number | null {
  if (head.status !== 503 && head.status !== 429) return null;
  const { rawHeaders } = head;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 11 || name.toLowerCase() !== "retry-after") continue;
    return parseRetryAfterMs(rawHeaders[index + 1] as string, wallNow());
  }
  return null;
}
