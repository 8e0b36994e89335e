/**
 * An upstream's answer → `ServerResponse`.
 *
 * Guarantee: fields of one hop stay on their hop; a body that breaks after its head was sent cuts
 * the client's connection and is never ended as if it were whole; the client's speed is the
 * upstream's speed.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Timer } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import { fieldsByName } from "../core/fields.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import { connectionOptions, fieldReader } from "./field-info.js";
import { resetStream, streamOf } from "./http2.js";
import { writeHead } from "./write-head.js";

export interface WriteResponseOptions {
  readonly clock: Clock;
  /** Members of Proxy-Status that an upstream sends are passed on instead of dropped. */
  readonly trustProxyStatus: boolean;
  /** The body broke before anything of the answer was sent; it can still be another answer. */
  readonly brokenUnsent: (code: FailureCode) => void;
  /** The answer is now written to the response directly. */
  readonly beforeWriting: () => void;
}

/** Fields of ours that go with the answer, names and values in turn. */
export type ExtraFields = readonly string[];

/** Writes head and body. Throws when the head cannot be written; nothing has been sent then. */
export function writeResponse(
  req: IncomingMessage,
  res: ServerResponse,
  response: UpstreamResponse<ResponseBody>,
  extra: ExtraFields,
  options: WriteResponseOptions,
): void {
  const bodiless = hasNoBody(req.method, response.status);
  const fields = passedFields(req, response, bodiless, options);
  if (extra.length > 0) appendExtra(fields, extra);
  const whole = bodiless ? null : response.body.takeWhole();
  if (!bodiless && whole === null) {
    new ResponseSink(res, response, fields, options).begin();
    return;
  }
  options.beforeWriting();
  const empty = whole === null || whole.byteLength === 0;
  writeHead(res, response.status, response.statusText, fields, empty);
  if (bodiless) response.body.pipeTo(NOWHERE);
  res.end(whole ?? undefined);
}

// RFC 9110 §6.4.1.
function hasNoBody(method: string | undefined, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}

const readField = fieldReader();

/** The fields of an answer that cross this hop. */
export function passedFields(
  req: IncomingMessage,
  response: UpstreamResponse<ResponseBody>,
  bodiless: boolean,
  options: Pick<WriteResponseOptions, "trustProxyStatus">,
): string[] {
  const { rawHeaders, status } = response;
  const named = connectionOptions(connectionValue(rawHeaders));
  const fields: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const { lower, use } = readField(name, index / 2);
    if (use === "hop" || (named.size > 0 && named.has(lower) && !FRAMING.has(lower))) continue;
    if (use === "proxy_status" && !options.trustProxyStatus) continue;
    // RFC 9110 §8.6: a 204 has no Content-Length.
    if (use === "content_length" && status === 204) continue;
    if (use === "trailer" && !canTrail(req, response, bodiless)) continue;
    fields.push(name, rawHeaders[index + 1] as string);
  }
  return fields;
}

const FRAMING: ReadonlySet<string> = new Set(["content-length"]);

function connectionValue(rawHeaders: readonly string[]): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 10 || name.toLowerCase() !== "connection") continue;
    const more = (rawHeaders[index + 1] as string).toLowerCase();
    value = value === undefined ? more : `${value},${more}`;
  }
  return value;
}

// RFC 9110 §6.5: trailers need chunks, or the frames of HTTP/2.
function canTrail(
  req: IncomingMessage,
  response: UpstreamResponse<ResponseBody>,
  bodiless: boolean,
): boolean {
  if (req.httpVersionMajor === 2) return !bodiless;
  return !bodiless && req.httpVersion === "1.1" && response.body.contentLength === null;
}

// RFC 9209 §2: our member comes after those of the hops nearer to the origin.
function appendExtra(fields: string[], extra: ExtraFields): void {
  for (let index = 0; index < extra.length; index += 2) {
    const name = extra[index] as string;
    const value = extra[index + 1] as string;
    const at = fields.findIndex((field, place) => place % 2 === 0 && field.toLowerCase() === name);
    if (at === -1 || name === "set-cookie") fields.push(name, value);
    else if (LISTS.has(name)) fields[at + 1] = `${fields[at + 1]}, ${value}`;
    else fields[at + 1] = value;
  }
}

const LISTS: ReadonlySet<string> = new Set(["proxy-status", "server-timing"]);

const NOWHERE: BodySink = { data: () => true, end: () => {}, broken: () => {} };

/** Cuts the connection so that the client cannot take what it got for the whole. */
export function cutResponse(res: ServerResponse): void {
  const stream = streamOf(res);
  if (stream !== null) {
    resetStream(stream);
    return;
  }
  const { socket } = res;
  // Where only the end of the connection delimits the body, a plain close would look like its end.
  if (socket !== null && endsWithConnection(res)) socket.resetAndDestroy();
  else res.destroy();
}

function endsWithConnection(res: ServerResponse): boolean {
  return !res.chunkedEncoding && !res.hasHeader("content-length") && res.req.httpVersion === "1.0";
}

function addTrailers(res: ServerResponse, trailers: readonly string[]): void {
  if (res.req.httpVersionMajor === 2) res.addTrailers(fieldsByName(trailers) as never);
  else if (res.chunkedEncoding) {
    const pairs: [string, string][] = [];
    for (let index = 0; index < trailers.length; index += 2) {
      pairs.push([trailers[index] as string, trailers[index + 1] as string]);
    }
    res.addTrailers(pairs);
  }
}

// The head waits for the first part of the body, at most a turn of the event loop: an answer that
// breaks within the read that brought its head has not been sent, and the client gets a failure
// instead.
class ResponseSink implements BodySink {
  readonly #res: ServerResponse;
  readonly #response: UpstreamResponse<ResponseBody>;
  readonly #fields: string[];
  readonly #options: WriteResponseOptions;
  #turn: Timer | null = null;
  #begun = false;
  /** Nothing of this answer can be sent; what still comes of it goes nowhere. */
  #void = false;
  #draining = false;

  constructor(
    res: ServerResponse,
    response: UpstreamResponse<ResponseBody>,
    fields: string[],
    options: WriteResponseOptions,
  ) {
    this.#res = res;
    this.#response = response;
    this.#fields = fields;
    this.#options = options;
  }

  begin(): void {
    this.#response.body.pipeTo(this);
    if (!this.#begun) {
      this.#turn = this.#options.clock.turn(() => {
        this.#writeHead();
        if (!this.#void) this.#res.flushHeaders();
      });
    }
  }

  data(chunk: Buffer): boolean {
    if (!this.#begun) this.#writeHead();
    if (this.#void) return true;
    const more = this.#res.write(chunk);
    if (!more && !this.#draining) {
      this.#draining = true;
      this.#res.once("drain", this.#onDrain);
    }
    return more;
  }

  end(trailers: readonly string[]): void {
    if (!this.#begun) this.#writeHead();
    if (this.#void) return;
    if (trailers.length > 0) addTrailers(this.#res, trailers);
    this.#res.end();
  }

  broken(code: FailureCode): void {
    if (this.#void) return;
    if (this.#begun) cutResponse(this.#res);
    else this.#giveUp(code);
  }

  #writeHead(): void {
    this.#begun = true;
    this.#turn?.cancel();
    const { status, statusText } = this.#response;
    try {
      this.#options.beforeWriting();
      writeHead(this.#res, status, statusText, this.#fields);
    } catch {
      // The head holds something that Node refuses to send.
      void this.#response.discard();
      this.#giveUp("http_protocol_error");
    }
  }

  #giveUp(code: FailureCode): void {
    this.#begun = true;
    this.#void = true;
    this.#turn?.cancel();
    this.#options.brokenUnsent(code);
  }

  readonly #onDrain = (): void => {
    this.#draining = false;
    this.#response.body.resume();
  };
}
