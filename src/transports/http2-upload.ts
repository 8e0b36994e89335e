/**
 * The body of a request on its way into a stream of HTTP/2: no more is taken than the target's
 * flow control lets through.
 *
 * Guarantee: it ends whole or it fails; what was announced is what is sent, as undici has it over
 * HTTP/1.1.
 */
import type { ClientHttp2Stream } from "node:http2";
import { Readable } from "node:stream";
import { errors } from "undici";
import { HTTP2 } from "../catalog/defaults.js";

/** What is reported of an upload: each part that is taken, the end, and what breaks it. */
export interface Http2UploadListener {
  onBodySent(): void;
  onRequestSent(): void;
  fail(error: unknown): void;
}

export class Http2Upload {
  readonly #stream: ClientHttp2Stream;
  readonly #source: Readable;
  readonly #run: Http2UploadListener;
  /** Announced bytes that are still to come; null when no length was announced. */
  #left: number | null;
  #stopped = false;

  constructor(
    stream: ClientHttp2Stream,
    body: unknown,
    announced: number | null,
    run: Http2UploadListener,
  ) {
    this.#stream = stream;
    this.#left = announced;
    this.#run = run;
    this.#source = readableOf(body);
    // The head has left, whatever becomes of the body.
    run.onBodySent();
    this.#source.on("data", this.#onData);
    this.#source.once("end", () => {
      if (this.#left === null || this.#left === 0) stream.end();
      else this.#fail(new errors.RequestContentLengthMismatchError());
    });
    this.#source.once("error", (error) => this.#fail(error));
    this.#source.once("close", () => {
      if (!this.#source.readableEnded) this.#fail(new errors.RequestAbortedError());
    });
    if (this.#source.destroyed) queueMicrotask(() => this.#fail(new errors.RequestAbortedError()));
    stream.once("finish", () => {
      if (!this.#stopped) run.onRequestSent();
    });
    stream.once("aborted", () => this.#refused());
  }

  stop(): void {
    this.#refused();
    this.#source.destroy();
  }

  /** A reset stream has been ended by Node, and a write to it would keep its answer from ending. */
  #refused(): void {
    this.#stopped = true;
    this.#source.off("data", this.#onData).pause();
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    this.stop();
    this.#run.fail(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#left !== null) this.#left -= Buffer.byteLength(chunk);
    if (this.#left !== null && this.#left < 0) {
      this.#fail(new errors.RequestContentLengthMismatchError());
      return;
    }
    const onTaken = (): void => {
      if (!this.#stopped) this.#run.onBodySent();
    };
    if (this.#stream.write(chunk, onTaken)) return;
    this.#source.pause();
    this.#stream.once("drain", () => {
      if (!this.#stopped) this.#source.resume();
    });
  };
}

/** Whatever undici would take: bytes, a stream, or an iterable of a fetch function. */
function readableOf(body: unknown): Readable {
  if (body instanceof Readable) return body;
  if (typeof body === "string") return Readable.from([Buffer.from(body)]);
  if (body instanceof Uint8Array) return Readable.from(slices(body));
  return Readable.from(body as AsyncIterable<Uint8Array>);
}

/** In parts, so that progress shows while a large body moves slowly. */
function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += HTTP2.uploadSliceBytes) {
    yield bytes.subarray(at, at + HTTP2.uploadSliceBytes);
  }
}
