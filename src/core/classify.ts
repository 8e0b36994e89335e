/**
 * The one place where raw errors become names of the catalog.
 *
 * The order of the questions is the guarantee: who cut it (we hold the timers and the client's signal,
 * so we know), then how far the exchange got, then the code. The text of an error is never read, since
 * it changes between versions. Causes and the members of an AggregateError are walked, bounded.
 */
import { LIMITS, SELF, TIMEOUTS } from "../catalog/defaults.js";
import { CODE_MEANINGS, CODE_PREFIXES } from "../catalog/error-codes.js";
import type { FailureCode } from "../catalog/failures.js";
import type { CutBy } from "./cancellation.js";
import type { Timeline } from "./timeline.js";

/** An error whose name our own code already knows, such as the guard of response heads. */
export class NamedError extends Error {
  override readonly name = "NamedError";
  readonly failureCode: FailureCode;
  /** Facts for operators; no text of the upstream. */
  readonly details: string | undefined;

  constructor(failureCode: FailureCode, details?: string, cause?: unknown) {
    super(failureCode, cause === undefined ? undefined : { cause });
    this.failureCode = failureCode;
    this.details = details;
  }
}

type Stage = "connect" | "exchange" | "body";

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
  }
  const stage = stageOf(timeline);
  const names = links.map((link) => nameOf(link, stage, timeline)).filter((name) => name !== null);
  const telling = names.find((name) => TELLING.has(name)) ?? names[0];
  return refine(timeline, telling ?? "proxy_internal_error");
}

/** Names an answer that is itself a failure; null when it is the answer that was asked for. */
export function classifyResponse(status: number, hasRetryAfter: boolean): FailureCode | null {
  if (status < 500) {
    if (status === 429) return "received_rate_limited";
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
    case "shutdown":
      return "draining";
    case "body_timeout":
      return "response_body_timeout";
    case "deadline":
      return classifyDeadline(timeline);
    case "timeout":
      return classifyTimeout(timeline);
  }
}

function classifyDeadline({ phase }: Timeline): FailureCode {
  if (phase === "admit" || phase === "queue") return "deadline_exceeded_queued";
  if (phase === "resolve" || phase === "connect" || phase === "secure") {
    return "deadline_exceeded_connecting";
  }
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
      return stalled(timeline) ? "event_loop_stalled" : "connection_timeout";
    case "send":
      return timeline.waitsForClient ? "request_body_timeout" : "connection_write_timeout";
    case "wait":
      return timeline.headBytes > 0 ? "connection_read_timeout" : "http_response_timeout";
    case "receive":
      return timeline.clientBlocked ? "client_stalled" : "connection_read_timeout";
  }
}

function stalled(timeline: Timeline): boolean {
  return timeline.stalledMs >= SELF.stallMs;
}

function stageOf(timeline: Timeline): Stage {
  if (timeline.headAt >= 0) return "body";
  return timeline.written ? "exchange" : "connect";
}

// Where several addresses failed in several ways, these say more than the others.
const TELLING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "connection_timeout",
  "connection_refused",
]);

/** A loss of the connection has finer names, told apart by how far the exchange got. */
function refine(timeline: Timeline, code: FailureCode): FailureCode {
  if (code === "dns_error" || code === "dns_timeout") return refineDns(timeline, code);
  if (code !== "connection_terminated" || timeline.headAt >= 0) return code;
  if (!timeline.written) return "connection_reset_while_connecting";
  if (timeline.headBytes > 0) return "http_response_incomplete";
  if (timeline.reused && diedAtOnce(timeline)) return "stale_connection";
  return timeline.phase === "send" ? "connection_terminated_while_sending" : code;
}

// EAI_AGAIN stands for "the resolver gave up" and for "the resolver said: not now".
function refineDns(timeline: Timeline, code: "dns_error" | "dns_timeout"): FailureCode {
  if (code === "dns_error") return code;
  const tookMs = timeline.endAt - timeline.startedAt;
  return tookMs >= TIMEOUTS.resolverMsMin ? "dns_timeout" : "dns_error";
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
}

function nameOf(link: object, stage: Stage, timeline: Timeline): FailureCode | null {
  const { code, name, syscall, port } = link as ErrorLike;
  // undici 7 gives its parser errors no code, only a name of their own.
  const key = typeof code === "string" ? code : name === "HTTPParserError" ? "HPE_" : null;
  if (key === null) return null;
  // c-ares reports a resolver that refuses with the code of a target that refuses.
  if (typeof syscall === "string" && syscall.startsWith("query")) {
    return key === "ETIMEOUT" ? "dns_timeout" : "dns_error";
  }
  // A network address has a port; only the path of a unix socket can lack a permission.
  if ((key === "EACCES" || key === "EPERM") && typeof port === "number") {
    return "destination_ip_prohibited";
  }
  return CODE_MEANINGS[key]?.[stage] ?? byPrefix(key, stage, timeline);
}

function byPrefix(key: string, stage: Stage, timeline: Timeline): FailureCode | null {
  for (const { prefix, contains, meaning } of CODE_PREFIXES) {
    if (!key.startsWith(prefix)) continue;
    if (contains !== undefined && !key.includes(contains)) continue;
    if (meaning === "http_protocol_error" && stage === "body" && timeline.headAt >= 0) {
      return "http_response_transfer_coding";
    }
    return meaning;
  }
  return null;
}

/** The error, its causes and the members of aggregates, nearest first. */
function walk(error: unknown): readonly object[] {
  const found: object[] = [];
  let level: unknown[] = [error];
  for (let depth = 0; depth < LIMITS.causeDepthMax && level.length > 0; depth += 1) {
    const below: unknown[] = [];
    for (const link of level) {
      if (typeof link !== "object" || link === null || found.includes(link)) continue;
      if (found.length >= LIMITS.causesMax) return found;
      found.push(link);
      const { cause, errors } = link as { cause?: unknown; errors?: unknown };
      if (Array.isArray(errors)) below.push(...errors.slice(0, LIMITS.causesMax));
      if (cause !== undefined) below.push(cause);
    }
    level = below;
  }
  return found;
}
