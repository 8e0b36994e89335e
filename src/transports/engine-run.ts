/**
 * What every exchange promises, whatever engine carries it: our own connections, a dispatcher of
 * the application, or the engine of http-proxy-middleware. An engine moves bytes and reports; what
 * its reports mean is decided here.
 *
 * Guarantee: one outcome and one end for each exchange; an answer with a head that must not be
 * passed on is no answer (`sound-head.ts`); the limit of a body holds; errors become names in one
 * place (`fail`); listeners are notified of the end once. Bodies that come to us are received in
 * `receiving-run.ts`.
 */
import type { FailureCode } from "../catalog/failures.js";
import type { CutBy, Cuttable } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { detailsOf } from "../core/failure-details.js";
import { NamedError, UnsentError } from "../core/named-error.js";
import {
  type EndListener,
  noResponse,
  type Outcome,
  tellEnd,
  type UpstreamResponse,
} from "../core/outcome.js";
import { FAILS_FROM, receivedFailure } from "../core/received-failure.js";
import { isSafeUnsent } from "../core/repeat.js";
import type { Exchange } from "../targets/exchange.js";
import type { HeadLimits, ResponseHead, TrailerLimits } from "./response-head.js";

/** What the runs of one transport share. */
export interface RunTerms {
  /** Bytes of an answer's body; Infinity for no limit. */
  readonly bodyBytesMax: number;
  readonly limits: HeadLimits & TrailerLimits;
  readonly wallNow: () => number;
}

/** Not begun, on its way, answered, or over with its body. */
export type RunState = "starting" | "waiting" | "receiving" | "over";

export abstract class EngineRun<Body> implements Cuttable {
  readonly exchange: Exchange;
  protected readonly terms: RunTerms;
  protected state: RunState = "starting";
  brokenBy: FailureCode | null = null;
  /** Only declared: an exchange that is whole has no place for it. */
  declare brokenDetails?: string;
  /** The outcome was an answer; what breaks from now on breaks its body. */
  protected outcomeTaken = false;
  private settled = false;
  private endListeners: EndListener[] | null = null;

  constructor(exchange: Exchange, terms: RunTerms) {
    this.exchange = exchange;
    this.terms = terms;
  }

  /** It has begun, whatever became of it. */
  get hasStarted(): boolean {
    return this.state !== "starting";
  }

  get over(): boolean {
    return this.state === "over";
  }

  // --- what an engine provides ---

  protected abstract responseOf(head: ResponseHead): UpstreamResponse<Body>;
  /** What takes the outcome, once. */
  protected abstract readonly outcome: { settle(outcome: Outcome<Body>): void };
  /** Stops the engine; it may report the error at once. */
  protected abstract stop(error: Error): void;
  /** The exchange has ended; what it held of the engine is free. Absent where it held nothing. */
  protected released?(): void;
  /** The end, after the listeners were notified; null for a whole answer. */
  protected abstract ended(failure: Failure | null, headWasUp: boolean): void;

  // --- what an engine reports ---

  /** The head of the final answer is here. */
  protected receive(): void {
    this.state = "receiving";
    this.exchange.enter("receive");
  }

  /** The answer is the outcome, unless it broke first. */
  protected settleAnswer(head: ResponseHead): void {
    if (this.settled) return;
    this.settled = true;
    this.outcomeTaken = true;
    this.outcome.settle(this.outcomeOf(head));
  }

  /** Counts a part of the body. False: it is over the limit, and the exchange has ended. */
  protected count(bytes: number): boolean {
    const { timeline } = this.exchange;
    timeline.receivedBytes += bytes;
    if (timeline.receivedBytes > this.terms.bodyBytesMax) {
      this.breakOff(
        new NamedError("http_response_body_size", `body-size=${timeline.receivedBytes}`),
      );
      return false;
    }
    // What comes with its head has moved nothing since.
    if (this.outcomeTaken) this.exchange.progress();
    return true;
  }

  /** The answer is whole, or the rest of it is not wanted. */
  protected finish(): void {
    if (this.state === "over") return;
    this.close();
    this.notifyFinished(null);
    this.ended(null, true);
  }

  /**
   * Names an error and ends with it: as the outcome before the head was passed on, else as a broken
   * body.
   */
  fail(error: unknown): void {
    if (this.state === "over") return;
    const { timeline, cancellation } = this.exchange;
    const headWasUp = this.state === "receiving" && this.outcomeTaken;
    this.close();
    const code = classifyError(timeline, cancellation.by, error);
    this.brokenBy = code;
    const failure = this.failureOf(code, error);
    if (failure.details !== undefined) this.brokenDetails = failure.details;
    if (!this.settled) {
      this.settled = true;
      this.outcome.settle(noResponse(failure));
    }
    this.notifyFinished(code);
    this.ended(failure, headWasUp);
  }

  /** Ends with an error of ours, and the engine's work with it. The error's name stands. */
  protected breakOff(error: Error): void {
    this.fail(error);
    this.stop(error);
  }

  /** The call was given up, or its time is over. */
  cut(by: CutBy): void {
    if (this.state === "over") return;
    const { timeline, request } = this.exchange;
    if (by === "deadline") timeline.waitsForClient = request.body?.waitsForSource === true;
    this.breakOff(new NamedError("proxy_internal_error", by));
  }

  /** Notifies of the end, body included; at once when it is over. */
  onFinished(listener: EndListener): void {
    if (this.state === "over") tellEnd(listener, this.brokenBy);
    else if (this.endListeners === null) this.endListeners = [listener];
    else this.endListeners.push(listener);
  }

  private outcomeOf(head: ResponseHead): Outcome<Body> {
    const response = this.responseOf(head);
    const { status, rawHeaders } = head;
    const { target, request } = this.exchange;
    const failure =
      status < FAILS_FROM
        ? null
        : receivedFailure(status, rawHeaders, this.terms.wallNow, target.id);
    if (failure !== null) return { kind: "error_response", response, failure };
    if (request.upgrade === null || status === 101) return { kind: "success", response };
    const refused = { code: "upgrade_refused", target: target.id, written: true } as const;
    return { kind: "error_response", response, failure: refused };
  }

  private failureOf(code: FailureCode, error: unknown): Failure {
    const { target, timeline } = this.exchange;
    const details = detailsOf(code, error);
    const unprocessed =
      // RFC 9113 §8.7: the upstream says so.
      code === "stream_refused" ||
      error instanceof UnsentError ||
      (!timeline.written && isSafeUnsent(code));
    return {
      code,
      target: target.id,
      cause: error,
      ...(timeline.written ? { written: true as const } : {}),
      ...(details === undefined ? {} : { details }),
      // Not processed, whatever the method.
      ...(unprocessed ? { repeat: "safe" as const } : {}),
    };
  }

  private close(): void {
    this.state = "over";
    this.exchange.cancellation.remove(this);
    this.exchange.end();
    this.released?.();
  }

  private notifyFinished(broken: FailureCode | null): void {
    const listeners = this.endListeners;
    this.endListeners = null;
    if (listeners !== null) for (const listener of listeners) tellEnd(listener, broken);
  }
}
