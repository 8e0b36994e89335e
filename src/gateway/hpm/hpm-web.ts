/**
 * A request that http-proxy-middleware has routed: through the pipe, and then to its own engine.
 *
 * Guarantee: every request is answered or cut, exactly once, and told as a call; what is half sent
 * is cut before anybody can add to it or end it.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Call } from "../../core/call.js";
import { type Failure, GatewayError } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import { whenOver } from "../../core/outcome.js";
import type { ForeignRun } from "../../transports/foreign-run.js";
import { readRouted } from "../../wire/asked-target.js";
import { answerLastHop } from "../../wire/last-hop.js";
import { lingerForUpload } from "../../wire/linger.js";
import type { AcceptedRequest } from "../../wire/read-request.js";
import { type ReceivedBody, receivedBody } from "../../wire/received-body.js";
import { cutResponse } from "../../wire/write-response.js";
import { askToAdmit, type Refused } from "../admit.js";
import type { Asking } from "../answer.js";
import { prepareServerBehind } from "../behind/behind-server.js";
import { tellOfRefusal } from "../call-end.js";
import { ServedScope } from "../call-scope.js";
import { NO_FRAMEWORK, readSafely } from "../proxy.js";
import type { Lane, LaneRoute, Lanes } from "./hpm-lane.js";
import type { HpmErrorHandler, ThroughGatewayOptions } from "./hpm-options.js";
import {
  cleanAnswer,
  engineAgent,
  engineBody,
  engineFields,
  engineTarget,
  inOtherWords,
  WaitingBody,
} from "./hpm-words.js";

/** The options of one request, as http-proxy-middleware hands them to its engine. */
export interface HpmAsked {
  readonly target?: unknown;
  readonly prependPath?: boolean;
  readonly changeOrigin?: boolean;
  readonly agent?: unknown;
}

export interface HpmParts {
  readonly lanes: Lanes;
  readonly options: ThroughGatewayOptions;
  readonly onError: HpmErrorHandler | null;
}

/** A request with the engine, until it is over. */
interface Passing {
  readonly run: ForeignRun;
  readonly lane: Lane;
  readonly asking: Asking & { readonly call: Call };
  readonly body: Readable | null;
  /** Why the body cannot be written again; null where it can, or need not. */
  readonly lost: string | null;
}

export interface HpmWeb {
  /** Takes the place of the engine's `web`, which is called with other options. */
  web(
    req: IncomingMessage,
    res: ServerResponse,
    asked: HpmAsked,
    engine: (options: object) => unknown,
  ): Promise<void>;
  onRequest(request: ClientRequest, req: IncomingMessage): void;
  onAnswer(answer: IncomingMessage, req: IncomingMessage, res: ServerResponse): void;
  /** Whether the request is one of ours, whose errors are told here already. */
  onError(error: unknown, req: IncomingMessage): boolean;
}

type Engine = (options: object) => unknown;

export function hpmWeb(parts: HpmParts): HpmWeb {
  const passing = new WeakMap<IncomingMessage, Passing>();
  return {
    web(req, res, asked, engine) {
      // What a handler writes behind our answer is an error of that handler's, and no crash.
      res.on("error", ignore);
      const over = new Promise<void>((resolve) => res.once("close", resolve));
      take(parts, passing, { req, res, asked, engine });
      return over;
    },
    onRequest(request, req) {
      const known = passing.get(req);
      if (known !== undefined) beginSending(known, request);
    },
    onAnswer(answer, req, res) {
      const known = passing.get(req);
      if (known !== undefined && known.run.answer !== answer) passAnswer(known, answer, res);
    },
    onError(error, req) {
      const known = passing.get(req);
      known?.run.fail(error);
      return known !== undefined;
    },
  };
}

interface Taken {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly asked: HpmAsked;
  readonly engine: Engine;
}

function take(parts: HpmParts, passing: WeakMap<IncomingMessage, Passing>, taken: Taken): void {
  const { req, res, asked } = taken;
  const { own } = parts.lanes;
  if (own.gateway.behind !== null) prepareServerBehind(own.gateway, req.socket);
  const refuse = ({ failure, id: requestId }: Refused, lane: Lane): void => {
    tellOfRefusal(own.gateway, lane.core.name, "proxy", { req, res, id: requestId, failure });
    tellUser(parts, failure, req, res);
    const asking = { req, res, framework: NO_FRAMEWORK, call: null, requestId };
    lane.answer.failure(asking, failure);
    lingerForUpload(own.gateway.clock, req, res, null);
  };
  const target = readRouted(req);
  askToAdmit(parts.options.admit, req, target, own.gateway.newRequestId, (refused) => {
    if (res.destroyed) return;
    if (refused !== null) {
      refuse(refused, own);
      return;
    }
    if ("failure" in target) {
      refuse({ failure: target.failure, id: own.gateway.newRequestId() }, own);
      return;
    }
    let route: LaneRoute;
    try {
      route = parts.lanes.find(asked.target, target, asked.prependPath !== false);
    } catch (error) {
      refuse({ failure: failureBehind(error), id: own.gateway.newRequestId() }, own);
      return;
    }
    const { lane } = route;
    const received = receivedBody(req);
    const { lost = null } = received;
    const body = lost === null ? received : WRITTEN_BY_OTHERS;
    const read = readSafely(req, res, route.target, lane.reading, body);
    if ("answer" in read) answerLastHop(req, res, read.answer);
    else if ("failure" in read) refuse(read, lane);
    else call(parts, passing, taken, lane, read, lost);
  });
}

function call(
  parts: HpmParts,
  passing: WeakMap<IncomingMessage, Passing>,
  taken: Taken,
  lane: Lane,
  accepted: AcceptedRequest,
  lost: string | null,
): void {
  const { req, res, asked, engine } = taken;
  const { gateway, answer } = lane;
  const { request } = accepted;
  const scope = new ServedScope(lane, "proxy", accepted, ONCE, req, res);
  const { call: made } = scope;
  const asking = { req, res, framework: NO_FRAMEWORK, call: made, requestId: made.id };
  res.once("close", () => {
    // A handler that has answered without reading the upstream's answer does not want it.
    if (res.writableFinished) passing.get(req)?.run.giveUp();
    scope.clientOver();
  });
  const send = (run: ForeignRun): void => {
    const body = lost === null ? engineBody(request.body) : new WaitingBody(NOTHING);
    passing.set(req, { run, lane, asking, body, lost });
    body?.on("error", (error) => run.fail(error));
    const { target } = run.exchange;
    const fields = engineFields(request, withAttempt(lane, run));
    if (lost !== null) fields["content-length"] = req.headers["content-length"] ?? "0";
    if (asked.changeOrigin === true) fields["host"] = target.authority;
    inOtherWords(req, fields, request.path, () => {
      const sent = engine(engineOptions(asked, run, body));
      Promise.resolve(sent).catch((error: unknown) => run.fail(error));
    });
  };
  const broken = (failure: Failure): void => {
    cutOrReplace(passing.get(req) as Passing, failure);
    // Whatever a handler does about it now, it comes after the cut.
    if (res.destroyed) res.once("close", () => tellUser(parts, failure, req, res));
    else tellUser(parts, failure, req, res);
  };
  const side = { failed: ignore, broken, blocked: () => res.writableNeedDrain };
  lane.execute(made, { side, send }).tell((outcome) => {
    if (outcome.kind === "no_response") {
      tellUser(parts, outcome.failure, req, res);
      answer.failure(asking, outcome.failure);
    }
    whenOver(outcome, () => {
      lingerForUpload(gateway.clock, req, res, request.body);
      scope.over();
    });
  });
}

/** The request is with the engine, and cannot be sent again. */
export const ONCE = { retry: false } as const;
const NOTHING = Buffer.alloc(0);
const WRITTEN_BY_OTHERS: ReceivedBody = { parsed: NOTHING, decoded: true };

/** What is sent beside the request's own fields. */
export function withAttempt({ core }: Lane, { exchange }: ForeignRun): readonly string[] {
  const added = core.transport.fieldsOf(exchange);
  return added === null ? exchange.request.headers : [...exchange.request.headers, ...added];
}

/** The options of the user, with the chosen target in place. */
export function engineOptions(asked: HpmAsked, run: ForeignRun, body: Readable | null): object {
  const { target } = run.exchange;
  const agent = asked.agent ?? engineAgent(target);
  return {
    ...asked,
    target: engineTarget(target),
    // Both are in the fields already.
    changeOrigin: false,
    xfwd: false,
    ...(agent === null ? {} : { agent }),
    ...(body === null ? {} : { buffer: body }),
  };
}

function beginSending({ run, body, lost }: Passing, request: ClientRequest): void {
  run.sending(request);
  body?.on("data", run.progress);
  if (!(body instanceof WaitingBody)) return;
  const written = request.headersSent;
  body.release(written);
  if (lost !== null && !written) run.fail(new NamedError("proxy_configuration_error", lost));
}

function passAnswer(
  { run, lane, asking }: Passing,
  answer: IncomingMessage,
  res: ServerResponse,
): void {
  const failure = run.answered(answer);
  if (run.over) return;
  const extra = lane.answer.received(asking, answer.statusCode as number, failure);
  cleanAnswer(answer, lane.core.options.trustProxyStatus, extra);
  // The engine would repeat what the client has said of its own connection.
  answer.headers.connection = res.shouldKeepAlive ? "keep-alive" : "close";
}

/** Cuts what is half sent; what is not sent at all can still be another answer. */
function cutOrReplace({ run, lane, asking }: Passing, failure: Failure): void {
  const { res } = asking;
  const { answer } = run;
  if (res.headersSent || res.destroyed || answer === null) {
    if (!res.writableEnded) cutResponse(res);
    return;
  }
  answer.unpipe();
  // Whoever else listens would end the answer, or destroy it, and it is ours now.
  answer.removeAllListeners("error").removeAllListeners("close").removeAllListeners("end");
  answer.on("error", ignore);
  for (const name of Object.keys(answer.headers)) res.removeHeader(name);
  lane.answer.failure(asking, failure);
}

/** Tells the user's own `on.error`, which may answer instead of the gateway. */
export function tellUser(
  { onError }: Pick<HpmParts, "onError">,
  failure: Failure,
  req: IncomingMessage,
  res: unknown,
): void {
  if (onError === null || failure.code === "client_closed_request") return;
  const { cause, target } = failure;
  const known = cause instanceof Error && !(cause instanceof NamedError);
  const error = known ? cause : new GatewayError("the call failed", failure, 0);
  try {
    Object.assign(error, { failure });
    const url = target !== undefined && URL.canParse(target) ? new URL(target) : undefined;
    onError(error, req, res, url);
  } catch (thrown) {
    const code = "GOOD_GATEWAY_HOOK";
    process.emitWarning("on.error threw while told of a failure", { code, detail: String(thrown) });
  }
}

export function failureBehind(error: unknown): Failure {
  if (error instanceof GatewayError) return error.failure;
  if (!(error instanceof NamedError)) return { code: "proxy_internal_error", cause: error };
  const { failureCode: code, details } = error;
  return details === undefined ? { code, cause: error } : { code, cause: error, details };
}

function ignore(): void {}
