/**
 * The head of an answer, beside what a framework or an earlier handler has set on the response.
 *
 * Guarantee: no field is lost, ours come as often as they were received; what was set before stays
 * unless the answer says it itself; fields that describe another body are dropped. When Node
 * refuses the head, the response is as it was before.
 */
import type { ServerResponse } from "node:http";
import { valueOverHttp2 } from "../core/fields.js";
import { isHttp2 } from "./http2.js";

/** Writes status line and fields (names and values in turn). Throws when they cannot be sent. */
export function writeHead(
  res: ServerResponse,
  status: number,
  reason: string | undefined,
  fields: readonly string[],
  ends = false,
): void {
  if (isUntouched(res)) {
    res.writeHead(status, reason, fields as string[]);
    return;
  }
  const before = { ...res.getHeaders() };
  try {
    mergeFields(res, fields);
    if (isHttp2(res.req)) takeOneOfEach(res);
    // Without fields: what wraps writeHead (sessions, compression) reads them from the response,
    // and some of it takes a list of names and values for something else.
    if (isHttp2(res.req)) writeHead2(res, status, ends);
    else if (reason === undefined) res.writeHead(status);
    else res.writeHead(status, reason);
  } catch (error) {
    if (!res.headersSent) restore(res, before);
    throw error;
  }
}

/**
 * HTTP/2 has no reason phrase. An answer that ends with its head says so in the head: gRPC tells
 * by that what are trailers, and Node does it for an answer that is ended before its head is out.
 */
function writeHead2(res: ServerResponse, status: number, ends: boolean): void {
  // Node refuses some lists only while it sends, and an answer that has ended has no other answer.
  const lists = Object.entries(res.getHeaders()).some(
    ([name, value]) => Array.isArray(value) && name !== "set-cookie",
  );
  if (!ends || lists) res.writeHead(status);
  else {
    res.statusCode = status;
    res.end();
  }
}

function isUntouched(res: ServerResponse): boolean {
  // Given a list, Node 20 keeps the last of several fields with one name once any was set before.
  return !Object.hasOwn(res, "writeHead") && res.getHeaderNames().length === 0 && !isHttp2(res.req);
}

/** What a framework or an earlier handler may have set for an answer that did not come. */
const OF_ANOTHER_BODY: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "content-encoding",
  "content-range",
  "transfer-encoding",
  "trailer",
  "etag",
  "last-modified",
]);

/** What holds the fields of an answer until it is sent. */
export type FieldHolder = Pick<ServerResponse, "getHeader" | "getHeaderNames" | "removeHeader"> & {
  setHeader(name: string, value: string): unknown;
  /** Adds a value to those that are there. */
  appendHeader(name: string, value: string): unknown;
};

/** Sets the fields of an answer, names and values in turn, beside what was set before. */
export function mergeFields(to: FieldHolder, fields: readonly string[]): void {
  for (const name of to.getHeaderNames()) if (OF_ANOTHER_BODY.has(name)) to.removeHeader(name);
  const ours = new Set<string>();
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    const lower = name.toLowerCase();
    if (lower === "vary") to.setHeader(name, varyWith(to, value));
    else if (ours.has(lower) || lower === "set-cookie") to.appendHeader(name, value);
    else to.setHeader(name, value);
    ours.add(lower);
  }
}

/** Node refuses some names in a list, whoever has set them, and only when they are to be sent. */
function takeOneOfEach(res: ServerResponse): void {
  for (const [name, value] of Object.entries(res.getHeaders())) {
    if (Array.isArray(value)) res.setHeader(name, valueOverHttp2(name, value));
  }
}

// RFC 9110 §12.5.5: each part says what it depended on, so none may replace the other.
function varyWith(to: FieldHolder, value: string): string {
  const names = new Map<string, string>();
  for (const name of `${String(to.getHeader("vary") ?? "")},${value}`.split(",")) {
    const trimmed = name.trim();
    if (trimmed !== "") names.set(trimmed.toLowerCase(), trimmed);
  }
  return names.has("*") ? "*" : [...names.values()].join(", ");
}

function restore(
  res: ServerResponse,
  before: Record<string, string | string[] | number | undefined>,
) {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined) res.setHeader(name, value);
  }
}
