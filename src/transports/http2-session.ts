/**
 * One HTTP/2 connection to a target: Node's session over a socket that is open, and what is known
 * of its peer.
 *
 * Guarantee: it is not given out before the peer has sent its SETTINGS, which proves that it speaks
 * HTTP/2, so no request is lost on one that does not. It never has more streams than the peer
 * allows. One that fell silent gets no further streams until it has answered a PING.
 */
import { type ClientHttp2Session, connect, constants } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../base/clock.js";
import { HTTP2 } from "../catalog/defaults.js";
import { NamedError } from "../core/named-error.js";
import type { TargetAddress } from "../targets/target.js";
import { Http2Wire } from "./http2-wire.js";
import type { HeadLimits } from "./response-head.js";

/** RFC 9113 §6.5.2: what each field counts beside its name and its value. */
const FIELD_BYTES = 32;

export class Http2Session {
  readonly session: ClientHttp2Session;
  readonly openedAt: number;
  /** What the heads of its answers may be at most. */
  readonly limits: HeadLimits;
  /** Streams that were begun. */
  served = 0;
  /** What a GOAWAY said; null while none came. */
  goneAway: { readonly code: number; readonly lastId: number } | null = null;
  /** Streams, not yet closed, that Node has reset since what came on them makes no sense. */
  readonly refused = new Set<number>();
  /** What ended the connection, where that was an error. */
  error: unknown = null;
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #wire: Http2Wire;
  readonly #onRoom: () => void;
  readonly #onCut: SessionEvents["cut"];
  #streams = 0;
  #ready = false;
  #doubted = false;
  #endCounted = false;
  /** Streams that were cut by its end. */
  #cut = 0;
  /** Streams that we have reset. */
  #resets = 0;
  #idle: Timer | null = null;

  constructor(
    socket: Socket,
    target: TargetAddress,
    clock: Clock,
    limits: HeadLimits,
    events: SessionEvents,
  ) {
    this.#clock = clock;
    this.#socket = socket;
    this.limits = limits;
    this.#onRoom = events.room;
    this.#onCut = events.cut;
    this.openedAt = clock.now();
    this.#wire = new Http2Wire(socket, {
      reset: (stream, refused) => this.#wasReset(stream, refused),
      left: (code) => this.#break(`h2-error=${http2CodeName(code)}`),
      notHttp2: () => this.#break("not HTTP/2"),
    });
    this.session = connect(`${target.protocol}//${target.authority}`, {
      createConnection: () => this.#wire as unknown as Duplex,
      // More pairs and more bytes than we take: Node would reset the stream with the code of a peer
      // that is overloaded, and our own limits have better names.
      maxHeaderListPairs: HTTP2.headBytesMax / FIELD_BYTES,
      settings: {
        enablePush: false,
        initialWindowSize: HTTP2.streamWindowBytes,
        maxHeaderListSize: HTTP2.headBytesMax,
      },
    });
    this.session.once("remoteSettings", () => {
      // What came with them has broken it already.
      if (this.error !== null) return;
      this.#ready = true;
      this.session.setLocalWindowSize(HTTP2.connectionWindowBytes);
      events.ready(this);
    });
    this.session.on("remoteSettings", this.#onRoom);
    this.session.on("goaway", (code, lastId) => {
      this.goneAway ??= { code, lastId };
      if (this.#streams === 0) this.#leave();
    });
    this.session.on("error", (error) => {
      this.error ??= error;
    });
    // Not only once: behind a record of TLS that cannot be read, Node leaves the session open, and
    // a write to it fails, too.
    socket.on("error", (error) => {
      this.error ??= error;
      this.session.destroy(error);
    });
    this.session.once("close", () => {
      this.#idle?.cancel();
      events.lost(this);
    });
  }

  /** Whether it takes a stream now. */
  get hasRoom(): boolean {
    const { remoteSettings } = this.session;
    return this.alive && this.#streams < (remoteSettings.maxConcurrentStreams ?? Infinity);
  }

  /** Whether it will take streams, now or when others have ended. */
  get alive(): boolean {
    const { closed, destroyed } = this.session;
    const sound = this.#ready && !this.#doubted && !this.#isWorn && this.error === null;
    return sound && !closed && !destroyed && this.goneAway === null;
  }

  /** A peer that counts resets would take more of them for an attack, and go away. */
  get #isWorn(): boolean {
    return this.#resets >= HTTP2.resetsMax;
  }

  get streams(): number {
    return this.#streams;
  }

  /**
   * Whether a stream that fails now goes down with its connection, and is not the first to do so:
   * the end of one connection is one piece of evidence, however many streams it had.
   */
  isEndCounted(wasRefused: boolean): boolean {
    if (!this.session.destroyed && this.goneAway === null && this.error === null) return false;
    const before = this.#endCounted;
    this.#endCounted = true;
    // What was refused had not begun; and one that fell silent was ended here.
    if (!wasRefused && !this.#doubted) {
      this.#cut += 1;
      this.#onCut(this, this.#cut);
    }
    return before;
  }

  /** Whether the head of a request has left. Streams leave in their order. */
  hasSent(stream: number | undefined): boolean {
    return stream !== undefined && stream <= this.#wire.lastSent;
  }

  /** A stream is promised to an exchange. */
  take(): void {
    if (this.#streams === 0 && !this.session.destroyed) this.#socket.ref();
    this.#streams += 1;
    this.#idle?.cancel();
    this.#idle = null;
  }

  #wasReset(stream: number, refused: boolean): void {
    if (refused) this.refused.add(stream);
    this.#resets += 1;
    if (this.#isWorn && this.#streams === 0) this.close();
  }

  /** What the peer sends makes no sense: nothing comes of this connection any more. */
  #break(details: string): void {
    if (this.session.destroyed || this.error !== null) return;
    this.error = new NamedError("http_protocol_error", details);
    // Node is at work on it.
    queueMicrotask(() => this.#leave());
  }

  /** Node would wait for a peer that has said GOAWAY to close it, which it may never do. */
  #leave(): void {
    this.session.destroy();
    this.#socket.destroy();
  }

  /** A stream is over. */
  giveBack(): void {
    this.#streams -= 1;
    if (this.#streams === 0 && this.goneAway !== null) this.#leave();
    else if (this.#streams === 0 && this.#isWorn) this.close();
    else if (this.#streams === 0 && !this.session.destroyed) {
      // It shall keep no process alive, and not stay for ever.
      this.#socket.unref();
      this.#idle = this.#clock.after(HTTP2.idleMs, () => this.session.close());
      this.#idle.unref();
    }
    this.#onRoom();
  }

  /** An exchange has waited in vain: is the peer there? */
  doubt(): void {
    if (this.#doubted || this.session.destroyed || this.session.closed) return;
    this.#doubted = true;
    const timer = this.#clock.after(HTTP2.pingMs, () => this.session.destroy());
    timer.unref();
    const asked = this.session.ping((error) => {
      timer.cancel();
      if (error !== null) return;
      this.#doubted = false;
      this.#onRoom();
    });
    if (!asked) this.session.destroy();
  }

  /** No further streams; those that run end first. */
  close(): void {
    if (!this.session.destroyed) this.session.close();
  }

  /** Why it could not be used at all. */
  get unusable(): Error {
    const { error } = this;
    if (error instanceof NamedError) return error;
    const { code } = (error ?? {}) as { readonly code?: unknown };
    const spoke = typeof code === "string" && code.startsWith("ERR_HTTP2_");
    if (spoke) return new NamedError("http_protocol_error", "not HTTP/2", error);
    return new NamedError("connection_terminated", undefined, error ?? undefined);
  }
}

export interface SessionEvents {
  /** The peer speaks HTTP/2. */
  readonly ready: (session: Http2Session) => void;
  /** There may be room for one more stream. */
  readonly room: () => void;
  /** So many streams have been cut by its end by now. */
  readonly cut: (session: Http2Session, streams: number) => void;
  /** It is gone; once. */
  readonly lost: (session: Http2Session) => void;
}

/** The names of RFC 9113 §7, for details of failures. */
export function http2CodeName(code: number): string {
  return CODE_NAMES[code] ?? `0x${code.toString(16)}`;
}

const CODE_NAMES: readonly string[] = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

export const HTTP2_CODES = {
  none: constants.NGHTTP2_NO_ERROR,
  refused: constants.NGHTTP2_REFUSED_STREAM,
  calm: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  cancel: constants.NGHTTP2_CANCEL,
} as const;
