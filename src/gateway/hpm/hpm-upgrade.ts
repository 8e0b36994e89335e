/**
 * An upgrade that http-proxy-middleware has routed: the handshake through the pipe, and then to its
 * own engine, which joins the two sockets.
 *
 * Guarantee: a handshake that fails is answered with its name; one that the upstream refuses with
 * the upstream's own answer, framed anew; whatever happens to one side ends the other.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Call } from "../../core/call.js";
import type { Failure } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import { whenOver } from "../../core/outcome.js";
import type { ForeignRun } from "../../transports/foreign-run.js";
import { readRouted } from "../../wire/asked-target.js";
import type { AcceptedRequest } from "../../wire/read-request.js";
import { UNREAD } from "../../wire/received-body.js";
import { responseOver } from "../../wire/response-over.js";
import { writeHead } from "../../wire/write-head.js";
import { cutResponse } from "../../wire/write-response.js";
import { askToAdmit, type Refused } from "../admit.js";
import type { Asking } from "../answer.js";
import { tellOfRefusal } from "../call-end.js";
import { ServedScope } from "../call-scope.js";
import { NO_FRAMEWORK, readSafely } from "../proxy.js";
import { takePlace } from "../proxy-upgrade.js";
import type { Lane, LaneRoute } from "./hpm-lane.js";
import {
  engineOptions,
  failureBehind,
  type HpmAsked,
  type HpmParts,
  ONCE,
  tellUser,
  withAttempt,
} from "./hpm-web.js";
import { cleanAnswer, engineFields, inOtherWords } from "./hpm-words.js";

type Engine = (options: object) => unknown;

const SWITCHING = 101;

/** A handshake with the engine, until the sockets are joined or there is an answer. */
interface Shaking {
  readonly run: ForeignRun;
  readonly lane: Lane;
  readonly socket: Duplex;
  readonly asking: Asking & { readonly call: Call };
}

export interface HpmUpgrade {
  /** Takes the place of the engine's `ws`, which is called with other options. */
  ws(req: IncomingMessage, socket: Duplex, asked: HpmAsked, engine: Engine): Promise<void>;
  onRequest(request: ClientRequest, req: IncomingMessage): void;
  /** Whether the handshake is one of ours, whose errors are told here already. */
  onError(error: unknown, req: IncomingMessage): boolean;
  /** A handshake that failed before the engine was asked, in a router for instance. */
  refuse(error: unknown, req: IncomingMessage, socket: Duplex): void;
}

export function hpmUpgrade(parts: HpmParts): HpmUpgrade {
  const shaking = new WeakMap<IncomingMessage, Shaking>();
  return {
    ws(req, socket, asked, engine) {
      socket.on("error", ignore);
      const over = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      take(parts, shaking, { req, socket, asked, engine });
      return over;
    },
    onRequest(request, req) {
      const known = shaking.get(req);
      if (known !== undefined) watch(known, request);
    },
    onError(error, req) {
      const known = shaking.get(req);
      known?.run.fail(error);
      return known !== undefined;
    },
    refuse(error, req, socket) {
      socket.on("error", ignore);
      const id = parts.lanes.own.gateway.newRequestId();
      const taken = { req, socket, res: responseOver(req, socket) };
      refuse(parts, taken, { failure: failureBehind(error), id }, parts.lanes.own);
    },
  };
}

interface Asked {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly asked: HpmAsked;
  readonly engine: Engine;
}

interface Taken extends Asked {
  readonly res: ServerResponse;
}

function take(
  parts: HpmParts,
  shaking: WeakMap<IncomingMessage, Shaking>,
  { req, socket, asked, engine }: Asked,
): void {
  const { own } = parts.lanes;
  const res = responseOver(req, socket);
  const taken = { req, socket, asked, engine, res };
  const target = readRouted(req);
  askToAdmit(parts.options.admit, req, target, own.gateway.newRequestId, (refused) => {
    if (socket.destroyed) return;
    if (refused !== null) {
      refuse(parts, taken, refused, own);
      return;
    }
    if ("failure" in target) {
      refuse(parts, taken, { failure: target.failure, id: own.gateway.newRequestId() }, own);
      return;
    }
    let route: LaneRoute;
    try {
      route = parts.lanes.find(asked.target, target, asked.prependPath !== false);
    } catch (error) {
      const id = own.gateway.newRequestId();
      refuse(parts, taken, { failure: failureBehind(error), id }, own);
      return;
    }
    const read = readSafely(req, res, route.target, route.lane.reading, UNREAD);
    // The engine speaks of no other protocol, and would only hang up.
    const known = req.method === "GET" && req.headers.upgrade?.toLowerCase() === "websocket";
    const sound = "request" in read && known;
    const full = sound ? takePlace(route.lane.core, socket) : null;
    if (sound && full === null) shakeHands(parts, shaking, taken, route.lane, read);
    else {
      const unsound = "failure" in read ? read.failure : ({ code: "bad_request" } as const);
      refuse(parts, taken, { failure: full ?? unsound, id: read.id }, route.lane);
    }
  });
}

function refuse(
  parts: HpmParts,
  { req, res, socket }: Pick<Taken, "req" | "res" | "socket">,
  { failure, id: requestId }: Refused,
  lane: Lane,
): void {
  const { gateway, core, answer } = lane;
  tellOfRefusal(gateway, core.name, "upgrade", { req, res, id: requestId, failure });
  tellUser(parts, failure, req, socket);
  answer.failure({ req, res, framework: NO_FRAMEWORK, call: null, requestId }, failure);
}

function shakeHands(
  parts: HpmParts,
  shaking: WeakMap<IncomingMessage, Shaking>,
  { req, res, socket, asked, engine }: Taken,
  lane: Lane,
  read: AcceptedRequest,
): void {
  const { answer } = lane;
  const request = { ...read.request, body: null, upgrade: "websocket" };
  const scope = new ServedScope(lane, "upgrade", { ...read, request }, ONCE, req, res);
  const { call: made } = scope;
  const asking = { req, res, framework: NO_FRAMEWORK, call: made, requestId: read.id };
  let joined = false;
  let answered = false;
  socket.once("close", () => {
    if (joined) shaking.get(req)?.run.giveUp();
    else {
      scope.leave();
      scope.over();
    }
  });
  const send = (run: ForeignRun): void => {
    shaking.set(req, { run, lane, socket, asking });
    const fields = engineFields(request, withAttempt(lane, run));
    if (asked.changeOrigin === true) fields["host"] = run.exchange.target.authority;
    inOtherWords(req, fields, request.path, () => {
      const sent = engine(engineOptions(asked, run, null));
      Promise.resolve(sent).catch((error: unknown) => run.fail(error));
    });
  };
  const failed = (failure: Failure): void => {
    if (answered || socket.destroyed) return;
    answered = true;
    tellUser(parts, failure, req, socket);
    answer.failure(asking, failure);
  };
  const broken = (): void => {
    if (joined) socket.destroy();
    else cutResponse(res);
  };
  // The engine ends the client's socket when it hears of an error, so the answer comes before it.
  const side = { failed, broken, blocked: () => socket.writableNeedDrain };
  lane.execute(made, { side, send }).tell((outcome) => {
    if (outcome.kind === "no_response") failed(outcome.failure);
    joined = outcome.kind === "success";
    if (!joined) whenOver(outcome, scope);
    else {
      made.answeredBy = "upstream";
      whenOver(outcome, () => {
        socket.destroy();
        scope.tunnelOver();
      });
    }
  });
}

/** Listens before the engine does, so that it passes on what has been cleaned. */
function watch(shaking: Shaking, request: ClientRequest): void {
  const { run, lane, socket, asking } = shaking;
  run.sending(request);
  request.prependListener("upgrade", (answer: IncomingMessage, tunnel: Socket) => {
    const { upgrade } = answer.headers;
    if (upgrade?.toLowerCase() !== "websocket") {
      // RFC 9110 §7.8: it switched to a protocol that nobody has asked for.
      run.fail(new NamedError("http_upgrade_failed"));
      tunnel.destroy();
      socket.end();
      return;
    }
    cleanAnswer(answer, lane.core.options.trustProxyStatus, []);
    Object.assign(answer.headers, { connection: "Upgrade", upgrade });
    asking.res.detachSocket(socket as Socket);
    // When the engine has joined them: who listens before lets them flow to nobody else.
    queueMicrotask(() => {
      for (const side of [socket, tunnel]) side.on("data", run.progress);
    });
    run.upgraded(answer, tunnel);
  });
  request.prependListener("response", (answer: IncomingMessage) => {
    // It is what the engines look at before they write an answer of their own making; Node looks at
    // it, too, but later.
    Object.assign(answer, { upgrade: true });
    if (answer.statusCode !== SWITCHING) {
      passRefusal(shaking, answer);
      return;
    }
    // A switch that names no protocol; the client must not take it for its own.
    run.fail(new NamedError("http_upgrade_failed"));
    request.destroy();
  });
  queueMicrotask(() =>
    request.on("response", (answer: IncomingMessage) => {
      Object.assign(answer, { upgrade: false });
    }),
  );
}

/** The upstream's own answer in place of the switch. */
function passRefusal({ run, lane, asking }: Shaking, answer: IncomingMessage): void {
  const failure = run.answered(answer);
  if (run.over) return;
  const { res } = asking;
  const status = answer.statusCode as number;
  const extra = lane.answer.received(asking, status, failure);
  cleanAnswer(answer, lane.core.options.trustProxyStatus, extra);
  const fields = Object.entries(answer.headers).flatMap(([name, value = []]) =>
    [value].flat().flatMap((text) => [name, text]),
  );
  writeHead(res, status, answer.statusMessage ?? "", fields);
  answer.pipe(res);
}

function ignore(): void {}
