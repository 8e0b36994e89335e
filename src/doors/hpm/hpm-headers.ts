/**
 * What the engine of http-proxy-middleware gets to send, and what it gets as received.
 *
 * Guarantee: fields of one hop stay on their hop, in both directions, whatever the engine copies;
 * the request itself keeps the fields and the path that its other readers know.
 */
import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Readable } from "node:stream";
import { type Failure, GatewayError } from "../../core/failure.js";
import { type FieldsByName, fieldsByName } from "../../core/fields.js";
import { withLayerFields } from "../../core/layers.js";
import { NamedError } from "../../core/named-error.js";
import type { ReplayBody } from "../../core/replay-body.js";
import type { GatewayRequest } from "../../core/request.js";
import type { Exchange } from "../../targets/exchange.js";
import { lookUpName } from "../../targets/names/host-names.js";
import type { Target } from "../../targets/target.js";
import { tlsNow } from "../../targets/target-options.js";
import type { AttemptFields } from "../../transports/undici.js";
import { meantBy } from "../../wire/field-info.js";
import { fieldValue } from "../../wire/forwarding.js";
import type { ExtraFields } from "../../wire/passed-answer.js";

/** The fields of a request as engines take them, and those of this attempt. */
export function engineFields(fieldsOf: AttemptFields, exchange: Exchange): FieldsByName {
  const { headers, body, contentLength, emptiness, upgrade } = exchange.request;
  const record = fieldsByName(withLayerFields(headers, fieldsOf(exchange)));
  if (upgrade !== null) Object.assign(record, { connection: "Upgrade", upgrade });
  // RFC 9112 §6: framed anew.
  if (emptiness === "said" || (contentLength !== null && contentLength > 0)) {
    record["content-length"] = String(contentLength);
  } else if (body !== null) record["transfer-encoding"] = "chunked";
  return record;
}

const FRAMING = ["content-length", "transfer-encoding"] as const;

/** How the body of a request is framed; undefined for a field that it has not. */
export type EngineFraming = readonly (string | undefined)[];

/** To be kept before the engine has the fields, which it writes to. */
export function framingIn(fields: FieldsByName): EngineFraming {
  return FRAMING.map((name) => fields[name] as string | undefined);
}

/**
 * Puts the framing back: version 3 says of each DELETE and OPTIONS without a length that it has no
 * body, and would send what it has as the next request of the connection.
 */
export function setFraming(request: ClientRequest, framing: EngineFraming): void {
  for (const [at, name] of FRAMING.entries()) {
    const value = framing[at];
    if (value !== undefined) request.setHeader(name, value);
    else if (request.hasHeader(name)) request.removeHeader(name);
  }
}

/**
 * What the application has written on a request stands alone: the client's own field in another
 * spelling, which CGI and others take for the same one, is removed.
 */
export function dropAliases(request: ClientRequest, { headers }: GatewayRequest): void {
  if (request.headersSent) return;
  const names = request.getHeaderNames();
  if (names.every((name) => meantBy(name) === name)) return;
  const isReceived = (name: string): boolean =>
    [request.getHeader(name)].flat().join(", ") === fieldValue(headers, name);
  const written = new Set(names.filter((name) => !isReceived(name)).map(meantBy));
  for (const name of names) {
    if (written.has(meantBy(name)) && isReceived(name)) request.removeHeader(name);
  }
}

/** What the engine sees of a request while it makes its own. */
interface Words {
  readonly headers: FieldsByName;
  readonly url: string;
  readonly method?: string;
}

/** Lets the engine see these words while it makes its request. */
export function inOtherWords(req: IncomingMessage, words: Words, make: () => void): void {
  const before = Object.entries(words).map(
    ([name, value]) => [name, Object.getOwnPropertyDescriptor(req, name), value] as const,
  );
  for (const [name, , value] of before) {
    Object.defineProperty(req, name, { value, configurable: true, writable: true });
  }
  try {
    make();
  } finally {
    for (const [name, own] of before) {
      if (own === undefined) Reflect.deleteProperty(req, name);
      else Object.defineProperty(req, name, own);
    }
  }
}

const LISTS: ReadonlySet<string> = new Set(["proxy-status", "server-timing"]);

/** Leaves in an answer what may be passed on, and adds what we have to say. */
export function cleanAnswer(
  { headers }: IncomingMessage,
  /** Names and values in turn. */
  passed: readonly string[],
  extra: ExtraFields,
): void {
  const kept = fieldsByName(passed);
  for (const name of Object.keys(headers)) if (kept[name] === undefined) delete headers[name];
  // Of a status without a body it is another one than the upstream's.
  const length = kept["content-length"];
  if (typeof length === "string") headers["content-length"] = length;
  for (let index = 0; index < extra.length; index += 2) {
    const name = extra[index] as string;
    const value = extra[index + 1] as string;
    const before = headers[name];
    if (name === "set-cookie") headers[name] = [...(headers[name] ?? []), value];
    else headers[name] = LISTS.has(name) && before !== undefined ? `${before}, ${value}` : value;
  }
}

/** Takes the fields off a response, names and values in turn. */
export function takeFields(res: ServerResponse): readonly string[] {
  const fields: string[] = [];
  for (const [name, value = []] of Object.entries(res.getHeaders())) {
    if (name === CONNECTION) continue;
    res.removeHeader(name);
    for (const text of [value].flat()) fields.push(name, String(text));
  }
  return fields;
}

/** Puts back what a response had before. */
export function restoreFields(res: ServerResponse, before: OutgoingHttpHeaders): void {
  // The engine has copied the reason of an answer that is not sent.
  res.statusMessage = "";
  for (const name of res.getHeaderNames()) if (name !== CONNECTION) res.removeHeader(name);
  for (const [name, value = ""] of Object.entries(before)) res.setHeader(name, value);
  // Node leaves out for ever what was removed.
  res.sendDate = true;
}

/** It is about the client's connection; Node would say nothing of that any more. */
const CONNECTION = "connection";

/**
 * How the engine resolves the name of a target, as everywhere else; null where it has none. An
 * engine may ask for an address in the brackets of a URL.
 */
export function engineLookup({ guard, hostname, socketPath }: Target): LookupFunction | null {
  if (socketPath !== null || (!guard && isIP(hostname) === 4)) return null;
  const lookup = guard?.lookup ?? lookUpName;
  return (name, options, found) => lookup(name.replace(/^\[|\]$/g, ""), options, found);
}

interface KnownAgent {
  readonly agent: HttpAgent;
  readonly version: number;
}

const agents = new WeakMap<Target, KnownAgent>();

/** Carries what an address cannot say; null where the address says it all. */
export function engineAgent(target: Target): HttpAgent | null {
  const { tls, socketPath, protocol, hostname } = target;
  if (protocol === "http:" && socketPath === null) return null;
  const secure = tlsNow(tls);
  const version = tls?.files?.version ?? 0;
  const known = agents.get(target);
  if (known?.version === version) return known.agent;
  // Node would take the name that the certificate must have from the client's Host.
  const servername = isIP(hostname) === 0 ? hostname : "";
  const options = { servername, ...secure, ...(socketPath === null ? {} : { socketPath }) };
  const agent = protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options as object);
  agents.set(target, { agent, version });
  return agent;
}

/** The body for the engine to send. */
export function engineBody(body: ReplayBody | null): Readable {
  const opened = body?.open() ?? NOTHING;
  return Buffer.isBuffer(opened) ? new WaitingBody(opened) : opened;
}

export const NOTHING = Buffer.alloc(0);

/**
 * A body that is here already and waits until handlers of the user have seen the request: what they
 * write themselves, as `fixRequestBody` does, takes its place.
 */
export class WaitingBody extends Readable {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super();
    this.#bytes = bytes;
  }

  override _read(): void {}

  release(writtenAlready: boolean): void {
    if (!writtenAlready && this.#bytes.length > 0) this.push(this.#bytes);
    this.push(null);
  }
}

/** What an error of the application, or of ours, stands for. */
export function failureBehind(error: unknown): Failure {
  if (error instanceof GatewayError) return error.failure;
  if (!(error instanceof NamedError)) return { code: "proxy_internal_error", cause: error };
  const { failureCode: code, details } = error;
  return details === undefined ? { code, cause: error } : { code, cause: error, details };
}
