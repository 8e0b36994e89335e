/**
 * One exchange that another engine carries: http-proxy-middleware's sends the request through
 * `node:http` and pipes the answer, and this follows what becomes of it.
 *
 * Place: where a transport stands. Guarantee: phases and progress are reported as they happen, so
 * that timeouts have their names; a cut ends the engine's request. Not here: the client.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.js";
import type { CutBy } from "../core/cancellation.js";
import type { Failure } from "../core/failure.js";
import { NamedError } from "../core/named-error.js";
import type { EndListener, Outcome, UpstreamResponse } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { Exchange } from "../targets/exchange.js";
import { EngineRun, type RunTerms } from "./engine-run.js";
import type { ResponseHead } from "./response-head.js";
import { soundHead } from "./sound-head.js";

/** The side of the client, which is notified when there is nothing more to pass on. */
export interface ForeignSide {
  /** There will be no answer. */
  failed(failure: Failure): void;
  /** The answer broke after its head was passed on. */
  broken(failure: Failure): void;
  /** The client does not read what it is sent. */
  blocked(): boolean;
}

/** The engine's sockets, for as long as they are kept: when they were opened, and came to rest. */
const sockets = new WeakMap<Socket, { readonly openedAt: number; restedAt: number }>();

export class ForeignRun extends EngineRun<IncomingMessage> {
  readonly outcome = new Pending<IncomingMessage>();
  readonly #clock: Pick<Clock, "now">;
  readonly #side: ForeignSide;
  #request: ClientRequest | null = null;
  #socket: Socket | null = null;
  #tunnel: Duplex | null = null;
  /** What the upstream has answered; null while it has not. */
  answer: IncomingMessage | null = null;
  #sent = false;
  #failure: Failure | null = null;

  constructor(clock: Pick<Clock, "now">, terms: RunTerms, exchange: Exchange, side: ForeignSide) {
    super(exchange, terms);
    this.#clock = clock;
    this.#side = side;
  }

  /** Lets the engine begin; it reports its request when that has a connection. */
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
    this.state = "waiting";
    this.#request = request;
    // Before the engine hears of it: what is half sent must be cut before anything is added to it.
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

  /**
   * The head of the answer is here. It is passed on unless the run is over then; gives the failure
   * that it stands for, if any.
   */
  answered(response: IncomingMessage): Failure | null {
    const head = this.#take(response);
    if (head === null) return null;
    // Only when it is read; a listener of ours must not be the one that lets it flow.
    response.once("resume", () =>
      response.on("data", (chunk: Buffer) => {
        if (!this.over) this.count(chunk.length);
      }),
    );
    response.on("error", (error) => this.fail(error));
    response.once("end", () => this.finish());
    response.once("close", () => {
      if (response.complete) this.finish();
      else this.fail(new NamedError("http_response_incomplete"));
    });
    this.settleAnswer(head);
    return this.#failure;
  }

  /** The protocol was switched; from here on there are two sockets. */
  upgraded(response: IncomingMessage, tunnel: Duplex): void {
    const head = this.#take(response);
    if (head === null) {
      tunnel.destroy();
      return;
    }
    this.#tunnel = tunnel;
    tunnel.on("error", (error) => this.fail(error));
    tunnel.once("close", () => this.finish());
    this.settleAnswer(head);
  }

  /** It ended, and is whole as far as we are concerned. */
  override finish(): void {
    super.finish();
  }

  /** The rest is not wanted. */
  giveUp(): void {
    if (this.over) return;
    this.finish();
    this.stop();
  }

  override cut(by: CutBy): void {
    this.exchange.timeline.clientBlocked = this.#side.blocked();
    super.cut(by);
  }

  protected stop(): void {
    this.#request?.destroy();
    this.#tunnel?.destroy();
  }

  protected responseOf(head: ResponseHead): UpstreamResponse<IncomingMessage> {
    const incoming = this.answer as IncomingMessage;
    const onFinished = (listener: EndListener): void => this.onFinished(listener);
    return {
      status: head.status,
      statusText: head.statusText,
      rawHeaders: head.rawHeaders,
      headers: incoming.headers,
      body: incoming,
      get finished() {
        return new Promise<Failure["code"] | null>((resolve) => onFinished(resolve));
      },
      onFinished,
      discard: () => Promise.resolve(this.giveUp()),
    };
  }

  protected settle(outcome: Outcome<IncomingMessage>): void {
    if (outcome.kind === "error_response") this.#failure = outcome.failure;
    this.outcome.settle(outcome);
  }

  // The engine may keep the connection for another request.
  protected released(): void {
    const socket = this.#socket;
    if (socket === null) return;
    const known = sockets.get(socket);
    if (known !== undefined) known.restedAt = this.exchange.timeline.endAt;
    socket.off("data", this.#onBytes);
    socket.off("lookup", this.#onLookup);
    socket.off("connect", this.#onReady).off("connect", this.#onSecuring);
    socket.off("secureConnect", this.#onReady);
  }

  protected ended(failure: Failure | null, headWasUp: boolean): void {
    if (failure === null) return;
    this.stop();
    if (headWasUp) this.#side.broken(failure);
    else this.#side.failed(failure);
  }

  /** The head, checked; null when the run is over, or has just failed by it. */
  #take(response: IncomingMessage): ResponseHead | null {
    this.answer = response;
    if (this.over) {
      response.destroy();
      return null;
    }
    const { statusCode, statusMessage, rawHeaders } = response;
    try {
      const { limits } = this.terms;
      const head = soundHead(statusCode as number, statusMessage ?? "", rawHeaders, limits);
      this.receive();
      return head;
    } catch (error) {
      this.fail(error);
      return null;
    }
  }
  #connect(request: ClientRequest, socket: Socket): void {
    if (this.over) return;
    const { timeline } = this.exchange;
    this.#socket = socket;
    socket.on("data", this.#onBytes);
    timeline.reused = request.reusedSocket;
    if (!socket.connecting) {
      const known = sockets.get(socket);
      timeline.openedAt = known?.openedAt ?? -1;
      timeline.restedAt = known?.restedAt ?? -1;
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
    const openedAt = this.#clock.now();
    this.exchange.timeline.openedAt = openedAt;
    sockets.set(this.#socket as Socket, { openedAt, restedAt: -1 });
    this.#send();
  };

  #enter(phase: "connect" | "secure"): void {
    if (this.state === "waiting") this.exchange.enter(phase);
  }

  #send(): void {
    if (this.state !== "waiting") return;
    this.exchange.timeline.written = true;
    this.exchange.enter("send");
    this.#waitIfSent();
  }

  #waitIfSent(): void {
    const { timeline } = this.exchange;
    if (this.state !== "waiting" || !this.#sent || timeline.sendAt < 0) return;
    if (timeline.waitAt < 0) this.exchange.enter("wait");
  }

  readonly #onBytes = (chunk: Buffer): void => {
    if (this.over) return;
    if (this.state === "waiting") this.exchange.timeline.headBytes += chunk.length;
    this.exchange.progress();
  };
}
