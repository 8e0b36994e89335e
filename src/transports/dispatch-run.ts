/**
 * One exchange through a dispatcher of somebody else: any version of undici from 7 on, with
 * whatever is composed around it.
 *
 * Place: where a transport stands. Guarantee: one outcome, and one end, with the body. What proves
 * that nothing was sent is that the request has not started: an error code alone cannot. Not here:
 * connections and their age, which are the dispatcher's own.
 */
import type { Readable } from "node:stream";
import { LIMITS } from "../catalog/defaults.js";
import type { FailureCode } from "../catalog/failures.js";
import type { CutBy, Cuttable } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import { NamedError } from "../core/named-error.js";
import {
  type EndListener,
  noResponse,
  type Outcome,
  tellEnd,
  type UpstreamResponse,
} from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import { receivedFailure } from "../core/received-failure.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";

/** The dispatch function of an undici of version 7 or 8. */
export type Dispatch = (options: object, handler: object) => boolean;

interface Controller {
  readonly rawHeaders?: readonly unknown[] | null;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;
type State = "starting" | "waiting" | "receiving" | "over";

export class DispatchRun extends Pending<ResponseBody> implements ResponseBody, Cuttable {
  readonly upgraded = null;
  readonly contentLength = null;
  bufferedBytes = 0;
  readonly #exchange: Exchange;
  readonly #wallNow: () => number;
  #state: State = "starting";
  #controller: Controller | null = null;
  #body: Readable | null = null;
  #sink: BodySink | null = null;
  #buffered: Buffer[] = [];
  #trailers: readonly string[] = [];
  #brokenBy: FailureCode | null = null;
  #paused = false;
  #delivered = false;
  #listeners: EndListener[] = [];

  constructor(exchange: Exchange, wallNow: () => number) {
    super();
    this.#exchange = exchange;
    this.#wallNow = wallNow;
  }

  /** Sends what the options say; `body` is the stream among them, if there is one. */
  begin(dispatch: Dispatch, options: object, body: Readable | null): this {
    this.#body = body;
    this.#exchange.enter("connect");
    this.#exchange.cancellation.add(this);
    try {
      if (!this.#isOver()) dispatch(options, this);
    } catch (error) {
      this.#fail(error);
    }
    return this;
  }

  // --- what the dispatcher tells ---

  onRequestStart(controller: Controller): void {
    const { timeline, cancellation, request } = this.#exchange;
    if (this.#isOver() || cancellation.by !== null) {
      controller.abort(new NamedError("proxy_internal_error"));
      return;
    }
    this.#controller = controller;
    this.#state = "waiting";
    timeline.written = true;
    this.#exchange.enter("send");
    if (request.body === null || request.body.complete) this.#exchange.enter("wait");
    // Not before: who listens for data lets it flow, and now the dispatcher is here to take it.
    this.#body?.on("data", () => {
      if (!this.#isOver()) this.#exchange.progress();
    });
    this.#body?.once("end", () => {
      if (this.#state === "waiting") this.#exchange.enter("wait");
    });
  }

  onResponseStart(controller: Controller, status: number, fields: Fields, text?: string): void {
    if (status < 200 || this.#state !== "waiting") return;
    this.#controller = controller;
    this.#state = "receiving";
    this.#exchange.enter("receive");
    this.settle(this.#answer(status, rawFields(controller, fields), text ?? ""));
    if (this.#sink === null) controller.pause();
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#state !== "receiving") return;
    this.#exchange.timeline.receivedBytes += chunk.length;
    this.#exchange.progress();
    // What has been read already still comes after a pause; it must not overtake what waits.
    if (this.#sink === null || this.#paused || this.#buffered.length > 0) {
      this.#buffered.push(chunk);
      this.bufferedBytes += chunk.length;
    } else if (!this.#sink.data(chunk)) this.#pause();
  }

  onResponseEnd(_controller: Controller, trailers: Fields | null): void {
    if (this.#isOver()) return;
    this.#trailers = flat(trailers ?? {});
    this.#close(null);
    this.#deliverEnd();
  }

  onResponseError(_controller: Controller | null | undefined, error: unknown): void {
    this.#fail(error);
  }

  // --- the body, for whoever delivers it ---

  takeWhole(): Buffer | null {
    return null;
  }

  pipeTo(sink: BodySink): void {
    this.#sink = sink;
    this.#goOn();
  }

  resume(): void {
    this.#exchange.progress();
    this.#goOn();
  }

  cut(by: CutBy): void {
    if (this.#isOver()) return;
    const error = new NamedError("proxy_internal_error", by);
    const controller = this.#controller;
    this.#fail(error);
    // Where it has not started yet, it is aborted as soon as it does.
    controller?.abort(error);
  }

  #answer(
    status: number,
    rawHeaders: readonly string[],
    statusText: string,
  ): Outcome<ResponseBody> {
    const target = this.#exchange.target.id;
    const failure = receivedFailure(status, rawHeaders, this.#wallNow, target);
    const response = this.#responseOf(status, rawHeaders, statusText);
    if (failure !== null) return { kind: "error_response", response, failure };
    return { kind: "success", response };
  }

  #responseOf(
    status: number,
    rawHeaders: readonly string[],
    statusText: string,
  ): UpstreamResponse<ResponseBody> {
    const onFinished = (listener: EndListener): void => {
      if (this.#isOver()) tellEnd(listener, this.#brokenBy);
      else this.#listeners.push(listener);
    };
    return {
      status,
      statusText,
      rawHeaders,
      get headers() {
        return asRecord(rawHeaders);
      },
      body: this,
      get finished() {
        return new Promise<FailureCode | null>((resolve) => onFinished(resolve));
      },
      onFinished,
      discard: () => Promise.resolve(this.#discard()),
    };
  }

  /** A short rest is read so that the connection can be kept; a long one costs more than that. */
  #discard(): void {
    let left = LIMITS.discardBytesMax;
    const data = (chunk: Buffer): boolean => {
      left -= chunk.length;
      if (left < 0 && !this.#isOver()) {
        this.#close(null);
        this.#controller?.abort(new NamedError("proxy_internal_error"));
      }
      return true;
    };
    this.pipeTo({ data, end: ignore, broken: ignore });
  }

  #fail(error: unknown): void {
    if (this.#isOver()) return;
    const { timeline, cancellation, target } = this.#exchange;
    const headWasUp = this.#state === "receiving";
    const code = classifyError(timeline, cancellation.by, error);
    const failure = { code, target: target.id, cause: error };
    this.#close(code);
    if (headWasUp) this.#buffered = [];
    else this.settle(noResponse(timeline.written ? { ...failure, written: true } : failure));
    this.#deliverEnd();
  }

  #close(code: FailureCode | null): void {
    this.#state = "over";
    this.#brokenBy = code;
    this.#exchange.cancellation.remove(this);
    this.#exchange.end();
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) tellEnd(listener, code);
  }

  #pause(): void {
    this.#paused = true;
    this.#exchange.timeline.clientBlocked = true;
    this.#controller?.pause();
  }

  #goOn(): void {
    this.#paused = false;
    this.#exchange.timeline.clientBlocked = false;
    while (this.#buffered.length > 0 && !this.#paused) {
      const chunk = this.#buffered.shift() as Buffer;
      this.bufferedBytes -= chunk.length;
      if (this.#sink?.data(chunk) === false) this.#pause();
    }
    if (this.#isOver()) this.#deliverEnd();
    else if (!this.#paused) this.#controller?.resume();
  }

  #deliverEnd(): void {
    if (this.#sink === null || this.#delivered || this.#buffered.length > 0) return;
    this.#delivered = true;
    if (this.#brokenBy === null) this.#sink.end(this.#trailers);
    else this.#sink.broken(this.#brokenBy);
  }

  #isOver(): boolean {
    return this.#state === "over";
  }
}

/** Names and values in turn; with repeated names as they came, where the dispatcher keeps them. */
function rawFields({ rawHeaders }: Controller, fields: Fields): readonly string[] {
  if (!Array.isArray(rawHeaders)) return flat(fields);
  return rawHeaders.map((part) => (Buffer.isBuffer(part) ? part.toString("latin1") : String(part)));
}

function flat(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((text) => [name, text as string]),
  );
}

function asRecord(raw: readonly string[]): Record<string, string | string[] | undefined> {
  // No prototype: a field may be called `__proto__`.
  const fields = Object.create(null) as Record<string, string | string[] | undefined>;
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    const before = fields[name];
    fields[name] = before === undefined ? value : [before, value].flat();
  }
  return fields;
}

function ignore(): void {}
