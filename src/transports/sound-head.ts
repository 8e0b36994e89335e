/**
 * The head of an answer that another engine has read: the rules of `response-head.ts`, for parts
 * instead of bytes.
 *
 * Guarantee: what comes out can be written by any HTTP/1.1 or HTTP/2 writer, Node's included.
 */
import { NamedError } from "../core/named-error.js";
import {
  checkCoding,
  checkFieldSizes,
  type HeadLimits,
  type ResponseHead,
} from "./response-head.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
const DIGITS = /^\d{1,15}$/;
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
