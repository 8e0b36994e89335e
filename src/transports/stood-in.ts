/**
 * An exchange that goes to what stands in for the network (stand-in.ts).
 *
 * A MockAgent takes it as any dispatcher does. The global fetch of msw or nock is asked first:
 * what it answers is the answer, and what it passes on to the network is sent as ever.
 */
import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { CutBy, Cuttable } from "../core/cancellation.js";
import { NamedError } from "../core/named-error.js";
import { whenOver } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import { type Dispatch, DispatchRun } from "./dispatch-run.js";
import type { RunTerms } from "./engine-run.js";
import { FetchDispatcher, refuseDispatch } from "./fetch-handler.js";
import { dispatchOf } from "./response-dispatch.js";
import { networkErrorOf } from "./stand-in.js";

type Words = Dispatcher.DispatchOptions;

/** Takes the exchange to a MockAgent. */
export function throughMockAgent(
  dispatch: Dispatch,
  exchange: Exchange,
  terms: RunTerms,
  wording: (exchange: Exchange) => Words,
): Pending<ResponseBody> {
  const run = new DispatchRun(exchange, terms);
  return run.begin(() => {
    whenBodyIsIn(exchange, () => {
      const words = wordsOf(exchange, wording);
      wholeBody(words.body).then(
        (body) => run.send(dispatch, { ...words, ...placeOf(exchange), body }),
        (error: unknown) => run.fail(error),
      );
    });
  });
}

/** Mocks compare texts, which a fetch gives them as it was given them; so streams are read out. */
async function wholeBody(body: unknown): Promise<unknown> {
  const bytes = body instanceof Readable ? Buffer.concat(await body.toArray()) : body;
  return Buffer.isBuffer(bytes) && isUtf8(bytes) ? bytes.toString() : bytes;
}

function placeOf(exchange: Exchange): object {
  return { origin: originOf(exchange) };
}

/** A small body is parsed together with its head, before a microtask runs; it is then whole. */
function whenBodyIsIn({ request }: Exchange, then: () => void): void {
  if (request.body === null) then();
  else queueMicrotask(then);
}

/** Asks the global fetch; `send` sends what that passes on, with the body that it gives. */
export function throughFetch(
  exchange: Exchange,
  terms: RunTerms,
  wording: (exchange: Exchange) => Words,
  send: (words: Words) => Pending<ResponseBody>,
): Pending<ResponseBody> {
  const asking = new StoodInExchange(exchange, terms, send);
  whenBodyIsIn(exchange, () => asking.begin(wordsOf(exchange, wording)));
  return asking;
}

/** It is not asked whether a body is wanted. */
function wordsOf(exchange: Exchange, wording: (exchange: Exchange) => Words): Words {
  exchange.request.body?.askNoMore();
  return wording(exchange);
}

function originOf({ target }: Exchange): string {
  return `${target.protocol}//${target.authority}`;
}

class StoodInExchange extends Pending<ResponseBody> implements Cuttable {
  readonly #exchange: Exchange;
  readonly #terms: RunTerms;
  readonly #send: (words: Words) => Pending<ResponseBody>;
  readonly #controller = new AbortController();
  #words: Words | null = null;
  #isOver = false;

  constructor(exchange: Exchange, terms: RunTerms, send: (words: Words) => Pending<ResponseBody>) {
    super();
    this.#exchange = exchange;
    this.#terms = terms;
    this.#send = send;
  }

  begin(words: Words): void {
    this.#words = words;
    this.#exchange.enter("connect");
    this.#exchange.cancellation.add(this);
    if (this.#isOver) return;
    this.#ask(words).then(
      (response) => this.#take(dispatchOf(response)),
      (error: unknown) => {
        const unanswered = networkErrorOf(error);
        // It may have been sent.
        if (unanswered !== null) this.#exchange.timeline.written = true;
        this.#take(throwing(unanswered ?? error));
      },
    );
  }

  cut(by: CutBy): void {
    const error = new NamedError("proxy_internal_error", by);
    this.#take(throwing(error));
    this.#controller.abort(error);
  }

  async #ask({ method, path, headers, body }: Words): Promise<Response> {
    const fields = new Headers();
    const list = (headers ?? []) as readonly string[];
    for (let at = 0; at < list.length; at += 2) {
      fields.append(list[at] as string, list[at + 1] as string);
    }
    const carries = method !== "GET" && method !== "HEAD" && body !== null;
    const init = {
      ...{ method, headers: fields, redirect: "manual", signal: this.#controller.signal },
      ...(carries ? { body, duplex: "half" } : {}),
      dispatcher: new FetchDispatcher((asked, handler) => {
        this.#passOn(carries ? asked.body : body, handler);
      }),
    };
    return globalThis.fetch(originOf(this.#exchange) + path, init as unknown as RequestInit);
  }

  /** It is for the network; the fetch, whose body is sent, ends with it and is not listened to. */
  #passOn(body: unknown, handler: object): void {
    const over = (): void => refuseDispatch(handler, new NamedError("proxy_internal_error"));
    if (!this.#end()) {
      over();
      return;
    }
    const words = { ...(this.#words as Words), body: body as NonNullable<Words["body"]> };
    this.#send(words).subscribe((outcome) => {
      this.settle(outcome);
      whenOver(outcome, over);
    });
  }

  /** The stand-in has answered, or has refused. */
  #take(dispatch: Dispatch): void {
    if (!this.#end()) return;
    const run = new DispatchRun(this.#exchange, this.#terms);
    run.begin(() => run.send(dispatch, {})).subscribe((outcome) => this.settle(outcome));
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#exchange.cancellation.remove(this);
    return true;
  }
}

function throwing(error: unknown): Dispatch {
  return () => {
    throw error;
  };
}
