/**
 * An exchange whose answer comes to us part by part, and the one receiver of its body: buffers,
 * pauses, resumes, discards, counts and ends, whatever engine reads the bytes.
 *
 * Guarantee: the reader's speed is the upstream's speed; nothing overtakes what waits; what was
 * read of a broken body before a reader came is delivered before the break.
 */
import type { Duplex } from "node:stream";
import { LIMITS } from "../catalog/defaults.js";
import type { Failure } from "../core/failure.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { BodySink, ResponseBody, Tunnel } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import { EngineResponse } from "./engine-response.js";
import { EngineRun, type RunTerms } from "./engine-run.js";
import type { ResponseHead } from "./response-head.js";

/** Costs less than `queueMicrotask`, and every exchange needs one. */
const RESOLVED = Promise.resolve();
const EMPTY = Buffer.alloc(0);

export abstract class ReceivingRun extends EngineRun<ResponseBody> implements ResponseBody {
  protected head: ResponseHead | null = null;
  bufferedBytes = 0;
  upgraded: Tunnel | null = null;
  private sink: BodySink | null = null;
  private buffered: Buffer[] = [];
  private trailers: readonly string[] = [];
  private paused = false;
  private delivered = false;

  // Written down: one that is left out makes a list of its arguments for every exchange.
  constructor(exchange: Exchange, terms: RunTerms) {
    super(exchange, terms);
  }

  // --- what an engine provides ---

  /** Reads nothing more until `letFlow`; what has been read already may still come. */
  protected abstract holdBack(): void;
  protected abstract letFlow(): void;
  /** Ends the engine's work on an answer of which no more is wanted; that is no failure. */
  protected abstract drop(): void;

  // --- what an engine reports ---

  /** The head of the final answer, checked. */
  protected headIn(head: ResponseHead): void {
    this.head = head;
    this.receive();
    // The rest of what was read together with the head is parsed before a microtask runs: an answer
    // that breaks within it was passed to no one yet and is no answer.
    void RESOLVED.then(() => this.settleAnswer(head));
  }

  /** The protocol was switched; to be said before the head. */
  protected tunnelOver(socket: Duplex): Tunnel {
    this.exchange.switched();
    return {
      socket,
      progress: () => this.exchange.progress(),
      closing: () => this.exchange.halfClosed(),
      end: () => this.giveUp(),
    };
  }

  /** A part of the body. */
  protected bodyIn(chunk: Buffer): void {
    if (this.state !== "receiving" || !this.count(chunk.length)) return;
    // What has been read already still comes after a pause; it must not overtake what waits.
    const direct = this.sink !== null && !this.paused && this.bufferedBytes === 0;
    const more = direct ? this.sink?.data(chunk) : this.buffer(chunk);
    if (more === false) this.pause();
  }

  /** The body is whole. */
  protected endIn(trailers: readonly string[]): void {
    if (this.state === "over") return;
    this.trailers = trailers;
    this.finish();
  }

  // --- the body, for the reader ---

  get contentLength(): number | null {
    return this.head?.contentLength ?? null;
  }

  takeWhole(): Buffer | null {
    if (this.state !== "over" || this.brokenBy !== null || this.trailers.length > 0) return null;
    if (this.sink !== null || this.delivered) return null;
    this.delivered = true;
    const first = this.buffered[0];
    if (first === undefined) return EMPTY;
    return this.buffered.length === 1 ? first : Buffer.concat(this.buffered);
  }

  pipeTo(sink: BodySink): void {
    this.sink = sink;
    this.goOn();
  }

  resume(): void {
    this.exchange.progress();
    this.goOn();
  }

  refuse(error: Error): void {
    if (this.state !== "over") this.breakOff(error);
  }

  /** Takes the place of a sink that has begun, too. */
  discard(): void {
    if (this.delivered) return;
    // What was upgraded has no rest that could be read.
    if (this.upgraded !== null) {
      this.giveUp();
      return;
    }
    let left = LIMITS.discardBytesMax;
    const timer = this.exchange.after(LIMITS.discardMs, () => this.giveUp());
    timer.unref();
    const over = (): void => timer.cancel();
    this.pipeTo({
      data: (chunk) => {
        left -= chunk.length;
        // A short rest is read so that the connection can be kept; a long one costs more than that.
        if (left < 0) this.giveUp();
        return true;
      },
      end: over,
      broken: over,
    });
  }

  /** The rest is not wanted. */
  giveUp(): void {
    if (this.state !== "receiving") return;
    this.drop();
    this.finish();
  }

  protected responseOf(head: ResponseHead): UpstreamResponse<ResponseBody> {
    return new EngineResponse(head, this, this);
  }

  protected ended(failure: Failure | null, _headWasUp: boolean): void {
    // A sink that has begun gets nothing more of a broken body; one that comes later gets it all.
    if (failure !== null && this.sink !== null) this.dropBuffered();
    if (this.bufferedBytes === 0 || failure !== null) this.deliverEnd();
  }

  private buffer(chunk: Buffer): boolean {
    // Most have one, and a list that grows by itself has room for seventeen.
    if (this.buffered.length > 0) this.buffered.push(chunk);
    else this.buffered = [chunk];
    this.bufferedBytes += chunk.length;
    return this.bufferedBytes < LIMITS.bufferedBytesMax;
  }

  private dropBuffered(): void {
    this.buffered = [];
    this.bufferedBytes = 0;
  }

  private pause(): void {
    this.paused = true;
    this.exchange.clientBehind(true);
    if (this.state === "receiving") this.holdBack();
  }

  /** Delivers what waits, then lets more come unless the sink has had enough again. */
  private goOn(): void {
    this.paused = false;
    this.exchange.clientBehind(false);
    while (this.buffered.length > 0 && !this.paused) {
      const chunk = this.buffered.shift() as Buffer;
      this.bufferedBytes -= chunk.length;
      if (this.sink?.data(chunk) === false) this.pause();
    }
    if (this.state === "over" && this.buffered.length === 0) this.deliverEnd();
    else if (this.state === "receiving" && !this.paused) this.letFlow();
  }

  private deliverEnd(): void {
    if (this.sink === null || this.delivered) return;
    this.delivered = true;
    if (this.brokenBy === null) this.sink.end(this.trailers);
    else this.sink.broken(this.brokenBy);
  }
}
