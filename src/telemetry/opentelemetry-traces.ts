/**
 * Spans of calls: one for the call (INTERNAL), and below it one for each attempt (CLIENT), whose
 * context is what the upstream is sent.
 *
 * The call's span is no CLIENT one: the conventions mean one request on the wire by that, and a
 * backend that counts CLIENT spans would count every call twice. Guarantee: each attempt has a span
 * id of its own; a span of ours never breaks a call, whatever a sampler or a processor throws.
 */
import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { type Clock, epochMs } from "../base/clock.js";
import { isFault } from "../catalog/failures.js";
import type { Call } from "../core/call.js";
import type { AttemptTimings, CallAttempt, CallRecord } from "../records/call-record.js";
import type { CallTracer } from "../records/tracing.js";
import type { Exchange } from "../targets/exchange.js";
import { errorType, methodOf, OTHER_METHOD, serversOf } from "./opentelemetry-attributes.js";
import { CLIENT_ERRORS_FROM } from "./opentelemetry-metrics.js";
import { withoutTokens } from "./redact.js";

/** A span of an attempt under way, and what its request is sent with. */
interface AttemptSpan {
  readonly exchange: Pick<Exchange, "timeline" | "attempt">;
  readonly span: Span;
  readonly fields: readonly string[];
}

/** A call that is being followed. */
interface Trace {
  readonly call: Call;
  readonly upstream: string;
  readonly span: Span;
  /** With the span of the call in it. */
  readonly context: Context;
  /** What is added to a moment of the clock to make it one since 1970. */
  readonly epochMs: number;
  readonly attempts: AttemptSpan[];
}

type Propagator = Pick<TextMapPropagator, "inject" | "extract">;

export function callTracer(
  clock: Pick<Clock, "now" | "wallNow">,
  tracer: Tracer,
  propagator: Propagator = propagation,
): CallTracer {
  const traces = new WeakMap<Call, Trace>();
  return {
    begin(upstream, call) {
      unbroken(() => {
        traces.set(call, beginTrace(tracer, propagator, upstream, call, epochMs(clock)));
      });
    },
    fieldsOf(exchange) {
      const traced = traces.get(exchange.call);
      if (traced === undefined) return null;
      const { timeline } = exchange;
      const known = traced.attempts.find((one) => one.exchange.timeline === timeline);
      if (known !== undefined) return fieldsOr(known.fields);
      return unbroken(() => fieldsOr(beginAttempt(tracer, propagator, traced, exchange))) ?? null;
    },
    over(call, record) {
      const traced = traces.get(call);
      traces.delete(call);
      if (traced !== undefined) unbroken(() => endTrace(tracer, traced, record));
    },
  };
}

function fieldsOr(fields: readonly string[]): readonly string[] | null {
  return fields.length === 0 ? null : fields;
}

let warned = false;

/** What a custom sampler, processor or propagator throws is reported once, and breaks no call. */
function unbroken<Result>(fn: () => Result): Result | undefined {
  try {
    return fn();
  } catch (error) {
    if (!warned) {
      warned = true;
      process.emitWarning(`A call is not traced: ${String(error)}`, {
        type: "GoodGatewayWarning",
        code: "GOOD_GATEWAY_TRACING",
      });
    }
    return undefined;
  }
}

function beginTrace(
  tracer: Tracer,
  propagator: Propagator,
  upstream: string,
  call: Call,
  epochMs: number,
): Trace {
  const { method, headers } = call.request;
  const active = context.active();
  // An instrumented server has read the request's context already; otherwise it is read here.
  const parent =
    trace.getSpan(active) === undefined ? propagator.extract(active, headers, FIELDS) : active;
  const attributes: Attributes = {
    "http.request.method": methodOf(method),
    "good_gateway.upstream": upstream,
  };
  addOriginalMethod(attributes, method);
  const startTime = timeOf(call.startedAt + epochMs);
  const name = `${spanMethod(method)} ${upstream}`;
  const span = tracer.startSpan(name, { kind: SpanKind.INTERNAL, startTime, attributes }, parent);
  const within = trace.setSpan(parent, span);
  return { call, upstream, span, context: within, epochMs, attempts: [] };
}

function beginAttempt(
  tracer: Tracer,
  propagator: Propagator,
  traced: Trace,
  exchange: Exchange,
): readonly string[] {
  const { timeline, target } = exchange;
  const span = startAttempt(tracer, traced, target.id, timeline.startedAt);
  const fields: string[] = [];
  propagator.inject(trace.setSpan(traced.context, span), fields, APPEND);
  traced.attempts.push({ exchange, span, fields });
  return fields;
}

function startAttempt(
  tracer: Tracer,
  { call, upstream, context: within, epochMs }: Trace,
  target: string | null,
  startedAt: number,
): Span {
  const { method, path } = call.request;
  const attributes: Attributes = {
    "http.request.method": methodOf(method),
    "good_gateway.upstream": upstream,
  };
  addOriginalMethod(attributes, method);
  if (target !== null) addAddress(attributes, target, path);
  const startTime = timeOf(startedAt + epochMs);
  return tracer.startSpan(
    spanMethod(method),
    { kind: SpanKind.CLIENT, startTime, attributes },
    within,
  );
}

// A URL is not parsed for each attempt.
const TARGETS_KEPT = 1_000;
const servers = serversOf(TARGETS_KEPT);

function addAddress(attributes: Attributes, target: string, path: string): void {
  const { "server.address": address, "server.port": port } = servers(target);
  if (address !== undefined) attributes["server.address"] = address;
  // The address of a unix socket is no origin.
  if (port === undefined) return;
  attributes["server.port"] = port;
  attributes["url.full"] = target + withoutTokens(withoutQuery(path));
}

function endTrace(tracer: Tracer, traced: Trace, record: CallRecord): void {
  const { call, span, epochMs, attempts } = traced;
  const endedAt = call.startedAt + record.durationMs + epochMs;
  record.attempts.forEach((attempt, place) => {
    const own = attempts.findIndex(
      ({
        exchange: {
          timeline,
          attempt: { number },
        },
      }) => number === attempt.number && timeline.startedAt - call.startedAt === attempt.startedMs,
    );
    const startedAt = call.startedAt + attempt.startedMs;
    // An attempt that got no connection was never asked for its fields.
    const [found] = own === -1 ? [] : attempts.splice(own, 1);
    const ended = found?.span ?? startAttempt(tracer, traced, attempt.target, startedAt);
    endAttempt(ended, attempt, resendsBefore(record.attempts, attempt, place));
    ended.end(timeOf(startedAt + attempt.durationMs + epochMs));
  });
  for (const left of attempts) left.span.end(timeOf(endedAt));
  span.setAttributes(callAttributes(record));
  const { code, blame, status } = record;
  // As for servers: what the client did wrong is no error of this process.
  const ours = code === null ? (status ?? 0) >= SERVER_ERRORS_FROM : isFault(blame);
  if (ours) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(timeOf(endedAt));
}

const SERVER_ERRORS_FROM = 500;

/** How many requests this call had sent before, hedges included. */
function resendsBefore(
  attempts: readonly CallAttempt[],
  { startedMs }: CallAttempt,
  place: number,
): number {
  return attempts.filter(
    (other, otherPlace) =>
      other.startedMs < startedMs || (other.startedMs === startedMs && otherPlace < place),
  ).length;
}

const PHASES = [
  ["queueMs", "good_gateway.queue_ms"],
  ["connectMs", "good_gateway.connect_ms"],
  ["secureMs", "good_gateway.secure_ms"],
  ["sendMs", "good_gateway.send_ms"],
  ["waitMs", "good_gateway.wait_ms"],
  ["receiveMs", "good_gateway.receive_ms"],
] as const satisfies readonly (readonly [keyof AttemptTimings, string])[];

function endAttempt(span: Span, attempt: CallAttempt, resends: number): void {
  const { status, code, blame, phase, reused, timings } = attempt;
  const error = errorType(code, status, CLIENT_ERRORS_FROM);
  const attributes: Attributes = {
    "good_gateway.phase": phase,
    "good_gateway.connection_reused": reused,
  };
  if (status !== null) attributes["http.response.status_code"] = status;
  if (resends > 0) attributes["http.request.resend_count"] = resends;
  if (error !== null) attributes["error.type"] = error;
  if (blame !== null) attributes["good_gateway.blame"] = blame;
  for (const [phaseMs, name] of PHASES) {
    const ms = timings[phaseMs];
    if (ms !== null) attributes[name] = ms;
  }
  span.setAttributes(attributes);
  // What ends as planned, such as a hedge that another one has beaten, is none.
  if (error !== null && blame !== "none") span.setStatus({ code: SpanStatusCode.ERROR });
}

function callAttributes(record: CallRecord): Attributes {
  const { status, code, answeredBy, stopReason } = record;
  const error = errorType(code, status, SERVER_ERRORS_FROM);
  const attributes: Attributes = {
    "url.path": withoutTokens(record.path),
    "good_gateway.kind": record.kind,
    "good_gateway.request_id": record.id,
    "good_gateway.attempts": record.attempts.length,
    "good_gateway.queued_ms": record.queuedMs,
    "good_gateway.client_end": record.clientEnd,
  };
  if (status !== null) attributes["http.response.status_code"] = status;
  if (error !== null) attributes["error.type"] = error;
  if (record.blame !== null) attributes["good_gateway.blame"] = record.blame;
  if (answeredBy !== null) attributes["good_gateway.answered_by"] = answeredBy;
  if (stopReason !== null) attributes["good_gateway.stop_reason"] = stopReason;
  if (record.detour !== null) {
    attributes["good_gateway.detour"] = record.detour.kind;
    if (record.detour.upstream !== null) {
      attributes["good_gateway.detour_upstream"] = record.detour.upstream;
    }
  }
  return attributes;
}

/** The name of a span must have few values. */
function spanMethod(method: string): string {
  const known = methodOf(method);
  return known === OTHER_METHOD ? "HTTP" : known;
}

function addOriginalMethod(attributes: Attributes, method: string): void {
  if (methodOf(method) === OTHER_METHOD) attributes["http.request.method_original"] = method;
}

function withoutQuery(path: string): string {
  const at = path.indexOf("?");
  return at === -1 ? path : path.slice(0, at);
}

const MS_PER_SECOND = 1_000;
const NS_PER_MS = 1e6;

/** Seconds and nanoseconds: numbers alone are ambiguous to the SDK. */
function timeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / MS_PER_SECOND);
  return [seconds, Math.floor((ms - seconds * MS_PER_SECOND) * NS_PER_MS)];
}

/** Fields of a request, names and values in turn. */
const FIELDS: TextMapGetter<readonly string[]> = {
  keys: (fields) => fields.filter((_, place) => place % 2 === 0),
  get(fields, name) {
    const wanted = name.toLowerCase();
    for (let place = 0; place < fields.length; place += 2) {
      const field = fields[place] as string;
      // Most differ in length already, and need not be made lower case.
      if (field.length === wanted.length && field.toLowerCase() === wanted) {
        return fields[place + 1];
      }
    }
    return undefined;
  },
};

const APPEND: TextMapSetter<string[]> = {
  set: (fields, name, value) => void fields.push(name.toLowerCase(), value),
};
