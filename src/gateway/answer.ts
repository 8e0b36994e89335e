/**
 * Outcome → answer: the upstream's, or one of ours with everything that it may tell.
 *
 * Guarantee: a request is answered or cut, exactly once; the hook that is told of failures may
 * answer in our place and cannot do harm.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { FAILURES } from "../catalog/failures.js";
import { statusOf } from "../catalog/status-policy.js";
import type { Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import type { Outcome, UpstreamResponse } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import { type Diagnostics, proxyStatus } from "../wire/proxy-status.js";
import { serverTiming } from "../wire/server-timing.js";
import { type FailureMessage, failureMessage, writeFailure } from "../wire/write-failure.js";
import { cutResponse, type ExtraFields, writeResponse } from "../wire/write-response.js";
import { ownMarks, receivedMarks } from "./mark-answer.js";
import type { FailureContext, Framework, ProxyOptions } from "./options/proxy-options.js";
import { type Upstream, upstreamInside } from "./upstream-handle.js";
import type { UpstreamInside } from "./upstream-inside.js";

/** One request on its way to an answer. */
export interface Asking {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly framework: Framework;
  /** Null when it was refused before it became a call. */
  readonly call: Call | null;
  readonly requestId: string;
}

export interface Answering {
  failure(asking: Asking, failure: Failure): void;
  /** Fields for an answer of the upstream that somebody else passes on. */
  received(
    asking: Asking & { readonly call: Call },
    status: number,
    failure: Failure | null,
  ): ExtraFields;
  outcome(asking: Asking & { readonly call: Call }, outcome: Outcome<ResponseBody>): void;
}

interface Answerer extends UpstreamInside {
  readonly options: ProxyOptions;
  readonly diagnosticsOf: (req: IncomingMessage) => Diagnostics;
}

export function answering(upstream: Upstream, options: ProxyOptions): Answering {
  return answeringFor(upstreamInside(upstream), options);
}

/** The same for an upstream that has no handle. */
export function answeringFor(inside: UpstreamInside, options: ProxyOptions): Answering {
  const diagnosticsOf = diagnosticsFor(options.diagnostics ?? "code");
  const answerer: Answerer = { ...inside, options, diagnosticsOf };
  return {
    failure: (asking, failure) => answerFailure(answerer, asking, failure),
    received(asking, status, failure) {
      if (failure !== null) tellHook(answerer, asking, failure);
      asking.call.answeredBy = "upstream";
      const fields = receivedFields(answerer, asking, status, failure);
      return withCookie(answerer, asking.call, fields);
    },
    outcome(asking, outcome) {
      if (outcome.kind === "no_response") answerFailure(answerer, asking, outcome.failure);
      else {
        const failure = outcome.kind === "error_response" ? outcome.failure : null;
        answerResponse(answerer, asking, outcome.response, failure);
      }
    },
  };
}

/** How much this client is told; a function of the user decides for each request. */
export function diagnosticsFor(
  diagnostics: NonNullable<ProxyOptions["diagnostics"]>,
): (req: IncomingMessage) => Diagnostics {
  if (typeof diagnostics !== "function") return () => diagnostics;
  return (req) => {
    try {
      return diagnostics(req);
    } catch {
      // Whether a caller is trusted could not be told; then it is not.
      return "code";
    }
  };
}

function answerFailure(answerer: Answerer, asking: Asking, failure: Failure): void {
  const { req, res, framework } = asking;
  tellHook(answerer, asking, failure);
  const { call } = asking;
  if (res.writableEnded || res.destroyed) {
    if (call !== null) call.answeredBy = res.headersSent ? "application" : null;
    return;
  }
  if (call !== null) call.answeredBy = "gateway";
  const message = messageOf(answerer, asking, failure);
  if (call !== null && req.method !== "HEAD") call.ownBytes = message.bytes;
  if (!framework.sendFailure(message)) writeFailure(req, res, message);
}

function messageOf(answerer: Answerer, asking: Asking, failure: Failure): FailureMessage {
  const { req, call, requestId } = asking;
  const diagnostics = answerer.diagnosticsOf(req);
  const status = statusOf(failure.code, answerer.gateway.statusPolicy);
  const attempts = call?.attempts.length ?? 0;
  const marks = ownMarks(answerer.core.options.layers, call, failure, status);
  const fields =
    diagnostics === "none"
      ? marks
      : [...diagnosticFields(answerer, call, failure, status, null, diagnostics), ...marks];
  const { accept } = req.headers;
  return failureMessage(accept, { failure, status, requestId, attempts, diagnostics, fields });
}

function answerResponse(
  answerer: Answerer,
  asking: Asking & { readonly call: Call },
  response: UpstreamResponse<ResponseBody>,
  failure: Failure | null,
): void {
  const { req, res, framework } = asking;
  if (failure !== null && !res.headersSent) tellHook(answerer, asking, failure);
  if (res.destroyed || res.headersSent || res.writableEnded) {
    // Whoever has answered in our place keeps that answer; half of one has no other end.
    asking.call.answeredBy = res.headersSent ? "application" : null;
    if (!res.writableEnded) cutResponse(res);
    void response.discard();
    return;
  }
  asking.call.answeredBy = "upstream";
  try {
    const extra = receivedFields(answerer, asking, response.status, failure);
    writeResponse(req, res, response, withCookie(answerer, asking.call, extra), {
      clock: answerer.gateway.clock,
      trustProxyStatus: answerer.core.options.trustProxyStatus,
      beforeWriting: framework.beforeWriting,
      brokenUnsent: (code) => answerFailure(answerer, asking, { code }),
    });
  } catch (cause) {
    // The head holds something that Node refuses to send.
    void response.discard();
    answerFailure(answerer, asking, { code: "http_protocol_error", cause });
  }
}

/** Fields about an answer of the upstream; none for a plain success, which speaks for itself. */
function receivedFields(
  answerer: Answerer,
  { req, call, requestId }: Asking & { readonly call: Call },
  status: number,
  failure: Failure | null,
): ExtraFields {
  const diagnostics = answerer.diagnosticsOf(req);
  const plain = failure === null && call.attempts.length === 1;
  const marks = failure === null ? NO_FIELDS : receivedMarks(answerer.core.options.layers, call);
  if (diagnostics === "none" || (plain && diagnostics !== "full")) return marks;
  const fields = diagnosticFields(answerer, call, failure, status, status, diagnostics);
  return [...fields, "x-request-id", requestId, ...marks];
}

const NO_FIELDS: ExtraFields = [];

/** The cookie that leads the client back to the target that has answered. */
function withCookie(
  { core }: Pick<UpstreamInside, "core">,
  { request, attempts }: Call,
  fields: ExtraFields,
): ExtraFields {
  const { sticky } = core.targets.balancing;
  if (sticky === null) return fields;
  const target = attempts.at(-1)?.target ?? null;
  const cookie = target === null ? null : sticky.setCookie(request, target);
  return cookie === null ? fields : [...fields, "set-cookie", cookie];
}

function diagnosticFields(
  { gateway, core }: Answerer,
  call: Call | null,
  failure: Failure | null,
  status: number,
  receivedStatus: number | null,
  diagnostics: Diagnostics,
): ExtraFields {
  const member = proxyStatus(
    {
      name: gateway.name,
      failure,
      status,
      receivedStatus,
      attempts: call?.attempts.length ?? 0,
      stopReason: call?.stopReason ?? null,
      nextHop: call === null || diagnostics !== "full" ? null : aliasOf(core, call),
    },
    diagnostics,
  );
  if (call === null) return ["proxy-status", member];
  const timing = serverTiming(call.attempts, gateway.clock.now() - call.startedAt);
  return ["proxy-status", member, "server-timing", timing];
}

/** The target under a name that tells nothing: `orders/2` is the second target of `orders`. */
function aliasOf(core: UpstreamInside["core"], call: Call): string | null {
  const last = call.attempts.at(-1)?.target;
  if (last === undefined || last === null) return null;
  return `${core.name}/${core.targets.targets.findIndex(({ id }) => id === last) + 1}`;
}

function tellHook({ options }: Answerer, asking: Asking, failure: Failure): void {
  const { onFailure } = options;
  if (onFailure === undefined) return;
  const { req, res, call, requestId } = asking;
  const context: FailureContext = { req, res, attempts: call?.attempts.length ?? 0, requestId };
  try {
    onFailure(failure, context);
  } catch (error) {
    const code = "GOOD_GATEWAY_HOOK";
    const { summary } = FAILURES[failure.code];
    process.emitWarning(`onFailure threw while told: ${summary}`, { code, detail: String(error) });
  }
}
