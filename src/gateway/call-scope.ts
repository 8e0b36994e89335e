/**
 * The scope of a call, for every door: begins it, links it to what may end it, and notifies
 * the listeners once of its end, when all that belongs to it is over.
 *
 * A call of the application has one side, the body of its answer. A call that a server took has
 * two: that body and the client. Guarantee: each call is reported once, and each request that
 * was refused; nothing of a call stays linked to a signal or a context when it is over; without a
 * listener the end reads nothing and makes nothing.
 */

import { AsyncResource } from "node:async_hooks";
import type { ServerResponse } from "node:http";
import { onAbort } from "../base/abort.js";
import { type Clock, epochMs } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import { OwnTimer } from "../base/shared-timers.js";
import type { FailureCode } from "../catalog/failures.js";
import type { Call, CallOverrides, ClientEnd } from "../core/call.js";
import { inContextOf } from "../core/call-context.js";
import { answeringCall } from "../core/detour.js";
import type { Failure } from "../core/failure.js";
import type { Ending } from "../core/outcome.js";
import type { ClientPaceLimits, GatewayRequest } from "../core/request.js";
import { joinContext } from "../core/request-context.js";
import type { CallKind } from "../records/call-record.js";
import { callRecord, EndedCall, endedCall } from "../records/ended-call.js";
import type { EndedCalls } from "../records/ended-calls.js";
import type { GatewayEvents } from "../records/events.js";
import type { Tracing } from "../records/tracing.js";
import { askedUrlOf } from "../wire/client-path.js";
import { type AnswerFacts, authorityOf, sentWhole, streamOf } from "../wire/http2.js";
import type { AcceptedRequest } from "../wire/read-request.js";
import type { RequestFacts } from "../wire/request-facts.js";
import { cutResponse } from "../wire/write-response.js";
import type { UpstreamInside } from "./upstream-inside.js";

/** What may end a call of the application before its time. */
export interface OwnCallEnds {
  readonly signal?: AbortSignal | undefined;
  /** Called with the signal's reason before the call is cut. */
  readonly onAbort?: (reason: unknown) => void;
  /** The id of the call that it is made for; one of its own unless given. */
  readonly id?: string;
}

/** A call of the application itself: a fetch, a `send`, a dispatch. */
export class OwnScope implements Ending {
  readonly call: Call;
  readonly #inside: UpstreamInside;
  readonly #kind: CallKind;
  readonly #unlinkContext: (() => void) | null;
  readonly #unlinkSignal: (() => void) | null;
  #isOver = false;

  constructor(
    inside: UpstreamInside,
    kind: CallKind,
    request: GatewayRequest,
    overrides: CallOverrides | null,
    { signal, onAbort: aborted, id }: OwnCallEnds = {},
  ) {
    const { gateway, core } = inside;
    this.#inside = inside;
    this.#kind = kind;
    this.call = core.newCall(request, id ?? gateway.newRequestId(), overrides, null);
    this.#unlinkContext = joinContext(this.call);
    this.#unlinkSignal = signal === undefined ? null : this.#endWith(signal, aborted);
  }

  #endWith(signal: AbortSignal, aborted: OwnCallEnds["onAbort"]): () => void {
    return onAbort(signal, (reason) => {
      aborted?.(reason);
      this.call.cancellation.cut("client");
    });
  }

  /** The body of its answer is over, or there is none. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unlinkSignal?.();
    this.#unlinkContext?.();
    const { gateway, core } = this.#inside;
    if (!isHeard(gateway)) return;
    const { call } = this;
    const path = withoutQuery(call.request.path);
    const status = call.answeredBy === "upstream" ? answeredStatus(call) : null;
    const ended = endedCall(call, core.name, this.#kind, path, gateway.clock);
    ended.closeClient(status, ownEndOf(call));
    report(gateway, call, ended);
  }
}

function answeredStatus(call: Call): number | null {
  const own = call.detour?.status ?? null;
  return own ?? answeringCall(call).attempts.at(-1)?.status ?? null;
}

/** The body of the answer, and the client. */
const BOTH = 2;

/**
 * A call that a server took for a client. It is its own timer, since one is set for each call: how
 * long the client may take for what is left of an answer whose exchange is over.
 */
export class ServedScope extends OwnTimer implements Ending {
  readonly call: Call;
  private readonly inside: UpstreamInside;
  private readonly kind: CallKind;
  private readonly req: RequestFacts;
  private readonly res: AnswerFacts;
  /** Bytes of the answer that had not left when that was looked at; 0 for none, or no look. */
  private unsent = 0;
  /** The client has got all of it. */
  private isSent = false;

  constructor(
    inside: UpstreamInside,
    kind: CallKind,
    { request, id, caller }: AcceptedRequest,
    overrides: CallOverrides | null,
    req: RequestFacts,
    res: AnswerFacts,
  ) {
    super();
    this.inside = inside;
    this.kind = kind;
    this.req = req;
    this.res = res;
    this.call = inside.core.newCall(request, id, overrides, caller);
  }

  /** The client has its answer, or has left. */
  clientOver(): void {
    this.isSent = sentWhole(this.res);
    if (!this.isSent) this.leave();
    this.unset();
    this.sideOver();
  }

  /** The client has left before there was an answer. */
  leave(): void {
    this.call.cancellation.cut("client");
  }

  /** The body of the answer is over. */
  over(): void {
    const { call } = this;
    const { clientPace = null } = call.request;
    if (call.sidesOver === 0 && clientPace !== null) this.waitFor(clientPace.clientMs);
    this.sideOver();
  }

  /**
   * A client that takes nothing of what is left has `clientMs`, and then a second for so many bytes
   * of it. While all has left that there is, it is not the client who keeps it waiting.
   */
  due(): void {
    const { call, res, unsent: before } = this;
    const { clientMs, bytesPerSecondMin } = call.request.clientPace as ClientPaceLimits;
    if (call.answeredBy === "application" || !("destroy" in res) || isOver(res as ServerResponse)) {
      return;
    }
    const now = unsentOf(res as ServerResponse);
    if (before > 0 && now >= before) {
      call.failure ??= { code: "client_stalled" };
      cutResponse(res as ServerResponse);
      return;
    }
    this.unsent = now;
    this.waitFor(now === 0 ? clientMs : (now / bytesPerSecondMin) * 1_000);
  }

  private waitFor(ms: number): void {
    const { timers } = this.inside.gateway;
    this.set(timers, ms, timers.now());
  }

  /** The second side to be over reports the call. */
  private sideOver(): void {
    const { call, req, res } = this;
    const { gateway, core } = this.inside;
    call.sidesOver += 1;
    if (call.sidesOver !== BOTH || !isHeard(gateway)) return;
    const ended = endedCall(call, core.name, this.kind, askedPath(req), gateway.clock);
    ended.closeClient(statusOf(res), this.isSent ? "complete" : unsentEndOf(call));
    addClient(ended, req, call.request.headers);
    report(gateway, call, ended);
  }

  /** What it was upgraded to is over, on both sides at once. */
  tunnelOver(): void {
    const { call, req } = this;
    const { gateway, core } = this.inside;
    if (!isHeard(gateway)) return;
    const broken = lastCode(call);
    const ended = endedCall(call, core.name, "upgrade", askedPath(req), gateway.clock);
    ended.closeClient(101, broken === null ? "complete" : "cut");
    addClient(ended, req, call.request.headers);
    report(gateway, call, ended);
  }
}

/** What is needed of a gateway to report a call. */
export interface Teller {
  readonly clock: Pick<Clock, "now" | "wallNow">;
  readonly events: Pick<Emitter<GatewayEvents>, "has" | "emit">;
  readonly tracing: Readonly<Tracing>;
  readonly endedCalls: Pick<EndedCalls, "heard" | "add">;
}

function isHeard({ events, tracing, endedCalls }: Teller): boolean {
  return endedCalls.heard || tracing.tracer !== null || events.has("call:end");
}

/** The plain record is made for those alone who are given it. */
function report(
  { clock, events, tracing, endedCalls }: Teller,
  call: Call | null,
  ended: EndedCall,
): void {
  if (endedCalls.heard) endedCalls.add(ended);
  const heard = events.has("call:end");
  const { tracer } = tracing;
  if (!heard && tracer === null) return;
  ended.date(epochMs(clock));
  const record = callRecord(ended);
  if (call !== null) tracer?.over(call, record);
  if (!heard) return;
  if (call === null) events.emit("call:end", record);
  else inContextOf(call, () => events.emit("call:end", record));
}

/** A request that was refused before it became a call; reported when its answer is over. */
export function tellOfRefusal(
  teller: Teller,
  upstream: string,
  kind: CallKind,
  refused: RefusedRequest,
): void {
  // A tracer follows calls only.
  if (!teller.endedCalls.heard && !teller.events.has("call:end")) return;
  const { req, res, id, failure } = refused;
  const startedAt = teller.clock.now();
  const address = addressOf(req);
  // In the context of the request, which is not that of the socket that closes it.
  const over = AsyncResource.bind(() => {
    const ended = new EndedCall(id, upstream, kind, req.method as string, askedPath(req));
    ended.end(startedAt, teller.clock);
    ended.fail(failure.code, failure);
    if (res.headersSent) ended.answeredBy = "gateway";
    ended.closeClient(statusOf(res), sentWhole(res) ? "complete" : "aborted");
    addClient(ended, req, null);
    ended.address = address;
    report(teller, null, ended);
  });
  res.once("close", over);
}

export interface RefusedRequest {
  readonly req: RequestFacts;
  readonly res: AnswerFacts;
  readonly id: string;
  readonly failure: Failure;
}

function isOver({ req, writableFinished }: ServerResponse): boolean {
  return writableFinished || req.socket?.destroyed === true;
}

/** What the client could have taken: not what waits for the answers before it (pipelining). */
function unsentOf(res: ServerResponse): number {
  const stream = streamOf(res);
  if (stream !== null) return stream.writableLength;
  return res.socket === null ? 0 : res.writableLength;
}

function statusOf(res: AnswerFacts): number | null {
  return res.headersSent ? res.statusCode : null;
}

function unsentEndOf(call: Call): ClientEnd {
  const code = call.failure?.code ?? lastCode(call);
  return code === null || code === "client_closed_request" ? "aborted" : "cut";
}

/** The name of the last attempt that has to do with the answer. */
function lastCode(call: Call): FailureCode | null {
  if (call.detour !== null && call.detour.call === null) return null;
  return answeringCall(call).attempts.at(-1)?.code ?? null;
}

function ownEndOf(call: Call): ClientEnd {
  const { cancellation, failure } = call;
  const code = lastCode(call);
  if (cancellation.by === "client" || code === "client_closed_request") return "aborted";
  // A good head whose body broke.
  return failure === null && code !== null ? "cut" : "complete";
}

function addClient(ended: EndedCall, req: RequestFacts, sent: readonly string[] | null): void {
  const { headers } = req;
  ended.address = addressOf(req);
  if (sent !== null) ended.forwardedFor = fieldOf(sent, "x-forwarded-for");
  ended.httpVersion = req.httpVersion;
  ended.host = authorityOf(req) ?? null;
  ended.userAgent = headers["user-agent"] ?? null;
  if (headers.referer !== undefined) ended.referer = withoutQuery(headers.referer);
}

/** Of the peer; known before the socket is closed, and kept by it. */
function addressOf({ socket }: RequestFacts): string {
  return socket.remoteAddress ?? "unknown";
}

function fieldOf(fields: readonly string[], name: string): string | null {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] === name) return fields[at + 1] ?? null;
  }
  return null;
}

function askedPath(req: RequestFacts): string {
  return withoutQuery(askedUrlOf(req));
}

function withoutQuery(path: string): string {
  // Two plain searches cost less than one for a set of characters.
  const query = path.indexOf("?");
  const asked = query === -1 ? path : path.slice(0, query);
  const fragment = asked.indexOf("#");
  return fragment === -1 ? asked : asked.slice(0, fragment);
}
