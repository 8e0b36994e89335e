/**
 * What the wire does with a field, by its name. Looked up once per name and kept, bounded, since
 * the same few names come with every message.
 */
import { HOP_BY_HOP } from "../catalog/field-names.js";
import { IDENTITY_NAMES, IDENTITY_PREFIXES, NEVER_MEANT } from "../catalog/identity-fields.js";
import { KNOWN_ATTEMPTS, KNOWN_DEADLINES } from "../core/layers.js";

/**
 * An alias is a name that an application may take for another one, which we write or look at; where
 * that one says where a message ends, it is forged. A single field has one value, or is refused.
 */
export type FieldUse =
  | "pass"
  | "hop"
  | "host"
  | "expect"
  | "content_length"
  | "via"
  | "forwarding"
  | "alias"
  | "forged"
  | "single"
  | "max_forwards"
  | "request_id"
  | "idempotency_key"
  | "proxy_status"
  | "layer"
  | "trailer";

export interface FieldInfo {
  readonly lower: string;
  readonly use: FieldUse;
}

const USES: ReadonlyMap<string, FieldUse> = new Map<string, FieldUse>([
  ["host", "host"],
  ["expect", "expect"],
  ["content-length", "content_length"],
  ["via", "via"],
  ["forwarded", "forwarding"],
  // Two of these are read by some as the first and by others as the last.
  ["authorization", "single"],
  ["content-range", "single"],
  ["content-type", "single"],
  ["origin", "single"],
  ["max-forwards", "max_forwards"],
  ["x-request-id", "request_id"],
  ["idempotency-key", "idempotency_key"],
  ["proxy-status", "proxy_status"],
  ["trailer", "trailer"],
  ...[...KNOWN_ATTEMPTS, ...KNOWN_DEADLINES].map((name) => [name, "layer"] as const),
]);

/** Names come from outside, so the memory for them has an end. */
const KNOWN_MAX = 2_048;
const KNOWN_LENGTH_MAX = 64;
const known = new Map<string, KnownName>();

interface KnownName {
  readonly name: string;
  readonly info: FieldInfo;
}

export function fieldInfo(name: string): FieldInfo {
  return known.get(name)?.info ?? learnt(name).info;
}

function learnt(name: string): KnownName {
  const lower = name.toLowerCase();
  // RFC 9113 §8.3: pseudo-header fields are HTTP/2's request line.
  const hop = HOP_BY_HOP.has(lower) || lower.startsWith(":");
  const info: FieldInfo = { lower, use: hop ? "hop" : useOf(lower) };
  if (known.size >= KNOWN_MAX || name.length > KNOWN_LENGTH_MAX) return { name: "", info };
  const made = { name: copyOf(name), info };
  known.set(made.name, made);
  return made;
}

function useOf(lower: string): FieldUse {
  const use = plainUse(lower);
  if (use !== "pass") return use;
  if (NEVER_MEANT.has(lower)) return "alias";
  // CGI and those who follow it (WSGI, Rack, PHP) know a field by a variable, such as
  // HTTP_X_REAL_IP, for which all that is no letter and no digit is one and the same.
  const folded = lower.replace(/[^a-z0-9]/g, "-");
  const meant = folded.startsWith("http-") ? folded.slice("http-".length) : folded;
  if (meant === lower) return "pass";
  if (HOP_BY_HOP.has(meant)) return "forged";
  if (NEVER_MEANT.has(meant)) return "alias";
  const alias = plainUse(meant);
  if (alias === "content_length" || alias === "host") return "forged";
  return OF_THE_CLIENT.has(alias) ? "pass" : "alias";
}

/** What a client may say as it likes, so that it matters to nobody else how it is spelt. */
const OF_THE_CLIENT: ReadonlySet<FieldUse> = new Set<FieldUse>([
  "pass",
  "single",
  "idempotency_key",
]);

function plainUse(lower: string): FieldUse {
  const known = USES.get(lower);
  if (known !== undefined) return known;
  const identity =
    IDENTITY_NAMES.has(lower) || IDENTITY_PREFIXES.some((prefix) => lower.startsWith(prefix));
  return identity ? "forwarding" : "pass";
}

/** Looks names up by their place in a message, too. */
export type FieldReader = (name: string, place: number) => FieldInfo;

const PLACES_MAX = 128;

/**
 * A reader for messages of one kind. A message has much the same names at the same places as the
 * one before it, and to compare a name takes a third of the time that a look-up takes.
 */
export function fieldReader(): FieldReader {
  const lately: KnownName[] = [];
  return (name, place) => {
    const before = lately[place];
    if (before !== undefined && before.name === name) return before.info;
    const found = known.get(name) ?? learnt(name);
    // Filled from the front, so that it stays a list without holes.
    if (place <= lately.length && place < PLACES_MAX) lately[place] = found;
    return found.info;
  };
}

// A name is cut out of the text of a head and would keep all of that text alive.
function copyOf(name: string): string {
  return Buffer.from(name, "latin1").toString("latin1");
}

const NO_OPTIONS: ReadonlySet<string> = new Set();

/** The fields that `Connection` names, RFC 9110 §7.6.1; the usual values name none. */
export function connectionOptions(value: string | undefined): ReadonlySet<string> {
  if (value === undefined || value === "keep-alive" || value === "close") return NO_OPTIONS;
  const names = value.split(",").map((option) => option.trim().toLowerCase());
  // `close` and `keep-alive` are options of the connection and name no field to be kept.
  return new Set(names.filter((name) => name !== ""));
}
