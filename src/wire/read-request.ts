/**
 * A received request → `GatewayRequest`: what a server received, ready to be sent to any target.
 *
 * Guarantee: hop-by-hop fields and those that `Connection` names are gone (RFC 9110 §7.6.1), the
 * body is framed anew, forwarding fields say only what we know, and a request that must not be sent
 * comes back as a failure instead.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Failure } from "../core/failure.js";
import type { CallerHints } from "../core/layers.js";
import { ReplayBody } from "../core/replay-body.js";
import type { ClientPaceLimits, GatewayRequest } from "../core/request.js";
import { type LayerNames, readCallerHints } from "./caller-hints.js";
import { connectionOptions, fieldReader } from "./field-info.js";
import type { Forwarder, ViaSignature } from "./forwarding.js";
import { takeContinue } from "./held-continue.js";
import { authorityOf, joinCookies } from "./http2.js";
import type { RequestFacts } from "./request-facts.js";
import { readRequestTarget } from "./request-target.js";
import { unsoundness } from "./soundness.js";

/** Changes the fields that are sent: a record to set (`undefined` removes), or a function. */
export type RequestHeaders<Received = IncomingMessage> =
  | Readonly<Record<string, string | undefined>>
  | ((
      headers: Readonly<Record<string, string | string[] | undefined>>,
      req: Received,
    ) => Readonly<Record<string, string | undefined>>);

export interface ReadRequestOptions<Received extends RequestFacts = IncomingMessage> {
  readonly rewritePath: ((path: string, req: Received) => string) | null;
  readonly requestHeaders: RequestHeaders<Received> | null;
  readonly forwarder: Forwarder;
  readonly via: ViaSignature;
  /** Null where layers are told and believed nothing. */
  readonly layers: LayerNames | null;
  /** `preserve` sends the client's Host, `target` the target's, any other text itself. */
  readonly host: string;
  readonly requestBodyBytesMax: number;
  readonly replayBodyBytesMax: number;
  /** Upstreams are asked whether they want the body of a client that waits with it. */
  readonly asksFirst: boolean;
  /** How slow a client may be; null for no bound. */
  readonly clientPace: ClientPaceLimits | null;
  readonly answerOnlyIfCached: boolean;
  /** Makes an id for a request that came without one. */
  readonly newId: () => string;
}

/**
 * What came of reading: a request, or the failure to answer with, or an answer for this hop alone.
 */
export type ReadRequest =
  | AcceptedRequest
  | { readonly failure: Failure; readonly id: string }
  | { readonly answer: "options" | "trace"; readonly id: string };

/** A request that can be sent. */
export interface AcceptedRequest {
  readonly request: GatewayRequest;
  readonly id: string;
  /** What the caller said of it, null for nothing. */
  readonly caller: CallerHints | null;
}

type Information = GatewayRequest["onInformation"];

/** Where the body is. */
export interface ReceivedBody {
  /** What a body parser left in place of the stream; null where nobody has read it. */
  readonly parsed: Buffer | null;
  /** Content codings have been undone, so that Content-Encoding is no longer true. */
  readonly decoded?: boolean;
  /** Why the body cannot be sent; the request is refused. */
  readonly lost?: string;
  /** Where the body flows in place of the request itself; left out where that is a stream. */
  readonly stream?: Readable;
}

/** Reads what was received. */
export function readRequest<Received extends RequestFacts>(
  req: Received,
  url: string,
  options: ReadRequestOptions<Received>,
  onInformation: Information,
  body: ReceivedBody,
): ReadRequest {
  const scan = scanFields(req, options.layers?.custom ?? null);
  const id = scan.id ?? options.newId();
  const unsound = unsoundness(req, scan.hosts);
  if (unsound !== null) return refuse("bad_request", unsound, id);
  if (url === "*" && req.method === "OPTIONS") return { answer: "options", id };
  if (body.lost !== undefined) return refuse("proxy_configuration_error", body.lost, id);
  const target = readRequestTarget(rewritten(url, req, options));
  if ("refused" in target) return refuse("bad_request", target.refused, id);
  if (scan.via !== null && options.via.isOwn(scan.via)) return refuse("loop_detected", null, id);
  const last = lastHop(req.method as string, scan);
  if (last !== null) return { answer: last, id };
  if (options.answerOnlyIfCached && onlyIfCached(req)) return refuse("only_if_cached", null, id);
  const length = body.parsed?.byteLength ?? (body.stream === undefined ? bodyLength(req) : null);
  if (length !== null && length > options.requestBodyBytesMax) {
    return refuse("request_body_too_large", null, id);
  }
  const named = authorityOf(req);
  if (named === null) return refuse("bad_request", ":authority is no host, or not Host", id);
  const host = target.authority ?? named;
  if (req.httpVersionMajor === 2) joinCookies(scan.fields);
  scan.fields.push("x-request-id", id);
  if (body.decoded === true) removeField(scan.fields, "content-encoding");
  const caller = callerOf(req, scan, options);
  const fields = finishFields(req, scan, options, host);
  const request: GatewayRequest = {
    method: req.method as string,
    path: target.path,
    headers: fields,
    body: bodyOf(req, length, body, scan.expects, options),
    contentLength: length,
    replayable: scan.idempotencyKey,
    upgrade: null,
    onInformation,
    clientPace: isGrpc(req) ? null : options.clientPace,
  };
  return { request, id, caller };
}

/**
 * Its streams are open for as long as both sides like, and may say little: its clients and servers
 * have deadlines and pings of their own.
 */
function isGrpc(req: RequestFacts): boolean {
  return (
    req.httpVersionMajor === 2 &&
    req.headers["content-type"]?.startsWith("application/grpc") === true
  );
}

function refuse(code: Failure["code"], details: string | null, id: string): ReadRequest {
  return { failure: details === null ? { code } : { code, details }, id };
}

function rewritten<Received extends RequestFacts>(
  url: string,
  req: Received,
  options: ReadRequestOptions<Received>,
): string {
  return options.rewritePath === null ? url : options.rewritePath(url, req);
}

interface Scan {
  readonly fields: string[];
  readonly received: string[];
  /** How many fields say which host is meant. */
  hosts: number;
  /** What a layer says of its request, names and values in turn; null for nothing. */
  layer: string[] | null;
  via: string | null;
  maxForwards: string | null;
  id: string | null;
  idempotencyKey: boolean;
  /** It has an expectation. */
  expects: boolean;
}

const readField = fieldReader();

/** One pass over the fields: what is passed on, and what is looked at. */
function scanFields(req: RequestFacts, custom: ReadonlySet<string> | null): Scan {
  const { rawHeaders } = req;
  const named = connectionOptions(req.headers.connection);
  const scan: Scan = {
    fields: [],
    received: [],
    hosts: 0,
    layer: null,
    via: null,
    maxForwards: null,
    id: null,
    idempotencyKey: false,
    expects: false,
  };
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const info = readField(name, index / 2);
    if (named.size > 0 && named.has(info.lower) && !KEPT.has(info.lower)) continue;
    const value = rawHeaders[index + 1] as string;
    const use = custom?.has(info.lower) === true ? "layer" : info.use;
    switch (use) {
      case "pass":
        scan.fields.push(name, value);
        break;
      case "forwarding":
        scan.received.push(name, value);
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

function callerOf(
  req: RequestFacts,
  { layer, fields }: Scan,
  { layers, forwarder }: Pick<ReadRequestOptions, "layers" | "forwarder">,
): CallerHints | null {
  if (layer === null) return null;
  const trusted = forwarder.trusts(req.socket.remoteAddress ?? "unknown");
  return readCallerHints(layer, forwarder.passes ? null : layers, trusted, fields);
}

// It ends up in logs and answers; what does not look like an id is replaced.
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** The id that the client gave its request; null when there is none that could be one. */
export function requestIdOf(req: Pick<RequestFacts, "headers">): string | null {
  const value = req.headers["x-request-id"];
  return typeof value === "string" && REQUEST_ID.test(value) ? value : null;
}

// A client must not be able to strip these from the request by naming them in Connection.
const KEPT: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "via",
  "host",
  "authorization",
  "cookie",
  "content-type",
  "expect",
]);

// RFC 9110 §7.6.2: with no hop left, TRACE and OPTIONS end here.
function lastHop(method: string, scan: Scan): "options" | "trace" | null {
  const { maxForwards } = scan;
  if (maxForwards === null) return null;
  const counts = (method === "TRACE" || method === "OPTIONS") && /^\d{1,9}$/.test(maxForwards);
  if (counts && Number(maxForwards) === 0) return method === "TRACE" ? "trace" : "options";
  scan.fields.push("max-forwards", counts ? String(Number(maxForwards) - 1) : maxForwards);
  return null;
}

// RFC 9111 §5.2.1.7.
function onlyIfCached(req: RequestFacts): boolean {
  return /(?:^|[\s,])only-if-cached(?:$|[\s,])/i.test(req.headers["cache-control"] ?? "");
}

function removeField(fields: string[], name: string): void {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if ((fields[index] as string).toLowerCase() === name) fields.splice(index, 2);
  }
}

function finishFields<Received extends RequestFacts>(
  req: Received,
  scan: Scan,
  options: ReadRequestOptions<Received>,
  host: string | undefined,
): readonly string[] {
  const { fields } = scan;
  if (options.host === "preserve") {
    if (host !== undefined && host !== "") fields.push("host", host);
  } else if (options.host !== "target") fields.push("host", options.host);
  const via = `${req.httpVersion} ${options.via.received}`;
  fields.push("via", scan.via === null ? via : `${scan.via}, ${via}`);
  options.forwarder.append(fields, {
    address: req.socket.remoteAddress ?? "unknown",
    protocol: req.socket.encrypted === true ? "https" : "http",
    host,
    received: scan.received,
  });
  return options.requestHeaders === null ? fields : changed(fields, req, options.requestHeaders);
}

function changed<Received extends RequestFacts>(
  fields: string[],
  req: Received,
  change: RequestHeaders<Received>,
): string[] {
  const set = typeof change === "function" ? change(req.headers, req) : change;
  const names = new Map(Object.entries(set).map(([name, value]) => [name.toLowerCase(), value]));
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (!names.has(name.toLowerCase())) kept.push(name, fields[index + 1] as string);
  }
  for (const [name, value] of names) {
    // Who spreads the client's fields into the answer means none of these.
    if (value !== undefined && !OURS.has(name)) kept.push(name, value);
  }
  return kept;
}

/** What says where a request ends and whose connection it is: written by us alone. */
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

// RFC 9112 §6.3: a request without a length and without chunks has no body.
function bodyLength(req: RequestFacts): number | null {
  if (req.headers["transfer-encoding"] !== undefined) return null;
  const length = req.headers["content-length"];
  if (length !== undefined) return Number(length);
  return req.httpVersionMajor === 2 && !endsWithHead(req) ? null : 0;
}

/** In HTTP/2 the stream says whether a body follows. */
function endsWithHead(req: RequestFacts): boolean {
  const { stream } = req as { readonly stream?: { readonly endAfterHeaders?: boolean } };
  return stream?.endAfterHeaders !== false;
}

function bodyOf(
  req: RequestFacts,
  length: number | null,
  { parsed, stream }: ReceivedBody,
  expects: boolean,
  options: Pick<ReadRequestOptions, "replayBodyBytesMax" | "requestBodyBytesMax" | "asksFirst">,
): ReplayBody | null {
  if (length === 0) return null;
  if (parsed !== null) return ReplayBody.fromBuffer(parsed);
  // Whoever has put another stream in its place reads the request, and that tells the client.
  const onDemand = expects && stream === undefined ? takeContinue(req) : null;
  // Only a request that is a stream itself comes without another one.
  return ReplayBody.fromStream(stream ?? (req as IncomingMessage), {
    keptBytesMax: options.replayBodyBytesMax,
    bytesMax: options.requestBodyBytesMax,
    onDemand,
    asksFirst: onDemand !== null && options.asksFirst,
  });
}
