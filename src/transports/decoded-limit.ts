/**
 * The limit of a body as its reader gets it: what a fetch function decodes is decoded here first,
 * and only counted, so that no part is passed on that would become more than is allowed.
 *
 * The codings and their order are those of the fetch functions themselves; a body that cannot be
 * decoded is passed on as it is, for the fetch function to say so.
 */
import * as zlib from "node:zlib";
import type { FailureCode } from "../catalog/failures.js";
import type { BodySink } from "../core/response-body.js";

/** The body that is counted. */
export interface CountedBody {
  /** Its next part may come. */
  resume(): void;
  /** It is over the limit; no part that would show that is passed on. */
  tooLarge(): void;
}

/** Counts between a body and its reader; null where the codings are none that are decoded. */
export function decodedLimit(
  codings: string,
  bytesMax: number,
  to: BodySink,
  body: CountedBody,
): BodySink | null {
  const names = codings
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  if (!names.every((name) => Object.hasOwn(DECODERS, name))) return null;
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
  readonly #body: CountedBody;
  #decoders: readonly Decoder[] | null = null;
  #decoded = 0;
  /** The part that is being decoded, and the writes that this still takes. */
  #waiting: Buffer | null = null;
  #writes = 0;
  /** How the body ends, after the part that waits. */
  #end: (() => void) | null = null;
  #state: "counting" | "plain" | "over" = "counting";

  constructor(codings: readonly string[], bytesMax: number, to: BodySink, body: CountedBody) {
    this.#codings = codings;
    this.#bytesMax = bytesMax;
    this.#to = to;
    this.#body = body;
  }

  data(chunk: Buffer): boolean {
    if (this.#state === "plain") return this.#to.data(chunk);
    if (this.#state === "over" || chunk.byteLength === 0) return true;
    this.#waiting = chunk;
    this.#decoders ??= this.#make(chunk[0] as number);
    this.#write(this.#decoders[0] as Decoder, chunk);
    return false;
  }

  end(trailers: readonly string[]): void {
    this.#end = () => this.#to.end(trailers);
    if (this.#waiting === null) this.#finish();
  }

  broken(code: FailureCode): void {
    this.#close("over");
    this.#to.broken(code);
  }

  #make(first: number): readonly Decoder[] {
    const decoders = this.#codings.map((name) => (DECODERS[name] as MakeDecoder)(first));
    decoders.forEach((decoder, at) => {
      const next = decoders[at + 1];
      decoder.on("error", () => this.#cannotDecode());
      // Nothing is kept: parts are counted, or go on to the next decoder.
      decoder.push = (part: Buffer | null) => {
        if (part === null || this.#state !== "counting") return false;
        if (next === undefined) this.#count(part.byteLength);
        else this.#write(next, part);
        return true;
      };
    });
    return decoders;
  }

  #write(decoder: Decoder, part: Buffer): void {
    this.#writes += 1;
    decoder.write(part, () => {
      this.#writes -= 1;
      if (this.#writes === 0 && this.#state === "counting") this.#passOn();
    });
  }

  #count(bytes: number): void {
    this.#decoded += bytes;
    if (this.#decoded <= this.#bytesMax) return;
    this.#close("over");
    this.#body.tooLarge();
  }

  #passOn(): void {
    const chunk = this.#waiting;
    if (chunk === null) return;
    this.#waiting = null;
    if (this.#to.data(chunk)) this.#body.resume();
    this.#finish();
  }

  #cannotDecode(): void {
    if (this.#state !== "counting") return;
    this.#close("plain");
    this.#passOn();
  }

  #finish(): void {
    const end = this.#end;
    if (end === null) return;
    this.#end = null;
    this.#close("over");
    end();
  }

  #close(state: "plain" | "over"): void {
    this.#state = state;
    for (const decoder of this.#decoders ?? []) decoder.destroy();
    this.#decoders = null;
  }
}
