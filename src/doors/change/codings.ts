/**
 * Content codings of bodies that are transformed: decoded before, and encoded again in the same way
 * (RFC 9110 §8.4).
 *
 * Guarantee: what ends too early, or cannot be decoded, is an error; nothing decodes to more than
 * its limit.
 */
import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { NamedError } from "../../core/named-error.js";

interface Coding {
  readonly decode: (body: Buffer, bytesMax: number) => Promise<Buffer>;
  readonly encode: (body: Buffer) => Promise<Buffer>;
  readonly decoder: () => Duplex;
  /** Each part leaves when it came. */
  readonly encoder: () => Duplex;
}

type Zlib = (body: Buffer, options: object) => Promise<Buffer>;

const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, BROTLI_PARAM_QUALITY } = zlib.constants;
/** The usual quality of answers that are compressed as they are made; the default takes seconds. */
const BROTLI = { params: { [BROTLI_PARAM_QUALITY]: 4 } };

function coding(
  decode: unknown,
  encode: unknown,
  streams: Pick<Coding, "decoder" | "encoder">,
  options: object = {},
): Coding {
  const [read, write] = [promisify(decode as never) as Zlib, promisify(encode as never) as Zlib];
  return {
    ...streams,
    decode: (body, bytesMax) => read(body, { maxOutputLength: bytesMax }),
    encode: (body) => write(body, options),
  };
}

const GZIP = coding(zlib.gunzip, zlib.gzip, {
  decoder: () => zlib.createGunzip(),
  encoder: () => zlib.createGzip({ flush: Z_SYNC_FLUSH }),
});

const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: GZIP,
  "x-gzip": GZIP,
  deflate: coding(zlib.inflate, zlib.deflate, {
    decoder: () => zlib.createInflate(),
    encoder: () => zlib.createDeflate({ flush: Z_SYNC_FLUSH }),
  }),
  br: coding(
    zlib.brotliDecompress,
    zlib.brotliCompress,
    {
      decoder: () => zlib.createBrotliDecompress(),
      encoder: () => zlib.createBrotliCompress({ ...BROTLI, flush: BROTLI_OPERATION_FLUSH }),
    },
    BROTLI,
  ),
  ...zstandard(),
};

/** Since Node 22.15. */
function zstandard(): Readonly<Record<string, Coding>> {
  const of = zlib as unknown as Readonly<Record<string, (options?: object) => Duplex>>;
  const { createZstdDecompress: decoder, createZstdCompress: make } = of;
  if (decoder === undefined || make === undefined) return {};
  const flush = (zlib.constants as unknown as Record<string, number>)["ZSTD_e_flush"];
  const encoder = (): Duplex => make({ flush });
  const streams = { decoder: () => decoder(), encoder };
  return { zstd: coding(of["zstdDecompress"], of["zstdCompress"], streams) };
}

/** Fetch functions refuse more, and each costs memory. */
const CODINGS_MAX = 5;

/** The codings of a body, outermost last; throws for those that cannot be decoded here. */
export function codingsOf(contentEncoding: string): readonly Coding[] {
  const names = contentEncoding
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
  const known = names.map((name) => (Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined));
  const all = known.filter((one) => one !== undefined);
  if (all.length < names.length || all.length > CODINGS_MAX) {
    throw new NamedError("http_response_content_coding", "a coding that is not known");
  }
  return all;
}

/** Whether a member of Accept-Encoding is one of them. */
export function isDecodable(name: string): boolean {
  const lower = name.trim().toLowerCase();
  return lower === "identity" || Object.hasOwn(CODINGS, lower);
}

export async function decoded(
  body: Buffer,
  codings: readonly Coding[],
  bytesMax: number,
): Promise<Buffer> {
  let bytes = body;
  try {
    for (const { decode } of codings.toReversed()) bytes = await decode(bytes, bytesMax);
    return bytes;
  } catch (cause) {
    const isLarge = (cause as { readonly code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    const name = isLarge ? "http_response_body_size" : "http_response_content_coding";
    throw new NamedError(name, undefined, cause);
  }
}

export async function encoded(body: Buffer, codings: readonly Coding[]): Promise<Buffer> {
  let bytes = body;
  for (const { encode } of codings) bytes = await encode(bytes);
  return bytes;
}
