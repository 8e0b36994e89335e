/**
 * What the wire does with a field, by its name, and one look at the fields of a received request:
 * which are passed on, which say who a client is, and which are for this gateway.
 *
 * What a name means is looked up once and kept, bounded, since the same few come with every
 * message. Guarantee: fields of one hop and of framing are not passed on, in whatever spelling;
 * what matters here cannot be taken away by naming it in `Connection`; a request that could mean
 * two things is refused, never repaired.
 */
import { HOP_BY_HOP } from "../catalog/field-names.js";
import { IDENTITY_NAMES, IDENTITY_PREFIXES, NEVER_MEANT } from "../catalog/identity-fields.js";
import { KNOWN_ATTEMPTS, KNOWN_DEADLINES } from "../core/layers.js";
import type { LayerNames } from "./caller-hints.js";
import { isHttp2 } from "./http2.js";
import type { RequestFacts } from "./request-facts.js";
import { isAuthority } from "./request-target.js";

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
  const meant = meantBy(lower);
  if (meant === lower) return "pass";
  if (HOP_BY_HOP.has(meant)) return "forged";
  if (NEVER_MEANT.has(meant)) return "alias";
  const alias = plainUse(meant);
  if (alias === "content_length" || alias === "host") return "forged";
  return OF_THE_CLIENT.has(alias) ? "pass" : "alias";
}

/** Names that may stand for another one. */
const SPELT = /[^a-z0-9-]|^http-/;

/**
 * The name that an application may take a field for. CGI and those who follow it (WSGI, Rack, PHP)
 * know a field by a variable, such as HTTP_X_REAL_IP, for which all that is no letter and no digit
 * is one and the same.
 */
export function meantBy(lower: string): string {
  if (!SPELT.test(lower)) return lower;
  const folded = lower.replace(/[^a-z0-9]/g, "-");
  return folded.startsWith("http-") ? folded.slice("http-".length) : folded;
}

/** What a client may say as it likes, so that its spelling matters only to the client. */
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

export interface Scan {
  readonly fields: string[];
  readonly received: string[];
  /** How many fields say which host is meant. */
  hosts: number;
  /** The field of one value that came with two; null for none. */
  doubled: string | null;
  /** Names and values of such fields. */
  readonly singles: string[];
  /** What a layer says of its request, names and values in turn; null for nothing. */
  layer: string[] | null;
  via: string | null;
  maxForwards: string | null;
  id: string | null;
  idempotencyKey: boolean;
  /** It has an expectation. */
  expects: boolean;
}

/** What of the fields about clients is sent on. */
export interface PassedOn {
  /** Fields of other layers are sent on as they came. */
  readonly passes: boolean;
  /** Names of fields that are sent on as they came, in lower case; null for none. */
  readonly keeps: ReadonlySet<string> | null;
}

export interface ScanOptions {
  /** Null where nothing is sent to layers or believed of them. */
  readonly layers: LayerNames | null;
  readonly forwarder: PassedOn;
}

const readField = fieldReader();

/** What a front routes or balances by stays as well. */
const COOKIE = "cookie";

/**
 * One pass over the fields: what is passed on, and what is looked at. By naming it in `Connection`
 * a client can take away what passes from it to the application, and nothing that has a use here.
 */
export function scanFields(req: RequestFacts, options: ScanOptions): Scan {
  const { rawHeaders } = req;
  const { passes, keeps } = options.forwarder;
  const custom = options.layers?.custom;
  const named = connectionOptions(req.headers.connection);
  const scan = newScan();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const info = readField(name, index / 2);
    const use = keeps?.has(info.lower) ? "pass" : custom?.has(info.lower) ? "layer" : info.use;
    if (use === "pass" && named.size > 0 && named.has(info.lower) && info.lower !== COOKIE)
      continue;
    const value = rawHeaders[index + 1] as string;
    switch (use) {
      case "pass":
        scan.fields.push(name, value);
        break;
      case "single":
        if (isAnother(scan.singles, info.lower, value)) scan.doubled = info.lower;
        scan.fields.push(name, value);
        break;
      case "forwarding":
        scan.received.push(name, value);
        break;
      case "alias":
        if (passes) scan.fields.push(name, value);
        break;
      case "layer":
        scan.layer ??= [];
        scan.layer.push(name, value);
        break;
      case "host":
        scan.hosts += 1;
        break;
      case "via":
        scan.via = scan.via === null ? value : `${scan.via}, ${value}`;
        break;
      case "max_forwards":
        scan.maxForwards = value;
        break;
      case "request_id":
        if (REQUEST_ID.test(value)) scan.id ??= value;
        break;
      case "idempotency_key":
        if (isAnother(scan.singles, info.lower, value)) scan.doubled = info.lower;
        scan.idempotencyKey = true;
        scan.fields.push(name, value);
        break;
      case "expect":
        scan.expects = true;
        break;
      default:
        // Hop-by-hop, framing, Trailer: written anew or meant for us alone.
        break;
    }
  }
  return scan;
}

function newScan(): Scan {
  return {
    fields: [],
    received: [],
    hosts: 0,
    doubled: null,
    singles: [],
    layer: null,
    via: null,
    maxForwards: null,
    id: null,
    idempotencyKey: false,
    expects: false,
  };
}

/** Whether a field of one value has come with another one. */
function isAnother(singles: string[], lower: string, value: string): boolean {
  for (let index = 0; index < singles.length; index += 2) {
    if (singles[index] === lower) return singles[index + 1] !== value;
  }
  singles.push(lower, value);
  return false;
}

// It ends up in logs and answers; what does not look like an id is replaced.
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** The id that the client gave its request; null when there is none that could be one. */
export function requestIdOf(req: Pick<RequestFacts, "headers">): string | null {
  const value = req.headers["x-request-id"];
  return typeof value === "string" && REQUEST_ID.test(value) ? value : null;
}

/** Why a request must not be sent on as it was received; null where it may. */
export function unsoundness(
  req: RequestFacts,
  { hosts, doubled }: { readonly hosts: number; readonly doubled: string | null },
): string | null {
  // RFC 9112 §2.3: what follows is the grammar of HTTP/1.x; a stream is that of a real HTTP/2.
  if (req.httpVersionMajor !== 1 && !isHttp2(req)) return "a version other than HTTP/1.x";
  // RFC 9112 §6.1: a coding that is dropped with the framing would change what the body means.
  const coding = req.headers["transfer-encoding"];
  if (coding !== undefined && coding !== "chunked" && coding.toLowerCase() !== "chunked") {
    return "a transfer coding other than chunked";
  }
  // RFC 9112 §3.2: one Host, and one that is an authority. Of several Node shows the first.
  if (hosts > 1) return "several Host fields";
  // Node itself asks for one, but not where a request asks for an upgrade.
  if (hosts === 0 && req.upgrade === true && req.httpVersion === "1.1") return "no Host field";
  // RFC 9110 §5.3: only lists may come in several fields.
  if (doubled !== null) return `several values of ${doubled}`;
  const { host } = req.headers;
  if (host === undefined || host === "" || host === lastSound) return null;
  if (!isAuthority(host)) return "a Host that is no authority";
  lastSound = host;
  return null;
}

/** Most requests name the host of the one before. */
let lastSound = "";
