/**
 * What the engine of http-proxy-middleware is told to send, and what it is told that it received.
 *
 * Guarantee: fields of one hop stay on their hop, in both directions, whatever the engine copies;
 * the request itself keeps the fields and the path that its other readers know.
 */
import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import { Readable } from "node:stream";
import type { ReplayBody } from "../../core/replay-body.js";
import type { GatewayRequest } from "../../core/request.js";
import type { Target } from "../../targets/target.js";
import { connectionOptions, fieldInfo } from "../../wire/field-info.js";
import type { ExtraFields } from "../../wire/passed-answer.js";

export type EngineFields = Record<string, string | string[]>;

/** The fields of a request as engines take them. */
export function engineFields(
  { body, contentLength, upgrade }: GatewayRequest,
  fields: readonly string[],
): EngineFields {
  const record: EngineFields = {};
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase();
    add(record, name, fields[index + 1] as string);
  }
  if (upgrade !== null) Object.assign(record, { connection: "Upgrade", upgrade });
  // RFC 9112 §6: framed anew.
  else if (contentLength !== null && contentLength > 0) {
    record["content-length"] = String(contentLength);
  } else if (body !== null) record["transfer-encoding"] = "chunked";
  return record;
}

function add(record: EngineFields, name: string, value: string): void {
  const before = record[name];
  // A field may be called `__proto__`.
  if (name === "__proto__") return;
  if (before === undefined) record[name] = value;
  else if (typeof before === "string") record[name] = [before, value];
  else before.push(value);
}

/** Lets the engine see these fields and this path while it makes its request. */
export function inOtherWords(
  req: IncomingMessage,
  headers: EngineFields,
  url: string,
  make: () => void,
): void {
  const before = Object.getOwnPropertyDescriptor(req, "headers");
  const { url: askedUrl } = req;
  Object.defineProperty(req, "headers", { value: headers, configurable: true, writable: true });
  if (askedUrl !== url) req.url = url;
  try {
    make();
  } finally {
    if (before === undefined) Reflect.deleteProperty(req, "headers");
    else Object.defineProperty(req, "headers", before);
    if (askedUrl !== url && askedUrl !== undefined) req.url = askedUrl;
  }
}

const LISTS: ReadonlySet<string> = new Set(["proxy-status", "server-timing"]);

/** Takes from an answer what is meant for one hop, and adds what we have to say. */
export function cleanAnswer(
  answer: IncomingMessage,
  trustProxyStatus: boolean,
  extra: ExtraFields,
): void {
  const { headers } = answer;
  const named = connectionOptions(headers.connection);
  for (const name of Object.keys(headers)) {
    const { use } = fieldInfo(name);
    const framing = use === "content_length";
    const ours = use === "proxy_status" && !trustProxyStatus;
    if (use === "hop" || ours || (named.has(name) && !framing)) delete headers[name];
  }
  for (let index = 0; index < extra.length; index += 2) {
    const name = extra[index] as string;
    const value = extra[index + 1] as string;
    const before = headers[name];
    if (name === "set-cookie") headers[name] = [...(headers[name] ?? []), value];
    else headers[name] = LISTS.has(name) && before !== undefined ? `${before}, ${value}` : value;
  }
}

/** Where the engine is to connect to. */
export function engineTarget({ protocol, hostname, port, pathPrefix }: Target): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${protocol}//${host}:${port}${pathPrefix}`;
}

const agents = new WeakMap<Target, HttpAgent>();

/** Carries what an address cannot say; null where the address says it all. */
export function engineAgent(target: Target): HttpAgent | null {
  const { tls, socketPath, protocol, hostname } = target;
  if (protocol === "http:" && socketPath === null) return null;
  const known = agents.get(target);
  if (known !== undefined) return known;
  // Node would take the name that the certificate must have from the client's Host.
  const servername = isIP(hostname) === 0 ? hostname : "";
  const options = { servername, ...tls, ...(socketPath === null ? {} : { socketPath }) };
  const agent = protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options as object);
  agents.set(target, agent);
  return agent;
}

/** The body for the engine to send; null lets it send the request's own, which is empty. */
export function engineBody(body: ReplayBody | null): Readable | null {
  const opened = body?.open() ?? null;
  return Buffer.isBuffer(opened) ? new WaitingBody(opened) : opened;
}

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
    if (!writtenAlready) this.push(this.#bytes);
    this.push(null);
  }
}
