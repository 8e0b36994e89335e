/**
 * The body of an answer on its way, of which a copy is kept.
 *
 * Guarantee: it costs the bytes that may be kept and no more; the copy is given once, and is null
 * unless the body was whole.
 */
import type { FailureCode } from "../catalog/failures.js";
import { type FieldsByName, fieldsByName } from "../core/fields.js";
import type { EndListener, UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody, Tunnel } from "../core/response-body.js";

export class KeptBody implements ResponseBody, BodySink {
  readonly #inner: ResponseBody;
  readonly #bytesMax: number;
  #kept: ((body: Buffer | null) => void) | null;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #sink: BodySink | null = null;

  constructor(inner: ResponseBody, bytesMax: number, kept: (body: Buffer | null) => void) {
    this.#inner = inner;
    this.#bytesMax = bytesMax;
    this.#kept = kept;
  }

  /** No copy is wanted any more, or there is none. */
  done(body: Buffer | null = null): void {
    this.#chunks = [];
    this.#kept?.(body);
    this.#kept = null;
  }

  get brokenBy(): FailureCode | null {
    return this.#inner.brokenBy;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  get upgraded(): Tunnel | null {
    return this.#inner.upgraded;
  }

  get brokenCause(): unknown {
    return this.#inner.brokenCause;
  }

  get contentLength(): number | null {
    return this.#inner.contentLength;
  }

  pipeTo(sink: BodySink): void {
    this.#sink = sink;
    this.#inner.pipeTo(this);
  }

  resume(): void {
    this.#inner.resume();
  }

  takeWhole(): Buffer | null {
    const whole = this.#inner.takeWhole();
    if (whole !== null) this.done(whole.byteLength > this.#bytesMax ? null : Buffer.from(whole));
    return whole;
  }

  refuse(error: Error): void {
    this.done();
    this.#inner.refuse(error);
  }

  data(chunk: Buffer): boolean {
    if (this.#kept !== null) {
      this.#bytes += chunk.byteLength;
      if (this.#bytes > this.#bytesMax) this.done();
      // A copy: whoever gets the chunk may transfer its memory.
      else this.#chunks.push(Buffer.from(chunk));
    }
    return this.#sink?.data(chunk) ?? true;
  }

  end(trailers: readonly string[]): void {
    this.done(trailers.length > 0 ? null : Buffer.concat(this.#chunks));
    this.#sink?.end(trailers);
  }

  broken(code: FailureCode): void {
    this.done();
    this.#sink?.broken(code);
  }
}

/** An answer with other fields, and with its body or one in its place. */
export class MarkedResponse<Body> implements UpstreamResponse<Body> {
  readonly rawHeaders: readonly string[];
  readonly body: Body;
  readonly #inner: UpstreamResponse<Body>;

  constructor(inner: UpstreamResponse<Body>, rawHeaders: readonly string[], body: Body) {
    this.#inner = inner;
    this.rawHeaders = rawHeaders;
    this.body = body;
  }

  get status(): number {
    return this.#inner.status;
  }

  get statusText(): string {
    return this.#inner.statusText;
  }

  get headers(): Readonly<FieldsByName> {
    return fieldsByName(this.rawHeaders);
  }

  get finished(): Promise<FailureCode | null> {
    return this.#inner.finished;
  }

  onFinished(listener: EndListener): void {
    this.#inner.onFinished(listener);
  }

  discard(): Promise<void> {
    if (this.body instanceof KeptBody) this.body.done();
    return this.#inner.discard();
  }
}
