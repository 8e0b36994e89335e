/**
 * A received request → `GatewayRequest`: what a server received, ready to be sent to any target.
 *
 * Guarantee: hop-by-hop fields and those that `Connection` names are gone (RFC 9110 §7.6.1), the
 * body is framed anew, forwarding fields say only what we know, and a request that must not be sent
 * comes back as a failure instead.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../core/failure.js";
import type { CallerHints } from "../core/layers.js";
import { ReplayBody } from "../core/replay-body.js";
import type { ClientPaceLimits, GatewayRequest } from "../core/request.js";
import type { ReadTarget } from "./asked-target.js";
import { type LayerNames, readCallerHints } from "./caller-hints.js";
import { connectionOptions, type FieldInfo, type FieldUse, fieldReader } from "./field-info.js";
import type { Forwarder, ViaSignature } from "./forwarding.js";
import { takeContinue } from "./held-continue.js";
import { authorityOf, endsWithHead, joinCookies } from "./http2.js";
import type { ReceivedBody } from "./received-body.js";
import type { RequestFacts } from "./request-facts.js";
import { type ChangedFields, changedFields, type RequestHeaders } from "./request-headers.js";
import { unsoundness } from "./soundness.js";

export interface ReadRequestOptions<Received extends RequestFacts = IncomingMessage> {
  readonly requestHeaders: RequestHeaders<Received> | null;
  readonly forwarder: Forwarder;
  /** Called with the address of a peer that said https and was not believed. */
  readonly onOverruled?: (address: string) => void;
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

const BARE = { bare: true };

/** Reads what was received. */
export function readRequest<Received extends RequestFacts>(
  req: Received,
  target: ReadTarget,
  options: ReadRequestOptions<Received>,
  onInformation: Information,
  body: ReceivedBody,
): ReadRequest {
  const scan = scanFields(req, options);
  const id = scan.id ?? options.newId();
  const unsound = unsoundness(req, scan.hosts);
  if (unsound !== null) return refuse("bad_request", unsound, id);
  if ("failure" in target) return { failure: target.failure, id };
  if (target.path === "*") return { answer: "options", id };
  if (body.lost !== undefined) return refuse("proxy_configuration_error", body.lost, id);
  if (scan.via !== null && options.via.isOwn(scan.via)) return refuse("loop_detected", null, id);
  const last = lastHop(req.method as string, scan);
  if (last !== null) return { answer: last, id };
  if (options.answerOnlyIfCached && onlyIfCached(req)) return refuse("only_if_cached", null, id);
  const length = lengthOf(req, body);
  if (length !== null && length > options.requestBodyBytesMax) {
    return refuse("request_body_too_large", null, id);
  }
  const host = authorityOf(req);
  if (host === null) return refuse("bad_request", ":authority is no host, or not Host", id);
  if (req.httpVersionMajor === 2) joinCookies(scan.fields);
  scan.fields.push("x-request-id", id);
  if (body.decoded === true) removeField(scan.fields, "content-encoding");
  const caller = callerOf(req, scan, options);
  const fields = finishFields(req, scan, options, host);
  if ("failure" in fields) return { failure: fields.failure, id };
  const request: GatewayRequest = {
    method: req.method as string,
    path: target.sentPath,
    ...(target.bare ? BARE : null),
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

export type { ReceivedBody } from "./received-body.js";
export type { RequestHeaders } from "./request-headers.js";

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
function scanFields(
  req: RequestFacts,
  options: Pick<ReadRequestOptions, "layers" | "forwarder">,
): Scan {
  const { rawHeaders } = req;
  const { passes } = options.forwarder;
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
    const use = useOf(info, options);
    if (use === "pass" && named.size > 0 && named.has(info.lower) && !KEPT.has(info.lower))
      continue;
    const value = rawHeaders[index + 1] as string;
    switch (use) {
      case "pass":
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

/** What is done with a field: by what it is, unless the options say otherwise. */
function useOf(
  { lower, use }: FieldInfo,
  { layers, forwarder }: Pick<ReadRequestOptions, "layers" | "forwarder">,
): FieldUse {
  if (forwarder.keeps?.has(lower) === true) return "pass";
  return layers?.custom?.has(lower) === true ? "layer" : use;
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

// A client must not be able to strip these from the request by naming them in Connection, nor what
// we or a front have written of it; all of that has a use of its own here.
const KEPT: ReadonlySet<string> = new Set(["authorization", "cookie", "content-type"]);

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
): ChangedFields {
  const { fields } = scan;
  if (options.host === "preserve") {
    if (host !== undefined && host !== "") fields.push("host", host);
  } else if (options.host !== "target") fields.push("host", options.host);
  const via = `${req.httpVersion} ${options.via.received}`;
  fields.push("via", scan.via === null ? via : `${scan.via}, ${via}`);
  const overruled = options.forwarder.append(fields, {
    address: req.socket.remoteAddress ?? "unknown",
    protocol: req.socket.encrypted === true ? "https" : "http",
    host,
    received: scan.received,
  });
  if (overruled) options.onOverruled?.(req.socket.remoteAddress ?? "unknown");
  const { requestHeaders } = options;
  return requestHeaders === null ? fields : changedFields(fields, req, requestHeaders);
}

function lengthOf(req: RequestFacts, { parsed, stream, length = null }: ReceivedBody) {
  if (parsed !== null) return parsed.byteLength;
  return stream === undefined ? bodyLength(req) : length;
}

// RFC 9112 §6.3: a request without a length and without chunks has no body.
function bodyLength(req: RequestFacts): number | null {
  if (req.headers["transfer-encoding"] !== undefined) return null;
  const length = req.headers["content-length"];
  if (length !== undefined) return Number(length);
  return req.httpVersionMajor === 2 && !endsWithHead(req) ? null : 0;
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
    length,
    asksFirst: onDemand !== null && options.asksFirst,
  });
}
