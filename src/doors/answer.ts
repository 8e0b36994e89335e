/**
 * Outcome → answer, for a client of Node: the upstream's, or one of ours.
 *
 * Guarantee: a request is answered or cut, exactly once; the hook for failures may
 * answer in our place and cannot do harm.
 */
import { AsyncResource } from "node:async_hooks";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.js";
import type { Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import type { Outcome, UpstreamResponse } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import { type Upstream, upstreamInside } from "../gateway/upstream-handle.js";
import type { UpstreamInside } from "../gateway/upstream-inside.js";
import type { FailureContext, Framework, ProxyOptions } from "../options/proxy-options.js";
import { announceEnd } from "../wire/linger.js";
import { type ExtraFields, type PassedAnswer, withExtra } from "../wire/passed-answer.js";
import {
  cutResponse,
  type WriteResponseOptions,
  writeResponse,
  writeSynthetic,
} from "../wire/write-response.js";
import { AnswerValues } from "./answer-values.js";
import { AnswerChanges, type AskedChange } from "./change/change-answer.js";
import { type FailureHook, summaryOf, tellHook } from "./failure-hook.js";

/** One request on its way to an answer. */
export interface PendingAnswer {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly framework: Framework;
  /** Null when it was refused before it became a call. */
  readonly call: Call | null;
  readonly requestId: string;
}

type AskingCall = PendingAnswer & { readonly call: Call };

export interface Answering {
  failure(asking: PendingAnswer, failure: Failure): void;
  /** Fields for an answer of the upstream that is passed on elsewhere. */
  received(asking: AskingCall, status: number, failure: Failure | null): ExtraFields;
  outcome(asking: AskingCall, outcome: Outcome<ResponseBody>): void;
  /** Hooks that are called with an answer run in the context of its request. */
  inContext<Callback extends (outcome: Outcome<ResponseBody>) => void>(
    listener: Callback,
  ): Callback;
}

interface Answerer extends UpstreamInside {
  readonly values: AnswerValues<IncomingMessage>;
  readonly onFailure: FailureHook<FailureContext> | undefined;
  /** Null where answers are passed on as they come. */
  readonly changes: AnswerChanges<IncomingMessage> | null;
}

export function answering(upstream: Upstream, options: ProxyOptions): Answering {
  return answeringFor(upstreamInside(upstream), options);
}

/** The same for an upstream that has no handle. */
export function answeringFor(inside: UpstreamInside, options: ProxyOptions): Answering {
  const values = new AnswerValues<IncomingMessage>(inside, options.diagnostics ?? "code");
  const changes = AnswerChanges.of<IncomingMessage, IncomingMessage>(inside, options, itself);
  const answerer: Answerer = { ...inside, values, onFailure: options.onFailure, changes };
  return {
    inContext: (listener) => (changes === null ? listener : AsyncResource.bind(listener)),
    failure(asking, failure) {
      beforeAnswer(asking);
      answerFailure(answerer, asking, failure);
    },
    received(asking, status, failure) {
      beforeAnswer(asking);
      if (failure !== null) callHook(answerer, asking, failure, status);
      asking.call.answeredBy = "upstream";
      return values.extraFields(asking, status, failure);
    },
    outcome(asking, outcome) {
      if (!asking.req.complete) beforeAnswer(asking);
      if (outcome.kind === "no_response") answerFailure(answerer, asking, outcome.failure);
      else {
        const failure = outcome.kind === "error_response" ? outcome.failure : null;
        answerResponse(answerer, asking, outcome.response, failure);
      }
    },
  };
}

/** A hook may answer in our place, so that this comes before any hook is called. */
function beforeAnswer({ req, res, call }: PendingAnswer): void {
  if (!req.complete) announceEnd(req, res, call?.request.body ?? null);
}

function answerFailure(answerer: Answerer, asking: PendingAnswer, failure: Failure): void {
  const { req, res, framework } = asking;
  callHook(answerer, asking, failure);
  const { call } = asking;
  if (res.writableEnded || res.destroyed) {
    if (call !== null) call.answeredBy = res.headersSent ? "application" : null;
    return;
  }
  if (call !== null) call.answeredBy = "gateway";
  const answer = answerer.values.ofFailure(asking, failure);
  if (call !== null && req.method !== "HEAD") call.ownBytes = answer.bytes;
  if (!framework.sendFailure(answer)) writeSynthetic(req.method, res, answer);
}

function answerResponse(
  answerer: Answerer,
  asking: AskingCall,
  response: UpstreamResponse<ResponseBody>,
  failure: Failure | null,
): void {
  if (failure !== null && !asking.res.headersSent) {
    callHook(answerer, asking, failure, response.status);
  }
  if (steppedBack(asking, response)) return;
  const { changes, values } = answerer;
  if (changes !== null) {
    changeResponse(changes, answerer, { ...asking, response, failure });
    return;
  }
  asking.call.answeredBy = "upstream";
  pass(answerer, asking, values.ofResponse(asking, response, failure));
}

function pass(answerer: Answerer, asking: AskingCall, answer: PassedAnswer): void {
  const { res, framework } = asking;
  const options = new Writing(answerer, asking);
  const { sendResponse = null } = framework;
  if (sendResponse === null) writeResponse(res, answer, options);
  else sendResponse(answer, options);
}

type ChangedCall = AskingCall & AskedChange<IncomingMessage>;

function changeResponse(
  changes: AnswerChanges<IncomingMessage>,
  answerer: Answerer,
  asking: ChangedCall,
): void {
  const { call, framework, response, failure } = asking;
  if (framework.next !== undefined && changes.leavesToNext(response.status)) {
    call.answeredBy = "application";
    void response.discard();
    framework.next();
    return;
  }
  void changes.change(asking).then((changed) => {
    if (steppedBack(asking, response)) return;
    if ("failure" in changed) {
      void response.discard();
      answerFailure(answerer, asking, changed.failure);
      return;
    }
    call.answeredBy = "upstream";
    const extra = answerer.values.extraFields(asking, response.status, failure);
    pass(answerer, asking, withExtra(changed, extra));
  });
}

function itself(req: IncomingMessage): IncomingMessage {
  return req;
}

// A class, since every call makes one.
class Writing implements WriteResponseOptions {
  private readonly answerer: Answerer;
  private readonly asking: AskingCall;

  constructor(answerer: Answerer, asking: AskingCall) {
    this.answerer = answerer;
    this.asking = asking;
  }

  get clock(): Clock {
    return this.answerer.gateway.clock;
  }

  beforeWriting(): void {
    this.asking.framework.beforeWriting();
  }

  brokenUnsent(failure: Failure): void {
    answerFailure(this.answerer, this.asking, failure);
  }
}

/** Whether the response is not ours to write any more; the answer is given up then. */
export function steppedBack(
  { res, call }: AskingCall,
  response: Pick<UpstreamResponse<ResponseBody>, "discard">,
): boolean {
  if (!res.destroyed && !res.headersSent && !res.writableEnded) return false;
  // Who has answered in our place keeps that answer; half of one has no other end.
  call.answeredBy = res.headersSent ? "application" : null;
  if (!res.writableEnded) cutResponse(res);
  void response.discard();
  return true;
}

function callHook(
  { onFailure, gateway }: Answerer,
  asking: PendingAnswer,
  failure: Failure,
  received?: number,
): void {
  if (onFailure === undefined) return;
  const { req, res, call, requestId } = asking;
  const attempts = call?.attempts.length ?? 0;
  const summary = summaryOf(failure, gateway.statusPolicy, received);
  tellHook(onFailure, failure, { req, res, attempts, requestId, ...summary });
}
