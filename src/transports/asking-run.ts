/**
 * An exchange whose upstream is asked by the head of the request whether it wants the body,
 * `Expect: 100-continue`: for clients that wait with their body and let the upstream decide.
 *
 * Guarantee: no byte of the body is read from the client before the upstream has said 100, or has
 * been silent for `continueMs` (RFC 9110 §10.1.1 allows no endless wait). After a final answer in
 * its place the body is never sent, and a connection of HTTP/1.1 that was promised one is closed.
 * Everything else is as with any exchange. Requests that ask nothing come past none of this.
 */
import type { Dispatcher } from "undici";
import type { Timer } from "../base/clock.js";
import { patientTimer } from "../base/shared-timers.js";
import type { Outcome } from "../core/outcome.js";
import type { ReplayBody } from "../core/replay-body.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import type { Connection } from "./connection.js";
import { ExchangeRun, type RunContext, type RunEnd } from "./exchange-run.js";
import type { HeldUpload, UploadListener } from "./held-upload.js";

/** Sends the head, and the body when it is wanted. */
export function sendAsking(
  exchange: Exchange,
  connection: Connection,
  asked: Dispatcher.DispatchOptions,
  context: RunContext,
  end: RunEnd,
): void {
  const asking = new AskingExchange(exchange, connection, context, end);
  asking.begin(asked);
}

class AskingExchange implements RunEnd, UploadListener {
  readonly #exchange: Exchange;
  readonly #connection: Connection;
  readonly #context: RunContext;
  readonly #end: RunEnd;
  readonly #run: AskingRun;
  /** What the upstream has said: nothing yet, that it wants the body, or all that it has to say. */
  #answer: "none" | "wanted" | "final" = "none";
  #upload: HeldUpload | null = null;
  #timer: Pick<Timer, "cancel"> | null = null;
  #abort: ((error: Error) => void) | null = null;
  #over = false;

  constructor(exchange: Exchange, connection: Connection, context: RunContext, end: RunEnd) {
    this.#exchange = exchange;
    this.#connection = connection;
    this.#context = context;
    this.#end = end;
    this.#run = new AskingRun(exchange, connection, context, this);
  }

  get #body(): ReplayBody {
    return this.#exchange.request.body as ReplayBody;
  }

  begin(asked: Dispatcher.DispatchOptions): void {
    if (this.#over) return;
    const { contentLength } = this.#exchange.request;
    const upload = this.#connection.hold(asked, contentLength, this.#run, this);
    this.#upload = upload;
    // It may have been refused at once, and the connection may serve another exchange.
    if (this.#over) upload.stop();
  }

  // --- what happens to the run ---

  headLeaves(abort: (error: Error) => void): void {
    this.#abort = abort;
    this.#exchange.timeline.written = true;
    const { clock, continueMs } = this.#context;
    if (continueMs === Number.POSITIVE_INFINITY) return;
    this.#timer = patientTimer(clock, continueMs, () => this.goOn());
  }

  /** The body is wanted, or the upstream does not answer. */
  goOn(): void {
    if (this.#answer !== "none") return;
    this.#answer = "wanted";
    this.#timer?.cancel();
    this.#body.askNoMore();
    this.#upload?.send(this.#body.open());
  }

  finalHead(): void {
    if (this.#answer === "none") this.#answer = "final";
    this.#timer?.cancel();
  }

  // --- what the upload reports ---

  onBodySent(): void {
    this.#run.onBodySent();
  }

  uploaded(): void {
    this.#run.uploaded();
  }

  broken(error: Error): void {
    this.#abort?.(error);
  }

  // --- how the run ends ---

  settle(outcome: Outcome<ResponseBody>): void {
    this.#end.settle(this.#judged(outcome));
  }

  neverStarted(error: unknown): void {
    this.#over = true;
    this.#upload?.stop();
    this.#end.neverStarted(error);
  }

  released(connection: Connection): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#upload?.stop();
    // The upstream may still wait for what it was promised.
    if (this.#upload?.whole !== true) connection.destroy();
    this.#end.released(connection);
  }

  /**
   * RFC 9110 §10.1.1: a 417 says that a hop on the way knows no expectations, and the request
   * should be sent again without. Its body has not been touched.
   */
  #judged(outcome: Outcome<ResponseBody>): Outcome<ResponseBody> {
    if (outcome.kind !== "success" || outcome.response.status !== 417) return outcome;
    if (this.#answer !== "final") return outcome;
    this.#body.askNoMore();
    const target = this.#exchange.target.id;
    const failure = {
      code: "received_expectation_failed",
      target,
      written: true,
      repeat: "safe",
    } as const;
    return { kind: "error_response", response: outcome.response, failure };
  }
}

class AskingRun extends ExchangeRun {
  readonly #asking: AskingExchange;
  readonly #cancelled: () => boolean;

  constructor(
    exchange: Exchange,
    connection: Connection,
    context: RunContext,
    asking: AskingExchange,
  ) {
    super(exchange, connection, context, asking);
    this.#asking = asking;
    this.#cancelled = () => exchange.cancellation.by !== null;
  }

  override onConnect(abort: (error?: Error) => void): void {
    super.onConnect(abort);
    if (!this.#cancelled()) this.#asking.headLeaves(abort);
  }

  /** Only the head, when undici says so. */
  override onRequestSent(): void {}

  uploaded(): void {
    super.onRequestSent();
  }

  override onHeaders(): boolean {
    this.#asking.finalHead();
    return super.onHeaders();
  }

  override information(status: number, rawHeaders: readonly string[]): void {
    if (status === 100) this.#asking.goOn();
    else super.information(status, rawHeaders);
  }
}
