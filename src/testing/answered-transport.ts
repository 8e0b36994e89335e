/**
 * A transport that the test answers by hand: `const sent = await wire.next(); sent.respond(503)`.
 *
 * With it and the virtual clock the policies are tested together, a line for each thing that
 * happens, without a socket and without waiting. It keeps the promises of a real transport: one
 * outcome for each exchange, which ends exactly once, and a cut is answered with its name.
 */
import type { Clock } from "../base/clock.js";
import { invariant } from "../base/invariant.js";
import { FAILURES, type FailureCode, isFailureCode } from "../catalog/failures.js";
import type { CutBy } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import {
  type EndListener,
  noResponse,
  type Outcome,
  tellEnd,
  type UpstreamResponse,
} from "../core/outcome.js";
import type { PipeStep } from "../core/pipe.js";
import { receivedFailure } from "../core/received-failure.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import type { RecordedExchange } from "../targets/exchange.js";

export interface AnsweredTransport {
  readonly transport: PipeStep<RecordedExchange, ResponseBody>;
  /** The next exchange that is sent, in order; waits for it. */
  next(): Promise<Sent>;
  /** All that were sent so far. */
  readonly sent: readonly Sent[];
}

/** One exchange as the upstream sees it. */
export interface Sent {
  readonly exchange: RecordedExchange;
  /** Id of the target that it was sent to. */
  readonly target: string;
  /** Who cut it; null while it is not cut. */
  readonly cutBy: CutBy | null;
  /** Whether it has been answered, has failed or was cut. */
  readonly settled: boolean;
  respond(status: number, options?: RespondOptions): Answer;
  /** No answer: by a name of the catalog, or by an error that is then classified. */
  fail(reason: FailureCode | Error): void;
}

export interface RespondOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Leaves the body unfinished until `end` or `breakOff`. @default false */
  readonly open?: boolean;
}

/** An answer whose body may still be on the way. */
export interface Answer {
  /** The body is whole. */
  end(): void;
  breakOff(code: FailureCode): void;
  /** Whether the answer was given up. */
  readonly discarded: boolean;
}

export function answeredTransport(clock: Pick<Clock, "wallNow">): AnsweredTransport {
  const sent: Sent[] = [];
  const asking: ((sent: Sent) => void)[] = [];
  let delivered = 0;

  return {
    sent,
    transport: (exchange) =>
      new Promise((resolve) => {
        const one = sentOne(clock, exchange, resolve);
        sent.push(one);
        const asked = asking.shift();
        if (asked === undefined) return;
        delivered += 1;
        asked(one);
      }),
    next() {
      const waiting = sent[delivered];
      if (waiting === undefined) return new Promise((resolve) => void asking.push(resolve));
      delivered += 1;
      return Promise.resolve(waiting);
    },
  };
}

function sentOne(
  clock: Pick<Clock, "wallNow">,
  exchange: RecordedExchange,
  resolve: (outcome: Outcome<ResponseBody>) => void,
): Sent {
  const { cancellation, timeline } = exchange;
  let settled = false;
  let answer: PlayedBody | null = null;

  const onCut = (by: CutBy): void => {
    const code = classifyError(timeline, by, undefined);
    if (answer === null) settle(noResponse(failureOf(exchange, code)));
    else answer.finish(code);
  };
  const over = (): void => {
    cancellation.remove(onCut);
    exchange.end();
  };
  const settle = (outcome: Outcome<ResponseBody>): void => {
    invariant(!settled, "an exchange is answered once");
    settled = true;
    if (outcome.kind === "no_response") over();
    resolve(outcome);
  };

  // As far as a connection that is there already and a request that fits into one write.
  for (const phase of ["connect", "send", "wait"] as const) exchange.enter(phase);
  timeline.written = true;
  cancellation.add(onCut);

  return {
    exchange,
    target: exchange.target.id,
    get cutBy() {
      return cancellation.by;
    },
    get settled() {
      return settled;
    },
    fail(reason) {
      const named = typeof reason === "string" && isFailureCode(reason);
      const code = named ? reason : classifyError(timeline, null, reason);
      timeline.written = FAILURES[code].repeat !== "safe";
      settle(noResponse(failureOf(exchange, code)));
    },
    respond(status, options = {}) {
      exchange.enter("receive");
      const played = new PlayedBody(options.body ?? "", over);
      answer = played;
      settle(outcomeOf(clock, exchange, responseOf(status, options, played)));
      if (options.open !== true) played.finish(null);
      return played;
    },
  };
}

function failureOf({ target, timeline }: RecordedExchange, code: FailureCode): Failure {
  return { code, target: target.id, ...(timeline.written ? { written: true as const } : {}) };
}

function outcomeOf(
  clock: Pick<Clock, "wallNow">,
  { target }: RecordedExchange,
  response: UpstreamResponse<ResponseBody>,
): Outcome<ResponseBody> {
  const { status, rawHeaders } = response;
  const failure = receivedFailure(status, rawHeaders, () => clock.wallNow(), target.id);
  if (failure === null) return { kind: "success", response };
  return { kind: "error_response", response, failure };
}

function responseOf(
  status: number,
  { headers = {} }: RespondOptions,
  body: PlayedBody,
): UpstreamResponse<ResponseBody> {
  const entries = Object.entries(headers);
  return {
    status,
    statusText: "",
    rawHeaders: entries.flat(),
    headers: Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value])),
    body,
    finished: new Promise((resolve) => body.onFinished(resolve)),
    onFinished: (listener) => body.onFinished(listener),
    discard: async () => body.discard(),
  };
}

class PlayedBody implements ResponseBody, Answer {
  readonly brokenBy = null;
  readonly contentLength = null;
  readonly upgraded = null;
  readonly #bytes: Buffer;
  readonly #over: () => void;
  #listeners: EndListener[] = [];
  #ended: { readonly broken: FailureCode | null } | null = null;
  #sink: BodySink | null = null;
  #taken = false;
  discarded = false;

  constructor(text: string, over: () => void) {
    this.#bytes = Buffer.from(text);
    this.#over = over;
  }

  get bufferedBytes(): number {
    return this.#taken ? 0 : this.#bytes.length;
  }

  takeWhole(): Buffer | null {
    if (this.#taken || this.#ended?.broken !== null) return null;
    this.#taken = true;
    return this.#bytes;
  }

  pipeTo(sink: BodySink): void {
    this.#sink = sink;
    this.#taken = true;
    if (this.#bytes.length > 0) sink.data(this.#bytes);
    this.#tellSink();
  }

  resume(): void {}

  onFinished(listener: EndListener): void {
    if (this.#ended === null) this.#listeners.push(listener);
    else tellEnd(listener, this.#ended.broken);
  }

  end(): void {
    this.finish(null);
  }

  breakOff(code: FailureCode): void {
    this.finish(code);
  }

  refuse(): void {
    this.discard();
  }

  discard(): void {
    this.discarded = true;
    this.finish(null);
  }

  finish(broken: FailureCode | null): void {
    if (this.#ended !== null) return;
    this.#ended = { broken };
    this.#over();
    for (const listener of this.#listeners) tellEnd(listener, broken);
    this.#listeners = [];
    this.#tellSink();
  }

  #tellSink(): void {
    if (this.#sink === null || this.#ended === null) return;
    if (this.#ended.broken === null) this.#sink.end([]);
    else this.#sink.broken(this.#ended.broken);
  }
}
