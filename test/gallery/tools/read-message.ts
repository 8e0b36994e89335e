/**
 * A strict and independent reader of HTTP/1.1 answers, RFC 9112: the tests' own opinion of whether
 * an answer is whole. It shares no code with the gateway, undici or Node, so that an error of
 * theirs cannot hide itself, and it forgives nothing.
 */

export type Fields = readonly (readonly [name: string, value: string])[];

export interface Message {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly fields: Fields;
  readonly body: Buffer;
  readonly trailers: Fields;
}

/** What these bytes are, read as answers to one request. */
export type Reading =
  | ({ readonly kind: "whole"; readonly message: Message; readonly rest: Buffer } & Interim)
  /** What is there is right and the end is missing. `head` is there once it is complete. */
  | ({ readonly kind: "partial"; readonly head: Message | null } & Interim)
  | ({ readonly kind: "invalid"; readonly why: string } & Interim);

interface Interim {
  readonly interim: readonly Message[];
}

export interface ReadAs {
  readonly method: string;
  /** The connection has ended in order; only then can its end be the end of a body. */
  readonly ended: boolean;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const TEXT = "[\\t\\x20-\\x7e\\x80-\\xff]*";
const STATUS_LINE = new RegExp(`^HTTP/(1\\.[01]) ([1-5]\\d\\d)(?: (${TEXT}))?$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):[ \\t]*(${TEXT}?)[ \\t]*$`);
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]{1,12})(?:[ \\t]*;${TEXT})?$`);
const EMPTY = Buffer.alloc(0);

class Invalid extends Error {}

/** The first value of a field. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  return fields.find(([one]) => one.toLowerCase() === name)?.[1];
}

/** Reads interim answers, then one final answer. */
export function readMessage(bytes: Buffer, as: ReadAs): Reading {
  const interim: Message[] = [];
  let left = bytes;
  try {
    for (;;) {
      const end = left.indexOf("\r\n\r\n");
      if (end === -1) {
        checkBeginning(left);
        return { kind: "partial", head: null, interim };
      }
      const head = readHead(left.toString("latin1", 0, end));
      left = left.subarray(end + 4);
      if (head.status < 200 && head.status !== 101) {
        interim.push(head);
        continue;
      }
      const body = readBody(head, left, as);
      if (body === null) return { kind: "partial", head, interim };
      const message = { ...head, body: body.bytes, trailers: body.trailers };
      return { kind: "whole", message, rest: left.subarray(body.length), interim };
    }
  } catch (error) {
    if (error instanceof Invalid) return { kind: "invalid", why: error.message, interim };
    throw error;
  }
}

// A head that can no longer become one is invalid, not partial.
function checkBeginning(bytes: Buffer): void {
  const text = bytes.toString("latin1");
  const start = "HTTP/1.";
  const begins = text.length < start.length ? start.startsWith(text) : text.startsWith(start);
  if (!begins) throw new Invalid("does not begin with a status line");
  if (/(?:^|[^\r])\n|\r(?!\n|$)/.test(text)) throw new Invalid("a bare CR or LF");
}

function readHead(text: string): Message {
  const [first = "", ...lines] = text.split("\r\n");
  const match = STATUS_LINE.exec(first);
  if (match === null) throw new Invalid("status line");
  const [, version = "", status = "", reason = ""] = match;
  const fields = lines.map(readField);
  return { status: Number(status), reason, version, fields, body: EMPTY, trailers: [] };
}

function readField(line: string): readonly [string, string] {
  const match = FIELD_LINE.exec(line);
  if (match === null) throw new Invalid("field line");
  return [match[1] ?? "", match[2] ?? ""];
}

interface Body {
  readonly bytes: Buffer;
  readonly trailers: Fields;
  readonly length: number;
}

// RFC 9112 §6.3, in its order.
function readBody(head: Message, bytes: Buffer, { method, ended }: ReadAs): Body | null {
  const codings = head.fields.filter(([name]) => name.toLowerCase() === "transfer-encoding");
  const lengths = head.fields.filter(([name]) => name.toLowerCase() === "content-length");
  if (lengths.length > 1) throw new Invalid("several lengths");
  if (codings.length > 0 && lengths.length > 0) throw new Invalid("a length and a coding");
  const declared = lengths[0]?.[1];
  if (declared !== undefined && !/^\d{1,15}$/.test(declared)) throw new Invalid("length");
  if (codings.length > 0 && head.version === "1.0") throw new Invalid("a coding in HTTP/1.0");
  if (codings.length > 1) throw new Invalid("several codings");
  if (codings.length > 0 && codings[0]?.[1]?.toLowerCase() !== "chunked") {
    throw new Invalid("coding");
  }
  const bodiless = method === "HEAD" || head.status === 204 || head.status === 304;
  if (bodiless || head.status === 101) return { bytes: EMPTY, trailers: [], length: 0 };
  if (codings.length > 0) return readChunks(bytes);
  if (declared === undefined) {
    return ended ? { bytes, trailers: [], length: bytes.length } : null;
  }
  const length = Number(declared);
  if (bytes.length < length) return null;
  return { bytes: bytes.subarray(0, length), trailers: [], length };
}

// RFC 9112 §7.1.
function readChunks(bytes: Buffer): Body | null {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = lineAt(bytes, at);
    if (line === null) return null;
    const match = CHUNK_LINE.exec(line);
    if (match === null) throw new Invalid("chunk size");
    at += line.length + 2;
    const size = Number.parseInt(match[1] ?? "", 16);
    if (size === 0) return readTrailers(bytes, at, Buffer.concat(parts));
    const behind = bytes.toString("latin1", at + size, at + size + 2);
    if (!"\r\n".startsWith(behind)) throw new Invalid("chunk end");
    if (behind.length < 2) return null;
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

function readTrailers(bytes: Buffer, from: number, body: Buffer): Body | null {
  const trailers: (readonly [string, string])[] = [];
  let at = from;
  for (;;) {
    const line = lineAt(bytes, at);
    if (line === null) return null;
    at += line.length + 2;
    if (line === "") return { bytes: body, trailers, length: at };
    trailers.push(readField(line));
  }
}

/** The text up to the next CRLF; null when it is not there yet. */
function lineAt(bytes: Buffer, at: number): string | null {
  const end = bytes.indexOf("\r\n", at);
  const line = bytes.toString("latin1", at, end === -1 ? bytes.length : end);
  if (/[\r\n]/.test(end === -1 ? line.replace(/\r$/, "") : line)) {
    throw new Invalid("a bare CR or LF");
  }
  return end === -1 ? null : line;
}
