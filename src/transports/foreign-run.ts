/**
 * One exchange that somebody else carries: an engine of its own sends the request through
 * `node:http`, and this notes what becomes of it.
 *
 * Place: where a transport stands. Guarantee: the outcome comes once and the exchange ends once,
 * with the body of its answer; phases and progress are told as they happen, so that timeouts have
 * their names; a cut ends the engine's request. Not here: who talks to the client.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.js";
import type { FailureCode } from "../catalog/failures.js";
import type { CutBy, Cuttable } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { NamedError } from "../core/named-error.js";
import {
  type EndListener,
  noResponse,
  type Outcome,
  tellEnd,
  type UpstreamResponse,
} from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import { receivedFailure } from "../core/received-failure.js";
import type { Exchange } from "../targets/exchange.js";

/** Who talks to the client, and is told when there is nothing more to pass on. */
export interface ForeignSide {
  /** There will be no answer. */
  failed(failure: Failure): void;
  /** The answer broke after its head was passed on. */
  broken(failure: Failure): void;
  /** The client does not read what it is sent. */
  blocked(): boolean;
}

type State = "starting" | "waiting" | "receiving" | "over";

export class ForeignRun implements Cuttable {
  readonly outcome = new Pending<IncomingMessage>();
  readonly exchange: Exchange;
  readonly #clock: Clock;
  readonly #side: ForeignSide;
  #state: State = "starting";
  #request: ClientRequest | null = null;
  #socket: Socket | null = null;
  #tunnel: Duplex | null = null;
  /** What the upstream has answered; null while it has not. */
  answer: IncomingMessage | null = null;
  #sent = false;
  #brokenBy: FailureCode | null = null;
  #listeners: EndListener[] = [];

  constructor(clock: Clock, exchange: Exchange, side: ForeignSide) {
    this.#clock = clock;
    this.exchange = exchange;
    this.#side = side;
  }

  get over(): boolean {
    return this.#state === "over";
  }

  /** Lets the engine begin; it tells of its request when that has a connection. */
  begin(send: () => void): Pending<IncomingMessage> {
    this.exchange.timeline.written = false;
    this.exchange.enter("queue");
    this.exchange.cancellation.add(this);
    try {
      if (!this.over) send();
    } catch (error) {
      this.fail(error);
    }
    return this.outcome;
  }

  /** The engine has made its request. */
  sending(request: ClientRequest): void {
    if (this.over) {
      request.destroy();
      return;
    }
    this.#state = "waiting";
    this.#request = request;
    // Before the engine hears of it: what is half sent must be cut before anybody adds to it.
    request.prependListener("error", (error) => this.fail(error));
    request.once("finish", () => {
      this.#sent = true;
      this.#waitIfSent();
    });
    if (request.socket === null) request.once("socket", (socket) => this.#connect(request, socket));
    else this.#connect(request, request.socket);
  }

  /** A part of the request's body is on its way. */
  readonly progress = (): void => {
    if (!this.over) this.exchange.progress();
  };

  /** The head of the answer is here. The failure that it stands for, if any. */
  answered(response: IncomingMessage): Failure | null {
    this.answer = response;
    if (this.over) {
      response.destroy();
      return null;
    }
    this.#receive();
    const { timeline } = this.exchange;
    // Only when somebody reads; a listener of ours must not be the one that lets it flow.
    response.once("resume", () =>
      response.on("data", (chunk: Buffer) => {
        timeline.receivedBytes += chunk.length;
      }),
    );
    response.on("error", (error) => this.fail(error));
    response.once("end", () => this.finish());
    response.once("close", () => {
      if (response.complete) this.finish();
      else this.fail(new NamedError("http_response_incomplete"));
    });
    const outcome = this.#outcomeOf(response);
    this.outcome.settle(outcome);
    return outcome.kind === "success" ? null : outcome.failure;
  }

  /** The protocol was switched; from here on there are two sockets. */
  upgraded(response: IncomingMessage, tunnel: Duplex): void {
    if (this.over) {
      tunnel.destroy();
      return;
    }
    this.#receive();
    this.#tunnel = tunnel;
    tunnel.on("error", (error) => this.fail(error));
    tunnel.once("close", () => this.finish());
    this.outcome.settle({ kind: "success", response: this.#responseOf(response) });
  }

  /** It ended, and is whole as far as we are concerned. */
  finish(): void {
    if (this.over) return;
    this.#close(null);
  }

  /** Nobody wants the rest. */
  giveUp(): void {
    if (this.over) return;
    this.finish();
    this.#destroy();
  }

  /** Names what ended it. */
  fail(error: unknown): void {
    if (this.over) return;
    const { timeline, cancellation, target } = this.exchange;
    const headWasUp = this.#state === "receiving";
    timeline.endAt = this.#clock.now();
    const code = classifyError(timeline, cancellation.by, error);
    const details = error instanceof NamedError ? error.details : undefined;
    const failure: Failure = {
      code,
      target: target.id,
      cause: error,
      ...(timeline.written ? { written: true as const } : {}),
      ...(details === undefined ? {} : { details }),
    };
    this.#close(code, headWasUp ? null : failure);
    this.#destroy();
    if (headWasUp) this.#side.broken(failure);
    else this.#side.failed(failure);
  }

  cut(by: CutBy): void {
    this.exchange.timeline.clientBlocked = this.#side.blocked();
    this.fail(new NamedError("proxy_internal_error", by));
  }

  #connect(request: ClientRequest, socket: Socket): void {
    if (this.over) return;
    const { timeline } = this.exchange;
    this.#socket = socket;
    socket.on("data", this.#onBytes);
    timeline.reused = request.reusedSocket;
    if (!socket.connecting) {
      this.#send();
      return;
    }
    const { hostname, socketPath } = this.exchange.target;
    this.exchange.enter(socketPath === null && isIP(hostname) === 0 ? "resolve" : "connect");
    const secure = (socket as Partial<TLSSocket>).encrypted === true;
    socket.once("lookup", this.#onLookup);
    socket.once("connect", secure ? this.#onSecuring : this.#onReady);
    if (secure) socket.once("secureConnect", this.#onReady);
  }

  readonly #onLookup = (): void => this.#enter("connect");
  readonly #onSecuring = (): void => this.#enter("secure");
  readonly #onReady = (): void => {
    this.exchange.timeline.openedAt = this.#clock.now();
    this.#send();
  };

  #enter(phase: "connect" | "secure"): void {
    if (this.#state === "waiting") this.exchange.enter(phase);
  }

  #send(): void {
    if (this.#state !== "waiting") return;
    this.exchange.timeline.written = true;
    this.exchange.enter("send");
    this.#waitIfSent();
  }

  #waitIfSent(): void {
    const { timeline } = this.exchange;
    if (this.#state !== "waiting" || !this.#sent || timeline.sendAt < 0) return;
    if (timeline.waitAt < 0) this.exchange.enter("wait");
  }

  readonly #onBytes = (chunk: Buffer): void => {
    if (this.over) return;
    if (this.#state === "waiting") this.exchange.timeline.headBytes += chunk.length;
    this.exchange.progress();
  };

  #receive(): void {
    this.#state = "receiving";
    this.exchange.enter("receive");
  }

  #outcomeOf(incoming: IncomingMessage): Outcome<IncomingMessage> {
    const response = this.#responseOf(incoming);
    const target = this.exchange.target.id;
    const { status, rawHeaders } = response;
    const failure = receivedFailure(status, rawHeaders, () => this.#clock.wallNow(), target);
    if (failure !== null) return { kind: "error_response", response, failure };
    if (this.exchange.request.upgrade === null) return { kind: "success", response };
    const refused = { code: "upgrade_refused", target, written: true } as const;
    return { kind: "error_response", response, failure: refused };
  }

  #responseOf(incoming: IncomingMessage): UpstreamResponse<IncomingMessage> {
    const onFinished = (listener: EndListener): void => {
      if (this.over) tellEnd(listener, this.#brokenBy);
      else this.#listeners.push(listener);
    };
    return {
      status: incoming.statusCode as number,
      statusText: incoming.statusMessage ?? "",
      rawHeaders: incoming.rawHeaders,
      headers: incoming.headers,
      body: incoming,
      get finished() {
        return new Promise<FailureCode | null>((resolve) => onFinished(resolve));
      },
      onFinished,
      discard: () => Promise.resolve(this.giveUp()),
    };
  }

  #close(code: FailureCode | null, failure: Failure | null = null): void {
    this.#state = "over";
    this.#brokenBy = code;
    this.#letGoOfSocket();
    this.exchange.cancellation.remove(this);
    this.exchange.end();
    if (failure !== null) this.outcome.settle(noResponse(failure));
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) tellEnd(listener, code);
  }

  // The engine may keep the connection for another request.
  #letGoOfSocket(): void {
    const socket = this.#socket;
    if (socket === null) return;
    socket.off("data", this.#onBytes);
    socket.off("lookup", this.#onLookup);
    socket.off("connect", this.#onReady).off("connect", this.#onSecuring);
    socket.off("secureConnect", this.#onReady);
  }

  #destroy(): void {
    this.#request?.destroy();
    this.#tunnel?.destroy();
  }
}
