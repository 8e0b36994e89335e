/**
 * One exchange on its way through one connection of ours: undici's handler, the guard's waiter and
 * the body that goes up, in one object, since every exchange makes one.
 *
 * What an exchange promises is kept by what it extends; here is what undici and the guard report.
 */
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Clock } from "../base/clock.js";
import type { CutBy } from "../core/cancellation.js";
import { NamedError } from "../core/named-error.js";
import type { Outcome } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import type { Connection } from "./connection.js";
import type { RunTerms } from "./engine-run.js";
import type { HeadWaiter } from "./head-guard.js";
import { ReceivingRun } from "./receiving-run.js";
import { decodeTrailers } from "./response-head.js";

export interface RunEnd {
  /** The outcome: once, when the head of the answer is here or there will be none. */
  settle(outcome: Outcome<ResponseBody>): void;
  /** The connection was dead before anything was written: take another one. */
  neverStarted(error: unknown): void;
  /** The exchange is over; the connection may serve the next one. */
  released(connection: Connection): void;
}

/** What all runs of a transport share. */
export interface RunContext extends RunTerms {
  readonly clock: Pick<Clock, "after" | "turn">;
  /** How long a question whether a body is wanted may go unanswered. */
  readonly continueMs: number;
}

const NONE: readonly string[] = [];

export class ExchangeRun extends ReceivingRun implements Dispatcher.DispatchHandler, HeadWaiter {
  readonly upgrade: boolean;
  readonly headOnly: boolean;
  private readonly connection: Connection;
  protected readonly outcome: RunEnd;
  private abort: ((error: Error) => void) | null = null;
  private sentNotified = false;

  constructor(exchange: Exchange, connection: Connection, context: RunContext, end: RunEnd) {
    super(exchange, context);
    this.connection = connection;
    this.outcome = end;
    this.upgrade = exchange.request.upgrade !== null;
    this.headOnly = exchange.request.method === "HEAD";
    exchange.cancellation.add(this);
  }

  // --- what undici reports ---

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
    // The guard has reported an answer whose body it counts.
    if (this.state === "waiting") this.takeHead();
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.bodyIn(chunk);
    return true;
  }

  // Typed as text by undici, which hands over bytes.
  onComplete(trailers: readonly unknown[] | null): void {
    if (this.state === "over") return;
    if (this.connection.broke && this.endsWithConnection()) {
      this.fail(new NamedError("connection_reset_in_body"));
      return;
    }
    try {
      const none = trailers === null || trailers.length === 0;
      this.endIn(none ? NONE : decodeTrailers(trailers as readonly Buffer[], this.terms.limits));
    } catch (error) {
      this.fail(error);
    }
  }

  onError(error: Error): void {
    if (this.state === "over") return;
    if (this.state === "starting" && this.exchange.cancellation.by === null) {
      this.exchange.cancellation.remove(this);
      this.state = "over";
      this.outcome.neverStarted(error);
      return;
    }
    this.fail(error);
  }

  onUpgrade(_status: number, _headers: unknown, socket: Duplex): void {
    this.connection.guard.remove();
    if (!this.sentNotified) {
      // RFC 9110 §7.8: nothing of another protocol can come before the request is whole.
      this.connection.destroy();
      this.fail(new NamedError("http_upgrade_failed", "before the request was sent"));
      return;
    }
    this.upgraded = this.tunnelOver(socket);
    this.takeHead();
  }

  // --- what the guard reports ---

  headBytes(count: number): void {
    this.exchange.timeline.headBytes = count;
  }

  information(status: number, rawHeaders: readonly string[]): void {
    this.exchange.request.onInformation?.(status, rawHeaders);
  }

  takeHead(): void {
    const { head } = this.connection.guard;
    if (head !== null) this.headIn(head);
    else this.breakOff(new NamedError("http_protocol_error", "head passed the guard"));
  }

  // --- what the exchange asks for ---

  /** Before it starts, undici can abort nothing, and on a connection that is lost it never does. */
  override cut(by: CutBy): void {
    if (this.state === "starting") this.connection.destroy();
    super.cut(by);
  }

  /** The connection is closed before it is given back, so that no other exchange gets it. */
  protected override breakOff(error: Error): void {
    this.stop(error);
    this.fail(error);
  }

  protected stop(error: Error): void {
    // undici is done with an upgraded exchange and would not hear of it.
    if (this.upgraded !== null) this.connection.destroy();
    else this.abort?.(error);
  }

  protected drop(): void {
    this.connection.destroy();
  }

  protected holdBack(): void {
    this.connection.guard.pause();
  }

  protected letFlow(): void {
    this.connection.guard.resume();
  }

  protected override released(): void {
    this.connection.running = null;
    this.connection.guard.idle();
    this.connection.restedAt = this.exchange.timeline.endAt;
    this.outcome.released(this.connection);
  }

  // undici takes a reset for the end of a body that only the end delimits. It is not one: RFC 9112
  // §8 allows a close to complete such a body, and a reset is no close.
  private endsWithConnection(): boolean {
    const head = this.head;
    return head !== null && !head.chunked && head.contentLength === null;
  }
}
