/**
 * A WebSocket that http-proxy-middleware has routed: the handshake through the pipe and then to its
 * own engine, which asks the upstream; what comes of it is answered or joined as at every other
 * door.
 *
 * Guarantee: a handshake that fails is answered with its name; one that the upstream refuses with
 * the upstream's own answer; a client that leaves ends the handshake. An upgrade to anything else
 * is served as if it had not been asked for.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TIMEOUTS } from "../../catalog/defaults.js";
import type { Call } from "../../core/call.js";
import { NamedError } from "../../core/named-error.js";
import { type UpstreamResponse, whenOver } from "../../core/outcome.js";
import type { ResponseBody, Tunnel } from "../../core/response-body.js";
import type { ForeignRun } from "../../transports/foreign-run.js";
import { askedUpgrade, isAsked } from "../../wire/asked-upgrade.js";
import type { AcceptedRequest } from "../../wire/read-request.js";
import { responseOver } from "../../wire/response-over.js";
import { joinTunnel, switchingHead } from "../../wire/tunnel.js";
import { serveWithoutUpgrade } from "../../wire/unasked-upgrade.js";
import { UpgradeInput } from "../../wire/upgrade-input.js";
import type { Refused } from "../admit.js";
import type { Asking } from "../answer.js";
import { ServedScope, tellOfRefusal } from "../call-scope.js";
import { NO_FRAMEWORK, readSafely } from "../proxy.js";
import { takePlace, whenFree } from "../proxy-upgrade.js";
import { contain, takeOver } from "./hpm-contain.js";
import type { Lane } from "./hpm-parts.js";
import {
  type Engaged,
  type Engine,
  engineOptions,
  findRoute,
  type HpmAsked,
  type HpmParts,
  ONCE,
  setWords,
  tellUser,
  warnOfHook,
  withAttempt,
} from "./hpm-parts.js";
import type { Untaken } from "./hpm-untaken.js";
import { dropAliases, engineFields, inOtherWords } from "./hpm-words.js";

/** What the engine is asked for. */
export interface HpmUpgrade {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly asked: HpmAsked;
  readonly engine: Engine;
  /** Notifies the hooks, as the engine does. */
  readonly emit: (event: string, ...args: unknown[]) => unknown;
}

interface Taken extends HpmUpgrade {
  readonly res: ServerResponse;
  readonly input: UpgradeInput;
}

/** A handshake with the engine, until the sockets are joined or there is an answer. */
interface Shaking extends Taken {
  readonly lane: Lane;
  readonly asking: Asking & { readonly call: Call };
  readonly run: ForeignRun;
  request: ClientRequest | null;
}

/** The engine speaks of no other protocol, and would only hang up. */
const WEBSOCKET = "websocket";
const ALLOWED: ReadonlySet<string> = new Set([WEBSOCKET]);

/** Takes the place of the engine's `ws`, which is called with other options. */
export function hpmUpgrade(parts: HpmParts) {
  return (upgrade: HpmUpgrade): Promise<void> => {
    const { req, socket } = upgrade;
    socket.on("error", ignore);
    const over = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    whenFree(req.socket, () => take(parts, upgrade));
    return over;
  };
}

function take(parts: HpmParts, upgrade: HpmUpgrade): void {
  const { req, socket, head, asked } = upgrade;
  if (socket.destroyed || !socket.writable) return;
  const isWebSocket = req.method === "GET" && askedUpgrade(req, ALLOWED) !== null;
  if (!isWebSocket && servedElsewhere(parts, upgrade)) return;
  const res = responseOver(req, socket);
  const input = new UpgradeInput(req, socket);
  const taken = { ...upgrade, res, input };
  input.begin(head);
  findRoute(parts, req, asked, (route) => {
    if (socket.destroyed) return;
    if ("failure" in route) {
      refuse(parts, taken, route, parts.lanes.own);
      return;
    }
    const { lane, target } = route;
    const read = readSafely(req, res, target, lane.reading, input.body);
    // What comes with a handshake would not be sent, and its bytes are none of the tunnel's.
    const sound = "request" in read && read.request.body === null && isWebSocket;
    const full = sound ? takePlace(lane.core, socket) : null;
    if (sound && full === null) shakeHands(parts, taken, lane, read);
    else {
      const unsound = "failure" in read ? read.failure : ({ code: "bad_request" } as const);
      refuse(parts, taken, { failure: full ?? unsound, id: read.id }, lane);
    }
  });
}

/** As its own server serves it: with the path that the client has asked for. */
function servedElsewhere({ routing }: HpmParts, { req, socket, head }: HpmUpgrade): boolean {
  const target = routing.targetOf(req);
  if ("failure" in target) return false;
  req.url = target.path;
  return serveWithoutUpgrade(req, socket, head);
}

/** Refuses upgrades that no listener of a server has taken. */
export function untakenUpgrades(parts: HpmParts): Untaken {
  const { own } = parts.lanes;
  const { gateway, core } = own;
  return {
    clock: gateway.clock,
    ms: Math.min(core.options.timeouts.totalMs, TIMEOUTS.tunnelIdleMs),
    refuse(req, socket) {
      const input = new UpgradeInput(req, socket);
      const failure = { code: "bad_request", details: "an upgrade that is not served" } as const;
      const taken = { req, socket, input, res: responseOver(req, socket) };
      refuse(parts, taken, { failure, id: gateway.newRequestId() }, own);
    },
  };
}

function refuse(
  parts: HpmParts,
  { req, res, socket, input }: Pick<Taken, "req" | "res" | "socket" | "input">,
  { failure, id: requestId }: Refused,
  lane: Lane,
): void {
  const { gateway, core, answer } = lane;
  input.drop();
  tellOfRefusal(gateway, core.name, "upgrade", { req, res, id: requestId, failure });
  tellUser(parts, failure, req, socket);
  answer.failure({ req, res, framework: NO_FRAMEWORK, call: null, requestId }, failure);
}

function shakeHands(parts: HpmParts, taken: Taken, lane: Lane, read: AcceptedRequest): void {
  const { req, res, socket, input } = taken;
  const { answer } = lane;
  const request = { ...read.request, upgrade: WEBSOCKET };
  const scope = new ServedScope(lane, "upgrade", { ...read, request }, ONCE, req, res);
  const { call: made } = scope;
  const asking = { req, res, framework: NO_FRAMEWORK, call: made, requestId: read.id };
  let shaking: Shaking | null = null;
  const onClose = (): void => {
    scope.leave();
    scope.over();
  };
  socket.once("close", onClose);
  const send = (run: ForeignRun): void => {
    shaking = { ...taken, lane, asking, run, request: null };
    begin(parts, shaking);
  };
  lane.execute(made, { side: { broken: ignore }, send }).tell((outcome) => {
    if (outcome.kind === "success") {
      socket.off("close", onClose);
      join(shaking as unknown as Shaking, outcome.response);
      whenOver(outcome, () => {
        socket.destroy();
        scope.tunnelOver();
      });
      return;
    }
    if (outcome.kind === "no_response") {
      input.drop();
      tellUser(parts, outcome.failure, req, socket);
    } else {
      input.answered();
      res.once("finish", () => input.drop());
    }
    answer.outcome(asking, outcome);
    whenOver(outcome, scope);
  });
}

function begin(parts: HpmParts, shaking: Shaking): void {
  const { req, socket, asked, engine, lane, run, asking } = shaking;
  const { request } = asking.call;
  const engaged = engagedWith(shaking);
  parts.engaged.set(req, engaged);
  contain(socket, engaged.fault);
  const fields = engineFields(request, withAttempt(lane, run));
  if (asked.changeOrigin === true) fields["host"] = run.exchange.target.authority;
  const before = new Set(socket.rawListeners("error"));
  inOtherWords(req, fields, request.path, () => {
    const sent = engine(engineOptions(asked, run));
    Promise.resolve(sent).catch((error: unknown) => run.fail(error));
  });
  // The engine listens by now. It takes an error of the client for one of the upstream.
  for (const listener of socket.rawListeners("error")) {
    if (!before.has(listener)) socket.off("error", listener as () => void);
  }
  if (shaking.request !== null) watch(parts, shaking, shaking.request, engaged);
}

function engagedWith(shaking: Shaking): Engaged {
  const { run, asked, asking } = shaking;
  return {
    making: (request) => setWords(request, run, asked),
    made(request) {
      dropAliases(request, asking.call.request);
      shaking.request = request;
      run.sending(request);
    },
    failed: (error) => run.fail(error),
    fault(cause) {
      if (run.over) warnOfHook("a hook threw behind a tunnel", cause);
      else run.fail(new NamedError("proxy_internal_error", undefined, cause));
    },
  };
}

/** What becomes of the request is reported here instead of to the engine. */
function watch(parts: HpmParts, shaking: Shaking, request: ClientRequest, engaged: Engaged): void {
  const { run, req, socket, emit } = shaking;
  for (const event of ["upgrade", "response", "error"]) takeOver(request, event);
  contain(request, engaged.fault);
  request.on("error", (error) => emit("error", error, req, socket));
  request.on("response", (answer: IncomingMessage) => run.answered(answer));
  request.on("upgrade", (answer: IncomingMessage, tunnel: Duplex, head: Buffer) => {
    if (!isAsked(WEBSOCKET, answer.headers.upgrade)) {
      // RFC 9110 §7.8: it switched to a protocol that was not asked for.
      tunnel.destroy();
      run.fail(new NamedError("http_upgrade_failed"));
      return;
    }
    parts.engaged.set(tunnel, engaged);
    contain(tunnel, engaged.fault);
    if (head.length > 0) tunnel.unshift(head);
    tunnel.once("end", () => emit("close", answer, tunnel, head));
    run.switched(answer, tunnel);
  });
}

function join(shaking: Shaking, response: UpstreamResponse<ResponseBody>): void {
  const { req, res, socket, input, lane, asking, emit } = shaking;
  const tunnel = response.body.upgraded as Tunnel;
  const { trustProxyStatus } = lane.core.options;
  asking.call.answeredBy = "upstream";
  res.detachSocket(socket as Socket);
  socket.write(switchingHead(req, WEBSOCKET, response, trustProxyStatus) as string, "latin1");
  joinTunnel(socket, tunnel, input.take());
  emit("open", tunnel.socket);
  // As both versions of the engine still say it.
  emit("proxySocket", tunnel.socket);
}

function ignore(): void {}
