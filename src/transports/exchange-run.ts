/**
 * One exchange on its way through one connection: undici's handler, the guard's waiter and the body
 * that goes up, in one object, since every exchange makes one.
 *
 * Guarantee: `settled` is called exactly once with the outcome; the exchange ends exactly once,
 * with its body; after a cut nothing more is delivered. Errors become names in one place (`fail`).
 */
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Clock } from "../base/clock.js";
import { LIMITS } from "../catalog/defaults.js";
import type { FailureCode } from "../catalog/failures.js";
import type { CutBy, Cuttable } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import { NamedError } from "../core/named-error.js";
import { type EndListener, type Outcome, tellEnd } from "../core/outcome.js";
import { receivedFailure } from "../core/received-failure.js";
import type { BodySink, ResponseBody, Tunnel } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import type { Connection } from "./connection.js";
import type { HeadWaiter } from "./head-guard.js";
import type { ResponseHead } from "./response-head.js";
import { decodeTrailers, type TrailerLimits } from "./trailers.js";
import { TransportResponse } from "./transport-response.js";

export interface RunEnd {
  /** The outcome: once, when the head of the answer is here or there will be none. */
  settled(outcome: Outcome<ResponseBody>): void;
  /** The connection was dead before anything was written: take another one. */
  neverStarted(error: unknown): void;
  /** The exchange is over; the connection may serve the next one. */
  released(connection: Connection): void;
}

/** What all runs of a transport share. */
export interface RunContext {
  readonly bodyBytesMax: number;
  readonly limits: TrailerLimits;
  readonly wallNow: () => number;
  readonly clock: Pick<Clock, "after" | "turn">;
  /** How long a question whether a body is wanted may go unanswered. */
  readonly continueMs: number;
}

/** Costs less than `queueMicrotask`, and every exchange needs one. */
const RESOLVED = Promise.resolve();
const EMPTY = Buffer.alloc(0);

type State = "starting" | "waiting" | "receiving" | "over";

export class ExchangeRun implements Dispatcher.DispatchHandler, HeadWaiter, ResponseBody, Cuttable {
  readonly upgrade: boolean;
  readonly headOnly: boolean;
  private readonly exchange: Exchange;
  private readonly connection: Connection;
  private readonly end: RunEnd;
  private readonly context: RunContext;
  private state: State = "starting";
  private abort: ((error: Error) => void) | null = null;
  private head: ResponseHead | null = null;
  private sink: BodySink | null = null;
  private buffered: Buffer[] = [];
  bufferedBytes = 0;
  upgraded: Tunnel | null = null;
  private trailers: readonly string[] = [];
  private brokenBy: FailureCode | null = null;
  private paused = false;
  private delivered = false;
  private sentNotified = false;
  private outcomeTaken = false;
  private settled = false;
  private endListeners: EndListener[] | null = null;

  constructor(exchange: Exchange, connection: Connection, context: RunContext, end: RunEnd) {
    this.exchange = exchange;
    this.connection = connection;
    this.context = context;
    this.end = end;
    this.upgrade = exchange.request.upgrade !== null;
    this.headOnly = exchange.request.method === "HEAD";
    exchange.cancellation.add(this);
  }

  // --- what undici tells ---

  onConnect(abort: (error?: Error) => void): void {
    const { timeline, cancellation, request } = this.exchange;
    if (cancellation.by !== null) {
      abort(new NamedError("proxy_internal_error"));
      return;
    }
    this.abort = abort;
    this.state = "waiting";
    timeline.reused = this.connection.served > 0;
    timeline.openedAt = this.connection.openedAt;
    timeline.restedAt = this.connection.restedAt;
    this.connection.served += 1;
    this.connection.running = this;
    this.connection.guard.expect(this);
    if (request.body !== null) this.connection.expectUpload();
    // A streamed body takes the head of the request with its first chunk (`onBodySent`).
    timeline.written = request.body === null || request.body.complete;
    this.exchange.enter("send");
  }

  onBodySent(): void {
    this.exchange.timeline.written = true;
    this.exchange.progress();
  }

  onRequestSent(): void {
    this.exchange.timeline.written = true;
    if (this.sentNotified || this.state !== "waiting") return;
    this.sentNotified = true;
    const { request, timeline } = this.exchange;
    // Without a body it was sent at once.
    if (request.body === null) this.exchange.enter("wait", timeline.sendAt);
    else this.exchange.enter("wait");
  }

  onHeaders(): boolean {
    // The guard has told of an answer whose body it counts.
    if (this.state === "waiting") this.takeHead();
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.state !== "receiving") return true;
    const { timeline } = this.exchange;
    timeline.receivedBytes += chunk.length;
    if (timeline.receivedBytes > this.context.bodyBytesMax) {
      this.abort?.(new NamedError("http_response_body_size"));
      return true;
    }
    // What comes with its head has moved nothing since.
    if (this.outcomeTaken) this.exchange.progress();
    // What has been read already still comes after a pause; it must not overtake what waits.
    const direct = this.sink !== null && !this.paused;
    const more = direct ? this.sink?.data(chunk) : this.buffer(chunk);
    if (more === false) this.pause();
    return true;
  }

  // Typed as text by undici, which hands over bytes.
  onComplete(trailers: readonly unknown[] | null): void {
    if (this.state === "over") return;
    if (this.endedByReset()) {
      this.fail(new NamedError("connection_reset_in_body"));
      return;
    }
    try {
      this.trailers = decodeTrailers((trailers ?? []) as readonly Buffer[], this.context.limits);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.finish(null);
  }

  onError(error: Error): void {
    if (this.state === "over") return;
    if (this.state === "starting" && this.exchange.cancellation.by === null) {
      this.exchange.cancellation.remove(this);
      this.state = "over";
      this.end.neverStarted(error);
      return;
    }
    this.fail(error);
  }

  onUpgrade(_status: number, _headers: unknown, socket: Duplex): void {
    this.connection.guard.remove();
    this.upgraded = {
      socket,
      progress: () => this.exchange.progress(),
      end: () => this.giveUp(),
    };
    this.takeHead();
  }

  // --- what the guard tells ---

  headBytes(count: number): void {
    this.exchange.timeline.headBytes = count;
  }

  information(status: number, rawHeaders: readonly string[]): void {
    this.exchange.request.onInformation?.(status, rawHeaders);
  }

  counted(): void {
    this.takeHead();
  }

  // --- the body, for whoever delivers it ---

  takeWhole(): Buffer | null {
    if (this.state !== "over" || this.brokenBy !== null || this.trailers.length > 0) return null;
    if (this.sink !== null || this.delivered) return null;
    this.delivered = true;
    const [first] = this.buffered;
    if (first === undefined) return EMPTY;
    return this.buffered.length === 1 ? first : Buffer.concat(this.buffered);
  }

  get contentLength(): number | null {
    return this.head?.contentLength ?? null;
  }

  pipeTo(sink: BodySink): void {
    this.sink = sink;
    this.goOn();
  }

  resume(): void {
    this.exchange.progress();
    this.goOn();
  }

  /** Takes the place of a sink that has begun, too. */
  discard(): void {
    if (this.delivered) return;
    let left = LIMITS.discardBytesMax;
    this.pipeTo({
      data: (chunk) => {
        left -= chunk.length;
        // A short rest is read so that the connection can be kept; a long one costs more than that.
        if (left < 0) this.giveUp();
        return true;
      },
      end: () => {},
      broken: () => {},
    });
  }

  onFinished(listener: EndListener): void {
    if (this.state === "over") tellEnd(listener, this.brokenBy);
    else if (this.endListeners === null) this.endListeners = [listener];
    else this.endListeners.push(listener);
  }

  // --- how it ends ---

  /**
   * Names an error and ends with it: as the outcome before the head was taken up, else as a broken
   * body.
   */
  fail(error: unknown): void {
    if (this.state === "over") return;
    const { timeline, cancellation } = this.exchange;
    const headWasUp = this.state === "receiving";
    this.close();
    const code = classifyError(timeline, cancellation.by, error);
    this.brokenBy = code;
    if (!headWasUp || !this.outcomeTaken) this.settle(this.noResponse(code, error));
    this.notifyFinished(code);
    // A sink that has begun gets nothing more of a broken body; one that comes later gets it all.
    if (this.sink !== null) this.dropBuffered();
    this.deliverEnd();
  }

  private takeHead(): void {
    const head = this.connection.guard.head;
    if (head === null) {
      this.abort?.(new NamedError("http_protocol_error", "head passed the guard"));
      return;
    }
    this.head = head;
    this.state = "receiving";
    this.exchange.enter("receive");
    // The rest of what was read together with the head is parsed before a microtask runs: an answer
    // that breaks within it has reached nobody yet and is no answer.
    void RESOLVED.then(() => {
      if (this.settled) return;
      this.outcomeTaken = true;
      this.settle(this.answer(head));
    });
  }

  private answer(head: ResponseHead): Outcome<ResponseBody> {
    const response = new TransportResponse(head, this);
    const { status, rawHeaders } = head;
    const target = this.exchange.target.id;
    const failure = receivedFailure(status, rawHeaders, this.context.wallNow, target);
    if (failure !== null) return { kind: "error_response", response, failure };
    if (!this.upgrade || status === 101) return { kind: "success", response };
    const refused = { code: "upgrade_refused", target, written: true } as const;
    return { kind: "error_response", response, failure: refused };
  }

  private noResponse(code: FailureCode, error: unknown): Outcome<never> {
    const { target, timeline } = this.exchange;
    const details = error instanceof NamedError ? error.details : undefined;
    return {
      kind: "no_response",
      failure: {
        code,
        target: target.id,
        cause: error,
        ...(timeline.written ? { written: true as const } : {}),
        ...(details === undefined ? {} : { details }),
        // RFC 9113 §8.7: not processed, whatever the method.
        ...(code === "stream_refused" ? { repeat: "safe" as const } : {}),
      },
    };
  }

  private settle(outcome: Outcome<ResponseBody>): void {
    this.settled = true;
    this.end.settled(outcome);
  }

  // undici takes a reset for the end of a body that only the end delimits. It is not one: RFC 9112
  // §8 allows a close to complete such a body, and a reset is no close.
  private endedByReset(): boolean {
    const head = this.head;
    if (head === null || head.chunked || head.contentLength !== null) return false;
    return this.connection.broke;
  }

  private finish(broken: FailureCode | null): void {
    this.close();
    this.brokenBy = broken;
    this.notifyFinished(broken);
    if (this.bufferedBytes === 0) this.deliverEnd();
  }

  private close(): void {
    this.state = "over";
    this.exchange.cancellation.remove(this);
    this.connection.running = null;
    this.connection.guard.idle();
    this.exchange.end();
    this.connection.restedAt = this.exchange.timeline.endAt;
    this.end.released(this.connection);
  }

  private notifyFinished(broken: FailureCode | null): void {
    const listeners = this.endListeners;
    this.endListeners = null;
    if (listeners !== null) for (const listener of listeners) tellEnd(listener, broken);
  }

  /** Whoever waits for the exchange has gone, or its time is over. */
  cut(by: CutBy): void {
    if (this.state === "over" || this.state === "starting") return;
    const { timeline, request } = this.exchange;
    if (by === "deadline") timeline.waitsForClient = request.body?.waitsForSource === true;
    const error = new NamedError("proxy_internal_error", by);
    if (this.upgraded !== null) this.connection.destroy();
    // undici is done with an upgraded exchange and would not hear of it.
    if (this.abort === null || this.upgraded !== null) this.fail(error);
    else this.abort(error);
  }

  private giveUp(): void {
    if (this.state !== "receiving") return;
    this.connection.destroy();
    this.finish(null);
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
    if (this.state === "receiving") this.connection.guard.pause();
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
    else if (this.state === "receiving" && !this.paused) this.connection.guard.resume();
  }

  private deliverEnd(): void {
    if (this.sink === null || this.delivered) return;
    this.delivered = true;
    if (this.brokenBy === null) this.sink.end(this.trailers);
    else this.sink.broken(this.brokenBy);
  }
}
