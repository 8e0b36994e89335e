/**
 * The request of a fetch call as the pipe carries it. It is what the caller's arguments say until
 * the fetch function dispatches; from then on it is what the function has made of them.
 */
import { Readable } from "node:stream";
import { takeContentLength } from "../../core/fields.js";
import { ReplayBody } from "../../core/replay-body.js";
import type { GatewayRequest } from "../../core/request.js";
import { partsOf } from "../../transports/body-kinds.js";
import type { FetchAsk } from "../../transports/fetch.js";
import type { FetchDispatch } from "../../transports/fetch-dispatcher.js";

export class FetchRequest implements GatewayRequest {
  method: string;
  path: string;
  headers: readonly string[];
  body: ReplayBody | null;
  contentLength: number | null;
  replayable: boolean;
  beyondPrefix = false;
  readonly viaFetch = true;
  readonly upgrade = null;
  readonly onInformation = null;
  /** Of the call's first request; a redirect is not asked of the function again. */
  readonly ask: FetchAsk | null;
  #source: Readable | null = null;

  constructor(
    ask: FetchAsk | null,
    first: Pick<GatewayRequest, "method" | "path" | "headers" | "body" | "replayable">,
  ) {
    this.ask = ask;
    this.method = first.method;
    this.path = first.path;
    this.headers = first.headers;
    this.body = first.body;
    this.contentLength = first.body?.complete === true ? first.body.bytesRead : null;
    this.replayable = first.replayable;
  }

  /**
   * Takes the words of a dispatch. `length` is that of the body where the function cannot know it;
   * `keepsBytes` says that the function sends the bytes that are here already.
   */
  take(
    asked: FetchDispatch,
    path: string,
    keptBytesMax: number,
    length: number | null,
    keepsBytes: boolean,
  ): void {
    const { body } = asked;
    const fields = fieldsOf(asked.headers);
    const announced = body === null || body === undefined ? null : takeContentLength(fields);
    this.method = asked.method;
    this.path = path;
    this.headers = fields;
    if (hasField(fields, "idempotency-key")) this.replayable = true;
    if (body === null || body === undefined) this.#noBody();
    else if (!keepsBytes) this.#read(body, keptBytesMax, announced ?? length);
  }

  #noBody(): void {
    this.body = null;
    this.contentLength = null;
  }

  /** Nothing is sent any more. */
  close(): void {
    const source = this.#source;
    if (source !== null && !source.readableEnded) source.destroy();
  }

  #read(body: unknown, keptBytesMax: number, length: number | null): void {
    if (typeof body === "string" || body instanceof Uint8Array) {
      this.body = ReplayBody.fromBuffer(Buffer.from(body as Uint8Array));
      this.contentLength = this.body.bytesRead;
      return;
    }
    const source =
      body instanceof Readable
        ? body
        : Readable.from(partsOf(body as AsyncIterable<unknown>), { objectMode: false });
    source.on("error", () => {});
    this.#source = source;
    this.contentLength = length;
    const bytesMax = Number.POSITIVE_INFINITY;
    this.body = ReplayBody.fromStream(source, {
      ...{ keptBytesMax, bytesMax, onDemand: null, length },
      sourceOf: "application",
    });
  }
}

/** Names and values in turn, of an object of a dispatch. */
function fieldsOf(headers: unknown): string[] {
  if (headers === null || headers === undefined) return [];
  if (Array.isArray(headers)) return headers.flat().map(String);
  const pairs = Symbol.iterator in Object(headers) ? [...(headers as Pairs)] : entriesOf(headers);
  return pairs.flatMap(([name, value]) => [value].flat().flatMap((one) => [name, String(one)]));
}

type Pairs = Iterable<readonly [name: string, value: unknown]>;

function entriesOf(headers: unknown): [string, unknown][] {
  return Object.entries(headers as object).filter(([, value]) => value !== undefined);
}

function hasField(fields: readonly string[], name: string): boolean {
  return fields.some((field, at) => at % 2 === 0 && field.toLowerCase() === name);
}
