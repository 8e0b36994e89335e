/**
 * A proxied call, for every server adapter: request in, pipe, answer or failure out.
 *
 * Guarantee: every request is answered or cut, exactly once; a client that leaves ends the upstream
 * call at once; what a hook of the user throws is answered as our own fault and crashes nothing.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { CallOverrides } from "../core/call.js";
import { type Outcome, whenOver } from "../core/outcome.js";
import type { ClientPaceLimits } from "../core/request.js";
import type { ResponseBody } from "../core/response-body.js";
import { ServedScope, tellOfRefusal } from "../gateway/call-scope.js";
import type { GatewayCore } from "../gateway/core.js";
import { keptBytesMax } from "../gateway/repeats.js";
import type { UpstreamCore } from "../gateway/upstream.js";
import { type Upstream, upstreamInside } from "../gateway/upstream-handle.js";
import type { UpstreamInside } from "../gateway/upstream-inside.js";
import { checkProxyOptions } from "../options/check-proxy-options.js";
import type { Framework, ProxyOptions } from "../options/proxy-options.js";
import { prepareServerBehind } from "../server/behind/behind-server.js";
import { checkHost, checkServerOf } from "../server/server-checks.js";
import { layerNames } from "../wire/caller-hints.js";
import type { ForwardedOptions } from "../wire/forwarded-options.js";
import { createForwarder } from "../wire/forwarding.js";
import { answerLastHop } from "../wire/last-hop.js";
import { lingerForUpload } from "../wire/linger.js";
import {
  type AcceptedRequest,
  type ReadRequest,
  type ReadRequestOptions,
  type ReceivedBody,
  readRequest,
} from "../wire/read-request.js";
import type { RequestFacts } from "../wire/request-facts.js";
import type { RequestHeaders } from "../wire/request-headers.js";
import { type ReadTarget, readTarget } from "../wire/request-target.js";
import { writeInformation } from "../wire/write-information.js";
import { askToEnter, type EntryHooks, type Refused } from "./admit.js";
import { answering } from "./answer.js";
import { preparedForTransform } from "./change/change-answer.js";

/** Handles one request. `url` is the path as this mount sees it. */
export type ProxyHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  url: string,
  /** Asked once the request is let in: a hook that is called before may read the body. */
  received: (req: IncomingMessage) => ReceivedBody,
  framework?: Framework,
) => void;

export function createProxy(upstream: Upstream, options: ProxyOptions): ProxyHandler {
  checkProxyOptions(options);
  const inside = upstreamInside(upstream);
  const { gateway, core } = inside;
  const reading = readingOptions(upstream, options);
  const answer = answering(upstream, options);
  const send: Receiver["send"] = (req, res, framework, target, body, overrides) => {
    const read = readSafely(req, res, target, reading, body);
    if ("answer" in read) {
      framework.beforeWriting();
      answerLastHop(req, res, read.answer);
    } else if ("failure" in read) refuse(req, res, framework, read);
    else call(req, res, framework, read, overrides);
  };

  const refuse: Receiver["refuse"] = (req, res, framework, { failure, id: requestId }) => {
    tellOfRefusal(gateway, core.name, "proxy", { req, res, id: requestId, failure });
    answer.failure({ req, res, framework, call: null, requestId }, failure);
    lingerForUpload(gateway.clock, req, res, null);
  };

  const call = (
    req: IncomingMessage,
    res: ServerResponse,
    framework: Framework,
    accepted: AcceptedRequest,
    overrides: CallOverrides | null,
  ): void => {
    const scope = new ServedScope(inside, "proxy", accepted, overrides, req, res);
    const { call: made } = scope;
    // Emitted once, so that the dearer `once` is not needed.
    res.on("close", () => scope.clientOver());
    const answered = answer.inContext((outcome: Outcome<ResponseBody>) => {
      answer.outcome({ req, res, framework, call: made, requestId: made.id }, outcome);
      whenOver(outcome, () => {
        if (!req.complete) lingerForUpload(gateway.clock, req, res, made.request.body);
        scope.over();
      });
    });
    core.execute(made).subscribe(answered);
  };

  const { newRequestId: newId } = gateway;
  return receiving(options, { newId, look: serverLook(gateway, core), send, refuse });
}

/** What becomes of a request, once it is known whether it may pass. */
interface Receiver {
  newId(): string;
  look(socket: Socket): void;
  send(
    req: IncomingMessage,
    res: ServerResponse,
    framework: Framework,
    target: ReadTarget,
    body: ReceivedBody,
    overrides: CallOverrides | null,
  ): void;
  refuse(req: IncomingMessage, res: ServerResponse, framework: Framework, refused: Refused): void;
}

type Received = (req: IncomingMessage) => ReceivedBody;

/** Asks the hooks of the user, which may take their time, and goes on. */
function receiving(options: ProxyOptions, { newId, look, send, refuse }: Receiver): ProxyHandler {
  const { rewritePath = null } = options;
  const enter = (
    req: IncomingMessage,
    res: ServerResponse,
    framework: Framework,
    received: Received,
    target: ReadTarget,
  ): void => {
    askToEnter(options, req, target, newId, (refused, overrides, fields) => {
      if (res.destroyed) return;
      if (fields !== null) setFields(res, fields);
      if (refused === null) send(req, res, framework, target, received(req), overrides);
      else refuse(req, res, framework, refused);
    });
  };

  // By itself, since a function that makes others pays for a scope in each call.
  const enterLater = (
    target: Promise<ReadTarget>,
    req: IncomingMessage,
    res: ServerResponse,
    framework: Framework,
    received: Received,
  ): void => void target.then((read) => enter(req, res, framework, received, read));

  return (req, res, url, received, framework = NO_FRAMEWORK) => {
    look(req.socket);
    const target = readTarget(req, url, rewritePath);
    if (target instanceof Promise) enterLater(target, req, res, framework, received);
    else enter(req, res, framework, received, target);
  };
}

/** Sets what `admit` has given for the answer, names and values in turn. */
export function setFields(res: ServerResponse, fields: readonly string[]): void {
  if (res.headersSent) return;
  for (let index = 0; index < fields.length; index += 2) {
    res.setHeader(fields[index] as string, fields[index + 1] as string);
  }
}

/** Looks at the server of a connection: once by itself, and each time for what stands in front. */
function serverLook(gateway: GatewayCore, core: UpstreamCore): (socket: Socket) => void {
  let looked = false;
  return (socket) => {
    if (gateway.behind !== null) prepareServerBehind(gateway, socket);
    if (looked) return;
    looked = true;
    checkServerOf(gateway, core, socket);
  };
}

export function readingOptions(upstream: Upstream, options: ProxyOptions): ReadRequestOptions {
  const inside = upstreamInside(upstream);
  const reading = readingFor(inside, options);
  checkHost(inside, reading.host);
  return reading;
}

/** The options of a proxy that say how requests are read. */
export interface ReadingOptions<Received> {
  readonly requestHeaders?: RequestHeaders<Received> | undefined;
  readonly forwarded?: false | ForwardedOptions | undefined;
  readonly host?: string | undefined;
  readonly answerOnlyIfCached?: boolean | undefined;
  readonly transformBody?: unknown;
  readonly overrides?: EntryHooks<Received>["overrides"];
}

/** The same for an upstream that has no handle. */
export function readingFor<Received extends RequestFacts = IncomingMessage>(
  { gateway, core }: UpstreamInside,
  options: ReadingOptions<Received>,
): ReadRequestOptions<Received> {
  const { limits, timeouts } = core.options;
  return {
    requestHeaders: options.requestHeaders ?? null,
    forwarder: createForwarder(options.forwarded ?? {}, gateway.believe),
    onOverruled: overruledFor(gateway),
    via: gateway.via,
    layers: layerNames(core.options.layers),
    host: options.host ?? "preserve",
    requestBodyBytesMax: limits.requestBodyBytesMax,
    replayBodyBytesMax: keptBytesMax(core.options, options.overrides !== undefined),
    asksFirst: timeouts.continueMs > 0,
    clientPace: paceOf(core.options),
    answerOnlyIfCached: options.answerOnlyIfCached ?? false,
    prepareFields: options.transformBody === undefined ? null : preparedForTransform,
    newId: gateway.newRequestId,
  };
}

const overruledByGateway = new WeakMap<GatewayCore, (address: string) => void>();

/** Warns once for each gateway, since an application behind it may redirect to https for ever. */
function overruledFor(gateway: GatewayCore): (address: string) => void {
  const known = overruledByGateway.get(gateway);
  if (known !== undefined) return known;
  let isReported = false;
  const made = (address: string): void => {
    if (isReported) return;
    isReported = true;
    gateway.warn(
      `X-Forwarded-Proto: https from ${address} is not trusted and is sent as http, so that an ` +
        "application may redirect to https forever. If a proxy there terminates TLS, " +
        'name it: createGateway({ behind: "nginx" }) or forwarded: { trust: [its address] }',
    );
  };
  overruledByGateway.set(gateway, made);
  return made;
}

function paceOf({ timeouts, limits }: UpstreamInside["core"]["options"]): ClientPaceLimits | null {
  const { clientMs } = timeouts;
  if (clientMs === Number.POSITIVE_INFINITY) return null;
  return { clientMs, bytesPerSecondMin: limits.clientBytesPerSecondMin };
}

/** A hook of the user that throws is our side's fault, not the client's. */
export function readSafely(
  req: IncomingMessage,
  res: ServerResponse,
  target: ReadTarget,
  reading: ReadRequestOptions,
  body: ReceivedBody,
): ReadRequest {
  try {
    const inform = (status: number, raw: readonly string[]) => writeInformation(res, status, raw);
    return readRequest(req, target, reading, inform, body);
  } catch (cause) {
    return { failure: { code: "proxy_internal_error", cause }, id: reading.newId() };
  }
}

export const NO_FRAMEWORK: Framework = { beforeWriting: () => {}, sendFailure: () => false };
