/**
 * Tells who listens that a call is over: its answer's body, and its client's end.
 *
 * Guarantee: once for each request that a proxy took and for each call of the application; with
 * nobody listening it reads nothing and makes nothing.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import type { FailureCode } from "../catalog/failures.js";
import type { Call, ClientEnd } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import { authorityOf, sentWhole } from "../wire/http2.js";
import {
  type CallClient,
  type CallFacts,
  type CallKind,
  callRecord,
  type Now,
  refusalRecord,
} from "./call-record.js";
import type { GatewayEvents } from "./events.js";
import type { Tracing } from "./tracing.js";

/** What is needed of a gateway to tell of a call. */
export interface Teller {
  readonly clock: Pick<Clock, "now" | "wallNow">;
  readonly events: Pick<Emitter<GatewayEvents>, "has" | "emit">;
  readonly tracing: Readonly<Tracing>;
}

const BOTH = 2;

/** One side of a call that came through a server is over; whoever comes second tells. */
export function sideOver(
  teller: Teller,
  upstream: string,
  kind: CallKind,
  call: Call,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  call.sidesOver += 1;
  if (call.sidesOver !== BOTH || !isHeard(teller)) return;
  tell(teller, call, {
    upstream,
    kind,
    path: askedPath(req),
    status: res.headersSent ? res.statusCode : null,
    clientEnd: clientEndOf(call, res),
    client: clientOf(req, call.request.headers),
  });
}

/** What was upgraded is over, on both sides at once. */
export function tunnelOver(
  teller: Teller,
  upstream: string,
  call: Call,
  req: IncomingMessage,
): void {
  if (!isHeard(teller)) return;
  const client = clientOf(req, call.request.headers);
  const facts = { upstream, kind: "upgrade", path: askedPath(req), status: 101, client } as const;
  const broken = call.attempts.at(-1)?.code ?? null;
  const clientEnd = broken === null ? "complete" : "cut";
  tell(teller, call, { ...facts, clientEnd });
}

/** A call of the application itself is over: its answer's body has ended, or there is none. */
export function ownCallOver(teller: Teller, upstream: string, kind: CallKind, call: Call): void {
  if (!isHeard(teller)) return;
  tell(teller, call, {
    upstream,
    kind,
    path: withoutQuery(call.request.path),
    status: call.answeredBy === "upstream" ? (call.attempts.at(-1)?.status ?? null) : null,
    clientEnd: ownEndOf(call),
    client: null,
  });
}

function isHeard({ events, tracing }: Teller): boolean {
  return events.has("call:end") || tracing.tracer !== null;
}

function tell({ clock, events, tracing }: Teller, call: Call, facts: CallFacts): void {
  const record = callRecord(call, facts, both(clock));
  tracing.tracer?.over(call, record);
  if (events.has("call:end")) events.emit("call:end", record);
}

/** A request that was refused before it became a call; tells when its answer is over. */
export function tellOfRefusal(
  { clock, events }: Teller,
  upstream: string,
  kind: CallKind,
  refused: RefusedRequest,
): void {
  if (!events.has("call:end")) return;
  const { req, res, id, failure } = refused;
  const startedAt = clock.now();
  const client = clientOf(req, null);
  res.once("close", () => {
    const facts = {
      ...{ id, upstream, kind, failure, startedAt, client },
      method: req.method as string,
      path: askedPath(req),
      status: res.headersSent ? res.statusCode : null,
      answeredBy: res.headersSent ? ("gateway" as const) : null,
      clientEnd: sentWhole(res) ? ("complete" as const) : ("aborted" as const),
      bytesOut: 0,
    };
    events.emit("call:end", refusalRecord(facts, both(clock)));
  });
}

export interface RefusedRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly id: string;
  readonly failure: Failure;
}

function both(clock: Teller["clock"]): Now {
  return { now: clock.now(), wallNow: clock.wallNow() };
}

/** Codes of a body whose end is the client's doing, and not our cut. */
const CLIENTS_DOING: ReadonlySet<FailureCode | null> = new Set([null, "client_closed_request"]);

function clientEndOf(call: Call, res: ServerResponse): ClientEnd {
  if (sentWhole(res)) return "complete";
  const code = call.failure?.code ?? call.attempts.at(-1)?.code ?? null;
  return CLIENTS_DOING.has(code) ? "aborted" : "cut";
}

function ownEndOf({ cancellation, attempts, failure }: Call): ClientEnd {
  const code = attempts.at(-1)?.code ?? null;
  if (cancellation.by === "client" || code === "client_closed_request") return "aborted";
  // A good head whose body broke.
  return failure === null && code !== null ? "cut" : "complete";
}

function clientOf(req: IncomingMessage, sent: readonly string[] | null): CallClient {
  const { referer } = req.headers;
  return {
    // Known before the socket is closed, and kept by it.
    address: req.socket.remoteAddress ?? "unknown",
    forwardedFor: sent === null ? null : fieldOf(sent, "x-forwarded-for"),
    httpVersion: req.httpVersion,
    host: authorityOf(req) ?? null,
    userAgent: req.headers["user-agent"] ?? null,
    referer: referer === undefined ? null : withoutQuery(referer),
  };
}

function fieldOf(fields: readonly string[], name: string): string | null {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] === name) return fields[at + 1] ?? null;
  }
  return null;
}

/** As the client wrote it: a mount takes its own path off. */
function askedPath(req: IncomingMessage): string {
  const { originalUrl } = req as { readonly originalUrl?: unknown };
  return withoutQuery(typeof originalUrl === "string" ? originalUrl : (req.url ?? ""));
}

function withoutQuery(path: string): string {
  // Two plain searches cost less than one for a set of characters.
  const query = path.indexOf("?");
  const asked = query === -1 ? path : path.slice(0, query);
  const fragment = asked.indexOf("#");
  return fragment === -1 ? asked : asked.slice(0, fragment);
}
