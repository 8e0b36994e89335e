/**
 * What the user's `requestHeaders` makes of the fields that are sent.
 *
 * Guarantee: nothing that says where a request ends is taken from it, the client's own fields that
 * it merely passes back change nothing, no spelling of a field that it sets is the client's, and
 * what no message can hold is a fault of the configuration, before anything is sent.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../core/failure.js";
import { meantBy } from "./field-info.js";
import { swallow } from "./hook-result.js";
import type { RequestFacts } from "./request-facts.js";

/** Changes the fields that are sent: a record to set (`undefined` removes), or a function. */
export type RequestHeaders<Received = IncomingMessage> =
  | Readonly<Record<string, string | undefined>>
  | ((
      headers: Readonly<Record<string, string | string[] | undefined>>,
      req: Received,
    ) => Readonly<Record<string, string | undefined>>);

/** Names and values in turn, or why there are none. */
export type ChangedFields = readonly string[] | { readonly failure: Failure };

/** Sets and removes fields of `fields`, which is left as it is. */
export function changedFields<Received extends RequestFacts>(
  fields: readonly string[],
  req: Received,
  change: RequestHeaders<Received>,
): ChangedFields {
  const set: unknown = typeof change === "function" ? change(req.headers, req) : change;
  const passedBack =
    typeof change === "function" && isRecord(set) && passesBack(set, req) ? req.headers : null;
  const values = readGivenFields(set, passedBack);
  return typeof values === "string" ? wrong(values) : merged(fields, values);
}

/**
 * The fields that a hook or an option sets, none for one that is removed, without those of framing;
 * or what is wrong with them. What is in `passedBack` with the same value counts for nothing.
 */
export function readGivenFields(
  set: unknown,
  passedBack: Readonly<Record<string, unknown>> | null = null,
): ReadonlyMap<string, readonly string[]> | string {
  if (!isRecord(set)) {
    swallow(set);
    return "returned no record of fields";
  }
  const values = new Map<string, readonly string[]>();
  for (const [given, value] of Object.entries(set)) {
    const name = given.toLowerCase();
    // RFC 9113 §8.3: pseudo-header fields are HTTP/2's request line.
    if (OURS.has(name) || name.startsWith(":")) continue;
    if (passedBack !== null && value === passedBack[name]) continue;
    if (!NAME.test(name)) return "returned a name that no field can have";
    const texts = textsOf(value);
    if (texts === null) return `returned a value for ${name} that no field can have`;
    values.set(name, texts);
  }
  return values;
}

/** What says where a message ends and whose connection it is: written by us alone. */
const OURS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

// RFC 9110 §5.1 and §5.5: a token, and a text without control characters; the engines write latin1.
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Who spreads all of the client's fields into the result means to add to them, and not that what
 * the client says of itself stands over what we know. Every such record has the client's Host.
 */
function passesBack(set: Readonly<Record<string, unknown>>, { headers }: RequestFacts): boolean {
  const name = headers[":authority"] === undefined ? "host" : ":authority";
  return headers[name] !== undefined && set[name] === headers[name];
}

/** None for a field that is removed; null for what is no text. */
function textsOf(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return [];
  const texts: string[] = [];
  for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
    const text = typeof one === "number" ? String(one) : one;
    if (typeof text !== "string" || !VALUE.test(text)) return null;
    texts.push(text);
  }
  return texts;
}

function merged(
  fields: readonly string[],
  values: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const all: string[] = [];
  // Of a field that is set or removed, the client's own in another spelling would stand beside it.
  const meant = new Set([...values.keys()].map(meantBy));
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (!meant.has(meantBy(name.toLowerCase()))) all.push(name, fields[index + 1] as string);
  }
  for (const [name, texts] of values) for (const text of texts) all.push(name, text);
  return all;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  const object = typeof value === "object" && value !== null && !Array.isArray(value);
  return object && typeof (value as { readonly then?: unknown }).then !== "function";
}

function wrong(what: string): { readonly failure: Failure } {
  return { failure: { code: "proxy_configuration_error", details: `requestHeaders ${what}` } };
}
