/**
 * One exchange that another engine carries: http-proxy-middleware's sends the request through
 * `node:http` and hands the answer over, and this follows what becomes of it.
 *
 * Place: where a transport stands. Guarantee: phases and progress are reported as they happen, so
 * that timeouts have their names; no request is written to a forbidden address; a cut ends the
 * engine's request. Not here: the client.
 */
import type { ClientRequest, IncomingMessage, InformationEvent } from "node:http";
import { isIP, type Socket } from "node:net";
import type { Duplex, Writable } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.js";
import { LIMITS } from "../catalog/defaults.js";
import type { Failure } from "../core/failure.js";
import { NamedError } from "../core/named-error.js";
import { Pending } from "../core/pending.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import type { RunTerms } from "./engine-run.js";
import { switchOfHttp10 } from "./head-guard.js";
import { makeWritesPatient } from "./patient-writes.js";
import { ReceivingRun } from "./receiving-run.js";
import type { ResponseHead } from "./response-head.js";
import { soundHead, soundTrailers } from "./response-head.js";

/** The side of the client, which is notified when there is nothing more to pass on. */
export interface ForeignSide {
  /** The answer broke after its head was passed on. */
  broken(failure: Failure): void;
}

const SWITCHING = 101;

/** The engine's sockets, for as long as they are kept: when they were opened, and came to rest. */
const sockets = new WeakMap<Socket, { readonly openedAt: number; restedAt: number }>();

export class ForeignRun extends ReceivingRun {
  readonly outcome = new Pending<ResponseBody>();
  readonly #clock: Clock;
  readonly #side: ForeignSide;
  #request: ClientRequest | null = null;
  #socket: Socket | null = null;
  #answer: IncomingMessage | null = null;
  #sent = false;
  #interim = 0;
  /** An interim answer ended within the bytes that are being read. */
  #interimEnds = false;
  #reads = false;

  constructor(clock: Clock, terms: RunTerms, exchange: Exchange, side: ForeignSide) {
    super(exchange, terms);
    this.#clock = clock;
    this.#side = side;
  }

  /** Lets the engine begin; it reports its request when that has a connection. */
  begin(send: () => void): Pending<ResponseBody> {
    const { target, timeline, cancellation } = this.exchange;
    timeline.written = false;
    this.exchange.enter("queue");
    cancellation.add(this);
    if (this.over) return this.outcome;
    try {
      if (target.socketPath === null) target.guard?.checkHost(target.hostname);
      send();
    } catch (error) {
      this.fail(error);
    }
    return this.outcome;
  }

  /** The engine has made its request, of which nothing has been written. */
  sending(request: ClientRequest): void {
    if (this.over) {
      request.destroy();
      return;
    }
    this.state = "waiting";
    this.#request = request;
    // Before the engine hears of it: what is half sent must be cut before anything is added to it.
    request.prependListener("error", (error) => this.broke(error));
    request.on("information", this.#onInformation);
    request.once("finish", () => {
      this.#sent = true;
      this.#waitIfSent();
    });
    if (request.socket === null) request.once("socket", (socket) => this.#connect(request, socket));
    else this.#connect(request, request.socket);
  }

  /** The engine, or its connection, has failed. What comes behind a whole answer is none of it. */
  broke(error: unknown): void {
    if (this.#answer?.complete !== true) this.fail(error);
  }

  /** A part of the request's body is on its way. */
  readonly progress = (): void => {
    if (!this.over) this.exchange.progress();
  };

  /** The head of the answer is here. It is the outcome, unless it must not be passed on. */
  answered(response: IncomingMessage): void {
    // A switch that names no protocol; the client must not take it for its own.
    const head = response.statusCode === SWITCHING ? this.#switchedUnasked() : this.#take(response);
    if (head === null) return;
    response.on("error", (error) => this.fail(error));
    response.once("close", () => {
      if (response.complete && !this.#reads) this.finish();
      else if (!this.over) this.fail(new NamedError("http_response_incomplete"));
    });
    this.settleAnswer(head);
  }

  /** The application passes the answer on by itself; it is counted on its way. */
  watch(client: Writable): void {
    const { exchange } = this;
    const answer = this.#answer as IncomingMessage;
    // Only when it is read; a listener of ours must not be the one that lets it flow.
    answer.once("resume", () =>
      answer.on("data", (chunk: Buffer | string) => {
        if (this.over || !this.count(chunk.length)) return;
        exchange.clientBehind(client.writableNeedDrain);
      }),
    );
    answer.once("end", () => this.finish());
    client.on("drain", () => exchange.clientBehind(false));
  }

  /** The protocol was switched; from here on there are two sockets. */
  switched(response: IncomingMessage, tunnel: Duplex): void {
    const upgraded = this.tunnelOver(tunnel);
    const head = this.#take(response);
    if (head === null) {
      tunnel.destroy();
      return;
    }
    this.upgraded = upgraded;
    tunnel.on("error", (error) => this.fail(error));
    this.settleAnswer(head);
  }

  protected stop(): void {
    this.#request?.destroy();
    this.upgraded?.socket.destroy();
  }

  protected drop(): void {
    this.finish();
    this.stop();
  }

  protected holdBack(): void {
    this.#answer?.pause();
  }

  protected letFlow(): void {
    const answer = this.#answer;
    if (answer === null) return;
    if (!this.#reads) {
      this.#reads = true;
      answer.on("data", (chunk: Buffer | string) => {
        // A listener of the application may have set an encoding.
        const encoding = answer.readableEncoding ?? "utf8";
        this.bodyIn(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
      });
      answer.once("end", () => this.#end(answer));
    }
    answer.resume();
  }

  // The engine may keep the connection for another request.
  protected override released(): void {
    const socket = this.#socket;
    if (socket === null) return;
    const known = sockets.get(socket);
    if (known !== undefined) known.restedAt = this.exchange.timeline.endAt;
    socket.off("data", this.#onBytes);
    socket.off("lookup", this.#onLookup);
    socket.off("connect", this.#onConnect);
    socket.off("secureConnect", this.#onReady);
  }

  protected override ended(failure: Failure | null, headWasUp: boolean): void {
    if (failure !== null) this.stop();
    super.ended(failure, headWasUp);
    if (failure !== null && headWasUp) this.#side.broken(failure);
  }

  /** The head, checked; null when the run is over, or has just failed by it. */
  #take(response: IncomingMessage): ResponseHead | null {
    if (this.over) {
      response.destroy();
      return null;
    }
    this.#answer = response;
    const { statusCode, statusMessage, rawHeaders } = response;
    try {
      const { limits } = this.terms;
      checkVersion(response);
      this.head = soundHead(statusCode as number, statusMessage ?? "", rawHeaders, limits);
      this.receive();
      return this.head;
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  #switchedUnasked(): null {
    this.fail(new NamedError("http_upgrade_failed"));
    return null;
  }

  #end(answer: IncomingMessage): void {
    try {
      this.endIn(soundTrailers(answer.rawTrailers, this.terms.limits));
    } catch (error) {
      this.fail(error);
    }
  }

  readonly #onInformation = ({ statusCode, rawHeaders }: InformationEvent): void => {
    if (this.over) return;
    this.#interimEnds = true;
    this.#interim += 1;
    if (this.#interim <= LIMITS.informationalMax) {
      this.exchange.request.onInformation?.(statusCode, rawHeaders);
    } else this.fail(new NamedError("http_protocol_error", "too many interim answers"));
  };

  #connect(request: ClientRequest, socket: Socket): void {
    if (this.over) return;
    const { timeline, target } = this.exchange;
    this.#socket = socket;
    socket.on("data", this.#onBytes);
    timeline.reused = request.reusedSocket;
    if (this.exchange.request.body !== null) makePatient(socket, this.#clock);
    // One that has failed at once is neither: its error is on the way.
    if (!socket.connecting && !socket.destroyed) {
      const known = sockets.get(socket);
      timeline.openedAt = known?.openedAt ?? -1;
      timeline.restedAt = known?.restedAt ?? -1;
      if (this.#isPermitted(socket)) this.#send();
      return;
    }
    const named = target.socketPath === null && isIP(target.hostname) === 0;
    this.exchange.enter(named ? "resolve" : "connect");
    socket.once("lookup", this.#onLookup);
    socket.once("connect", this.#onConnect);
    if (isSecure(socket)) socket.once("secureConnect", this.#onReady);
  }

  /**
   * Whether the other end is one that may be connected to: an agent of the application may lead
   * elsewhere than the look-up of the target, and may keep connections that others have made.
   */
  #isPermitted({ remoteAddress }: Socket): boolean {
    try {
      this.exchange.target.guard?.checkHost(remoteAddress ?? "");
    } catch (error) {
      this.fail(error);
    }
    return !this.over;
  }

  readonly #onLookup = (): void => this.#enter("connect");
  readonly #onConnect = (): void => {
    const socket = this.#socket as Socket;
    if (!this.#isPermitted(socket)) return;
    if (isSecure(socket)) this.#enter("secure");
    else this.#onReady();
  };
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

  /** Called when Node's parser has read them. */
  readonly #onBytes = (chunk: Buffer): void => {
    if (this.over) return;
    const { timeline } = this.exchange;
    if (this.#interimEnds) timeline.headBytes = chunk.length - chunk.lastIndexOf("\n\r\n") - 3;
    else if (this.state === "waiting") timeline.headBytes += chunk.length;
    this.#interimEnds = false;
    this.exchange.progress();
  };
}

function isSecure(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/** Connections whose failed writes wait for an answer already; an agent may keep them. */
const patient = new WeakSet<Socket>();

function makePatient(socket: Socket, clock: Clock): void {
  if (patient.has(socket)) return;
  patient.add(socket);
  makeWritesPatient(socket, clock);
}

/** Node's parser is content with other versions, and with chunks in HTTP/1.0 (RFC 9112 §6.1). */
function checkVersion({ httpVersion, headers, statusCode }: IncomingMessage): void {
  if (httpVersion === "1.1") return;
  if (statusCode === SWITCHING) throw switchOfHttp10();
  if (httpVersion !== "1.0") throw new NamedError("http_protocol_error", "status line");
  if (headers["transfer-encoding"] === undefined) return;
  throw new NamedError("response_framing_invalid", "transfer-encoding");
}
