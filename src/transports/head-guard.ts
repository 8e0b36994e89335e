/**
 * Stands between an upstream's socket and undici's parser and looks at nothing but heads.
 *
 * Place: `socket.read` of a connection is replaced by `read` below, which is how undici takes
 * bytes. Guarantee: the parser sees a final head only while an exchange waits for one, and then
 * only what it needs to find the end of the body: a status and the framing that `response-head.ts`
 * decided on, so the two cannot disagree. A body of known length needs no parser: it is counted and
 * handed over here, and the parser sees an answer without a body when the last byte has come.
 * Interim answers (RFC 9110 §15.2) are reported and taken out; bytes that were not asked for end
 * the connection, so two answers can never be mixed up. Body bytes pass untouched, or wait in the
 * socket while their taker is not ready.
 */
import type { Socket } from "node:net";
import { LIMITS } from "../catalog/defaults.js";
import { NamedError } from "../core/named-error.js";
import {
  endOfHead,
  type HeadLimits,
  hasBareLineFeed,
  parseResponseHead,
  type ResponseHead,
  startsLikeHead,
} from "./response-head.js";

/** What an exchange wants to know of the head it waits for. */
export interface HeadWaiter {
  readonly upgrade: boolean;
  readonly headOnly: boolean;
  /** Bytes of a head that is not complete yet; zero again after an interim answer. */
  headBytes(count: number): void;
  information(status: number, rawHeaders: readonly string[]): void;
  /**
   * The final head is complete and a body of known length follows, part by part, through `onData`.
   * Who has no such method gets its body from the parser.
   */
  takeHead?(): void;
  onData?(chunk: Buffer): void;
}

export class HeadGuard {
  /** The final head of the exchange under way, once it is complete. */
  head: ResponseHead | null = null;
  readonly #socket: Socket;
  readonly #limits: HeadLimits;
  readonly #read: Socket["read"];
  #state: "idle" | "head" | "body" | "counted" = "idle";
  #waiter: HeadWaiter | null = null;
  #held: Buffer | null = null;
  /** Bytes of a counted body that are still to come. */
  #left = 0;
  /** Bytes came behind an answer that has no body. */
  #surplus = false;
  #interim = 0;
  #paused = false;

  constructor(socket: Socket, limits: HeadLimits = LIMITS) {
    this.#socket = socket;
    this.#limits = limits;
    this.#read = socket.read;
    socket.read = this.#readOn;
  }

  /** An exchange is about to be written; the next bytes are its head. */
  expect(waiter: HeadWaiter): void {
    this.#state = "head";
    this.#waiter = waiter;
    this.head = null;
    this.#held = null;
    this.#interim = 0;
  }

  /** The exchange is over; any further byte was not asked for. */
  idle(): void {
    this.#state = "idle";
    this.#waiter = null;
    this.head = null;
    if (this.#paused) this.resume();
  }

  /**
   * Nothing more is read until `resume`; what has been read already still passes. undici's own
   * pause is not used: its parser cannot bear that a peer ends, resets or closes while it is
   * paused.
   */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // A microtask later: the parser may be at work, and it cannot be entered twice.
    queueMicrotask(() => this.#socket.emit("readable"));
  }

  /** Leaves the socket alone from now on, as after an upgrade. */
  remove(): void {
    this.#socket.read = this.#read;
  }

  /** From Node 26 on a socket gives one chunk at a time; what waits behind it is taken, too. */
  readonly #readOn = (size?: number): Buffer | null => {
    const socket = this.#socket;
    while (!this.#paused) {
      const passed = this.#pass(this.#read.call(socket, size));
      // To undici nothing is the end of what there is.
      if (passed !== null || socket.readableLength === 0 || socket.destroyed) return passed;
    }
    return null;
  };

  #pass(chunk: Buffer | null): Buffer | null {
    if (this.#surplus) return this.#refuse(unasked());
    if (chunk === null || this.#state === "body") return chunk;
    if (this.#state === "counted") return this.#count(chunk);
    if (this.#state === "idle") return this.#refuse(unasked());
    try {
      return this.#takeHead(chunk);
    } catch (error) {
      return this.#refuse(error);
    }
  }

  #refuse(error: unknown): null {
    this.#socket.destroy(error as Error);
    return null;
  }

  #takeHead(chunk: Buffer): Buffer | null {
    let bytes = this.#held === null ? chunk : Buffer.concat([this.#held, chunk]);
    // The empty line may lie across the border of two chunks.
    let from = this.#held === null ? 0 : Math.max(0, this.#held.length - 3);
    this.#held = null;
    for (;;) {
      const end = endOfHead(bytes, from, this.#limits);
      if (end === -1) return this.#hold(bytes);
      if (end > this.#limits.responseHeaderSectionBytesMax) throw tooLarge(end);
      const head = parseResponseHead(bytes.toString("latin1", 0, end), this.#limits);
      if (head.status >= 200 || this.#isUpgrade(head)) {
        this.head = head;
        return this.#answered(head, bytes, end);
      }
      bytes = bytes.subarray(end);
      from = 0;
      if (bytes.length === 0) {
        this.#waiter?.headBytes(0);
        return null;
      }
    }
  }

  #answered(head: ResponseHead, bytes: Buffer, headLength: number): Buffer | null {
    const waiter = this.#waiter;
    const { status } = head;
    // RFC 9110 §6.4.1: these have no body, whatever their fields say.
    const bodiless = waiter?.headOnly === true || status === 204 || status === 304;
    // RFC 9110 §8.6: whatever a 101 says of a length, what follows is no body.
    const ends = bodiless || status === 101 || !head.contentLength;
    if (waiter?.takeHead === undefined || ends) {
      this.#state = "body";
      return this.#handOver(head, bodiless, bytes, headLength);
    }
    this.#state = "counted";
    this.#left = head.contentLength;
    waiter.takeHead();
    return headLength === bytes.length ? null : this.#count(bytes.subarray(headLength));
  }

  /** Hands a part of a counted body over; the parser learns of the last one. */
  #count(chunk: Buffer): Buffer | null {
    const { head } = this;
    const part = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk;
    this.#surplus = part.length < chunk.length;
    this.#left -= part.length;
    this.#waiter?.onData?.(part);
    // Its receiver may have ended the exchange.
    if (this.#left > 0 || head === null || this.head !== head) return null;
    this.#state = "body";
    return endOf(head);
  }

  /** Writes the essence over the end of the head that it stands for, so that nothing is copied. */
  #handOver(head: ResponseHead, bodiless: boolean, bytes: Buffer, headLength: number): Buffer {
    const essence = essenceOf(head, bodiless);
    // Behind a head without a body stands nothing that was asked for.
    const end = bodiless ? headLength : bytes.length;
    this.#surplus = end < bytes.length;
    const from = headLength - essence.length;
    // A head may be even shorter than what stands in its place.
    if (from < 0) {
      return Buffer.concat([Buffer.from(essence, "latin1"), bytes.subarray(headLength, end)]);
    }
    bytes.write(essence, from, "latin1");
    return bytes.subarray(from, end);
  }

  #hold(bytes: Buffer): null {
    if (!startsLikeHead(bytes)) throw new NamedError("http_protocol_error", "not HTTP/1.x");
    if (this.#limits.bareLineFeeds !== true && hasBareLineFeed(bytes))
      throw new NamedError("http_protocol_error", "bare line feed");
    if (bytes.length > this.#limits.responseHeaderSectionBytesMax) throw tooLarge(bytes.length);
    this.#held = bytes;
    this.#waiter?.headBytes(bytes.length);
    return null;
  }

  /** An answer below 200 is the final one of an upgrade, or an interim one that is reported. */
  #isUpgrade(head: ResponseHead): boolean {
    if (head.status === 101) {
      // RFC 9110 §15.2.2: only a request that asked for an upgrade can be answered so.
      if (this.#waiter?.upgrade !== true) throw new NamedError("http_upgrade_failed", "unasked");
      if (head.minorVersion === 0) throw switchOfHttp10();
      return true;
    }
    this.#interim += 1;
    if (this.#interim > LIMITS.informationalMax) {
      throw new NamedError("http_protocol_error", "too many interim answers");
    }
    this.#waiter?.information(head.status, head.rawHeaders);
    return false;
  }
}

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const UPGRADED =
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: asked\r\n\r\n";

/** The smallest head from which undici finds the same end of the body, and the same keep-alive. */
function essenceOf(head: ResponseHead, bodiless: boolean): string {
  const { status, contentLength, chunked, keepAlive, persistent } = head;
  if (status === 101) return UPGRADED;
  if (chunked && !bodiless && persistent && keepAlive === null) return CHUNKED;
  let text = `HTTP/1.1 ${bodiless ? 204 : 200} OK\r\n`;
  if (!bodiless && chunked) text += "transfer-encoding: chunked\r\n";
  else if (!bodiless && contentLength !== null) text += `content-length: ${contentLength}\r\n`;
  if (!persistent) text += "connection: close\r\n";
  else if (keepAlive !== null) text += `keep-alive: ${keepAlive}\r\n`;
  return `${text}\r\n`;
}

const END = Buffer.from("HTTP/1.1 204 OK\r\n\r\n", "latin1");

/** What ends an answer for the parser whose body it has not seen. */
function endOf(head: ResponseHead): Buffer {
  const { persistent, keepAlive } = head;
  if (persistent && keepAlive === null) return END;
  if (persistent && keepAlive === lastWord) return lastEnd;
  lastEnd = Buffer.from(essenceOf(head, true), "latin1");
  lastWord = persistent ? keepAlive : null;
  return lastEnd;
}

/** Servers say the same of their connections with every answer. */
let lastWord: string | null = null;
let lastEnd = END;

/** RFC 9110 §7.8: HTTP/1.0 knows no upgrade, so what follows cannot be taken for a tunnel. */
export function switchOfHttp10(): NamedError {
  return new NamedError("http_upgrade_failed", "by HTTP/1.0");
}

function unasked(): NamedError {
  return new NamedError("http_protocol_error", "unasked bytes");
}

function tooLarge(size: number): NamedError {
  return new NamedError("http_response_header_section_size", `header-section-size=${size}`);
}
