/**
 * A `Request` of the fetch standard as what a server received: its facts, and its body.
 *
 * Guarantee: a body that was read before is never sent short or empty.
 */
import type { Readable } from "node:stream";
import { streamOfWeb } from "../../transports/body-kinds.js";
import type { AnswerFacts } from "../../wire/http2.js";
import type { ReceivedBody } from "../../wire/received-body.js";
import type { RequestFacts } from "../../wire/request-facts.js";
import type { WebClientFacts } from "./web-options.js";

export interface WebFacts extends RequestFacts {
  url?: string | undefined;
  /** What hooks are given. */
  readonly request: Request;
}

/** A Request does not say which version of HTTP it came with; Via needs one (RFC 9110 §7.6.3). */
const VERSION = { httpVersion: "1.1", httpVersionMajor: 1 } as const;

export function factsOf(request: Request, client: WebClientFacts | undefined): WebFacts {
  const { protocol, host, pathname, search } = new URL(request.url);
  const pairs = [...request.headers];
  const secure = client?.protocol ?? protocol.slice(0, -1);
  return {
    ...VERSION,
    request,
    method: request.method,
    url: pathname + search,
    rawHeaders: pairs.flat(),
    headers: { host, ...Object.fromEntries(pairs) },
    socket: { remoteAddress: client?.address, encrypted: secure === "https" },
  };
}

/** Where the body of a Request is. */
export function bodyOf(request: Request): ReceivedBody & { readonly stream?: Readable } {
  const { body } = request;
  if (request.bodyUsed || body?.locked === true) return { parsed: null, lost: READ };
  if (body === null || body === undefined) return { parsed: NO_BYTES };
  return { parsed: null, stream: streamOfWeb(body), length: lengthOf(request) };
}

const NO_BYTES = Buffer.alloc(0);
const READ =
  "the body of the Request was read before. Read a copy of it instead: request.clone().json()";
const DIGITS = /^\d{1,15}$/;

function lengthOf({ headers }: Request): number | null {
  const length = headers.get("content-length");
  return length !== null && DIGITS.test(length) ? Number(length) : null;
}

/** The protocol of an upgrade that only a connection can make, null for none. */
export function tunnelAsked({ headers }: Request): string | null {
  const upgrade = headers.get("upgrade");
  return upgrade !== null && /(?:^|[\s,])websocket(?:$|[\s,/])/i.test(upgrade) ? upgrade : null;
}

/** The client's side of an answer. */
export class WebClient implements AnswerFacts {
  readonly req = { httpVersionMajor: 1 };
  headersSent = false;
  statusCode = 0;
  writableFinished = false;
  #isClosed = false;
  #onClose: (() => void)[] = [];

  once(_event: "close", listener: () => void): void {
    this.#onClose.push(listener);
  }

  answered(status: number): void {
    this.headersSent = true;
    this.statusCode = status;
  }

  /** It has the whole answer, or will get no more of it. */
  close(whole: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.writableFinished = whole;
    for (const listener of this.#onClose) listener();
  }
}
