/**
 * The wire under an HTTP/2 session: passes bytes both ways and looks at the heads of frames, for
 * what Node does not report.
 *
 * A malformed frame makes Node leave with a GOAWAY of its own: it reads nothing more and emits no
 * event, so all that waits on the connection would wait for its timeout. Guarantee: that GOAWAY is
 * noticed as it leaves; what is no HTTP/2 from its first byte on is noticed before Node reads it.
 * ALTSVC frames, which have no meaning here, are left out: one without an origin ends a session of
 * Node, while RFC 7838 §4 has it ignored.
 */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";

export interface WireEvents {
  /** We leave since the peer's bytes make no sense; the code of our GOAWAY. */
  readonly left: (code: number) => void;
  /** We reset a stream; `refused` where what came on it makes no sense. */
  readonly reset: (stream: number, refused: boolean) => void;
  /** The connection does not begin with SETTINGS, RFC 9113 §3.4. */
  readonly notHttp2: () => void;
}

const HEAD_BYTES = 9;
const PREFACE_BYTES = 24;
const TYPES = {
  headers: 1,
  reset: 3,
  settings: 4,
  goaway: 7,
  continuation: 9,
  altsvc: 10,
} as const;
const ACK = 1;
const STREAM_AT = 5;
const SETTING_BYTES = 6;
/** What Node finds wrong in an answer: PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED. */
const REFUSALS: ReadonlySet<number> = new Set([1, 3, 5]);
/** Behind the last stream that was processed. */
const GOAWAY_CODE_AT = HEAD_BYTES + 4;
const EMPTY = Buffer.alloc(0);

/** As much of a stream as Node asks of what lies under a session. */
export class Http2Wire extends EventEmitter {
  readonly readable = true;
  readonly writable = true;
  /** The latest stream whose head has left. */
  lastSent = 0;
  readonly #socket: Socket;
  readonly #events: WireEvents;
  readonly #out: FrameHeads;
  readonly #in: FrameHeads;
  /** What came and Node has not read yet; null is the end. */
  readonly #queue: (Buffer | null)[] = [];
  #feeds = false;
  #paused = false;
  #begun = false;
  #deaf = false;

  constructor(socket: Socket, events: WireEvents) {
    super();
    this.#socket = socket;
    this.#events = events;
    this.#out = new FrameHeads(PREFACE_BYTES, (type, _flags, bytes, at) => {
      if (type === TYPES.headers) this.lastSent = bytes.readUInt32BE(at + STREAM_AT);
      if (type === TYPES.reset) this.#resets(bytes, at);
      if (type === TYPES.goaway) this.#leaves(bytes, at);
      return "passes";
    });
    this.#in = new FrameHeads(0, (type, flags, bytes, at) => this.#comes(type, flags, bytes, at));
    socket.on("data", (chunk: Buffer) => {
      this.#in.pass(chunk, (part) => void this.#queue.push(part));
      this.#feed();
    });
    socket.once("end", () => {
      this.#queue.push(null);
      this.#feed();
    });
    // Errors are handled where the socket was opened; to Node the wire has closed.
    socket.once("close", () => {
      for (const part of this.#queue.splice(0)) this.#give(part);
      this.emit("close");
    });
  }

  write(chunk: Buffer, sent: (error?: Error | null) => void): boolean {
    this.#out.pass(chunk, ignore);
    return this.#socket.write(chunk, sent);
  }

  end(ended: () => void): void {
    this.#socket.end(ended);
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
    this.#feed();
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /**
   * A head is acted upon before what follows it is read, as where Node reads the socket itself; it
   * would report both at once.
   */
  #feed(): void {
    if (this.#feeds || this.#paused || this.#queue.length === 0) return;
    this.#give(this.#queue.shift() as Buffer | null);
    if (this.#queue.length === 0) return;
    this.#feeds = true;
    afterReactions(() => {
      this.#feeds = false;
      this.#feed();
    });
  }

  #give(part: Buffer | null): void {
    if (part === null) this.emit("end");
    else this.emit("data", part);
  }

  #comes(type: number, flags: number, bytes: Buffer, at: number): Way {
    if (this.#begun) {
      if (this.#deaf || type === TYPES.altsvc) return "dropped";
      return type === TYPES.headers || type === TYPES.continuation ? "alone" : "passes";
    }
    this.#begun = true;
    const length = bytes.readUIntBE(at, 3);
    const sound = type === TYPES.settings && (flags & ACK) === 0 && length % SETTING_BYTES === 0;
    if (sound) return "passes";
    this.#deaf = true;
    this.#events.notHttp2();
    return "dropped";
  }

  #resets(bytes: Buffer, at: number): void {
    const code = bytes.length >= at + HEAD_BYTES + 4 ? bytes.readUInt32BE(at + HEAD_BYTES) : 0;
    this.#events.reset(bytes.readUInt32BE(at + STREAM_AT), REFUSALS.has(code));
  }

  #leaves(bytes: Buffer, at: number): void {
    const whole = bytes.length >= at + GOAWAY_CODE_AT + 4;
    const code = whole ? bytes.readUInt32BE(at + GOAWAY_CODE_AT) : 1;
    if (code !== 0) this.#events.left(code);
  }
}

/** Whether a frame is passed on, and by itself or together with its neighbours. */
type Way = "passes" | "alone" | "dropped";

/** Called for each frame with its head. */
type OnHead = (type: number, flags: number, bytes: Buffer, at: number) => Way;

/** Finds the heads of frames in a stream of bytes that is cut anywhere. */
class FrameHeads {
  readonly #onHead: OnHead;
  /** Bytes of the frame under way that are still to come. */
  #left: number;
  #way: Way = "passes";
  #held: Buffer = EMPTY;

  constructor(skipped: number, onHead: OnHead) {
    this.#left = skipped;
    this.#onHead = onHead;
  }

  /** Passes on what belongs to frames that are passed on; a head only when it is whole. */
  pass(chunk: Buffer, part: (bytes: Buffer) => void): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = EMPTY;
    let from = 0;
    let at = 0;
    const flush = (): void => {
      if (this.#way !== "dropped" && at > from) part(bytes.subarray(from, at));
      from = at;
    };
    while (at < bytes.length) {
      const taken = Math.min(this.#left, bytes.length - at);
      at += taken;
      this.#left -= taken;
      if (this.#left > 0 || at === bytes.length) break;
      if (bytes.length - at < HEAD_BYTES) {
        flush();
        this.#held = bytes.subarray(at);
        return;
      }
      const way = this.#onHead(bytes[at + 3] as number, bytes[at + 4] as number, bytes, at);
      if (way !== "passes" || this.#way !== "passes") flush();
      this.#way = way;
      this.#left = HEAD_BYTES + bytes.readUIntBE(at, 3);
    }
    flush();
  }
}

/** When everything that follows from what has just been reported has been done. */
function afterReactions(act: () => void): void {
  process.nextTick(() => queueMicrotask(() => process.nextTick(act)));
}

function ignore(): void {}
