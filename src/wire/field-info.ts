/**
 * What the wire does with a field, by its name. Looked up once per name and kept, bounded, since
 * the same few names come with every message.
 */
import { HOP_BY_HOP } from "../catalog/field-names.js";
import { KNOWN_ATTEMPTS, KNOWN_DEADLINES } from "../core/layers.js";

export type FieldUse =
  | "pass"
  | "hop"
  | "host"
  | "expect"
  | "content_length"
  | "via"
  | "forwarding"
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
  ["x-forwarded-for", "forwarding"],
  ["x-forwarded-host", "forwarding"],
  ["x-forwarded-proto", "forwarding"],
  ["x-forwarded-port", "forwarding"],
  ["x-forwarded-server", "forwarding"],
  ["x-real-ip", "forwarding"],
  // What clients' addresses are called by one front or the other, and by libraries that look for
  // them; none of it may come from the client itself.
  ["x-client-ip", "forwarding"],
  ["x-cluster-client-ip", "forwarding"],
  ["x-envoy-external-address", "forwarding"],
  ["true-client-ip", "forwarding"],
  ["cf-connecting-ip", "forwarding"],
  ["cf-connecting-ipv6", "forwarding"],
  ["fastly-client-ip", "forwarding"],
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
  const info: FieldInfo = { lower, use: hop ? "hop" : (USES.get(lower) ?? "pass") };
  if (known.size >= KNOWN_MAX || name.length > KNOWN_LENGTH_MAX) return { name: "", info };
  const made = { name: copyOf(name), info };
  known.set(made.name, made);
  return made;
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
