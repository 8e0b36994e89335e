/**
 * Where the body of a request is: in its stream, or in what a body parser has left of it.
 *
 * Guarantee: an unread body is left to stream; of one that was read the same bytes are sent, or the
 * request is refused with the reason and the way out. Nothing is sent short, empty or guessed.
 *
 * Bytes that were kept are sent as they are. A value that a parser has made of them is written
 * again, and that proves to be the same only by the length that the client has announced.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { formText, jsonTexts } from "./body-texts.js";

/** Where the body is. */
export interface ReceivedBody {
  /** What was left in place of the stream; null where it was not read. */
  readonly parsed: Buffer | null;
  /** Content codings have been undone, so that Content-Encoding is no longer true. */
  readonly decoded?: boolean;
  /** Why the body cannot be sent; the request is refused. */
  readonly lost?: string;
  /** Where the body flows in place of the request itself; left out where that is a stream. */
  readonly stream?: Readable;
  /** How long what flows there is; null and left out where it is known only at its end. */
  readonly length?: number | null;
}

/** Where the body is when it was not touched. */
export const UNREAD: ReceivedBody = { parsed: null };

/** A request as parsers leave it: `body` is what they made, `rawBody` what it was made of. */
type ParsedRequest = IncomingMessage & { readonly body?: unknown; readonly rawBody?: unknown };

/** Where the body of a request is that middleware may have read before. */
export function receivedBody(req: IncomingMessage): ReceivedBody {
  const { rawBody, body } = req as ParsedRequest;
  const replaced = body instanceof Readable ? replacement(req, body) : null;
  if (replaced !== null) return replaced;
  // Express 4 sets `body` on requests that no parser has read, so only the stream shows it.
  if (!req.readableDidRead) return withoutBytes(req);
  if (!isReadToEnd(req)) return lost("its beginning was read before");
  const kept = rawBody === undefined ? body : rawBody;
  if (kept instanceof Uint8Array) return bytes(req, toBuffer(kept));
  return written(req, kept);
}

/** Another stream that a hook or a middleware has put in place of the request's own. */
export function replacement(req: IncomingMessage, body: unknown): ReceivedBody | null {
  if (!(body instanceof Readable) || body === req) return null;
  if (body.readableDidRead || body.destroyed)
    return lost("the stream in its place was read before");
  // A middleware that undoes a coding takes its field away.
  return { parsed: null, stream: body, decoded: req.headers["content-encoding"] === undefined };
}

function withoutBytes(req: IncomingMessage): ReceivedBody {
  const encoding = req.readableEncoding;
  if (encoding !== null && encoding !== undefined && !LOSSLESS.has(encoding)) {
    return lost(`setEncoding("${encoding}") has made text of it`);
  }
  if (!req.readableEnded) return UNREAD;
  // It was read to its end, and there was not a single byte.
  const length = Number(req.headers["content-length"] ?? 0);
  return length === 0 ? { parsed: NO_BYTES } : lost("it was read before");
}

const NO_BYTES = Buffer.alloc(0);
/** Encodings from which the same bytes can be made again. */
const LOSSLESS: ReadonlySet<string> = new Set(["latin1", "binary", "hex", "base64", "base64url"]);

function isReadToEnd({ readableEnded, complete, readableLength }: IncomingMessage): boolean {
  return readableEnded || (complete && readableLength === 0);
}

function toBuffer(kept: Uint8Array): Buffer {
  return Buffer.isBuffer(kept) ? kept : Buffer.from(kept);
}

function lost(why: string): ReceivedBody {
  return { parsed: null, lost: `the body cannot be sent as it came: ${why}. ${WAY_OUT}` };
}

const WAY_OUT =
  "Mount the proxy before what reads bodies, or keep the bytes: " +
  "express.json({ verify: (req, res, bytes) => { req.rawBody = bytes; } })";

/** Bytes as middleware has kept them, whose word is taken for it that they are the body. */
function bytes(req: IncomingMessage, parsed: Buffer): ReceivedBody {
  const coding = codingOf(req);
  if (coding === null) return { parsed };
  // Parsers undo content codings before they hand the bytes out; who gathers a body does not.
  const announced = announcedLength(req);
  if (announced !== null && announced !== parsed.byteLength) return { parsed, decoded: true };
  if (coding === "gzip" || coding === "x-gzip") return { parsed, decoded: !beginsAsGzip(parsed) };
  return announced === null ? lost(`nothing shows whether ${coding} was decoded`) : { parsed };
}

// RFC 1952 §2.3.1.
function beginsAsGzip(data: Buffer): boolean {
  return data[0] === 0x1f && data[1] === 0x8b;
}

/** The content coding of a request, null for none. */
function codingOf({ headers }: IncomingMessage): string | null {
  const coding = (headers["content-encoding"] ?? "").trim().toLowerCase();
  return coding === "" || coding === "identity" ? null : coding;
}

function announcedLength({ headers }: IncomingMessage): number | null {
  const length = headers["content-length"];
  return length === undefined ? null : Number(length);
}

/** A value that a parser has made, written again. */
function written(req: IncomingMessage, kept: unknown): ReceivedBody {
  const length = announcedLength(req);
  if (kept === undefined) return lost("it was read before");
  if (codingOf(req) !== null) return lost("a parser has undone its coding and kept a value alone");
  if (length === null) {
    return lost("a parser has kept a value alone, and without a Content-Length nothing proves it");
  }
  const { essence, charset, encoding } = contentType(req);
  if (encoding === undefined) return lost(`charset ${charset} cannot be written again`);
  for (const text of textsOf(kept, essence)) {
    const parsed = Buffer.from(text, encoding);
    const exact = encoding !== "latin1" || !BEYOND_LATIN1.test(text);
    // Bytes that are no text are all the same once a parser has read them.
    if (parsed.byteLength === length && exact && !text.includes(REPLACEMENT)) return { parsed };
  }
  return lost("what a parser has made of it cannot be written again with certainty");
}

const REPLACEMENT = "\ufffd";
const BEYOND_LATIN1 = /[^\0-\xff]/;

/** Charsets that the parsers read and Node can write. */
const ENCODINGS: Readonly<Record<string, BufferEncoding>> = {
  "": "utf8",
  "utf-8": "utf8",
  utf8: "utf8",
  "us-ascii": "utf8",
  "iso-8859-1": "latin1",
  latin1: "latin1",
  "utf-16le": "utf16le",
};

interface ContentType {
  readonly essence: string;
  readonly charset: string;
  readonly encoding: BufferEncoding | undefined;
}

function contentType(req: IncomingMessage): ContentType {
  const [essence = "", ...parameters] = (req.headers["content-type"] ?? "").split(";");
  const found = parameters.map((one) => /^\s*charset\s*=\s*"?([^"\s]*)/i.exec(one)?.[1]);
  const charset = found.find((one) => one !== undefined)?.toLowerCase() ?? "";
  const encoding = Object.hasOwn(ENCODINGS, charset) ? ENCODINGS[charset] : undefined;
  return { essence: essence.trim().toLowerCase(), charset, encoding };
}

const JSON_TYPE = /^(?:[^/]+\/(?:json|[^/]+\+json|csp-report)|text\/plain)$/;
const FORM_TYPE = "application/x-www-form-urlencoded";

/** The texts that a parser of this type may have read, of which one has the announced length. */
function textsOf(body: unknown, type: string): readonly string[] {
  const texts = typeof body === "string" ? [body] : [];
  if (JSON_TYPE.test(type)) texts.push(...jsonTexts(body));
  const form = type === FORM_TYPE ? formText(body) : null;
  return form === null ? texts : [...texts, form];
}
