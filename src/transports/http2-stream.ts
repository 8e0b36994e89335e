/**
 * One stream of an HTTP/2 connection, in the shape of a connection of its own: an
 * exchange uses it as it uses a connection of HTTP/1.1.
 *
 * Guarantee: a body that was not ended by its peer is not whole, whatever Node says of the stream;
 * the target's speed is the speed of the upload; a stream that is not needed any more is closed.
 */
import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { addAbortSignal } from "node:stream";
import { type Dispatcher, errors } from "undici";
import { HTTP2, LIMITS } from "../catalog/defaults.js";
import { NamedError, UnsentError } from "../core/named-error.js";
import { speaksHttp2 } from "../core/spoken-protocol.js";
import type { Exchange } from "../targets/exchange.js";
import type { Connection, ConnectionGuard } from "./connection.js";
import type { ExchangeRun } from "./exchange-run.js";
import type { HeadWaiter } from "./head-guard.js";
import type { HeldUpload, UploadListener } from "./held-upload.js";
import { streamFailure } from "./http2-failure.js";
import { requestHead, responseHead } from "./http2-fields.js";
import type { Http2Session } from "./http2-session.js";
import { Http2Upload } from "./http2-upload.js";
import type { ResponseHead } from "./response-head.js";

/** Node gives the fields as they came, too, names and values in turn. */
type OnFields = (fields: IncomingHttpHeaders, flags: number, raw: readonly string[]) => void;

export class Http2Stream implements Connection, ConnectionGuard {
  readonly client = this;
  readonly guard = this;
  readonly openedAt: number;
  readonly broke = false;
  served: number;
  /** A stream is never at rest; its session is. */
  restedAt = -1;
  running: { fail(error: unknown): void } | null = null;
  head: ResponseHead | null = null;
  readonly owner: Http2Session;
  readonly #exchange: Exchange;
  #run: ExchangeRun | null = null;
  #waiter: HeadWaiter | null = null;
  #stream: ClientHttp2Stream | null = null;
  #upload: Http2Upload | null = null;
  #error: unknown = null;
  #trailers: readonly string[] = [];
  #interim = 0;
  #received = 0;
  /** The length that the request announces; null for none. */
  #announced: number | null = null;
  #endedByPeer = false;
  #over = false;
  #given = false;

  constructor(owner: Http2Session, exchange: Exchange) {
    this.owner = owner;
    this.#exchange = exchange;
    this.openedAt = owner.openedAt;
    this.served = owner.served;
    owner.take();
    const { target, call } = exchange;
    speaksHttp2(call, target.id, target.protocol === "https:" ? "h2" : "h2c");
  }

  // --- as the client of a connection ---

  dispatch(asked: Dispatcher.DispatchOptions, run: ExchangeRun): boolean {
    const hasBody = asked.body !== null && asked.body !== undefined;
    const stream = this.#begin(() => requestHead(asked, this.#exchange.target), !hasBody, run);
    if (stream === null || this.#over) return true;
    if (!hasBody) run.onRequestSent();
    else this.#upload = new Http2Upload(stream, asked.body, this.#announced, run);
    return true;
  }

  hold(
    asked: Dispatcher.DispatchOptions,
    length: number | null,
    run: ExchangeRun,
    listener: UploadListener,
  ): HeldUpload {
    const headOf = (): OutgoingHttpHeaders => ({
      ...requestHead(asked, this.#exchange.target),
      ...(length === null ? {} : { "content-length": String(length) }),
      expect: "100-continue",
    });
    const stream = this.#begin(headOf, false, run);
    return {
      get whole() {
        return stream?.writableEnded === true;
      },
      send: (body) => {
        if (stream === null || this.#over) return;
        this.#upload = new Http2Upload(stream, body, this.#announced, {
          onBodySent: () => listener.onBodySent(),
          onRequestSent: () => listener.uploaded(),
          fail: (error) => listener.broken(error as Error),
        });
      },
      stop: () => this.#upload?.stop(),
    };
  }

  /** Null when it could not be begun, which the run then knows. */
  #begin(
    headOf: () => OutgoingHttpHeaders,
    endStream: boolean,
    run: ExchangeRun,
  ): ClientHttp2Stream | null {
    let stream: ClientHttp2Stream;
    try {
      const head = headOf();
      this.#announced = announcedIn(head);
      if (endStream && this.#announced) throw new errors.RequestContentLengthMismatchError();
      stream = this.owner.session.request(head, { endStream });
    } catch (error) {
      // Nothing was sent. It has gone away since it was promised, or the request cannot be sent.
      run.onError(
        GONE.has((error as { code?: unknown }).code) ? (error as Error) : unsendable(error),
      );
      return null;
    }
    this.owner.served += 1;
    this.#run = run;
    this.#stream = stream;
    this.#listen(stream);
    run.onConnect((error) => this.#abort(error ?? new NamedError("proxy_internal_error")));
    return stream;
  }

  #listen(stream: ClientHttp2Stream): void {
    noteEnd(stream, () => {
      this.#endedByPeer = true;
    });
    stream.on("headers", ((_fields, _flags, raw) =>
      this.#safely(() => this.#interimHead(raw))) as OnFields);
    stream.on("response", ((_fields, _flags, raw) =>
      this.#safely(() => this.#finalHead(raw))) as OnFields);
    stream.on("trailers", ((_fields, _flags, raw) => {
      this.#trailers = raw;
    }) as OnFields);
    stream.on("end", () => {
      this.#end();
      // Node keeps a stream that was reset with NO_ERROR while a part of an upload was waiting.
      if (stream.closed && !stream.destroyed) stream.destroy();
    });
    stream.on("error", (error) => {
      this.#error ??= error;
    });
    stream.once("close", () => this.#closed(stream));
  }

  #interimHead(raw: readonly string[]): void {
    this.#interim += 1;
    const { status, rawHeaders } = responseHead(raw, this.owner.limits);
    if (status === 101) throw new NamedError("http_protocol_error", "101 in HTTP/2");
    if (this.#interim > LIMITS.informationalMax) {
      throw new NamedError("http_protocol_error", "too many interim answers");
    }
    this.#waiter?.information(status, rawHeaders);
  }

  #finalHead(raw: readonly string[]): void {
    this.head = responseHead(raw, this.owner.limits);
    this.#run?.onHeaders();
    // Not before: what comes with the head may be read before Node has reported the head.
    this.#stream?.on("data", this.#onData);
    // An answer that ends with its head is whole before it is looked at.
    if (this.#endedByPeer && this.#stream?.readableLength === 0) this.#end();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    if (!this.#over) this.#run?.onData(chunk);
  };

  #end(): void {
    if (this.#over || !this.#endedByPeer) return;
    const expected = this.head?.contentLength ?? null;
    const bodiless = this.#waiter?.headOnly === true || this.head?.status === 304;
    if (expected !== null && !bodiless && this.#received !== expected) {
      this.#fail(new NamedError("http_response_incomplete", `received=${this.#received}`));
      return;
    }
    this.#over = true;
    this.#run?.onComplete(this.#trailers.map((text) => Buffer.from(text, "latin1")));
  }

  #closed(stream: ClientHttp2Stream): void {
    this.#upload?.stop();
    this.#readRest(stream);
    if (!this.#over) this.#fail(this.#failureOf(stream));
    this.owner.refused.delete(stream.id as number);
    this.#giveBack();
  }

  /** The connection went down behind a whole answer, of which a part has not been read. */
  #readRest(stream: ClientHttp2Stream): void {
    if (this.#over || !this.#endedByPeer || this.head === null || isReset(this.#error)) return;
    for (let rest = stream.read(); rest !== null; rest = stream.read()) this.#onData(rest);
    this.#end();
  }

  #failureOf(stream: ClientHttp2Stream): unknown {
    const failure = streamFailure(stream, this.owner, this.#error, this.head !== null);
    const { timeline } = this.#exchange;
    const wasRefused = failure instanceof NamedError && failure.failureCode === "stream_refused";
    timeline.isCounted = this.owner.isEndCounted(wasRefused);
    if (this.owner.hasSent(stream.id)) return failure;
    timeline.written = false;
    if (!(failure instanceof NamedError)) return failure;
    return new UnsentError(failure.failureCode, failure.details, failure.cause);
  }

  #abort(error: Error): void {
    // Silence may mean that the peer is gone, for this stream and for all others.
    const { by } = this.#exchange.cancellation;
    if (by === "timeout" || by === "deadline") this.owner.doubt();
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.destroy();
    this.#run?.onError(error as Error);
  }

  #safely(take: () => void): void {
    if (this.#over) return;
    try {
      take();
    } catch (error) {
      this.#fail(error);
    }
  }

  #giveBack(): void {
    if (this.#given) return;
    this.#given = true;
    this.owner.giveBack();
  }

  // --- as the guard of a connection ---

  expect(waiter: HeadWaiter): void {
    this.#waiter = waiter;
  }

  idle(): void {
    this.resume();
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  remove(): void {}

  // --- as a connection ---

  get alive(): boolean {
    return this.owner.alive;
  }

  expectUpload(): void {}

  /** The rest of it is not needed. */
  destroy(): void {
    this.#over = true;
    this.#upload?.stop();
    const stream = this.#stream;
    if (stream === null) this.#giveBack();
    else if (!stream.closed && !stream.destroyed) cancel(stream);
  }

  /** The exchange is over; an upload that is not needed any more is stopped. */
  release(): void {
    const stream = this.#stream;
    if (stream === null || !this.#endedByPeer) this.destroy();
    else if (!stream.writableEnded) {
      this.#upload?.stop();
      // RFC 9113 §8.1: with its answer it may stop the upload itself, and many a CANCEL of ours
      // would look like an attack.
      this.#cancelAfter(HTTP2.stopUploadMs, stream);
    } else if (!stream.writableFinished) this.#cancelAfter(LIMITS.discardMs, stream);
  }

  /** The last part of the upload has not left: the target may let no more through. */
  #cancelAfter(ms: number, stream: ClientHttp2Stream): void {
    if (stream.closed || stream.destroyed) return;
    const timer = this.#exchange.after(ms, () => {
      if (!stream.destroyed) cancel(stream);
    });
    timer.unref();
    stream.once("close", () => timer.cancel());
  }
}

function announcedIn(head: OutgoingHttpHeaders): number | null {
  const length = head["content-length"];
  return length === undefined ? null : Number(length);
}

/**
 * Resets a stream with CANCEL. `close` would end an upload first, by a frame with END_STREAM,
 * and the peer could take the part that it has for the whole.
 */
function cancel(stream: ClientHttp2Stream): void {
  addAbortSignal(ABORTED, stream);
}

const ABORTED = AbortSignal.abort();

/** A reset behind the end of a stream takes that end back. */
function isReset(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === "ERR_HTTP2_STREAM_ERROR";
}

/** A session that takes no request any more. */
const GONE: ReadonlySet<unknown> = new Set([
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_OUT_OF_STREAMS",
]);

function unsendable(error: unknown): NamedError {
  return new NamedError("proxy_internal_error", "not sendable over HTTP/2", error);
}

/**
 * Node ends what is read of a stream when it was reset with NO_ERROR, too. Only an end that comes
 * while the stream is open is the peer's own.
 */
function noteEnd(stream: ClientHttp2Stream, ended: () => void): void {
  const push = stream.push;
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed) ended();
    return push.call(stream, chunk, encoding);
  };
}
