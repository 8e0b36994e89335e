/**
 * The limit of a body as its reader gets it: what a fetch function decodes is decoded here first,
 * and only counted, so that no part is passed on that would become more than is allowed.
 *
 * The codings and their order are those of the fetch functions themselves. A body that cannot be
 * decoded ends with an error here, too: some of them never report it to their reader.
 */
import * as zlib from "node:zlib";
import type { FailureCode } from "../catalog/failures.js";
import { NamedError } from "../core/named-error.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";

/** The answer whose body is counted, and its reader. */
export interface CountedAnswer {
  readonly method: string;
  readonly response: UpstreamResponse<ResponseBody>;
  readonly bytesMax: number;
  readonly to: BodySink;
}

/** Fetch functions refuse more by themselves, and each costs a decoder. */
const CODINGS_MAX = 5;
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Counts between a body and its reader; the reader itself where nothing is decoded. */
export function decodedLimit({ method, response, bytesMax, to }: CountedAnswer): BodySink {
  // Before the fields are read, which costs a table of them.
  if (bytesMax === Number.POSITIVE_INFINITY) return to;
  const { status, headers, body } = response;
  const codings = headers["content-encoding"];
  if (codings === undefined) return to;
  if (method === "HEAD" || BODILESS.has(status)) return to;
  const names = String(codings)
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const known = names.every((name) => Object.hasOwn(DECODERS, name));
  if (!known || names.length > CODINGS_MAX) return to;
  return new DecodedLimit(names.reverse(), bytesMax, to, body);
}

type Decoder = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress;
type MakeDecoder = (firstByte: number) => Decoder;

const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib.constants;
const FLUSHED = { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH } as const;

/** RFC 1950 §2.2: the low bits of the first byte of a zlib stream; without them it is a raw one. */
const isZlib = (firstByte: number): boolean => (firstByte & 0x0f) === 0x08;

const gunzip = (): Decoder => zlib.createGunzip(FLUSHED);
const DECODERS: Readonly<Record<string, MakeDecoder>> = {
  gzip: gunzip,
  "x-gzip": gunzip,
  deflate: (first) =>
    isZlib(first) ? zlib.createInflate(FLUSHED) : zlib.createInflateRaw(FLUSHED),
  br: () =>
    zlib.createBrotliDecompress({
      flush: BROTLI_OPERATION_FLUSH,
      finishFlush: BROTLI_OPERATION_FLUSH,
    }),
  ...zstandard(),
};

/** Since Node 22.15. */
function zstandard(): Record<string, MakeDecoder> {
  const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Decoder };
  return createZstdDecompress === undefined ? {} : { zstd: () => createZstdDecompress() };
}

class DecodedLimit implements BodySink {
  readonly #codings: readonly string[];
  readonly #bytesMax: number;
  readonly #to: BodySink;
  readonly #body: ResponseBody;
  /** Each is made with the first byte that comes to it. */
  readonly #decoders: Decoder[] = [];
  #decoded = 0;
  /** The part that is being decoded, and the writes that this still takes. */
  #waiting: Buffer | null = null;
  #writes = 0;
  /** How the body ends, after the part that waits. */
  #end: (() => void) | null = null;
  #isOver = false;

  constructor(codings: readonly string[], bytesMax: number, to: BodySink, body: ResponseBody) {
    this.#codings = codings;
    this.#bytesMax = bytesMax;
    this.#to = to;
    this.#body = body;
  }

  data(chunk: Buffer): boolean {
    if (this.#isOver || chunk.byteLength === 0) return true;
    this.#waiting = chunk;
    this.#write(0, chunk);
    return false;
  }

  end(trailers: readonly string[]): void {
    this.#end = () => this.#to.end(trailers);
    if (this.#waiting === null) this.#finish();
  }

  broken(code: FailureCode): void {
    if (this.#isOver) return;
    this.#close();
    this.#to.broken(code);
  }

  #make(at: number, first: number): Decoder {
    const decoder = (DECODERS[this.#codings[at] as string] as MakeDecoder)(first);
    decoder.on("error", (error) => this.#fail("http_response_content_coding", error));
    // Nothing is kept: parts are counted, or go on to the next decoder.
    decoder.push = (part: Buffer | null) => {
      if (part === null || this.#isOver) return false;
      if (at === this.#codings.length - 1) this.#count(part.byteLength);
      else if (part.byteLength > 0) this.#write(at + 1, part);
      return true;
    };
    this.#decoders[at] = decoder;
    return decoder;
  }

  #write(at: number, part: Buffer): void {
    const decoder = this.#decoders[at] ?? this.#make(at, part[0] as number);
    this.#writes += 1;
    decoder.write(part, () => {
      this.#writes -= 1;
      if (this.#writes === 0 && !this.#isOver) this.#passOn();
    });
  }

  #count(bytes: number): void {
    this.#decoded += bytes;
    if (this.#decoded > this.#bytesMax) this.#fail("http_response_body_size");
  }

  /** Also when all of it is here already. */
  #fail(code: FailureCode, cause?: unknown): void {
    if (this.#isOver) return;
    this.#body.refuse(new NamedError(code, undefined, cause));
    this.broken(code);
  }

  #passOn(): void {
    const chunk = this.#waiting;
    if (chunk === null) return;
    this.#waiting = null;
    if (this.#to.data(chunk)) this.#body.resume();
    this.#finish();
  }

  #finish(): void {
    const end = this.#end;
    if (end === null) return;
    this.#end = null;
    this.#close();
    end();
  }

  #close(): void {
    this.#isOver = true;
    for (const decoder of this.#decoders.splice(0)) decoder.destroy();
  }
}
