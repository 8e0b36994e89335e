/**
 * The body of an upstream's answer on its way to a client, whatever kind of client that is. The
 * head waits for the first part of the body, at most a turn of the event loop: an answer that
 * breaks within the read that brought its head has not been sent, and the client gets a failure
 * instead.
 *
 * Guarantee: what the client's side throws ends this answer and nothing else: before the head it
 * becomes another answer, and after it the client is cut.
 */
import type { Clock, Timer } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import type { Failure } from "../core/failure.js";
import type { BodySink } from "../core/response-body.js";
import type { PassedAnswer } from "./passed-answer.js";

export interface HeldTerms {
  readonly clock: Pick<Clock, "turn">;
  /** Nothing of the answer was sent, and nothing will be; it can still be another answer. */
  brokenUnsent(failure: Failure): void;
}

/** A side of a client that takes an answer in parts. */
export abstract class HeldAnswer implements BodySink {
  protected readonly answer: PassedAnswer;
  readonly #terms: HeldTerms;
  #turn: Timer | null = null;
  #begun = false;
  /** Nothing more of this answer can be sent; what still comes of it goes nowhere. */
  #void = false;

  constructor(answer: PassedAnswer, terms: HeldTerms) {
    this.answer = answer;
    this.#terms = terms;
  }

  begin(): void {
    this.answer.response.body.pipeTo(this);
    if (!this.#begun) this.#turn = this.#terms.clock.turn(() => this.#open(true));
  }

  data(chunk: Buffer): boolean {
    if (!this.#begun) this.#open(false);
    if (this.#void) return true;
    try {
      return this.write(chunk);
    } catch {
      this.#giveUp("proxy_internal_error");
      return true;
    }
  }

  end(trailers: readonly string[]): void {
    if (!this.#begun) this.#open(false);
    if (this.#void) return;
    try {
      this.finish(trailers);
    } catch {
      this.#giveUp("http_protocol_error");
    }
  }

  broken(code: FailureCode): void {
    if (this.#void) return;
    this.#void = true;
    if (this.#begun) this.cut(code);
    else this.#instead({ code });
  }

  /** Sends the head, at once where no part of the body comes with it. May throw. */
  protected abstract head(alone: boolean): void;
  /** False asks for a pause until the body is resumed. May throw. */
  protected abstract write(chunk: Buffer): boolean;
  /** The answer is whole. May throw. */
  protected abstract finish(trailers: readonly string[]): void;
  /** The client must not take what it got for the whole. */
  protected abstract cut(code: FailureCode): void;

  #open(alone: boolean): void {
    this.#begun = true;
    this.#turn?.cancel();
    try {
      this.head(alone);
    } catch (cause) {
      // It holds something that cannot be sent.
      this.#void = true;
      void this.answer.response.discard();
      this.#instead({ code: "http_protocol_error", cause });
    }
  }

  #instead(failure: Failure): void {
    this.#begun = true;
    this.#turn?.cancel();
    this.#terms.brokenUnsent(failure);
  }

  #giveUp(code: FailureCode): void {
    this.#void = true;
    void this.answer.response.discard();
    this.cut(code);
  }
}
