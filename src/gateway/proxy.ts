/**
 * A proxied call, for every server adapter: request in, pipe, answer or failure out.
 *
 * Guarantee: every request is answered or cut, exactly once; a client that leaves ends the upstream call
 * at once; what a hook of the user throws is answered as our own fault and crashes nothing.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { FAILURES } from "../catalog/failures.js";
import { statusOf } from "../catalog/status-policy.js";
import type { Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import type { Outcome } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import { createForwarder, type ForwardedOptions } from "../wire/forwarding.js";
import { answerLastHop } from "../wire/last-hop.js";
import { lingerForUpload } from "../wire/linger.js";
import { type Diagnostics, proxyStatus } from "../wire/proxy-status.js";
import {
  type ReadRequest,
  type ReadRequestOptions,
  type ReceivedBody,
  type RequestHeaders,
  readRequest,
} from "../wire/read-request.js";
import { serverTiming } from "../wire/server-timing.js";
import { type FailureMessage, failureMessage, writeFailure } from "../wire/write-failure.js";
import { writeInformation } from "../wire/write-information.js";
import { cutResponse, type ExtraFields, writeResponse } from "../wire/write-response.js";
import { checkProxyOptions } from "./check-proxy-options.js";
import { type Upstream, upstreamInside } from "./upstream-handle.js";

/** What the server adapters share. */
export interface ProxyOptions {
  /** Has the last word on the path and query that are sent. */
  readonly rewritePath?: (path: string, req: IncomingMessage) => string;
  /** Fields to set on the request that is sent (`undefined` removes), or a function that says so. */
  readonly requestHeaders?: RequestHeaders;
  /**
   * Forwarding fields; `false` passes the client's own as they came and adds none.
   * @default { trust: false, fields: "both" }
   */
  readonly forwarded?: false | ForwardedOptions;
  /**
   * The Host that is sent: the client's (`preserve`), the target's (`target`), or this text.
   * @default "preserve"
   */
  readonly host?: string;
  /**
   * What answers tell about the inside: nothing, names and counts, or addresses too.
   * @default "code"
   */
  readonly diagnostics?: Diagnostics | ((req: IncomingMessage) => Diagnostics);
  /** Told of every failure before it is answered. Answering by itself makes the gateway step back. */
  readonly onFailure?: (failure: Failure, context: FailureContext) => void;
  /**
   * Answers `Cache-Control: only-if-cached` with 504, as a cache that holds nothing (RFC 9111).
   * @default false
   */
  readonly answerOnlyIfCached?: boolean;
}

export interface FailureContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly attempts: number;
  readonly requestId: string;
}

/** How a framework takes part in the answer to one request. */
export interface Framework {
  /** The answer is now written to the response directly. */
  readonly beforeWriting: () => void;
  /** Sends an answer of ours in the framework's own way; false leaves it to us. */
  readonly sendFailure: (message: FailureMessage) => boolean;
}

/** Handles one request. `url` is the path as this mount sees it. */
export type ProxyHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  url: string,
  body: ReceivedBody,
  framework?: Framework,
) => void;

/** Where the body is when nobody has touched it. */
export const UNREAD: ReceivedBody = { parsed: null, onDemand: null };

export function createProxy(upstream: Upstream, options: ProxyOptions): ProxyHandler {
  checkProxyOptions(options);
  const { gateway, core } = upstreamInside(upstream);
  const reading = readingOptions(upstream, options);
  const answer = answering(upstream, options);
  return (req, res, url, body, framework = NO_FRAMEWORK) => {
    const read = readSafely(req, res, url, reading, body);
    if ("answer" in read) {
      framework.beforeWriting();
      answerLastHop(req, res, read.answer);
    } else if ("failure" in read) answer.refused(req, res, framework, read);
    else {
      const call = core.newCall(read.request, read.id, null);
      res.once("close", () => {
        if (!res.writableFinished) call.cancellation.cut("client");
      });
      void core.execute(call).then((outcome) => {
        answer.outcome(req, res, framework, call, outcome);
        lingerForUpload(gateway.clock, req, res, read.request.body);
      });
    }
  };
}

export function readingOptions(upstream: Upstream, options: ProxyOptions): ReadRequestOptions {
  const { gateway, core } = upstreamInside(upstream);
  const { retry, limits } = core.options;
  return {
    rewritePath: options.rewritePath ?? null,
    requestHeaders: options.requestHeaders ?? null,
    forwarder: createForwarder(options.forwarded ?? {}),
    via: gateway.via,
    host: options.host ?? "preserve",
    requestBodyBytesMax: limits.requestBodyBytesMax,
    replayBodyBytesMax: retry === false ? 0 : retry.replayBodyBytesMax,
    answerOnlyIfCached: options.answerOnlyIfCached ?? false,
    newId: gateway.newRequestId,
  };
}

/** A hook of the user that throws is our side's fault, not the client's. */
export function readSafely(
  req: IncomingMessage,
  res: ServerResponse,
  url: string,
  reading: ReadRequestOptions,
  body: ReceivedBody,
): ReadRequest {
  try {
    const inform = (status: number, raw: readonly string[]) => writeInformation(res, status, raw);
    return readRequest(req, url, reading, inform, body);
  } catch (cause) {
    return { failure: { code: "proxy_internal_error", cause }, id: reading.newId() };
  }
}

export const NO_FRAMEWORK: Framework = { beforeWriting: () => {}, sendFailure: () => false };

export interface Answering {
  refused(req: IncomingMessage, res: ServerResponse, framework: Framework, read: Refused): void;
  outcome(
    req: IncomingMessage,
    res: ServerResponse,
    framework: Framework,
    call: Call,
    outcome: Outcome<ResponseBody>,
  ): void;
}

type Refused = Extract<ReadRequest, { failure: Failure }>;

export function answering(upstream: Upstream, options: ProxyOptions): Answering {
  const { gateway, core } = upstreamInside(upstream);
  const { trustProxyStatus } = core.options;
  const diagnosticsOf = diagnosticsFor(options.diagnostics ?? "code");

  const facts = (call: Call | null, failure: Failure | null, status: number) => ({
    name: gateway.name,
    failure,
    status,
    attempts: call?.attempts.length ?? 0,
    stopReason: call?.stopReason ?? null,
    nextHop: call === null ? null : aliasOf(upstream, call),
  });

  /** Fields about an answer of the upstream; none for a plain success, which speaks for itself. */
  const received = (
    req: IncomingMessage,
    call: Call,
    status: number,
    failure: Failure | null,
  ): ExtraFields => {
    const diagnostics = diagnosticsOf(req);
    const plain = failure === null && call.attempts.length === 1;
    if (diagnostics === "none" || (plain && diagnostics !== "full")) return NO_FIELDS;
    const member = { ...facts(call, failure, status), receivedStatus: status };
    return [
      "proxy-status",
      proxyStatus(member, diagnostics),
      "server-timing",
      serverTiming(call.attempts, gateway.clock.now() - call.startedAt),
      "x-request-id",
      call.id,
    ];
  };

  const fail = (
    req: IncomingMessage,
    res: ServerResponse,
    framework: Framework,
    call: Call | null,
    failure: Failure,
    requestId: string,
  ): void => {
    const attempts = call?.attempts.length ?? 0;
    tellHook(options.onFailure, failure, { req, res, attempts, requestId });
    if (res.writableEnded || res.destroyed) return;
    const diagnostics = diagnosticsOf(req);
    const status = statusOf(failure.code, gateway.statusPolicy);
    const fields: string[] = [];
    if (diagnostics !== "none") {
      const member = { ...facts(call, failure, status), receivedStatus: null };
      fields.push("proxy-status", proxyStatus(member, diagnostics));
    }
    if (diagnostics !== "none" && call !== null) {
      const totalMs = gateway.clock.now() - call.startedAt;
      fields.push("server-timing", serverTiming(call.attempts, totalMs));
    }
    const answer = { failure, status, requestId, attempts, diagnostics, fields };
    const message = failureMessage(req, answer);
    if (!framework.sendFailure(message)) writeFailure(req, res, message);
  };

  return {
    refused: (req, res, framework, read) => {
      fail(req, res, framework, null, read.failure, read.id);
      drainRefused(req);
    },
    outcome(req, res, framework, call, outcome) {
      if (outcome.kind === "no_response") {
        fail(req, res, framework, call, outcome.failure, call.id);
        return;
      }
      const { response } = outcome;
      if (res.destroyed || res.headersSent) {
        // Whoever has answered in our place keeps that answer; half of one has no other end.
        if (!res.writableEnded) cutResponse(res);
        void response.discard();
        return;
      }
      const failure = outcome.kind === "error_response" ? outcome.failure : null;
      if (failure !== null) {
        const { id: requestId, attempts } = call;
        tellHook(options.onFailure, failure, { req, res, attempts: attempts.length, requestId });
        if (res.writableEnded || res.headersSent) return void response.discard();
      }
      try {
        const extra = received(req, call, response.status, failure);
        writeResponse(req, res, response, extra, {
          clock: gateway.clock,
          trustProxyStatus,
          beforeWriting: framework.beforeWriting,
          brokenUnsent: (code) => fail(req, res, framework, call, { code }, call.id),
        });
      } catch (cause) {
        // The head holds something that Node refuses to send.
        void response.discard();
        fail(req, res, framework, call, { code: "http_protocol_error", cause }, call.id);
      }
    },
  };
}

const NO_FIELDS: ExtraFields = [];

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

/** The target under a name that tells nothing: `orders/2` is the second target of `orders`. */
function aliasOf(upstream: Upstream, call: Call): string | null {
  const last = call.attempts.at(-1)?.target;
  if (last === undefined || last === null) return null;
  const place = upstreamInside(upstream).core.targets.targets.findIndex(({ id }) => id === last);
  return `${upstream.name}/${place + 1}`;
}

function tellHook(
  hook: ProxyOptions["onFailure"],
  failure: Failure,
  context: FailureContext,
): void {
  if (hook === undefined) return;
  try {
    hook(failure, context);
  } catch (error) {
    const code = "GOOD_GATEWAY_HOOK";
    const summary = FAILURES[failure.code].summary;
    process.emitWarning(`onFailure threw while told: ${summary}`, { code, detail: String(error) });
  }
}

// The body of a refused request is read and thrown away, so that the connection can go on.
function drainRefused(req: IncomingMessage): void {
  if (!req.complete) req.resume();
}
