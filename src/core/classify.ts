/**
 * The one place where raw errors become names of the catalog.
 *
 * The order of the questions is the guarantee: who cut it (we hold the timers and the client's
 * signal, so we know), then how far the exchange got, then the code. The text of an error is never
 * read, since it changes between versions. Causes and the members of an AggregateError are walked,
 * bounded.
 */
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { LIMITS, SELF } from "../catalog/defaults.js";
import {
  CODE_REFINEMENTS,
  type CodeMeaning,
  type CodeRefinement,
  meaningOf,
  NAME_MEANINGS,
  REFUSALS_OF_NODE,
  UNKNOWN_ERROR,
} from "../catalog/error-codes.js";
import { type FailureCode, hasTrait } from "../catalog/failures.js";
import type { CutBy } from "./cancellation.js";
import { NamedError } from "./named-error.js";
import type { Timeline } from "./timeline.js";

type ErrorStage = "connect" | "exchange" | "body";

/** Names what ended an exchange. */
export function classifyError(
  timeline: Timeline,
  cutBy: CutBy | null,
  error: unknown,
): FailureCode {
  if (cutBy !== null) return classifyCut(timeline, cutBy);
  const links = walk(error);
  for (const link of links) {
    if (link instanceof NamedError) return refine(timeline, link.failureCode);
    if (REFUSALS_OF_NODE.has((link as ErrorLike).code)) return UNKNOWN_ERROR;
  }
  const stage = stageOf(timeline);
  const names = links.map((link) => nameOf(link, stage, timeline)).filter((name) => name !== null);
  const telling = names.find((name) => hasTrait(name, "telling")) ?? names[0];
  return refine(timeline, telling ?? UNKNOWN_ERROR);
}

/** Names an answer that is itself a failure; null when it is the answer that was asked for. */
export function classifyResponse(status: number, hasRetryAfter: boolean): FailureCode | null {
  if (status < 500) {
    if (status === 429) return "received_rate_limited";
    if (status === 421) return "received_misdirected";
    return status === 425 ? "received_too_early" : null;
  }
  switch (status) {
    // What the server does not implement says nothing about its health.
    case 501:
    case 505:
      return null;
    case 503:
      return hasRetryAfter ? "received_overloaded" : "received_gateway_error";
    case 502:
    case 504:
      return "received_gateway_error";
    default:
      return "received_server_error";
  }
}

function classifyCut(timeline: Timeline, cutBy: CutBy): FailureCode {
  switch (cutBy) {
    case "client":
      return "client_closed_request";
    case "upload":
      return "request_body_failed";
    case "shutdown":
      return "draining";
    case "hedge":
      return "hedge_cancelled";
    case "body_timeout":
      return "response_body_timeout";
    case "deadline":
      return classifyDeadline(timeline);
    case "timeout":
      return classifyTimeout(timeline);
  }
}

function classifyDeadline(timeline: Timeline): FailureCode {
  const { phase, waitsForClient } = timeline;
  if (phase === "admit" || phase === "queue") return "deadline_exceeded_queued";
  if (phase === "resolve" || phase === "connect" || phase === "secure") {
    const isConnected = handshakeOf(timeline) !== null;
    return isConnected ? "deadline_exceeded_in_handshake" : "deadline_exceeded_connecting";
  }
  // The upstream could not have answered: it has not been asked to the end.
  if (phase === "send" && waitsForClient) return "request_body_timeout";
  return "deadline_exceeded";
}

function classifyTimeout(timeline: Timeline): FailureCode {
  switch (timeline.phase) {
    case "admit":
    case "queue":
      return "connection_pool_timeout";
    // Resolving and TLS need our event loop; a stalled one is to blame for their lateness itself.
    case "resolve":
      return stalled(timeline) ? "event_loop_stalled" : "dns_timeout";
    case "connect":
    case "secure":
      if (stalled(timeline)) return "event_loop_stalled";
      return handshakeOf(timeline) ?? "connection_timeout";
    case "send":
      return timeline.waitsForClient ? "request_body_timeout" : "connection_write_timeout";
    case "wait":
      if (timeline.headBytes > 0) return "connection_read_timeout";
      return timeline.doubted ? "stale_connection" : "http_response_timeout";
    case "receive":
      if (timeline.tunnel !== "none") return "tunnel_idle";
      return timeline.clientBlocked ? "client_stalled" : "connection_read_timeout";
  }
}

/**
 * What its silence is called behind a connection that was accepted: host and port can be reached,
 * and what listens there does nothing.
 */
function handshakeOf({ phase, awaitsPreface }: Timeline): FailureCode | null {
  if (awaitsPreface) return "http2_preface_timeout";
  return phase === "secure" ? "tls_handshake_timeout" : null;
}

function stalled(timeline: Timeline): boolean {
  return timeline.stalledMs >= SELF.stallMs;
}

function stageOf(timeline: Timeline): ErrorStage {
  if (timeline.headAt >= 0) return "body";
  return timeline.written ? "exchange" : "connect";
}

/** A loss of the connection has finer names, distinguished by how far the exchange got. */
function refine(timeline: Timeline, code: FailureCode): FailureCode {
  if (!hasTrait(code, "connection_lost") || timeline.headAt >= 0) return code;
  if (!timeline.written) return "connection_reset_while_connecting";
  if (timeline.headBytes > 0) return "http_response_incomplete";
  if (timeline.reused && diedAtOnce(timeline)) return "stale_connection";
  return timeline.phase === "send" ? "connection_terminated_while_sending" : code;
}

// The peer's reset for a connection that it had closed comes within a round trip, not later.
function diedAtOnce(timeline: Timeline): boolean {
  return timeline.endAt - timeline.sendAt <= SELF.staleMs;
}

interface ErrorLike {
  readonly code?: unknown;
  readonly name?: unknown;
  readonly syscall?: unknown;
  readonly port?: unknown;
  readonly address?: unknown;
}

function nameOf(link: object, stage: ErrorStage, timeline: Timeline): FailureCode | null {
  return meaningOfLink(link as ErrorLike, timeline)?.[stage] ?? null;
}

function meaningOfLink(link: ErrorLike, timeline: Timeline): CodeMeaning | undefined {
  const { code, name } = link;
  if (typeof code === "string") {
    const refined = CODE_REFINEMENTS.find((row) => row.code === code && fits(row, link, timeline));
    return refined?.meaning ?? meaningOf(code);
  }
  return typeof name === "string" ? NAME_MEANINGS[name] : undefined;
}

function fits(row: CodeRefinement, link: ErrorLike, timeline: Timeline): boolean {
  const syscall = typeof link.syscall === "string" ? link.syscall : "";
  if (row.syscall === "" ? syscall !== "" : !syscall.startsWith(row.syscall ?? "")) return false;
  if (row.withPort === true && typeof link.port !== "number") return false;
  if (row.withoutSix === true && !(isIPv6(String(link.address)) && hasNoSix())) return false;
  return timeline.endAt - timeline.startedAt >= (row.tookMsMin ?? 0);
}

function hasNoSix(): boolean {
  const all = Object.values(networkInterfaces()).flat();
  return all.every((one) => one?.family !== "IPv6");
}

/** The error, its causes and the members of aggregates, nearest first. */
export function walk(error: unknown): readonly object[] {
  const found: object[] = [];
  let level: unknown[] = [error];
  for (let depth = 0; depth < LIMITS.causeDepthMax && level.length > 0; depth += 1) {
    const below: unknown[] = [];
    for (const link of level) {
      if (typeof link !== "object" || link === null || found.includes(link)) continue;
      if (found.length >= LIMITS.causeErrorsMax) return found;
      found.push(link);
      const { cause, errors } = link as { cause?: unknown; errors?: unknown };
      if (Array.isArray(errors)) below.push(...errors.slice(0, LIMITS.causeErrorsMax));
      if (cause !== undefined) below.push(cause);
    }
    level = below;
  }
  return found;
}
