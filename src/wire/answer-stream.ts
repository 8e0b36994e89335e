/**
 * The body of an upstream's answer as a stream of Node, for code that reads streams: at the pace of
 * its reader, with an error where it breaks, and given up with the stream.
 */
import { Readable } from "node:stream";
import type { FailureCode } from "../catalog/failures.js";
import { GatewayError } from "../core/failure.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";

/** Begins when it is first read. */
export class AnswerStream extends Readable implements BodySink {
  readonly #response: UpstreamResponse<ResponseBody>;
  #isFlowing = false;
  #isOver = false;

  constructor(response: UpstreamResponse<ResponseBody>) {
    super();
    this.#response = response;
  }

  /** It is being read, or about to be. */
  isTaken(): boolean {
    return this.#isFlowing || this.readableFlowing !== null || this.listenerCount("readable") > 0;
  }

  /** Its content is written in another way. */
  close(): void {
    this.#isOver = true;
  }

  override _read(): void {
    const { body } = this.#response;
    if (this.#isOver) this.push(null);
    else if (this.#isFlowing) body.resume();
    else {
      this.#isFlowing = true;
      body.pipeTo(this);
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isOver) void this.#response.discard();
    done(error);
  }

  data(chunk: Buffer): boolean {
    return this.destroyed || this.push(chunk);
  }

  end(): void {
    this.#isOver = true;
    this.push(null);
  }

  broken(code: FailureCode): void {
    this.#isOver = true;
    this.destroy(new GatewayError("the answer broke off", { code }, 1));
  }
}
