/**
 * The places of answers that have no end: upgraded connections and event streams.
 *
 * They rest for hours, so they have a share of their own: many of them take no place from the calls
 * that come and go. Guarantee: bounded as the others are; every place is given back once.
 */
import type { GatewayRequest } from "../core/request.js";

export class StreamPlaces {
  readonly places: number;
  running = 0;

  constructor(places: number) {
    this.places = places;
  }

  get isFull(): boolean {
    return this.running >= this.places;
  }

  /** Whether a request would need a place that is not there; known before its answer. */
  refuses({ upgrade }: GatewayRequest): boolean {
    return upgrade !== null && this.isFull;
  }

  /** Takes a place; false where there is none. */
  take(): boolean {
    if (this.isFull) return false;
    this.running += 1;
    return true;
  }

  giveBack(): void {
    this.running -= 1;
  }
}

const TYPE = "content-type";
// The usual spelling costs no lower-case copy.
const USUAL = "Content-Type";
const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i;
const SWITCHING = 101;

/** Whether an answer has no end that its head could tell. */
export function isEndless(status: number, rawHeaders: readonly string[]): boolean {
  if (status === SWITCHING) return true;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== TYPE.length || (name !== USUAL && name.toLowerCase() !== TYPE)) continue;
    return EVENT_STREAM.test(rawHeaders[at + 1] as string);
  }
  return false;
}
