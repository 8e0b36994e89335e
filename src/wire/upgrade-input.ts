/**
 * What a client sends behind the head of an upgrade, from there to the tunnel: the body of the
 * request, then bytes that are meant for the tunnel already.
 *
 * Guarantee: the socket is read all the while, within bounds, so a client that leaves is noticed;
 * the body has its own end and not a byte more.
 */
import type { IncomingMessage } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { LIMITS } from "../catalog/defaults.js";
import { type BodyFraming, framingOf } from "./body-framing.js";
import { takeContinue } from "./held-continue.js";
import type { ReceivedBody } from "./received-body.js";
import { NODE_READS_BODIES, readOn } from "./unasked-upgrade.js";

export class UpgradeInput {
  readonly body: ReceivedBody;
  /** The body is not framed as it should be. */
  malformed: (error: unknown) => void = () => {};
  readonly #req: IncomingMessage;
  readonly #socket: Duplex;
  readonly #nodeReads: boolean;
  #framing: BodyFraming | null = null;
  #stream: BodyStream | null = null;
  /** What came for the tunnel; null when there will be none. */
  #held: Buffer[] | null = [];
  #heldBytes = 0;

  constructor(req: IncomingMessage, socket: Duplex) {
    this.#req = req;
    this.#socket = socket;
    const framing = framingOf(req);
    this.#nodeReads = NODE_READS_BODIES && framing !== null;
    const own = this.#nodeReads ? null : framing;
    this.body = own === null ? { parsed: null } : this.#readBody(own);
  }

  /** Begins to read; `head` is what Node has read behind the head of the request. */
  begin(head: Buffer): void {
    this.#req.socket.once("end", this.#onEnd);
    if (head.length > 0) this.#onData(head);
    // Node would throw its body away to read what comes behind it.
    if (this.#nodeReads) this.#req.once("end", this.#listen);
    else this.#listen();
  }

  /** There is no tunnel, but an answer: it does not matter any more whether the client listens. */
  answered(): void {
    this.#req.socket.off("end", this.#onEnd);
    this.#held = null;
    if (this.#framing === null) this.#socket.resume();
  }

  /** Nothing of it is needed any more. */
  drop(): void {
    this.answered();
    this.#req.off("end", this.#listen);
    this.#socket.off("data", this.#onData);
    this.#stream?.destroy();
  }

  /** From now on the socket has another reader; gives what has come for the tunnel. */
  take(): Buffer {
    const held = this.#held ?? [];
    // It may stand behind the one that we were given.
    this.#req.socket.allowHalfOpen = true;
    this.#req.socket.off("end", this.#onEnd);
    this.#socket.off("data", this.#onData);
    this.#socket.pause();
    return Buffer.concat(held, this.#heldBytes);
  }

  #readBody(framing: BodyFraming): ReceivedBody {
    this.#framing = framing;
    this.#stream = new BodyStream(() => {
      takeContinue(this.#req)?.();
      if (this.#framing !== null) this.#socket.resume();
    });
    return { parsed: null, stream: this.#stream, length: framing.length };
  }

  /** The client has ended its side before there was an answer. */
  readonly #onEnd = (): void => {
    this.#socket.destroy();
  };

  readonly #listen = (): void => {
    if (this.#nodeReads) readOn(this.#req.socket);
    this.#socket.on("data", this.#onData);
  };

  readonly #onData = (chunk: Buffer): void => {
    const rest = this.#framing === null ? chunk : this.#takeBody(this.#framing, chunk);
    if (rest.length === 0 || this.#held === null) return;
    this.#held.push(rest);
    this.#heldBytes += rest.length;
    if (this.#heldBytes >= LIMITS.bufferedBytesMax) this.#socket.pause();
  };

  #takeBody(framing: BodyFraming, chunk: Buffer): Buffer {
    const stream = this.#stream as BodyStream;
    let more = true;
    try {
      const end = framing.read(chunk, (part) => {
        more = stream.push(part);
      });
      if (end === -1) {
        if (!more) this.#socket.pause();
        return EMPTY;
      }
      this.#framing = null;
      stream.complete = true;
      stream.push(null);
      return chunk.subarray(end);
    } catch (error) {
      this.#socket.off("data", this.#onData);
      this.malformed(error);
      return EMPTY;
    }
  }
}

const EMPTY = Buffer.alloc(0);

class BodyStream extends Readable {
  /** As an `IncomingMessage` says it: nothing more comes. */
  complete = false;
  readonly #wanted: () => void;

  constructor(wanted: () => void) {
    super();
    this.#wanted = wanted;
  }

  override _read(): void {
    this.#wanted();
  }
}
