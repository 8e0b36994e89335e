/**
 * One exchange through a dispatcher of the application: any version of undici from 7 on, with
 * whatever is composed around it.
 *
 * Place: where a transport stands. What proves that nothing was sent is that the request has not
 * started: an error code alone cannot. Guarantee: what the record of an answer's fields says holds,
 * since interceptors change that; where the raw fields say the same they are taken. Not here:
 * connections and their age, which are the dispatcher's own.
 */
import type { Socket } from "node:net";
import { type Duplex, Readable } from "node:stream";
import { REFUSALS_OF_UNDICI } from "../catalog/error-codes.js";
import type { Failure } from "../core/failure.js";
import { NamedError } from "../core/named-error.js";
import { Pending } from "../core/pending.js";
import type { ResponseBody } from "../core/response-body.js";
import type { AddressGuard } from "../targets/address-guard.js";
import type { Exchange } from "../targets/exchange.js";
import type { RunTerms } from "./engine-run.js";
import { ReceivingRun } from "./receiving-run.js";
import { soundHead, soundTrailers } from "./response-head.js";
import { judgeSocket } from "./socket-judge.js";

/** The dispatch function of an undici of version 7 or 8. */
export type Dispatch = (options: object, handler: object) => boolean;

interface Controller {
  readonly rawHeaders?: unknown;
  readonly rawTrailers?: unknown;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

export class DispatchRun extends ReceivingRun {
  readonly outcome = new Pending<ResponseBody>();
  brokenCause: unknown;
  readonly #context: object;
  #controller: Controller | null = null;
  #body: Readable | null = null;
  /** Of what the dispatcher looks up itself; null where the address is given, or any will do. */
  #guard: AddressGuard | null = null;

  /** `context` takes what the dispatcher says of itself. */
  constructor(exchange: Exchange, terms: RunTerms, context: object = {}) {
    super(exchange, terms);
    this.#context = context;
  }

  /** Begins; the function leads to `send`, or to `fail`. */
  begin(find: () => void): Pending<ResponseBody> {
    this.exchange.enter("resolve");
    this.exchange.cancellation.add(this);
    if (!this.over) find();
    return this.outcome;
  }

  /** Sends what the options say; `guard` judges the address of a name. */
  send(
    dispatch: Dispatch,
    options: { readonly body?: unknown },
    guard: AddressGuard | null = null,
  ): void {
    if (this.over) return;
    this.#guard = guard;
    this.#body = options.body instanceof Readable ? options.body : null;
    this.exchange.enter("connect");
    try {
      dispatch(options, this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** What the dispatcher refuses to send at all says nothing of the target. */
  override fail(error: unknown): void {
    const refused =
      this.state === "starting" && REFUSALS_OF_UNDICI.has((error as { code?: unknown })?.code);
    super.fail(refused ? new NamedError("bad_request", undefined, error) : error);
  }

  // --- what the dispatcher reports ---

  onRequestStart(controller: Controller, context?: object): void {
    const { timeline, cancellation, request } = this.exchange;
    if (this.over || cancellation.by !== null) {
      controller.abort(new NamedError("proxy_internal_error"));
      return;
    }
    Object.assign(this.#context, context);
    this.#controller = controller;
    this.state = "waiting";
    timeline.written = true;
    this.exchange.enter("send");
    if (request.body === null || request.body.complete) this.exchange.enter("wait");
    const guard = this.#guard;
    if (guard !== null) judgeSocket((socket) => this.#judge(guard, socket));
    // Not before: a listener for data lets it flow, and now the dispatcher is here to take it.
    this.#body?.on("data", () => {
      if (!this.over) this.exchange.progress();
    });
    this.#body?.once("end", () => {
      if (this.state === "waiting") this.exchange.enter("wait");
    });
  }

  #judge(guard: AddressGuard, { remoteAddress = "" }: Socket): void {
    try {
      guard.checkHost(remoteAddress);
    } catch (error) {
      this.breakOff(error as Error);
    }
  }

  onResponseStart(controller: Controller, status: number, fields: object, text?: string): void {
    if (this.state !== "waiting") return;
    this.#controller = controller;
    const given = fieldsGiven(fields, controller.rawHeaders);
    if (status < 200 && this.upgraded === null) {
      this.exchange.request.onInformation?.(status, given);
      return;
    }
    try {
      // The agent reads a reason as UTF-8, and its caller gets it as the agent gives it.
      const reason = text ?? "";
      const bytes = Buffer.from(reason).toString("latin1");
      this.headIn({ ...soundHead(status, bytes, given, this.terms.limits), statusText: reason });
    } catch (error) {
      this.breakOff(error as Error);
    }
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.bodyIn(chunk);
  }

  onRequestUpgrade(controller: Controller, status: number, fields: object, socket: Duplex): void {
    this.upgraded = this.tunnelOver(socket);
    this.onResponseStart(controller, status, fields);
  }

  onResponseEnd(controller: Controller, trailers: object | null): void {
    try {
      // An end without a head is none.
      if (this.state === "waiting") throw new NamedError("http_protocol_error");
      const given = fieldsGiven(trailers ?? {}, controller?.rawTrailers);
      this.endIn(soundTrailers(given, this.terms.limits));
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
    if (this.upgraded === null) this.#controller?.abort(error);
    else this.upgraded.socket.destroy();
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

  protected override ended(failure: Failure | null, headWasUp: boolean): void {
    this.brokenCause = failure?.cause;
    super.ended(failure, headWasUp);
  }
}

/** Names and values in turn, latin1. */
export function fieldsGiven(record: object, raw: unknown): readonly string[] {
  const named = Object.entries(record) as readonly [string, unknown][];
  const lines = Array.isArray(raw) ? raw.flat().map(latin1) : [];
  return sayTheSame(named, lines) ? lines : named.flatMap(([name, value]) => linesOf(name, value));
}

function linesOf(name: string, value: unknown): readonly string[] {
  const values = Array.isArray(value) ? value : [value];
  return values
    .filter((one) => one !== undefined && one !== null)
    .flatMap((one) => [name, latin1(one)]);
}

function sayTheSame(named: readonly [string, unknown][], lines: readonly string[]): boolean {
  const values = new Map<string, string[]>();
  for (let at = 0; at < lines.length; at += 2) {
    const name = (lines[at] as string).toLowerCase();
    const known = values.get(name);
    if (known === undefined) values.set(name, [lines[at + 1] as string]);
    else known.push(lines[at + 1] as string);
  }
  if (values.size !== named.length) return false;
  return named.every(([name, value]) => {
    const known = values.get(name.toLowerCase());
    const wanted = Array.isArray(value) ? value : [value];
    return known?.length === wanted.length && known.every((one, at) => one === latin1(wanted[at]));
  });
}

const BYTES = /^[\0-\xff]*$/;

/** What an interceptor has made up may have any characters; they are sent as UTF-8. */
function latin1(part: unknown): string {
  if (Buffer.isBuffer(part)) return part.toString("latin1");
  const text = String(part);
  return BYTES.test(text) ? text : Buffer.from(text).toString("latin1");
}
