/**
 * An answer on its way to the handler of a fetch or of a dispatcher.
 *
 * Guarantee: what the handler throws gives up the exchange and never reaches the parser that called
 * us; an abort is remembered, so that its reason comes back in place of the error that it caused.
 */
import { eventLoopTurn } from "../base/clock.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import type { FetchHandler } from "./fetch-handler.js";

export class FetchDelivery {
  /** Why the handler gave up; null while it has not. */
  aborted: { readonly reason: unknown } | null = null;
  readonly #handler: FetchHandler;
  readonly #giveUp: (reason: unknown) => void;
  #body: ResponseBody | null = null;
  #paused = false;

  constructor(handler: FetchHandler, giveUp: (reason: unknown) => void) {
    this.#handler = handler;
    this.#giveUp = giveUp;
  }

  /** `context` is what undici calls so: what dispatchers tell the caller of the request. */
  start(context: object = {}): void {
    try {
      this.#handler.start((reason) => this.#abort(reason), context);
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Tells an interim answer (1xx). */
  information(status: number, rawHeaders: readonly string[]): void {
    if (this.aborted !== null) return;
    try {
      this.#handler.head(status, rawHeaders, "", () => {});
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Tells the head, and lets the body flow to the sink. */
  answer(response: UpstreamResponse<ResponseBody>, sink: BodySink): void {
    const { status, statusText, rawHeaders, body } = response;
    this.#body = body;
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
    this.#body?.resume();
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

  /** Tells this error. */
  error(told: unknown): void {
    try {
      this.#handler.error(told);
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Tells the reason of the abort where there was one, and else the error. */
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
