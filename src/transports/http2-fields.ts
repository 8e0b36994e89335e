/**
 * Heads of HTTP/2: a request's in the form that Node takes, and an answer's in the form that our
 * guard of HTTP/1.1 makes, with the same limits.
 */
import type { OutgoingHttpHeaders } from "node:http2";
import type { Dispatcher } from "undici";
import { HOP_BY_HOP } from "../catalog/field-names.js";
import { fieldsOverHttp2, valueOverHttp2 } from "../core/fields.js";
import { NamedError } from "../core/named-error.js";
import type { TargetAddress } from "../targets/target.js";
import type { HeadLimits, ResponseHead } from "./response-head.js";

/** The head of a request, without what belongs to one connection, RFC 9113 §8.2.2. */
export function requestHead(
  { method, path, headers, body }: Dispatcher.DispatchOptions,
  target: TargetAddress,
): OutgoingHttpHeaders {
  const fields = byName(headers);
  const authority = fields["host"] ?? target.authority;
  for (const name of Object.keys(fields)) {
    if (name === "host" || HOP_BY_HOP.has(name)) delete fields[name];
  }
  // RFC 9110 §10.1.4: only a client that takes trailers may ask for them; one of gRPC must.
  if (String(fields["content-type"] ?? "").startsWith("application/grpc"))
    fields["te"] = "trailers";
  if (body instanceof Uint8Array) fields["content-length"] ??= String(body.byteLength);
  return {
    ":method": method,
    ":scheme": target.protocol === "https:" ? "https" : "http",
    ":authority": authority,
    ":path": path,
    ...fields,
  };
}

function byName(headers: Dispatcher.DispatchOptions["headers"]): OutgoingHttpHeaders {
  if (headers === null || headers === undefined) return {};
  if (Array.isArray(headers)) return fieldsOverHttp2(headers as readonly string[]);
  const fields: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    fields[lower] = Array.isArray(value) ? valueOverHttp2(lower, value) : value;
  }
  return fields;
}

const DIGITS = /^\d{1,15}$/;

/** The head of an answer; throws a `NamedError` for one that we would not take over HTTP/1.1. */
export function responseHead(raw: readonly string[], limits: HeadLimits): ResponseHead {
  const rawHeaders: string[] = [];
  let status = 0;
  let bytes = 0;
  let contentLength: number | null = null;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    if (name === ":status") {
      status = Number(value);
      continue;
    }
    // As the same field counts in HTTP/1.1: with a colon, a space and a line break.
    const size = name.length + value.length + 4;
    if (size > limits.responseHeaderBytesMax) {
      throw new NamedError("http_response_header_size", `header-size=${size}`);
    }
    bytes += size;
    rawHeaders.push(name, value);
    if (name === "content-length" && DIGITS.test(value)) contentLength = Number(value);
  }
  if (status < STATUS_MIN || status > STATUS_MAX) {
    throw new NamedError("response_status_invalid", `status=${status}`);
  }
  checkSection(bytes, rawHeaders.length / 2, limits);
  return { ...PLAIN, status, rawHeaders, contentLength };
}

/** RFC 9110 §15: a status is one of five classes. */
const STATUS_MIN = 100;
const STATUS_MAX = 599;

function checkSection(bytes: number, fields: number, limits: HeadLimits): void {
  if (bytes > limits.responseHeaderSectionBytesMax) {
    throw new NamedError("http_response_header_section_size", `header-section-size=${bytes}`);
  }
  if (fields > limits.responseHeadersCountMax) {
    throw new NamedError("http_response_header_section_size", `fields=${fields}`);
  }
}

const PLAIN = {
  statusText: "",
  minorVersion: 1,
  chunked: false,
  persistent: true,
  keepAlive: null,
} as const;
