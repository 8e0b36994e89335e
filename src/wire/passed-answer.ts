/**
 * An upstream's answer as it crosses this hop, as a value: the head that the client gets, and the
 * body that is still on its way. Whoever has the client writes it.
 *
 * Guarantee: fields of one hop stay on their hop, RFC 9110 §7.6.1.
 */
import type { UpstreamResponse } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import { connectionOptions, fieldReader } from "./field-info.js";
import { isHttp2 } from "./http2.js";
import type { RequestFacts } from "./request-facts.js";

export interface PassedAnswer {
  readonly status: number;
  /** Undefined for the usual one of the status. */
  readonly reason: string | undefined;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  /** There is no body, whatever the fields say of one. */
  readonly bodiless: boolean;
  readonly response: UpstreamResponse<ResponseBody>;
}

/** Fields of ours that go with the answer, names and values in turn. */
export type ExtraFields = readonly string[];

/** `trustProxyStatus` passes on the members of Proxy-Status that the upstream sends. */
export function passedAnswer(
  req: RequestFacts,
  response: UpstreamResponse<ResponseBody>,
  extra: ExtraFields,
  trustProxyStatus: boolean,
): PassedAnswer {
  const bodiless = hasNoBody(req.method, response.status);
  const fields = passedFields(req, response, bodiless, trustProxyStatus);
  if (extra.length > 0) appendExtra(fields, extra);
  return { status: response.status, reason: response.statusText, fields, bodiless, response };
}

/**
 * Whether an answer has no body for the client, whatever its fields say: RFC 9110 §6.4.1. What a
 * 205 has must not be there (§15.3.6), and neither HTTP/2 of Node nor a Response can carry it.
 */
export function hasNoBody(method: string | undefined, status: number): boolean {
  return method === "HEAD" || status === 204 || status === RESET_CONTENT || status === 304;
}

const RESET_CONTENT = 205;

/** An answer whose head hooks have changed: its status decides whether there is a body. */
export function changedAnswer(method: string | undefined, answer: PassedAnswer): PassedAnswer {
  if (answer.bodiless || !hasNoBody(method, answer.status)) return answer;
  const fields: string[] = [];
  for (let index = 0; index < answer.fields.length; index += 2) {
    const name = answer.fields[index] as string;
    const lower = name.toLowerCase();
    const isLength = lower === "content-length" && (answer.status === 204 || answer.status === 205);
    if (!isLength && lower !== "trailer") fields.push(name, answer.fields[index + 1] as string);
  }
  return { ...answer, fields, bodiless: true };
}

const readField = fieldReader();

/** The fields of an answer that cross this hop. */
export function passedFields(
  req: RequestFacts,
  response: UpstreamResponse<ResponseBody>,
  bodiless: boolean,
  trustProxyStatus: boolean,
): string[] {
  const { rawHeaders, status } = response;
  const named = connectionOptions(connectionValue(rawHeaders));
  const fields: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const { lower, use } = readField(name, index / 2);
    if (use === "hop" || (named.size > 0 && named.has(lower) && !FRAMING.has(lower))) continue;
    if (use === "proxy_status" && !trustProxyStatus) continue;
    // RFC 9110 §8.6: an answer of 1xx or 204 has no Content-Length.
    if (use === "content_length" && (status === 204 || status < 200)) continue;
    if (use === "trailer" && !canTrail(req, response, bodiless)) continue;
    const isEmpty = use === "content_length" && status === RESET_CONTENT;
    fields.push(name, isEmpty ? "0" : (rawHeaders[index + 1] as string));
  }
  return fields;
}

const FRAMING: ReadonlySet<string> = new Set(["content-length"]);

function connectionValue(rawHeaders: readonly string[]): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    const more = (rawHeaders[index + 1] as string).toLowerCase();
    value = value === undefined ? more : `${value},${more}`;
  }
  return value;
}

// RFC 9110 §6.5: trailers need chunks, or the frames of HTTP/2.
function canTrail(
  req: RequestFacts,
  response: UpstreamResponse<ResponseBody>,
  bodiless: boolean,
): boolean {
  if (isHttp2(req)) return !bodiless;
  return !bodiless && req.httpVersion === "1.1" && response.body.contentLength === null;
}

// RFC 9209 §2: our member comes after those of the hops nearer to the origin.
function appendExtra(fields: string[], extra: ExtraFields): void {
  for (let index = 0; index < extra.length; index += 2) {
    const name = extra[index] as string;
    const value = extra[index + 1] as string;
    const at = fields.findIndex((field, place) => place % 2 === 0 && field.toLowerCase() === name);
    if (at === -1 || name === "set-cookie") fields.push(name, value);
    else if (LISTS.has(name)) fields[at + 1] = `${fields[at + 1]}, ${value}`;
    else fields[at + 1] = value;
  }
}

const LISTS: ReadonlySet<string> = new Set(["proxy-status", "server-timing"]);
