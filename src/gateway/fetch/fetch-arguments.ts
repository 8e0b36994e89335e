/**
 * The arguments of a fetch call, in all the forms that a fetch takes them, and where they lead.
 *
 * Guarantee: nothing in an address can choose a host that is no target. A path is read on its own
 * and appended to the address of a target, so `//host` is a path and dots end at the target's
 * prefix.
 */
import type { TargetAddress } from "../../targets/target.js";
import { readRequestTarget } from "../../wire/request-target.js";

/** The init of a fetch; all members are the fetch function's own, but for signal and dispatcher. */
export type FetchInit = Readonly<Record<string, unknown>> & RequestInit;

export interface FetchArguments {
  /** Null for a path, which leads to the upstream of the fetch. */
  readonly url: URL | null;
  /** Path and query. */
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  /** The same as the pipe has them: names and values in turn. */
  readonly fields: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly body: unknown;
  /** Null where the address was given as text or as a URL. */
  readonly request: Request | null;
  /** The body is that of the Request, and nothing is known of where that has it from. */
  readonly ofRequest: boolean;
  /** The init, but for what is the gateway's. */
  readonly init: FetchInit;
}

const NOTHING: FetchInit = {};
/** As it was at load: what others put in its place is not for us. */
const { Headers: NodeHeaders } = globalThis;

/** Reads the arguments; throws a TypeError where a fetch would reject with one. */
export function readFetchArguments(input: unknown, given?: FetchInit | null): FetchArguments {
  const init = given ?? NOTHING;
  const request = isRequest(input) ? input : null;
  const address = request === null ? String(input) : request.url;
  const url = address.startsWith("/") ? null : parseUrl(address);
  const ofRequest = request !== null && (init.body ?? null) === null;
  if (ofRequest && request.bodyUsed) {
    throw new TypeError("the body of this Request has been used already");
  }
  const body = ofRequest ? request.body : init.body;
  const written = init.headers ?? request?.headers;
  const headers = new NodeHeaders(written);
  return {
    url,
    path:
      url === null && isAsWritten(address) ? address : pathOf(url ?? parseUrl(NOWHERE + address)),
    method: methodOf(init.method ?? request?.method ?? "GET"),
    headers,
    fields: written === undefined ? NO_FIELDS : fieldsOf(headers),
    signal: signalOf(init.signal === undefined ? request?.signal : init.signal),
    body,
    request,
    ofRequest: ofRequest && (body ?? null) !== null,
    init: withoutOurs(init),
  };
}

const NO_FIELDS: readonly string[] = [];

function fieldsOf(headers: Headers): string[] {
  const fields: string[] = [];
  headers.forEach((value, name) => void fields.push(name, value));
  return fields;
}

// The host of a path that has none; it is read and dropped.
const NOWHERE = "http://target.invalid";

function parseUrl(address: string): URL {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    const advice = 'write an absolute address or a path such as "/v1/orders"';
    throw new TypeError(`Failed to parse URL from ${address}; ${advice}`, { cause });
  }
  if (url.username === "" && url.password === "") return url;
  throw new TypeError("an address with credentials cannot be fetched; send them in a field");
}

/** Nothing here is written otherwise in a URL, but for dots and for a query that is empty. */
const PLAIN = /^\/[\w\-.~!$&()*+,;=:@/]*(?:\?[\w\-.~!$&()*+,;=:@/?]+)?$/;

/** Whether a path is as a URL would have it; then it need not be read as one. */
function isAsWritten(path: string): boolean {
  return PLAIN.test(path) && !path.includes("/.");
}

function pathOf({ protocol, pathname, search, href }: URL): string {
  // Only servers are asked for paths; `data:` and the like are no concern of ours.
  if (!protocol.startsWith("http")) return pathname;
  // An empty query is one, though `search` does not say so.
  const query = search === "" && href.split("#", 1)[0]?.endsWith("?") === true ? "?" : "";
  const read = readRequestTarget(pathname + search + query);
  if ("refused" in read) throw new TypeError(`${pathname} cannot be asked for: ${read.refused}`);
  return read.path;
}

/** RFC 9110 §9.1: methods are case-sensitive, but a fetch writes these in capitals. */
const CAPITALISED: ReadonlySet<string> = new Set([
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
]);

function methodOf(method: string): string {
  if (CAPITALISED.has(method)) return method;
  const capitals = method.toUpperCase();
  return CAPITALISED.has(capitals) ? capitals : method;
}

function signalOf(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  const { aborted, addEventListener } = signal as Partial<AbortSignal>;
  if (typeof aborted === "boolean" && typeof addEventListener === "function") {
    return signal as AbortSignal;
  }
  throw new TypeError("signal: expected an AbortSignal");
}

/** Members of a Request that a fetch function takes as members of its init. */
const CARRIED = [
  "redirect",
  "integrity",
  "keepalive",
  "credentials",
  "mode",
  "cache",
  "referrer",
  "referrerPolicy",
] as const;

function withoutOurs(init: FetchInit): FetchInit {
  if (init === NOTHING) return init;
  const { gateway, dispatcher, ...rest } = init;
  if (dispatcher !== undefined && dispatcher !== null) {
    throw new TypeError(
      "dispatcher: the gateway keeps its own connections; set tls and socketPath on the target, " +
        "and connectionsMax in limits",
    );
  }
  return rest as FetchInit;
}

/** The init with what a Request says, for a function that is given the Request's address. */
export function initOf({ request, ofRequest, init }: FetchArguments): FetchInit {
  if (request === null) return init;
  const members = request as unknown as Readonly<Record<string, unknown>>;
  const carried = CARRIED.filter((name) => members[name] !== undefined);
  const duplex = ofRequest ? { duplex: "half" } : {};
  const rest = Object.fromEntries(carried.map((name) => [name, members[name]]));
  return { ...rest, ...duplex, ...init } as FetchInit;
}

// Also a Request of another copy of undici.
function isRequest(input: unknown): input is Request {
  if (typeof input !== "object" || input === null || input instanceof URL) return false;
  const { url, headers, method } = input as Partial<Request>;
  return typeof url === "string" && typeof method === "string" && typeof headers === "object";
}

/**
 * The path below the targets of an upstream that an absolute address means; null when its origin is
 * that of no target.
 */
export function pathAmong(
  targets: readonly TargetAddress[],
  url: URL,
  path: string,
): string | null {
  let longest: string | null = null;
  for (const { protocol, authority, pathPrefix } of targets) {
    if (url.origin !== `${protocol}//${authority}` || !isBelow(pathPrefix, url.pathname)) continue;
    if (longest === null || pathPrefix.length > longest.length) longest = pathPrefix;
  }
  if (longest === null) return null;
  const below = path.slice(longest.length);
  return below.startsWith("/") ? below : `/${below}`;
}

function isBelow(prefix: string, pathname: string): boolean {
  return pathname === prefix || pathname.startsWith(`${prefix}/`);
}
