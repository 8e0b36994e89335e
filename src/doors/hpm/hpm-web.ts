/**
 * A request that http-proxy-middleware has routed: through the pipe, and then to its own engine.
 *
 * The engine sends the request; of the answer it sees the head, which its options and the hooks of
 * the application may change. The body is ours to deliver, unless a hook delivers it.
 *
 * Guarantee: every request is answered or cut, exactly once, and reported as a call; what is half
 * sent is cut before anything can be added to it or end it.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Call } from "../../core/call.js";
import type { Failure } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import { type Outcome, whenOver } from "../../core/outcome.js";
import { OwnResponse } from "../../core/own-answer.js";
import type { ResponseBody } from "../../core/response-body.js";
import { ServedScope, tellOfRefusal } from "../../gateway/call-scope.js";
import { prepareServerBehind } from "../../server/behind/behind-server.js";
import type { ForeignRun } from "../../transports/foreign-run.js";
import { isHttp2 } from "../../wire/http2.js";
import { answerLastHop } from "../../wire/last-hop.js";
import { lingerForUpload } from "../../wire/linger.js";
import { changedAnswer, hasNoBody, passedFields } from "../../wire/passed-answer.js";
import type { AcceptedRequest } from "../../wire/read-request.js";
import { type ReceivedBody, receivedBody } from "../../wire/received-body.js";
import { cutResponse, writeResponse } from "../../wire/write-response.js";
import type { Refused } from "../admit.js";
import { type PendingAnswer, steppedBack } from "../answer.js";
import { NO_FRAMEWORK, readSafely, setFields } from "../proxy.js";
import { contain, containAnswer, takeOver } from "./hpm-contain.js";
import {
  cleanAnswer,
  dropAliases,
  type EngineFraming,
  engineBody,
  engineFields,
  failureBehind,
  framingIn,
  inOtherWords,
  NOTHING,
  restoreFields,
  setFraming,
  takeFields,
  WaitingBody,
} from "./hpm-headers.js";
import type { FoundRoute, Lane } from "./hpm-parts.js";
import {
  type Engaged,
  type Engine,
  engineOptions,
  findRoute,
  type HpmAsked,
  type HpmParts,
  misread,
  notifyUser,
  setWords,
  warnOfHook,
} from "./hpm-parts.js";

interface Taken {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly asked: HpmAsked;
  readonly engine: Engine;
}

/** A request with the engine, until it is over. */
interface Passing extends Taken {
  readonly parts: HpmParts;
  readonly lane: Lane;
  readonly asking: PendingAnswer & { readonly call: Call };
  readonly run: ForeignRun;
  readonly body: Readable;
  /** Why the body cannot be written again; null where it can, or need not. */
  readonly lost: string | null;
  /** What the upstream has answered, and what lets the engine see it. */
  answer: IncomingMessage | null;
  pass: (answer: IncomingMessage) => unknown;
  /** The fields of the response before those of the answer. */
  before: OutgoingHttpHeaders;
}

/** Takes the place of the engine's `web`, which is called with other options. */
export function hpmWeb(parts: HpmParts) {
  return (
    req: IncomingMessage,
    res: ServerResponse,
    asked: HpmAsked,
    engine: Engine,
  ): Promise<void> => {
    // What a handler writes behind our answer is an error of that handler's, and no crash.
    res.on("error", ignore);
    const over = new Promise<void>((resolve) => res.once("close", resolve));
    take(parts, { req, res, asked, engine });
    return over;
  };
}

function take(parts: HpmParts, taken: Taken): void {
  const { req, res } = taken;
  const { own } = parts.lanes;
  if (own.gateway.behind !== null) prepareServerBehind(own.gateway, req.socket);
  const refuse = ({ failure, id: requestId }: Refused, lane: Lane): void => {
    tellOfRefusal(own.gateway, lane.core.name, "proxy", { req, res, id: requestId, failure });
    notifyUser(parts, failure, req, res);
    const asking = { req, res, framework: NO_FRAMEWORK, call: null, requestId };
    lane.answer.failure(asking, failure);
    lingerForUpload(own.gateway.clock, req, res, null);
  };
  findRoute(parts, req, taken.asked, (route) => {
    if (res.destroyed) return;
    if ("failure" in route) {
      refuse(route, own);
      return;
    }
    const { lane, target, fields } = route;
    if (fields !== null) setFields(res, fields);
    const received = receivedBody(req);
    const { lost = null } = received;
    const body = lost === null ? received : WRITTEN_BY_OTHERS;
    const read = readSafely(req, res, target, lane.reading, body);
    if ("answer" in read) answerLastHop(req, res, read.answer);
    else if ("failure" in read) refuse(read, lane);
    else call(parts, taken, route, read, lost);
  });
}

function call(
  parts: HpmParts,
  taken: Taken,
  { lane, overrides }: FoundRoute,
  accepted: AcceptedRequest,
  lost: string | null,
): void {
  const { req, res } = taken;
  const { gateway, answer } = lane;
  const { request } = accepted;
  const scope = new ServedScope(lane, "proxy", accepted, overrides, req, res);
  const { call: made } = scope;
  const asking = { req, res, framework: NO_FRAMEWORK, call: made, requestId: made.id };
  let passing: Passing | null = null;
  res.once("close", () => {
    // A handler that has answered without reading the upstream's answer does not want it.
    if (res.writableFinished) passing?.run.giveUp();
    scope.clientOver();
  });
  const send = (run: ForeignRun): void => {
    const body = lost === null ? engineBody(request.body) : new WaitingBody(NOTHING);
    const rest = { answer: null, pass: ignore, before: {} };
    passing = { ...taken, parts, lane, asking, run, body, lost, ...rest };
    begin(passing);
  };
  const broken = (failure: Failure): void => {
    if (passing !== null) cutOrReplace(passing, failure);
    // Whatever a handler does about it now, it comes after the cut.
    if (res.destroyed) res.once("close", () => notifyUser(parts, failure, req, res));
    else notifyUser(parts, failure, req, res);
  };
  lane.execute(made, { side: { broken }, send }).subscribe((outcome) => {
    if (outcome.kind === "no_response") {
      notifyUser(parts, outcome.failure, req, res);
      answer.failure(asking, outcome.failure);
    } else if (outcome.response instanceof OwnResponse) {
      // A fallback: neither the engine nor its hooks for answers have a part in it.
      answer.outcome(asking, outcome);
    } else if (passing !== null) passAnswer(passing, outcome);
    whenOver(outcome, () => {
      lingerForUpload(gateway.clock, req, res, request.body);
      scope.over();
    });
  });
}

const WRITTEN_BY_OTHERS: ReceivedBody = { parsed: NOTHING, decoded: true };

function begin(passing: Passing): void {
  const { req, asked, engine, lane, run, body, lost, asking, parts } = passing;
  const { request } = asking.call;
  contain(body, (error) => fault(passing, error));
  body.on("error", (error) => run.fail(error));
  const fields = engineFields(lane.core.transport.fieldsOf, run.exchange);
  if (lost !== null) fields["content-length"] = req.headers["content-length"] ?? "0";
  if (asked.changeOrigin === true) fields["host"] = run.exchange.target.authority;
  parts.engaged.set(req, engagedWith(passing, framingIn(fields)));
  inOtherWords(req, { headers: fields, url: request.path }, () => {
    const sent = engine({ ...engineOptions(lane, asked, run), buffer: body });
    Promise.resolve(sent).catch((error: unknown) => run.fail(error));
  });
}

function engagedWith(passing: Passing, framing: EngineFraming): Engaged {
  const { run, body, asked, asking, lost, res } = passing;
  return {
    making(request) {
      setWords(request, run, asked);
      setFraming(request, framing);
    },
    made(request) {
      dropAliases(request, asking.call.request);
      contain(request, (error) => fault(passing, error));
      run.sending(request);
      passing.pass = takeOver(request, "response");
      request.on("response", (answer: IncomingMessage) => {
        containAnswer(answer, res, (error) => fault(passing, error));
        passing.answer = answer;
        run.answered(answer);
      });
      request.on("upgrade", (_answer: IncomingMessage, tunnel: Readable) => {
        tunnel.destroy();
        run.fail(new NamedError("http_upgrade_failed", "unasked"));
      });
      body.on("data", run.progress);
      if (!(body instanceof WaitingBody)) return;
      const written = request.headersSent;
      body.release(written);
      // Who has destroyed it has said why.
      if (lost === null || written || request.destroyed) return;
      run.fail(new NamedError("proxy_configuration_error", lost));
    },
    failed: (error) => run.broke(error),
    fault: (error) => fault(passing, error),
  };
}

/** Lets the engine and the hooks see the answer, then delivers what they have made of it. */
function passAnswer(
  passing: Passing,
  outcome: Exclude<Outcome<ResponseBody>, { readonly kind: "no_response" }>,
): void {
  const { req, res, lane, asking, run, asked } = passing;
  const answer = passing.answer as IncomingMessage;
  const { response } = outcome;
  const failure = outcome.kind === "success" ? null : outcome.failure;
  const extra = lane.answer.received(asking, response.status, failure);
  if (steppedBack(asking, response)) return;
  const itself = asked.selfHandleResponse === true;
  const noTrailers = itself || hasNoBody(req.method, response.status);
  const { trustProxyStatus } = lane.core.options;
  const passed = passedFields(req, response, noTrailers, trustProxyStatus);
  cleanAnswer(answer, passed, extra);
  // The engine would repeat what the client has said of its own connection.
  if (!isHttp2(req)) {
    answer.headers.connection = res.shouldKeepAlive ? "keep-alive" : "close";
  }
  passing.before = { ...res.getHeaders() };
  try {
    passing.pass(answer);
  } catch (error) {
    run.fail(misread(error));
  }
  if (run.over) return;
  if (itself || res.headersSent || res.writableEnded) {
    run.watch(res);
    return;
  }
  answer.unpipe(res);
  const { statusCode: status, statusMessage: reason } = res;
  const fields = takeFields(res);
  const bodiless = hasNoBody(req.method, response.status);
  writeResponse(res, changedAnswer(req.method, { status, reason, fields, bodiless, response }), {
    clock: lane.gateway.clock,
    brokenUnsent: (instead) => replace(passing, instead),
  });
}

/** A hook has thrown: its request fails, or what is left of it. */
function fault(passing: Passing, cause: unknown): void {
  const { run, parts, req, res } = passing;
  const error = new NamedError("proxy_internal_error", undefined, cause);
  if (!run.over) run.fail(error);
  else if (res.writableEnded || res.destroyed) warnOfHook("a hook threw behind its answer", cause);
  else {
    const failure = failureBehind(error);
    cutOrReplace(passing, failure);
    notifyUser(parts, failure, req, res);
  }
}

/** Cuts what is half sent; what is not sent at all can still be another answer. */
function cutOrReplace(passing: Passing, failure: Failure): void {
  const { res, answer } = passing;
  if (res.writableEnded || res.destroyed) return;
  if (res.headersSent) {
    cutResponse(res);
    return;
  }
  answer?.unpipe();
  // Others would end the answer, or destroy it, and it is ours now.
  answer?.removeAllListeners("error").removeAllListeners("close").removeAllListeners("end");
  answer?.on("error", ignore);
  replace(passing, failure);
}

function replace({ res, before, lane, asking }: Passing, failure: Failure): void {
  restoreFields(res, before);
  lane.answer.failure(asking, failure);
}

function ignore(): void {}
