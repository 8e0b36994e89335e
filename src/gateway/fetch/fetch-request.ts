/**
 * The request of a fetch call: what the pipe carries, and what each attempt asks its fetch function
 * for.
 *
 * It is one object, so that an attempt finds the one by the other without a table.
 */
import type { ReplayBody } from "../../core/replay-body.js";
import type { GatewayRequest } from "../../core/request.js";
import type { FetchAsk, FetchFunction } from "../../transports/fetch.js";
import type { FetchBody } from "../../transports/fetch-body.js";
import type { FetchDispatcher } from "../../transports/fetch-dispatcher.js";
import type { FetchArguments } from "./fetch-arguments.js";

export class FetchRequest implements GatewayRequest, FetchAsk {
  readonly fetch: FetchFunction;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: ReplayBody | null;
  readonly contentLength: number | null;
  readonly replayable: boolean;
  readonly upgrade = null;
  readonly onInformation = null;
  readonly sent: FetchBody;
  abort: ((reason: unknown) => void) | null = null;
  refusedBy: { readonly error: unknown } | null = null;
  readonly #asked: FetchArguments;

  constructor(
    fetch: FetchFunction,
    asked: FetchArguments,
    body: FetchBody,
    path: string,
    replayable: boolean,
  ) {
    const { replay } = body;
    this.fetch = fetch;
    this.method = asked.method;
    this.path = path;
    this.headers = asked.fields;
    this.body = replay;
    this.contentLength = replay?.complete === true ? replay.bytesRead : null;
    this.replayable = replayable || asked.headers.has("idempotency-key");
    this.sent = body;
    this.#asked = asked;
  }

  get signal(): AbortSignal | undefined {
    return this.#asked.signal;
  }

  get hasSignal(): boolean {
    return this.#asked.signal !== undefined;
  }

  init(
    fields: readonly string[] | null,
    dispatcher: FetchDispatcher,
    signal: AbortSignal | undefined,
  ): RequestInit {
    const { method, init } = this.#asked;
    const headers = fields === null ? this.#asked.headers : withFields(this.#asked.headers, fields);
    const added = { method, headers, dispatcher, signal };
    const body = this.sent.give();
    return (body === undefined ? { ...init, ...added } : { ...init, ...added, body }) as object;
  }
}

function withFields(headers: Headers, added: readonly string[]): Headers {
  const sent = new Headers(headers);
  for (let index = 0; index < added.length; index += 2) {
    sent.set(added[index] as string, added[index + 1] as string);
  }
  return sent;
}
