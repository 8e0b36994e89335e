/**
 * A received request → `GatewayRequest`: what a server received, ready to be sent to any target.
 *
 * Guarantee: hop-by-hop fields and those that `Connection` names are gone (RFC 9110 §7.6.1), the
 * body is framed anew, forwarding fields say only what we know, and a request that must not be sent
 * comes back as a failure instead.
 */
import type { IncomingMessage } from "node:http";
import { LIMITS } from "../catalog/defaults.js";
import type { Failure } from "../core/failure.js";
import type { CallerHints } from "../core/layers.js";
import { ReplayBody } from "../core/replay-body.js";
import type { ClientPaceLimits, GatewayRequest } from "../core/request.js";
import { type LayerNames, readCallerHints } from "./caller-hints.js";
import { askedUrlOf } from "./client-path.js";
import { type Scan, scanFields, unsoundness } from "./field-info.js";
import type { Forwarder, Peer, ViaSignature } from "./forwarding.js";
import { takeContinue } from "./held-continue.js";
import { authorityOf, endsWithHead, isHttp2, joinCookies } from "./http2.js";
import type { ReceivedBody } from "./received-body.js";
import type { RequestFacts } from "./request-facts.js";
import { type ChangedFields, changedFields, type RequestHeaders } from "./request-headers.js";
import type { ReadTarget } from "./request-target.js";

export interface ReadRequestOptions<Received extends RequestFacts = IncomingMessage> {
  readonly requestHeaders: RequestHeaders<Received> | null;
  readonly forwarder: Forwarder;
  /** Called with the address of a peer that said https and was not believed. */
  readonly onOverruled?: (address: string) => void;
  readonly via: ViaSignature;
  /** Null where nothing is sent to layers or believed of them. */
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
  /** Changes the fields of the client that an answer depends on; left out for none. */
  readonly prepareFields?: ((fields: string[]) => void) | null;
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

// RFC 9110 §8.6: of a method that comes with a body it should be said; it may have been signed.
function emptinessOf({ headers }: RequestFacts): "said" | "unsaid" {
  const said = headers["content-length"] ?? headers["transfer-encoding"];
  return said === undefined ? "unsaid" : "said";
}

/** Reads what was received. */
export function readRequest<Received extends RequestFacts>(
  req: Received,
  target: ReadTarget,
  options: ReadRequestOptions<Received>,
  onInformation: Information,
  body: ReceivedBody,
): ReadRequest {
  if (req.rawHeaders.length > LIMITS.requestHeadersCountMax * 2) {
    return refuse("request_header_too_large", "too many fields", options.newId());
  }
  const scan = scanFields(req, options);
  const id = scan.id ?? options.newId();
  const unsound = unsoundness(req, scan);
  if (unsound !== null) return refuse("bad_request", unsound, id);
  if ("failure" in target) return { failure: target.failure, id };
  if (target.path === "*") return { answer: "options", id };
  if (body.lost !== undefined) return refuse("proxy_configuration_error", body.lost, id);
  if (scan.via !== null && options.via.isOwn(scan.via)) return refuse("loop_detected", null, id);
  const last = scan.maxForwards === null ? null : lastHop(req.method as string, scan);
  if (last !== null) return { answer: last, id };
  if (options.answerOnlyIfCached && onlyIfCached(req)) return refuse("only_if_cached", null, id);
  const length = lengthOf(req, body);
  if (length !== null && length > options.requestBodyBytesMax) {
    return refuse("request_body_too_large", null, id);
  }
  const host = isHttp2(req) ? authorityOf(req) : req.headers.host;
  if (host === null) return refuse("bad_request", ":authority is no host, or not Host", id);
  if (isHttp2(req)) joinCookies(scan.fields);
  scan.fields.push("x-request-id", id);
  if (body.decoded === true) removeField(scan.fields, "content-encoding");
  const caller = scan.layer === null ? null : callerOf(req, scan, options);
  options.prepareFields?.(scan.fields);
  const fields = finishFields(req, scan, options, host, target.sentPath);
  if ("failure" in fields) return { failure: fields.failure, id };
  const request: GatewayRequest = {
    method: req.method as string,
    path: target.sentPath,
    bare: target.bare,
    headers: fields,
    body: length === 0 ? null : bodyOf(req, length, body, scan.expects, options),
    contentLength: length,
    emptiness: length === 0 ? emptinessOf(req) : null,
    replayable: scan.idempotencyKey,
    upgrade: null,
    onInformation,
    clientPace: isHttp2(req) && isGrpc(req) ? null : options.clientPace,
  };
  return { request, id, caller };
}

/**
 * Its streams are open for as long as both sides like, and may say little: its clients and servers
 * have deadlines and pings of their own.
 */
function isGrpc(req: RequestFacts): boolean {
  return req.headers["content-type"]?.startsWith("application/grpc") === true;
}

function refuse(code: Failure["code"], details: string | null, id: string): ReadRequest {
  return { failure: details === null ? { code } : { code, details }, id };
}

export type { ReceivedBody } from "./received-body.js";
export type { RequestHeaders } from "./request-headers.js";

function callerOf(
  req: RequestFacts,
  { layer, fields }: Scan,
  { layers, forwarder }: Pick<ReadRequestOptions, "layers" | "forwarder">,
): CallerHints | null {
  if (layer === null) return null;
  const trusted = forwarder.trusts(req.socket.remoteAddress ?? "unknown");
  return readCallerHints(layer, forwarder.passes ? null : layers, trusted, fields);
}

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

export function removeField(fields: string[], name: string): void {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if ((fields[index] as string).toLowerCase() === name) fields.splice(index, 2);
  }
}

function finishFields<Received extends RequestFacts>(
  req: Received,
  scan: Scan,
  options: ReadRequestOptions<Received>,
  host: string | undefined,
  sentPath: string,
): ChangedFields {
  const { fields } = scan;
  if (options.host === "preserve") {
    if (host !== undefined && host !== "") fields.push("host", host);
  } else if (options.host !== "target") fields.push("host", options.host);
  const via = `${req.httpVersion} ${options.via.received}`;
  fields.push("via", scan.via === null ? via : `${scan.via}, ${via}`);
  const peer: Peer = {
    address: req.socket.remoteAddress ?? "unknown",
    protocol: req.socket.encrypted === true ? "https" : "http",
    host,
    received: scan.received,
  };
  const overruled = options.forwarder.append(fields, peer, askedUrlOf(req), sentPath);
  if (overruled) options.onOverruled?.(req.socket.remoteAddress ?? "unknown");
  const { requestHeaders } = options;
  return requestHeaders === null ? fields : changedFields(fields, req, requestHeaders);
}

function lengthOf(req: RequestFacts, { parsed, stream, length = null }: ReceivedBody) {
  if (parsed !== null) return parsed.byteLength;
  if (stream !== undefined) return length;
  if (req.headers["transfer-encoding"] !== undefined) return null;
  const announced = req.headers["content-length"];
  if (announced !== undefined) return Number(announced);
  // RFC 9112 §6.3: a request without a length and without chunks has no body.
  return isHttp2(req) && !endsWithHead(req) ? null : 0;
}

function bodyOf(
  req: RequestFacts,
  length: number | null,
  { parsed, stream }: ReceivedBody,
  expects: boolean,
  options: Pick<ReadRequestOptions, "replayBodyBytesMax" | "requestBodyBytesMax" | "asksFirst">,
): ReplayBody | null {
  if (parsed !== null) return ReplayBody.fromBuffer(parsed);
  // Code that has put another stream in its place reads the request, which asks the client.
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
