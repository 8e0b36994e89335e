/**
 * A proxied upgrade (WebSocket and others, RFC 9110 §7.8): the handshake is a call like any other,
 * with its body; what comes after it is a tunnel.
 *
 * Guarantee: a tunnel is opened for no other protocol than those that `upgrades` names; a handshake
 * that fails is answered with its name and status; one that the upstream refuses is answered with
 * the upstream's own answer; a client that leaves ends the handshake.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TUNNEL_PROTOCOLS } from "../catalog/upgrades.js";
import type { Call, CallOverrides } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import { type Outcome, whenOver } from "../core/outcome.js";
import type { Pending } from "../core/pending.js";
import type { ResponseBody, Tunnel } from "../core/response-body.js";
import { ServedScope, tellOfRefusal } from "../gateway/call-scope.js";
import type { UpstreamCore } from "../gateway/upstream.js";
import { type Upstream, upstreamInside } from "../gateway/upstream-handle.js";
import type { UpstreamInside } from "../gateway/upstream-inside.js";
import { checkProxyOptions } from "../options/check-proxy-options.js";
import type { ProxyOptions } from "../options/proxy-options.js";
import { askedUpgrade } from "../wire/asked-upgrade.js";
import { awaitsContinue, holdContinue } from "../wire/held-continue.js";
import type { ReadRequestOptions } from "../wire/read-request.js";
import { type ReadTarget, readTarget } from "../wire/request-target.js";
import { responseOver } from "../wire/response-over.js";
import { joinTunnel, switchingHead } from "../wire/tunnel.js";
import { serveWithoutUpgrade } from "../wire/unasked-upgrade.js";
import { UpgradeInput } from "../wire/upgrade-input.js";
import { askToEnter, type Refused } from "./admit.js";
import { type Answering, answering, type PendingAnswer } from "./answer.js";
import { NO_FRAMEWORK, readingOptions, readSafely } from "./proxy.js";

/** Handles one `upgrade` event of a server. */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function createUpgradeProxy(
  upstream: Upstream,
  options: ProxyOptions,
  pathOf: PathOf = urlOf,
): UpgradeHandler {
  checkProxyOptions(options);
  // Many proxies never see an upgrade; what they need for one is made with the first.
  let door: UpgradeDoor | null = null;
  return (req, socket, head) => {
    door ??= ownDoor(upstream, options, pathOf);
    serveUpgrade(door, req, socket, head);
  };
}

/** How the requests for an upstream are read, and how they are answered. */
export interface UpgradeWay extends UpstreamInside {
  readonly reading: ReadRequestOptions;
  readonly answer: Answering;
}

/** What each door for upgrades does in its own way. */
export interface UpgradeDoor {
  /** Protocols that may have a tunnel, in lower case. */
  readonly allowed: ReadonlySet<string>;
  /** The way of what leads nowhere. */
  readonly own: UpgradeWay;
  /** Whether it was given back, to be served as if no upgrade had been asked for. */
  giveBack(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Calls back with where a request leads, or with why it is refused. */
  find(req: IncomingMessage, found: (route: UpgradeRoute | Refused) => void): void;
  /** Called before a failure is answered. */
  failed?(failure: Failure): void;
  /** The client has the head of its 101, and the sockets are joined. */
  joined?(tunnel: Tunnel): void;
}

export interface UpgradeRoute {
  readonly way: UpgradeWay;
  readonly target: ReadTarget;
  /** What the call has otherwise than the upstream says. */
  readonly overrides: CallOverrides | null;
  execute(call: Call): Pending<ResponseBody>;
}

/** The names of `upgrades`, as they are compared. */
export function allowedUpgrades({ upgrades = TUNNEL_PROTOCOLS }: ProxyOptions): Set<string> {
  return new Set(upgrades.map((name) => name.toLowerCase()));
}

/** The path as a mount sees it. */
type PathOf = (req: IncomingMessage) => string;

function urlOf(req: IncomingMessage): string {
  return req.url as string;
}

function ownDoor(upstream: Upstream, options: ProxyOptions, pathOf: PathOf): UpgradeDoor {
  const inside = upstreamInside(upstream);
  const reading = readingOptions(upstream, options);
  const answer = answering(upstream, options);
  const way: UpgradeWay = { ...inside, reading, answer };
  const execute = (call: Call) => inside.core.execute(call);
  return {
    allowed: allowedUpgrades(options),
    own: way,
    giveBack: serveWithoutUpgrade,
    find(req, found) {
      const enter = (target: ReadTarget): void =>
        askToEnter(options, req, target, inside.gateway.newRequestId, (refused, overrides) =>
          found(refused ?? { way, target, overrides, execute }),
        );
      const target = readTarget(req, pathOf(req), options.rewritePath ?? null);
      if (target instanceof Promise) void target.then(enter);
      else enter(target);
    },
  };
}

/** A request for a protocol that may have a tunnel. */
interface Handshake {
  readonly door: UpgradeDoor;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly socket: Duplex;
  readonly input: UpgradeInput;
  readonly protocols: string;
}

/** Serves one `upgrade` event of a server, behind what its connection is busy with. */
export function serveUpgrade(
  door: UpgradeDoor,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  // A connection may ask more than once.
  if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
  whenFree(req.socket, () => begin(door, req, socket, head));
}

function begin(door: UpgradeDoor, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (socket.destroyed || !socket.writable) return;
  const protocols = askedUpgrade(req, door.allowed);
  if (protocols === null && door.giveBack(req, socket, head)) return;
  const { own } = door;
  const res = responseOver(req, socket);
  const input = new UpgradeInput(req, socket);
  const handshake = { door, req, res, socket, input, protocols: protocols ?? "" };
  const refuseOwn = (failure: Failure): void =>
    refuse(handshake, own, { failure, id: own.gateway.newRequestId() });
  if (protocols === null) {
    refuseOwn({ code: "bad_request", details: "an upgrade that is not offered" });
    return;
  }
  input.malformed = (cause) => refuseOwn(brokenBody(cause));
  input.begin(head);
  door.find(req, (route) => {
    if (socket.destroyed || res.headersSent) return;
    if ("failure" in route) {
      refuse(handshake, own, route);
      return;
    }
    const full = takePlace(route.way.core, socket);
    if (full === null) shakeHands(handshake, route);
    else refuse(handshake, route.way, { failure: full, id: own.gateway.newRequestId() });
  });
}

/** Refuses what no listener has taken. */
export function refuseUpgrade(
  door: Pick<UpgradeDoor, "own" | "failed">,
  req: IncomingMessage,
  socket: Duplex,
  failure: Failure,
): void {
  const refused = { failure, id: door.own.gateway.newRequestId() };
  const res = responseOver(req, socket);
  refuse({ door, req, res, input: new UpgradeInput(req, socket) }, door.own, refused);
}

type RefusedUpgrade = Pick<Handshake, "req" | "res" | "input"> & {
  readonly door: Pick<UpgradeDoor, "failed">;
};

function refuse(
  { door, req, res, input }: RefusedUpgrade,
  { gateway, core, answer }: UpgradeWay,
  { failure, id: requestId }: Refused,
): void {
  if (res.headersSent) return;
  input.drop();
  tellOfRefusal(gateway, core.name, "upgrade", { req, res, id: requestId, failure });
  door.failed?.(failure);
  answer.failure({ req, res, framework: NO_FRAMEWORK, call: null, requestId }, failure);
}

function brokenBody(cause: unknown): Failure {
  return { code: "bad_request", details: "a broken body", cause };
}

function shakeHands(handshake: Handshake, route: UpgradeRoute): void {
  const { way, target, overrides, execute } = route;
  const { req, res, socket, input, protocols } = handshake;
  if (awaitsContinue(req)) holdContinue(req, res);
  // Who waits for `100 Continue` gets it from us: an upstream says it once, and may switch at once.
  const reading = { ...way.reading, asksFirst: false };
  const read = readSafely(req, res, target, reading, input.body);
  if (!("request" in read)) {
    const failure = "failure" in read ? read.failure : ({ code: "bad_request" } as const);
    refuse(handshake, way, { failure, id: read.id });
    return;
  }
  const request = { ...read.request, upgrade: protocols };
  const scope = new ServedScope(way, "upgrade", { ...read, request }, overrides, req, res);
  const { call } = scope;
  const asking = { req, res, framework: NO_FRAMEWORK, call, requestId: read.id };
  const onClose = (): void => scope.clientOver();
  socket.once("close", onClose);
  input.malformed = (cause) => {
    way.answer.failure(asking, brokenBody(cause));
    scope.leave();
  };
  execute(call).subscribe((outcome) => {
    if (switched(handshake, way, asking, outcome)) {
      socket.off("close", onClose);
      whenOver(outcome, () => {
        socket.destroy();
        scope.tunnelOver();
      });
    } else whenOver(outcome, scope);
  });
}

/** Counts an upgrade until its socket is closed, or says why there is no place for it. */
function takePlace({ upgrades, options }: UpstreamCore, socket: Duplex): Failure | null {
  const { upgradesMax } = options.limits;
  if (upgrades.open >= upgradesMax) {
    return { code: "bulkhead_full", details: `upgrades=${upgradesMax}` };
  }
  upgrades.open += 1;
  socket.once("close", () => {
    upgrades.open -= 1;
  });
  return null;
}

/** Listeners for upgrades that only look on and take none. */
const onlookers = new WeakSet<UpgradeHandler>();

/** Marks a listener that takes no upgrade. */
export function looksOn(listener: UpgradeHandler): UpgradeHandler {
  onlookers.add(listener);
  return listener;
}

/** Whether a server has a listener for upgrades that may take what `own` leaves. */
export function othersTakeUpgrades(server: Server, own: UpgradeHandler): boolean {
  const listeners = server.listeners("upgrade") as UpgradeHandler[];
  return listeners.some((one) => one !== own && !onlookers.has(one));
}

/** The answer under way on a socket, as Node's server keeps it. */
type Serving = Socket & { readonly _httpMessage?: ServerResponse | null };

// RFC 9112 §9.3.2: answers go out in the order of their requests, and a client may send an upgrade
// behind a request that is still being answered.
export function whenFree(socket: Serving, act: () => void): void {
  const earlier = socket._httpMessage ?? null;
  if (earlier === null) {
    act();
    return;
  }
  earlier.once("close", () => {
    // Node takes a connection without an answer under way for one at rest.
    socket.setTimeout(0);
    whenFree(socket, act);
  });
}

/** Joins the two sides, or answers why not. */
function switched(
  { door, req, res, socket, input, protocols }: Handshake,
  { answer, core }: UpgradeWay,
  asking: PendingAnswer & { readonly call: Call },
  outcome: Outcome<ResponseBody>,
): boolean {
  // The body has broken, and that was the answer.
  if (res.headersSent) return false;
  const tunnel = outcome.kind === "success" ? outcome.response.body.upgraded : null;
  const head =
    outcome.kind === "success" && tunnel !== null
      ? switchingHead(req, protocols, outcome.response, core.options.trustProxyStatus)
      : null;
  if (tunnel !== null && head !== null) {
    asking.call.answeredBy = "upstream";
    res.detachSocket(socket as Socket);
    socket.write(head, "latin1");
    joinTunnel(socket, tunnel, input.take());
    door.joined?.(tunnel);
    return true;
  }
  input.answered();
  res.once("finish", () => input.drop());
  if (outcome.kind === "no_response") door.failed?.(outcome.failure);
  if (tunnel === null) answer.outcome(asking, outcome);
  else {
    tunnel.end();
    answer.failure(asking, { code: "http_upgrade_failed" });
  }
  return false;
}

function ignore(): void {}
