/**
 * Where the body of a request ends, for a request whose parser has let go of the socket: Node's
 * does so at an upgrade, also when a body follows.
 *
 * Guarantee: it finds the end that Node's parser would find; a chunk that could be read in two ways
 * is refused (RFC 9112 §7.1).
 */
import type { IncomingMessage } from "node:http";
import { LIMITS } from "../catalog/defaults.js";

/** Finds the end of one body. */
export interface BodyFraming {
  /** Known from the start, or null. */
  readonly length: number | null;
  /** Hands over what of these bytes is body; returns where it ends in them, -1 if it goes on. */
  read(bytes: Buffer, part: (chunk: Buffer) => void): number;
}

/** Null for a request without a body. What fields mean was settled when its head was parsed. */
export function framingOf({ headers }: Pick<IncomingMessage, "headers">): BodyFraming | null {
  if (headers["transfer-encoding"] !== undefined) return new ChunkedFraming();
  const length = Number(headers["content-length"] ?? 0);
  return length === 0 ? null : new CountedFraming(length);
}

class CountedFraming implements BodyFraming {
  readonly length: number;
  #left: number;

  constructor(length: number) {
    this.length = length;
    this.#left = length;
  }

  read(bytes: Buffer, part: (chunk: Buffer) => void): number {
    const taken = bytes.subarray(0, this.#left);
    this.#left -= taken.length;
    if (taken.length > 0) part(taken);
    return this.#left === 0 ? taken.length : -1;
  }
}

const LINE_FEED = 0x0a;
/** The line before a chunk: its size, and extensions, which are not used. */
const SIZE_LINE = /^([0-9a-f]{1,12})(?:;[\t\x20-\x7e]*)?\r\n$/i;
const SIZE_LINE_BYTES_MAX = 256;
/** A line of the trailer section; what it says is dropped, as Trailer is. */
const TRAILER_LINE = /^[!#$%&'*+.^_`|~0-9a-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n$/i;

/** Throws for what is no chunk. */
class ChunkedFraming implements BodyFraming {
  readonly length = null;
  #state: "size" | "data" | "behind" | "trailers" | "over" = "size";
  #left = 0;
  #line = "";
  #trailerBytes = 0;

  read(bytes: Buffer, part: (chunk: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "data") {
        const chunk = bytes.subarray(at, at + this.#left);
        this.#left -= chunk.length;
        at += chunk.length;
        if (this.#left === 0) this.#state = "behind";
        part(chunk);
        continue;
      }
      const end = bytes.indexOf(LINE_FEED, at);
      const until = end === -1 ? bytes.length : end + 1;
      this.#lineGoesOn(bytes.toString("latin1", at, until));
      at = until;
      if (end !== -1) this.#takeLine();
      if (this.#state === "over") return at;
    }
    return -1;
  }

  #lineGoesOn(text: string): void {
    const inTrailers = this.#state === "trailers";
    if (inTrailers) this.#trailerBytes += text.length;
    this.#line += text;
    const long = inTrailers
      ? this.#trailerBytes > LIMITS.trailerSectionBytesMax
      : this.#line.length > SIZE_LINE_BYTES_MAX;
    if (long) throw new Error("a line of the chunked coding is too long");
  }

  #takeLine(): void {
    const line = this.#line;
    this.#line = "";
    if (this.#state === "size") this.#takeSize(line);
    else if (line === "\r\n") this.#state = this.#state === "behind" ? "size" : "over";
    else if (this.#state === "behind" || !TRAILER_LINE.test(line)) throw malformed();
  }

  #takeSize(line: string): void {
    const size = SIZE_LINE.exec(line)?.[1];
    if (size === undefined) throw malformed();
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailers" : "data";
  }
}

function malformed(): Error {
  return new Error("a chunk is malformed");
}
