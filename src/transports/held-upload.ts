/**
 * A body that waits while the head of its request asks whether it is wanted, in HTTP/1.1.
 *
 * undici writes a head together with the first part of its body and refuses to send `Expect`. So it
 * is given the request without a body: it words and checks the head as it does every other, and the
 * last lines, those that say that a body follows and how it is framed, are added here on the way to
 * the socket. The body follows from here, too. What comes back goes the way of every answer,
 * through the guard and undici's parser.
 *
 * Guarantee: a body is framed as its head says, or the connection is destroyed.
 */
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { errors } from "undici";
import { amendHead } from "./amend-head.js";

/** A request whose head has left and whose body has not. */
export interface HeldUpload {
  /** Nothing is missing from the request any more. */
  readonly whole: boolean;
  /** Sends the body. */
  send(body: Buffer | Readable): void;
  /** No more of it is sent. */
  stop(): void;
}

/** Follows how the upload goes. */
export interface UploadListener {
  /** A part of the body was written. */
  onBodySent(): void;
  /** All of it was. */
  uploaded(): void;
  /** It cannot be sent to its end. */
  broken(error: Error): void;
}

export class Http1Upload implements HeldUpload {
  whole = false;
  readonly #socket: Socket;
  /** Null for chunks. */
  readonly #length: number | null;
  readonly #listener: UploadListener;
  #letHeadsBe: () => void = ignore;
  #body: Readable | null = null;
  #sent = 0;
  #stopped = false;

  constructor(socket: Socket, length: number | null, listener: UploadListener) {
    this.#socket = socket;
    this.#length = length;
    this.#listener = listener;
  }

  /** The next write to the socket is a head, whole and without a body. */
  completeHead(): void {
    this.#letHeadsBe = amendHead(this.#socket, (lines) => withExpectation(lines, this.#length));
  }

  send(body: Buffer | Readable): void {
    if (Buffer.isBuffer(body)) {
      this.#part(body);
      this.#end();
      return;
    }
    this.#body = body;
    body.on("data", this.#onData);
    body.once("end", () => this.#end());
    body.once("error", (error) => {
      if (!this.#stopped) this.#listener.broken(error);
    });
  }

  stop(): void {
    this.#letHeadsBe();
    if (this.#stopped) return;
    this.#stopped = true;
    this.#socket.off("drain", this.#onDrain);
    this.#body?.off("data", this.#onData).destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#part(chunk)) return;
    this.#body?.pause();
    this.#socket.once("drain", this.#onDrain);
  };

  readonly #onDrain = (): void => {
    this.#body?.resume();
  };

  /** False asks for a pause. */
  #part(chunk: Buffer): boolean {
    if (this.#stopped || chunk.length === 0) return true;
    this.#sent += chunk.length;
    if (this.#length !== null && this.#sent > this.#length) {
      this.#listener.broken(new errors.RequestContentLengthMismatchError());
      return true;
    }
    const more = this.#length === null ? this.#chunk(chunk) : this.#socket.write(chunk);
    this.#listener.onBodySent();
    return more;
  }

  // RFC 9112 §7.1.
  #chunk(chunk: Buffer): boolean {
    this.#socket.cork();
    this.#socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(chunk);
    const more = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return more;
  }

  #end(): void {
    if (this.#stopped) return;
    if (this.#length !== null && this.#sent !== this.#length) {
      this.#listener.broken(new errors.RequestContentLengthMismatchError());
      return;
    }
    if (this.#length === null) this.#socket.write("0\r\n\r\n", "latin1");
    this.whole = true;
    this.#listener.uploaded();
  }
}

/** The head that undici has written for a request without a body, as that of one with a body. */
function withExpectation(lines: string, length: number | null): string {
  const framing = length === null ? "transfer-encoding: chunked" : `content-length: ${length}`;
  return `${lines}${framing}\r\nexpect: 100-continue\r\n`;
}

function ignore(): void {}
