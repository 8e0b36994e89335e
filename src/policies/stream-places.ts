/**
 * The places of answers that have no end: upgraded connections and event streams. They rest for
 * hours, so they have a share of their own: many of them take no place from calls that come and go.
 *
 * Part of the bulkhead.
 */
import type { Call } from "../core/call.js";
import type { CallerShares } from "./caller-shares.js";

export class StreamPlaces {
  readonly places: number;
  readonly #callers: CallerShares | null;
  running = 0;

  constructor(places: number, callers: CallerShares | null) {
    this.places = places;
    this.#callers = callers;
  }

  isFull(call: Call): boolean {
    if (this.running >= this.places) return true;
    return this.#callers?.mayTake(call, this.places - this.running) === false;
  }

  /** Takes a place; false where there is none. */
  take(call: Call): boolean {
    if (this.isFull(call)) return false;
    this.running += 1;
    this.#callers?.take(call);
    return true;
  }

  giveBack(call: Call): void {
    this.running -= 1;
    this.#callers?.giveBack(call);
  }
}

const TYPE = "content-type";
// The usual spelling costs no lower-case copy.
const USUAL = "Content-Type";
const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i;
const SWITCHING = 101;

/** Whether an answer has no end that its head could announce. */
export function isEndless(status: number, rawHeaders: readonly string[]): boolean {
  if (status === SWITCHING) return true;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== TYPE.length || (name !== USUAL && name.toLowerCase() !== TYPE)) continue;
    return EVENT_STREAM.test(rawHeaders[at + 1] as string);
  }
  return false;
}
