/**
 * The dispatcher that a fetch function is given, and the handler that it brings, behind one set of
 * words.
 *
 * The built-in fetch of Node 20 to 24 brings a handler in the style of undici 6 (`onConnect`), that
 * of Node 26 one in the style of undici 8 (`onRequestStart`); which one shows in the object, not in
 * a version number. Guarantee: what the handler throws gives up the exchange and never reaches the
 * parser that called us; an abort is remembered, so that its reason comes back in place of the
 * error that it caused.
 */
import { eventLoopTurn } from "../base/clock.js";
import { fieldsByName } from "../core/fields.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";

/** The receiver of one exchange, whatever its style. */
export interface FetchHandler {
  /** The exchange begins; it may be aborted from now on. */
  start(abort: (reason: unknown) => void, context?: object): void;
  /**
   * The head of an answer, interim ones (1xx) before the final one; names and values in turn,
   * latin1.
   */
  head(status: number, rawHeaders: readonly string[], text: string, resume: () => void): void;
  /** False asks for a pause until `resume` is called. */
  data(chunk: Buffer): boolean;
  end(trailers: readonly string[]): void;
  error(error: unknown): void;
}

/** Whether undici would take it for an ordinary exchange, in one of its versions. */
export function isFetchHandler(handler: unknown): handler is object {
  if (typeof handler !== "object" || handler === null) return false;
  const has = (name: string): boolean =>
    typeof (handler as Readonly<Record<string, unknown>>)[name] === "function";
  return has("onRequestStart") || OLD_STYLE.every(has);
}

const OLD_STYLE = ["onConnect", "onHeaders", "onData", "onComplete", "onError"];

/** Reads the style of a handler. Throws a TypeError for an object that is none. */
export function fetchHandler(handler: object): FetchHandler {
  if ("onRequestStart" in handler) return newStyle(handler as NewStyleHandler);
  if ("onHeaders" in handler) return new OldStyle(handler as OldStyleHandler);
  throw new TypeError("the fetch function brought a handler of an unknown style");
}

/**
 * Calls when the answer to a handler is over, and before that with a way to abort it, without
 * coming between the handler and its caller.
 */
export function whenHandled(
  handler: object,
  over: () => void,
  begun: (abort: (reason: unknown) => void) => void = () => {},
): object {
  const watched = Object.create(handler) as Record<string, unknown>;
  const before = (names: readonly string[], act: (first: unknown) => void): void => {
    for (const name of names) {
      const method = (handler as Readonly<Record<string, unknown>>)[name];
      if (typeof method !== "function") continue;
      watched[name] = (...args: readonly unknown[]): unknown => {
        act(args[0]);
        return method.apply(watched, args);
      };
    }
  };
  before(["onComplete", "onError", "onResponseEnd", "onResponseError"], over);
  before(["onConnect"], (abort) => begun(abort as (reason: unknown) => void));
  before(["onRequestStart"], (controller) =>
    begun((reason) => (controller as NewStyleController).abort(reason)),
  );
  return watched;
}

interface OldStyleHandler {
  onConnect?(abort: (reason: unknown) => void, context: object): void;
  onResponseStarted?(): void;
  onHeaders(status: number, raw: readonly Buffer[], resume: () => void, text: string): unknown;
  onData?(chunk: Buffer): unknown;
  onComplete?(trailers: readonly Buffer[]): void;
  onError?(error: unknown): void;
}

class OldStyle implements FetchHandler {
  readonly #handler: OldStyleHandler;

  constructor(handler: OldStyleHandler) {
    this.#handler = handler;
  }

  start(abort: (reason: unknown) => void, context: object = {}): void {
    this.#handler.onConnect?.(abort, context);
  }

  head(status: number, rawHeaders: readonly string[], text: string, resume: () => void): void {
    this.#handler.onResponseStarted?.();
    this.#handler.onHeaders(status, asBuffers(rawHeaders), resume, text);
  }

  data(chunk: Buffer): boolean {
    return this.#handler.onData?.(chunk) !== false;
  }

  end(trailers: readonly string[]): void {
    this.#handler.onComplete?.(asBuffers(trailers));
  }

  error(error: unknown): void {
    this.#handler.onError?.(error);
  }
}

type Fields = Readonly<Record<string, string | readonly string[]>>;

interface NewStyleHandler {
  onRequestStart?(controller: NewStyleController, context: object): void;
  onResponseStarted?(): void;
  onResponseStart?(
    controller: NewStyleController,
    status: number,
    headers: Fields,
    text: string,
  ): void;
  onResponseData?(controller: NewStyleController, chunk: Buffer): void;
  onResponseEnd?(controller: NewStyleController, trailers: Fields): void;
  onResponseError?(controller: NewStyleController, error: unknown): void;
}

interface NewStyleController {
  readonly aborted: boolean;
  readonly reason: unknown;
  readonly paused: boolean;
  rawHeaders: readonly Buffer[] | null;
  rawTrailers: readonly Buffer[] | null;
  abort(reason: unknown): void;
  pause(): void;
  resume(): void;
}

function newStyle(handler: NewStyleHandler): FetchHandler {
  const state = { aborted: false, reason: null as unknown, paused: false };
  let onAbort: (reason: unknown) => void = () => {};
  let onResume: () => void = () => {};
  const controller: NewStyleController = {
    get aborted() {
      return state.aborted;
    },
    get reason() {
      return state.reason;
    },
    get paused() {
      return state.paused;
    },
    rawHeaders: null,
    rawTrailers: null,
    abort(reason) {
      if (state.aborted) return;
      state.aborted = true;
      state.reason = reason;
      onAbort(reason);
    },
    pause() {
      state.paused = true;
    },
    resume() {
      state.paused = false;
      onResume();
    },
  };
  return {
    start(abort, context = {}) {
      onAbort = abort;
      handler.onRequestStart?.(controller, context);
    },
    head(status, rawHeaders, text, resume) {
      onResume = resume;
      controller.rawHeaders = asBuffers(rawHeaders);
      handler.onResponseStarted?.();
      handler.onResponseStart?.(controller, status, fieldsByName(rawHeaders) as Fields, text);
    },
    data(chunk) {
      handler.onResponseData?.(controller, chunk);
      return !state.paused;
    },
    end(trailers) {
      controller.rawTrailers = asBuffers(trailers);
      handler.onResponseEnd?.(controller, fieldsByName(trailers) as Fields);
    },
    error: (error) => handler.onResponseError?.(controller, error),
  };
}

function asBuffers(fields: readonly string[]): Buffer[] {
  return fields.map((text) => Buffer.from(text, "latin1"));
}

export class FetchDelivery {
  /** Why the handler gave up; null while it has not. */
  aborted: { readonly reason: unknown } | null = null;
  readonly #handler: FetchHandler;
  readonly #giveUp: (reason: unknown) => void;
  /** That of the answer; null before there is one. */
  protected body: ResponseBody | null = null;
  #paused = false;

  constructor(handler: FetchHandler, giveUp: (reason: unknown) => void) {
    this.#handler = handler;
    this.#giveUp = giveUp;
  }

  /** `context` is what undici calls so: what dispatchers say to the caller of the request. */
  start(context: object = {}): void {
    try {
      this.#handler.start((reason) => this.#abort(reason), context);
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Reports an interim answer (1xx). */
  information(status: number, rawHeaders: readonly string[]): void {
    if (this.aborted !== null) return;
    try {
      this.#handler.head(status, rawHeaders, "", () => {});
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Reports the head, and lets the body flow to the sink. */
  answer(response: UpstreamResponse<ResponseBody>, sink: BodySink): void {
    const { status, statusText, rawHeaders, body } = response;
    this.body = body;
    try {
      this.#handler.head(status, rawHeaders, statusText, () => this.resume());
    } catch (error) {
      this.#abort(error);
    }
    body.pipeTo(sink);
  }

  data(chunk: Buffer): boolean {
    // What was here already when the handler gave up is no answer to it any more.
    if (this.aborted !== null) return true;
    try {
      this.#paused = !this.#handler.data(chunk);
    } catch (error) {
      this.#abort(error);
    }
    return !this.#paused;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.body?.resume();
  }

  end(trailers: readonly string[]): void {
    if (this.aborted !== null) {
      this.error(this.aborted.reason);
      return;
    }
    try {
      this.#handler.end(trailers);
    } catch (error) {
      // Nothing is left to be given up. Handlers of undici that ask again throw here, and wait for
      // their own error.
      this.error(error);
    }
  }

  /** Reports this error. */
  error(reported: unknown): void {
    try {
      this.#handler.error(reported);
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Reports the reason of the abort where there was one, and else the error. */
  fail(errorOf: () => unknown): void {
    const { aborted } = this;
    this.error(aborted === null ? errorOf() : aborted.reason);
  }

  /**
   * The same behind the head of an answer, and never within its turn: a fetch function that has not
   * made a Response of the head by then waits for the rest of the body for ever.
   */
  breakOff(errorOf: () => unknown): void {
    void eventLoopTurn().then(() => this.fail(errorOf));
  }

  #abort(reason: unknown): void {
    this.aborted ??= { reason };
    this.#giveUp(reason);
  }
}

const BRAND = Symbol.for("good-gateway.fetchDispatcher");

/** Whether a fetch function was called by a gateway, of this or any other copy of the package. */
export function isFetchDispatcher(value: unknown): boolean {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** What a fetch function asks its dispatcher to send. */
export interface FetchDispatch {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** The part of undici's dispatchers that a fetch function uses, the same in all versions. */
export class FetchDispatcher {
  readonly [BRAND] = true;
  readonly #send: (asked: FetchDispatch, handler: object) => void;

  constructor(send: (asked: FetchDispatch, handler: object) => void) {
    this.#send = send;
  }

  dispatch(asked: FetchDispatch, handler: object): boolean {
    this.#send(asked, handler);
    return true;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}

/** Nothing is sent for this handler; it is given the error. */
export function refuseDispatch(handler: object, error: unknown): void {
  const delivery = new FetchDelivery(fetchHandler(handler), () => {});
  delivery.start();
  delivery.error(error);
}
