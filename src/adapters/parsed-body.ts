/**
 * What a body parser in front of the proxy has left of a request's body, made into bytes again.
 *
 * Guarantee: an unread body is left to stream; a body that was read is sent as what it was, or the
 * request is refused with the reason. It is never sent empty or guessed.
 */
import type { IncomingMessage } from "node:http";
import { UNREAD } from "../gateway/proxy.js";
import type { ReceivedBody } from "../wire/read-request.js";

/** A request as parsers leave it: `body` is what they made, `rawBody` what it was made of. */
export type ParsedRequest = IncomingMessage & {
  readonly body?: unknown;
  readonly rawBody?: unknown;
};

/** Where the body of a request is that may have gone through body parsers. */
export function receivedBody(req: ParsedRequest): ReceivedBody {
  // Express 4 sets `body` on requests that no parser has read, so only the stream can tell.
  if (!(req.readableDidRead || req.readableEnded) || !hasBody(req)) return UNREAD;
  const { rawBody, body } = req;
  const kept = rawBody === undefined ? body : rawBody;
  if (Buffer.isBuffer(kept)) return bytes(req, kept);
  if (kept instanceof Uint8Array) return bytes(req, Buffer.from(kept));
  const type = contentType(req);
  if (type.encoding === undefined) return lost(`charset ${type.charset} cannot be written again`);
  const text = textOf(kept, type.essence);
  if (text === null) return lost("there is no way back from what it made of it");
  return { parsed: Buffer.from(text, type.encoding), decoded: true };
}

// RFC 9112 §6.3.
function hasBody({ headers }: IncomingMessage): boolean {
  if (headers["transfer-encoding"] !== undefined) return true;
  const length = headers["content-length"];
  return length !== undefined && length !== "0";
}

function lost(why: string): ReceivedBody {
  return { parsed: null, lost: `the body was read by a parser, and ${why}` };
}

function bytes(req: IncomingMessage, parsed: Buffer): ReceivedBody {
  // Parsers undo content codings before they hand the bytes out. Where nothing was undone, the
  // length is the one that the client announced.
  const untouched = Number(req.headers["content-length"]) === parsed.byteLength || isGzip(parsed);
  return { parsed, decoded: !untouched };
}

// RFC 1952 §2.3.1.
function isGzip(data: Buffer): boolean {
  return data[0] === 0x1f && data[1] === 0x8b;
}

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
  return { essence: essence.trim().toLowerCase(), charset, encoding: ENCODINGS[charset] };
}

const JSON_TYPE = /^[^/]+\/(?:json|[^/]+\+json|csp-report)$/;
const FORM_TYPE = "application/x-www-form-urlencoded";

/** The text that a parser of this type has read; null when it cannot be told. */
function textOf(body: unknown, type: string): string | null {
  if (JSON_TYPE.test(type)) return jsonText(body);
  if (typeof body === "string") return body;
  return type === FORM_TYPE ? formText(body) : null;
}

function jsonText(body: unknown): string | null {
  // A text parser keeps the text of the value, a lenient JSON parser may have made a string of it.
  if (typeof body === "string" && isJson(body)) return body;
  try {
    return JSON.stringify(body) ?? null;
  } catch {
    return null;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The parser of Express takes 32 levels; what goes deeper was not made by it. */
const FORM_DEPTH_MAX = 32;

function formText(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    if (!appendForm(form, name, value, 0)) return null;
  }
  return form.toString();
}

/** Nested values in the brackets that `express.urlencoded({ extended: true })` reads. */
function appendForm(form: URLSearchParams, name: string, value: unknown, depth: number): boolean {
  if (depth > FORM_DEPTH_MAX) return false;
  if (value === undefined) return true;
  if (value === null || typeof value !== "object") {
    form.append(name, value === null ? "" : String(value));
    return true;
  }
  if (!Array.isArray(value)) {
    return Object.entries(value).every(([key, one]) =>
      appendForm(form, `${name}[${key}]`, one, depth + 1),
    );
  }
  // One value alone is a list only where brackets say so; several are one under a repeated name.
  const flat = value.every((one) => typeof one !== "object" || one === null);
  return value.every((one, index) => {
    const suffix = flat ? (value.length === 1 ? "[]" : "") : `[${index}]`;
    return appendForm(form, `${name}${suffix}`, one, depth + 1);
  });
}
