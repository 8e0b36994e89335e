/**
 * The head of a response, checked and split, and its trailers: only those that may be sent on,
 * RFC 9110 §6.5.1.
 *
 * The text that was checked is the text that is forwarded: names and values are cut out of it, not
 * asked of a second parser, so the two can never disagree. One expression decides whether the head
 * is well-formed (RFC 9112 §4, §5); only a head that is not gets looked at again, to say why. What
 * another engine has read is checked in the same way. Guarantee: bounded in bytes, and no value can
 * become a field of its own further on.
 */
import { LIMITS } from "../catalog/defaults.js";
import { FORBIDDEN_IN_TRAILERS } from "../catalog/field-names.js";
import { NamedError } from "../core/named-error.js";

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly minorVersion: 0 | 1;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly contentLength: number | null;
  readonly chunked: boolean;
  /** The upstream means to keep the connection open, RFC 9112 §9.3. */
  readonly persistent: boolean;
  /** The value of `Keep-Alive`, the upstream's own word on how long. */
  readonly keepAlive: string | null;
}

/** Sizes and counts of a head, and how its lines may end. */
export interface HeadLimits {
  /** A line may end with a line feed alone, RFC 9112 §2.2. */
  readonly bareLineFeeds?: boolean;
  readonly responseHeaderSectionBytesMax: number;
  readonly responseHeaderBytesMax: number;
  readonly responseHeadersCountMax: number;
}

const NAME = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const VALUE = "[\\t\\x20-\\x7e\\x80-\\xff]*";
const HEAD = new RegExp(
  `^HTTP/1\\.[01] [1-5]\\d\\d(?: ${VALUE})?\\r\\n(?:${NAME}:${VALUE}\\r\\n)*\\r\\n$`,
);
const STATUS_LINE = new RegExp(`^HTTP/1\\.[01] \\d+(?: ${VALUE})?\\r\\n`);
const VERSION = /^HTTP\/1\.[01] /;
const STATUS = /^HTTP\/1\.[01] (\d+)[ \r]/;
const DIGITS = /^\d{1,15}$/;

/** Where they stand in a status line that is well-formed: `HTTP/1.1 200 OK`. */
const MINOR_AT = 7;
const STATUS_AT = 9;
const STATUS_END = 12;

/** Checks and splits a head that ends with its empty line. Throws a `NamedError`. */
export function parseResponseHead(received: string, limits: HeadLimits = LIMITS): ResponseHead {
  // From here on there is one form only.
  const text = limits.bareLineFeeds === true ? received.replace(/\r?\n/g, "\r\n") : received;
  if (!HEAD.test(text)) throw explain(text);
  const lineEnd = text.indexOf("\r\n");
  const rawHeaders = splitFields(text, lineEnd + 2, limits);
  const minorVersion = text[MINOR_AT] === "1" ? 1 : 0;
  const framing = readFraming(rawHeaders, minorVersion);
  return {
    status: Number(text.slice(STATUS_AT, STATUS_END)),
    statusText: text.slice(Math.min(STATUS_END + 1, lineEnd), lineEnd),
    minorVersion,
    rawHeaders,
    contentLength: framing.contentLength,
    chunked: framing.chunked,
    keepAlive: framing.keepAlive,
    persistent: isPersistent(minorVersion, framing.connection),
  };
}

// RFC 9112 §9.3.
function isPersistent(minorVersion: 0 | 1, connection: string): boolean {
  if (connection === "") return minorVersion === 1;
  // The usual value costs no list.
  if (connection === "keep-alive") return true;
  const options = connection
    .toLowerCase()
    .split(",")
    .map((option) => option.trim());
  if (options.includes("close")) return false;
  return minorVersion === 1 || options.includes("keep-alive");
}

/** Whether these first bytes can still become a status line. */
export function startsLikeHead(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, PREFIX.length);
  for (let index = 0; index < length; index += 1) {
    if (bytes[index] !== PREFIX[index]) return false;
  }
  return true;
}

const PREFIX = Buffer.from("HTTP/1.");

/** Where the head ends, past its empty line; -1 while that is not there. */
export function endOfHead(bytes: Buffer, from: number, { bareLineFeeds }: HeadLimits): number {
  if (bareLineFeeds !== true) {
    const at = bytes.indexOf(EMPTY_LINE, from);
    return at === -1 ? -1 : at + EMPTY_LINE.length;
  }
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    const next = bytes[at + 1] === CR ? at + 2 : at + 1;
    if (bytes[next] === LF) return next + 1;
  }
  return -1;
}

const EMPTY_LINE = Buffer.from("\r\n\r\n", "latin1");
const CR = 13;
const LF = 10;

/** A line feed without its carriage return; such a head would never reach its empty line. */
export function hasBareLineFeed(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) return true;
  }
  return false;
}

function splitFields(text: string, from: number, limits: HeadLimits): string[] {
  const fields: string[] = [];
  let at = from;
  const last = text.length - 2;
  while (at < last) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\r\n", colon);
    if (end - at > limits.responseHeaderBytesMax) throw fieldTooLarge(end - at);
    fields.push(text.slice(at, colon), trimmed(text, colon + 1, end));
    at = end + 2;
  }
  checkFieldCount(fields, limits);
  return fields;
}

/** The limits of a head whose bytes were read elsewhere. Throws a `NamedError`. */
export function checkFieldSizes(fields: readonly string[], limits: HeadLimits): void {
  checkFieldCount(fields, limits);
  let section = 0;
  for (let at = 0; at < fields.length; at += 2) {
    // With the colon and the space between them.
    const size = (fields[at] as string).length + (fields[at + 1] as string).length + 2;
    if (size > limits.responseHeaderBytesMax) throw fieldTooLarge(size);
    section += size + 2;
  }
  if (section <= limits.responseHeaderSectionBytesMax) return;
  throw new NamedError("http_response_header_section_size", `header-section-size=${section}`);
}

function checkFieldCount({ length }: readonly string[], limits: HeadLimits): void {
  if (length <= limits.responseHeadersCountMax * 2) return;
  throw new NamedError("http_response_header_section_size", `fields=${length / 2}`);
}

function fieldTooLarge(size: number): NamedError {
  return new NamedError("http_response_header_size", `header-size=${size}`);
}

// RFC 9110 §5.5: optional white space around a value is not part of it.
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

interface Framing {
  contentLength: number | null;
  chunked: boolean;
  connection: string;
  keepAlive: string | null;
}

function readFraming(fields: readonly string[], minorVersion: 0 | 1): Framing {
  const framing: Framing = { contentLength: null, chunked: false, connection: "", keepAlive: null };
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const { length } = name;
    // Only names of these lengths matter here; the others are not worth a lower-case copy.
    if (length !== 10 && length !== 14 && length !== 17) continue;
    const lower = USUAL_SPELLINGS.get(name) ?? name.toLowerCase();
    readFramingField(framing, lower, fields[index + 1] as string, minorVersion);
  }
  // RFC 9112 §6.3: a length that is in doubt is an attack or a fault; neither is passed on.
  if (framing.chunked && framing.contentLength !== null) {
    throw framingError("content-length+transfer-encoding");
  }
  return framing;
}

/** Lower-case names by the spellings that servers use. */
const USUAL_SPELLINGS: ReadonlyMap<string, string> = new Map(
  ["Connection", "Keep-Alive", "Content-Length", "Transfer-Encoding", "connection"].map((name) => [
    name,
    name.toLowerCase(),
  ]),
);

function readFramingField(framing: Framing, name: string, value: string, minor: 0 | 1): void {
  switch (name) {
    case "content-length":
      if (framing.contentLength !== null || !DIGITS.test(value)) throw framingError(name);
      framing.contentLength = Number(value);
      break;
    case "transfer-encoding":
      // RFC 9112 §6.1: a coding in an HTTP/1.0 answer is a sign of faulty framing.
      if (minor === 0 || framing.chunked) throw framingError(name);
      checkCoding(value);
      framing.chunked = true;
      break;
    case "connection":
      framing.connection += framing.connection === "" ? value : `,${value}`;
      break;
    case "keep-alive":
      framing.keepAlive = value;
      break;
    default:
      break;
  }
}

/** The last coding that is not `chunked`, where it has a name that can be reported. */
const CODING = /(?:^|[\s,])(?!chunked\b)([a-z][\w-]{0,31})\s*(?:,\s*chunked\s*)?$/i;

/** RFC 9112 §6.1: dropped with the framing, another coding would change what the body means. */
export function checkCoding(value: string): void {
  if (value.toLowerCase() === "chunked") return;
  const coding = CODING.exec(value)?.[1]?.toLowerCase();
  const details = coding === undefined ? "unsupported coding" : `coding=${coding}`;
  throw new NamedError("http_response_transfer_coding", details);
}

function framingError(details: string): NamedError {
  return new NamedError("response_framing_invalid", details);
}

function explain(text: string): NamedError {
  if (!VERSION.test(text)) return new NamedError("http_protocol_error", "status line");
  const status = STATUS.exec(text)?.[1];
  if (status === undefined) return new NamedError("response_status_invalid", "no status code");
  if (!/^[1-5]\d\d$/.test(status)) {
    return new NamedError("response_status_invalid", `status=${status.slice(0, 6)}`);
  }
  const where = STATUS_LINE.test(text) ? "field line" : "status line";
  return new NamedError("http_protocol_error", where);
}

const TOKEN = new RegExp(`^${NAME}$`);
// A line break that a lenient parser folded into a value would become a field of its own further
// on.
const TEXT = new RegExp(`^${VALUE}$`);
const FIRST_FINAL = 200;
const LAST = 599;

/** The head, checked (RFC 9112 §4, RFC 9110 §5). Throws a `NamedError`. */
export function soundHead(
  status: number,
  statusText: string,
  rawHeaders: readonly string[],
  limits: HeadLimits,
): ResponseHead {
  const isFinal = Number.isInteger(status) && status >= FIRST_FINAL && status <= LAST;
  if (!isFinal && status !== 101) {
    throw new NamedError("response_status_invalid", `status=${String(status).slice(0, 6)}`);
  }
  if (!TEXT.test(statusText)) throw new NamedError("http_protocol_error", "status line");
  let contentLength: number | null = null;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    const value = rawHeaders[at + 1];
    if (typeof name !== "string" || typeof value !== "string") throw fieldLine();
    if (!TOKEN.test(name) || !TEXT.test(value)) throw fieldLine();
    if (name.length === 17 && name.toLowerCase() === "transfer-encoding") checkCoding(value);
    if (name.length === 14 && name.toLowerCase() === "content-length" && DIGITS.test(value)) {
      contentLength = Number(value);
    }
  }
  checkFieldSizes(rawHeaders, limits);
  return {
    status,
    statusText,
    minorVersion: 1,
    rawHeaders,
    contentLength,
    // Framing and connection were the engine's business.
    chunked: false,
    persistent: true,
    keepAlive: null,
  };
}

function fieldLine(): NamedError {
  return new NamedError("http_protocol_error", "field line");
}

/** Sizes of trailers. */
export interface TrailerLimits {
  readonly trailerSectionBytesMax: number;
  readonly trailerBytesMax: number;
}

const NONE: readonly string[] = [];

/** Trailers as undici gives them. Throws as `soundTrailers` does. */
export function decodeTrailers(
  raw: readonly Buffer[],
  limits: TrailerLimits = LIMITS,
): readonly string[] {
  if (raw.length === 0) return NONE;
  return soundTrailers(
    raw.map((part) => part.toString("latin1")),
    limits,
  );
}

/**
 * The trailers that may be passed on, names and values in turn. Throws a `NamedError` for a section
 * or a field over its limit, and for what is no field.
 */
export function soundTrailers(fields: readonly string[], limits: TrailerLimits): readonly string[] {
  const trailers: string[] = [];
  let bytes = 0;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    const size = name.length + value.length;
    // With the colon, the space and the line break between them.
    bytes += size + 4;
    if (size > limits.trailerBytesMax) {
      throw new NamedError("http_response_trailer_size", `trailer-size=${size}`);
    }
    if (!TOKEN.test(name) || !TEXT.test(value)) {
      throw new NamedError("http_protocol_error", "trailer");
    }
    if (!FORBIDDEN_IN_TRAILERS.has(name.toLowerCase())) trailers.push(name, value);
  }
  if (bytes > limits.trailerSectionBytesMax) {
    throw new NamedError("http_response_trailer_section_size", `trailer-section-size=${bytes}`);
  }
  return trailers;
}
