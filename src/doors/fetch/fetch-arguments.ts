/**
 * The arguments of a fetch call, in all the forms that a fetch takes them, where they lead, and
 * what a fetch function is called with.
 *
 * Guarantee: nothing in an address can choose a host that is no target. A path is read on its own
 * and appended to the address of a target, so `//host` is a path and dots end at the target's
 * prefix. A function that is known gets what the caller has given; only bodies of classes that it
 * does not know are put in a form that it takes. Any other gets an address and an init, since it
 * may send by itself.
 */

import type { Clock } from "../../base/clock.js";
import { ReplayBody } from "../../core/replay-body.js";
import type { TargetAddress } from "../../targets/target.js";
import { holdStream } from "../../transports/body-kinds.js";
import {
  bytesOf,
  type FetchBody,
  fetchBody,
  refuseDisturbed,
  requestBody,
} from "../../transports/fetch-body.js";
import type { KnownFetch } from "../../transports/fetch-function.js";
import type { FetchDispatcher } from "../../transports/fetch-handler.js";
import { ForeignAnswer } from "../../transports/foreign-answer.js";
import { nativeBody } from "../../transports/native-body.js";
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
  /** What the caller says that the body's is; null where nothing is said. */
  readonly length: number | null;
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
  // As a URL would have it; then it need not be read as one.
  const isPlain = url === null && PLAIN.test(address) && !address.includes("/.");
  const ofRequest = request !== null && (init.body ?? null) === null;
  if (ofRequest && request.bodyUsed) {
    throw new TypeError("the body of this Request has been used already");
  }
  const body = ofRequest ? request.body : init.body;
  const written = init.headers ?? request?.headers;
  const signal: unknown = init.signal === undefined ? request?.signal : init.signal;
  const method = init.method ?? request?.method ?? "GET";
  const headers = new NodeHeaders(written);
  return {
    url,
    path: isPlain ? address : pathOf(url ?? parseUrl(NOWHERE + address)),
    method: CAPITALISED.has(method) ? method : methodOf(method),
    headers,
    fields: written === undefined ? NO_FIELDS : fieldsOf(headers),
    signal: (signal ?? null) === null ? undefined : signalOf(signal),
    body,
    length: announcedIn(headers),
    request,
    ofRequest: ofRequest && (body ?? null) !== null,
    init: init === NOTHING ? init : withoutOurs(init),
  };
}

const NO_FIELDS: readonly string[] = [];

function announcedIn(headers: Headers): number | null {
  const text = headers.get("content-length");
  return text === null ? null : Number(text);
}

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
  const capitals = method.toUpperCase();
  return CAPITALISED.has(capitals) ? capitals : method;
}

function signalOf(signal: unknown): AbortSignal {
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

/** What is ours in the init. */
export interface AddedInit {
  readonly dispatcher: FetchDispatcher;
  readonly signal?: AbortSignal;
}

export interface FetchInput {
  /** The body before the function dispatches; null where there is none, or only then. */
  readonly replay: ReplayBody | null;
  /** The length of a body whose class the function does not know. */
  readonly length: number | null;
  /** The function sends the bytes of `replay`, whatever it reads. */
  readonly keepsBytes: boolean;
  /** What the caller's stream broke with, where it is read here. */
  readonly error: unknown;
  of(
    url: string,
    fields: readonly string[] | null,
    added: AddedInit,
  ): [input: string | Request, init: RequestInit];
  /** Nothing will be sent any more; a stream of the caller that is not read out is cancelled. */
  close(reason?: unknown): void;
}

/** The input of a call; a promise where the body of a foreign Request is looked at first. */
export function fetchInput(
  asked: FetchArguments,
  known: KnownFetch | null,
  clock: Pick<Clock, "turn">,
  keptBytesMax: number,
): FetchInput | Promise<FetchInput> {
  const { request, ofRequest, body } = asked;
  if (known !== null && (request === null || request instanceof known.Request)) {
    return asAnnounced(asked, givenInput(asked, known));
  }
  const made = (sent: FetchBody) => asAnnounced(asked, new MadeInput(asked, sent, known));
  const { length } = asked;
  if (!ofRequest) return made(fetchBody(body, keptBytesMax, length));
  return requestBody(clock, body as ReadableStream<Uint8Array>, keptBytesMax, length).then(made);
}

/** A length that is not that of the bytes: one of the two is a mistake, and data may be missing. */
function asAnnounced({ length }: FetchArguments, input: FetchInput): FetchInput {
  const { replay } = input;
  if (length === null || replay?.complete !== true || length === replay.bytesRead) return input;
  throw new TypeError(
    `content-length: ${length} is not the length of the body, ${replay.bytesRead}`,
  );
}

/** Nothing of the caller's body is wanted, since nothing is sent. */
export function dropBody({ body }: FetchArguments, reason?: unknown): void {
  ForeignAnswer.cancel({ body }, reason);
}

function givenInput(asked: FetchArguments, known: KnownFetch): FetchInput {
  const { request, url, init } = asked;
  const {
    replay,
    body,
    type,
    length,
    close = (reason) => {
      if ((asked.body ?? null) !== null) dropBody(asked, reason);
    },
  } = bodyFor(asked, known);
  return {
    replay,
    length,
    keepsBytes: replay !== null,
    error: null,
    of(target, _fields, added) {
      const full = {
        ...(request === null ? {} : referrerOf(request)),
        ...init,
        ...(body === undefined ? {} : { body }),
        ...(type === null ? {} : { headers: withType(asked.headers, type) }),
        ...(length === null ? {} : { duplex: "half" }),
        ...added,
      };
      return [request ?? url?.href ?? target, full as object];
    },
    close,
  };
}

interface BodyForKnown {
  readonly replay: ReplayBody | null;
  /** Undefined leaves that of the init, or of the Request. */
  readonly body: unknown;
  readonly type: string | null;
  readonly length: number | null;
  readonly close?: (reason?: unknown) => void;
}

const AS_GIVEN: BodyForKnown = { replay: null, body: undefined, type: null, length: null };

function bodyFor({ body, ofRequest }: FetchArguments, known: KnownFetch): BodyForKnown {
  if (ofRequest || body === null || body === undefined) return AS_GIVEN;
  // What can change is copied now, as a fetch does; the function may be called later.
  const bytes = bytesOf(body);
  if (bytes !== null) {
    const copy = Buffer.from(bytes);
    return { ...AS_GIVEN, replay: ReplayBody.fromBuffer(copy), body: copy };
  }
  const native = nativeBody(body, known);
  if (native.body instanceof URLSearchParams) {
    const text = String(native.body);
    const replay = ReplayBody.fromBuffer(Buffer.from(text));
    return { ...native, replay, body: new URLSearchParams(text) };
  }
  if (native.body instanceof ReadableStream) {
    refuseDisturbed(native.body);
    const { stream, cancel } = holdStream(native.body);
    return { ...native, replay: null, body: stream, close: cancel };
  }
  if (typeof native.body === "object") return { ...native, replay: null };
  const text = String(native.body);
  return { ...AS_GIVEN, replay: ReplayBody.fromBuffer(Buffer.from(text)), body: text };
}

/** A Request loses them to any init. */
function referrerOf({ referrer, referrerPolicy }: Request): object {
  return { referrer, referrerPolicy };
}

function withType(headers: Headers, type: string): Headers {
  const all = new NodeHeaders(headers);
  if (!all.has("content-type")) all.set("content-type", type);
  return all;
}

/** The input of a function that is given what we have made of the body. */
class MadeInput implements FetchInput {
  readonly replay: ReplayBody | null;
  readonly length = null;
  readonly keepsBytes: boolean;
  readonly #asked: FetchArguments;
  readonly #sent: FetchBody;
  readonly #known: KnownFetch | null;
  readonly #rest: object;

  constructor(asked: FetchArguments, sent: FetchBody, known: KnownFetch | null) {
    this.replay = sent.replay;
    this.keepsBytes = known !== null && sent.replay?.complete === true;
    this.#asked = asked;
    this.#sent = sent;
    this.#known = known;
    this.#rest = initOf(asked);
  }

  get error(): unknown {
    return this.#sent.error;
  }

  of(target: string, fields: readonly string[] | null, added: AddedInit): [string, RequestInit] {
    const { request, init, method, url, headers: named } = this.#asked;
    // As they were given, since their names may be written in a way of their own.
    const written = init.headers ?? request?.headers ?? {};
    const headers = fields === null ? written : withFields(named, fields);
    const body = this.#sent.give();
    const given = body === undefined ? {} : { body };
    const full = { ...this.#rest, method, headers, ...given, ...added };
    return [this.#known === null ? target : (url?.href ?? target), full as object];
  }

  close(): void {
    this.#sent.close();
  }
}

function withFields(headers: Headers, added: readonly string[]): Headers {
  const sent = new NodeHeaders(headers);
  for (let index = 0; index < added.length; index += 2) {
    sent.set(added[index] as string, added[index + 1] as string);
  }
  return sent;
}
