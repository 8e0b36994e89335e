/**
 * Whether an answer is itself a failure, and what it says about sending the request again.
 *
 * The layers of Envoy, Finagle, linkerd and gRPC have fields of their own for it; HTTP has only
 * `Retry-After`. All of them are read here, and nowhere else.
 * Guarantee: what forbids a repeat wins
 * over what allows one.
 */
import { classifyResponse } from "./classify.js";
import type { Failure } from "./failure.js";
import { parseRetryAfterMs } from "./retry-after.js";

/** Below this status an answer is the one that was asked for. */
export const FAILS_FROM = 421;

/** The failure that an answer stands for; null when it is the answer that was asked for. */
export function receivedFailure(
  status: number,
  rawHeaders: readonly string[],
  wallNow: () => number,
  target: string,
): Failure | null {
  const hints = status >= 500 || status === 429 ? readHints(status, rawHeaders, wallNow) : NO_HINTS;
  const { retryAfterMs, repeat } = hints;
  const code = classifyResponse(status, retryAfterMs !== null || hints.overloaded);
  if (code === null) return null;
  return {
    code,
    target,
    written: true,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(repeat === null ? {} : { repeat }),
  };
}

interface Hints {
  /** How long to wait before a repeat, null when nothing is said of it. */
  retryAfterMs: number | null;
  repeat: "safe" | "never" | null;
  /** It refused before it did anything. */
  overloaded: boolean;
}

const NO_HINTS: Readonly<Hints> = { retryAfterMs: null, repeat: null, overloaded: false };

type HintReader = (hints: Hints, value: string, status: number, wallNow: () => number) => void;

const READERS: ReadonlyMap<string, HintReader> = new Map<string, HintReader>([
  ["retry-after", retryAfter],
  // Azure, OpenAI: the same in milliseconds.
  ["retry-after-ms", retryAfterMs],
  // Envoy: never repeated, but by who has asked for exactly that.
  ["x-envoy-ratelimited", forbid],
  // Envoy: dropped by its own limits before it was sent to anyone.
  ["x-envoy-overloaded", overloaded],
  // Finagle: not processed, and another instance may take it. Sent with 503 only.
  ["finagle-http-nack", nack],
  // Finagle: not processed, and the next instance will refuse as well.
  ["finagle-http-nonretryable-nack", overloaded],
  // linkerd 1: known to be safe to send again.
  ["l5d-retryable", retryable],
  ["grpc-retry-pushback-ms", pushback],
]);

/** The longest and the shortest of the names; others are not worth a lower-case copy. */
const LENGTHS: ReadonlySet<number> = new Set([...READERS.keys()].map(({ length }) => length));

function readHints(
  status: number,
  rawHeaders: readonly string[],
  wallNow: () => number,
): Readonly<Hints> {
  let hints: Hints | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (!LENGTHS.has(name.length)) continue;
    const read = READERS.get(name.toLowerCase());
    if (read === undefined) continue;
    hints ??= { ...NO_HINTS };
    read(hints, rawHeaders[index + 1] as string, status, wallNow);
  }
  return hints ?? NO_HINTS;
}

function retryAfter(hints: Hints, value: string, status: number, wallNow: () => number): void {
  // RFC 9110 §10.2.3 and RFC 6585 §4: with other statuses it is about something else.
  if (status !== 503 && status !== 429) return;
  hints.retryAfterMs ??= parseRetryAfterMs(value, wallNow());
}

const MILLISECONDS = /^\d{1,10}(?:\.\d+)?$/;

/** More exact than whole seconds, wherever it stands. */
function retryAfterMs(hints: Hints, value: string, status: number): void {
  const text = value.trim();
  if ((status === 503 || status === 429) && MILLISECONDS.test(text)) {
    hints.retryAfterMs = Math.ceil(Number(text));
  }
}

function forbid(hints: Hints): void {
  hints.repeat = "never";
}

function overloaded(hints: Hints): void {
  hints.repeat = "never";
  hints.overloaded = true;
}

function nack(hints: Hints, _value: string, status: number): void {
  if (status !== 503) return;
  hints.repeat ??= "safe";
  hints.overloaded = true;
}

function retryable(hints: Hints, value: string): void {
  if (value.toLowerCase() === "true") hints.repeat ??= "safe";
}

const PUSHBACK = /^\d{1,10}$/;

// gRPC A6: a negative value, and one that cannot be read, mean that nothing is to be sent again.
function pushback(hints: Hints, value: string): void {
  if (PUSHBACK.test(value)) hints.retryAfterMs = Number(value);
  else hints.repeat = "never";
}
