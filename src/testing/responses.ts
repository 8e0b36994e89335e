/**
 * Correct answers as raw text, for scripts that are about something else than the answer.
 * They are the counterpart of the broken ones that a script spells out byte by byte.
 * Guarantee: the framing is right: `content-length` counts bytes, and statuses that have no body
 * get none.
 */
import { STATUS_CODES } from "node:http";

/** Fields of a scripted answer, in the order they are sent; a list becomes several lines. */
export type ResponseFields = Readonly<Record<string, string | readonly string[]>>;

/** A complete 200 answer. */
export function ok(body = "", headers: ResponseFields = {}): string {
  return respond(200, body, headers);
}

/** A complete answer with this status. */
export function respond(status: number, body = "", headers: ResponseFields = {}): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}`];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === "string" ? [value] : value) lines.push(`${name}: ${one}`);
  }
  // RFC 9110 §8.6: a server must not send Content-Length with 1xx or 204; a 304 has no content
  // either.
  const bodyless = status < 200 || status === 204 || status === 304;
  if (!bodyless) lines.push(`content-length: ${Buffer.byteLength(body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${bodyless ? "" : body}`;
}
