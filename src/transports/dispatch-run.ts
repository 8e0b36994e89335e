/**
 * One exchange through a dispatcher of the application: any version of undici from 7 on, with
 * whatever is composed around it.
 *
 * Place: where a transport stands. What proves that nothing was sent is that the request has not
 * started: an error code alone cannot. Not here: connections and their age, which are the
 * dispatcher's own.
 */
import type { Readable } from "node:stream";
import { NamedError } from "../core/named-error.js";
import type { Outcome } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import type { RunTerms } from "./engine-run.js";
import { ReceivingRun } from "./receiving-run.js";
import { soundHead } from "./sound-head.js";
import { soundTrailers } from "./trailers.js";

/** The dispatch function of an undici of version 7 or 8. */
export type Dispatch = (options: object, handler: object) => boolean;

interface Controller {
  readonly rawHeaders?: readonly unknown[] | null;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

export class DispatchRun extends ReceivingRun {
  readonly outcome = new Pending<ResponseBody>();
  #controller: Controller | null = null;
  #body: Readable | null = null;

  constructor(exchange: Exchange, terms: RunTerms) {
    super(exchange, terms);
  }

  /** Sends what the options say; `body` is the stream among them, if there is one. */
  begin(dispatch: Dispatch, options: object, body: Readable | null): Pending<ResponseBody> {
    this.#body = body;
    this.exchange.enter("connect");
    this.exchange.cancellation.add(this);
    try {
      if (!this.over) dispatch(options, this);
    } catch (error) {
      this.fail(error);
    }
    return this.outcome;
  }

  // --- what the dispatcher reports ---

  onRequestStart(controller: Controller): void {
    const { timeline, cancellation, request } = this.exchange;
    if (this.over || cancellation.by !== null) {
      controller.abort(new NamedError("proxy_internal_error"));
      return;
    }
    this.#controller = controller;
    this.state = "waiting";
    timeline.written = true;
    this.exchange.enter("send");
    if (request.body === null || request.body.complete) this.exchange.enter("wait");
    // Not before: a listener for data lets it flow, and now the dispatcher is here to take it.
    this.#body?.on("data", () => {
      if (!this.over) this.exchange.progress();
    });
    this.#body?.once("end", () => {
      if (this.state === "waiting") this.exchange.enter("wait");
    });
  }

  onResponseStart(controller: Controller, status: number, fields: Fields, text?: string): void {
    if (status < 200 || this.state !== "waiting") return;
    this.#controller = controller;
    try {
      const raw = rawFields(controller, fields);
      this.headIn(soundHead(status, text ?? "", raw, this.terms.limits));
    } catch (error) {
      this.breakOff(error as Error);
    }
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.bodyIn(chunk);
  }

  onResponseEnd(_controller: Controller, trailers: Fields | null): void {
    try {
      this.endIn(soundTrailers(flat(trailers ?? {}), this.terms.limits));
    } catch (error) {
      this.fail(error);
    }
  }

  onResponseError(_controller: Controller | null | undefined, error: unknown): void {
    this.fail(error);
  }

  // --- what the exchange asks for ---

  /** Where it has not started yet, it is aborted as soon as it does (`onRequestStart`). */
  protected stop(error: Error): void {
    this.#controller?.abort(error);
  }

  protected drop(): void {
    this.finish();
    this.stop(new NamedError("proxy_internal_error"));
  }

  protected holdBack(): void {
    this.#controller?.pause();
  }

  protected letFlow(): void {
    this.#controller?.resume();
  }

  protected settle(outcome: Outcome<ResponseBody>): void {
    this.outcome.settle(outcome);
  }

  protected released(): void {}
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
