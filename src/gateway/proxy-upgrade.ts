/**
 * A proxied upgrade (WebSocket and others, RFC 9110 §7.8): the handshake is a call like any other,
 * with its body; what comes after it is a tunnel.
 *
 * Guarantee: a tunnel is opened for no other protocol than those that `upgrades` names; a handshake
 * that fails is answered with its name and status; one that the upstream refuses is answered with
 * the upstream's own answer; a client that leaves ends the handshake.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TUNNEL_PROTOCOLS } from "../catalog/upgrades.js";
import type { Failure } from "../core/failure.js";
import { type Outcome, whenOver } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import { askedUpgrade } from "../wire/asked-upgrade.js";
import { awaitsContinue, holdContinue } from "../wire/held-continue.js";
import type { ReadRequestOptions } from "../wire/read-request.js";
import { type ReadTarget, readTarget } from "../wire/request-target.js";
import { responseOver } from "../wire/response-over.js";
import { joinTunnel, switchingHead } from "../wire/tunnel.js";
import { serveWithoutUpgrade } from "../wire/unasked-upgrade.js";
import { UpgradeInput } from "../wire/upgrade-input.js";
import { askToAdmit, type Refused } from "./admit.js";
import { type Answering, type Asking, answering } from "./answer.js";
import { ServedScope, tellOfRefusal } from "./call-scope.js";
import { checkProxyOptions } from "./options/check-proxy-options.js";
import type { ProxyOptions } from "./options/proxy-options.js";
import { NO_FRAMEWORK, readingOptions, readSafely } from "./proxy.js";
import type { UpstreamCore } from "./upstream.js";
import { type Upstream, upstreamInside } from "./upstream-handle.js";
import type { UpstreamInside } from "./upstream-inside.js";

/** Handles one `upgrade` event of a server. */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function createUpgradeProxy(upstream: Upstream, options: ProxyOptions): UpgradeHandler {
  checkProxyOptions(options);
  // Many proxies never see an upgrade; what they need for one is made with the first.
  let begin: UpgradeHandler | null = null;
  return (req, socket, head) => {
    // A connection may ask more than once.
    if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
    begin ??= upgrading(upstream, options);
    const act = begin;
    whenFree(req.socket, () => act(req, socket, head));
  };
}

interface Upgrading {
  readonly inside: UpstreamInside;
  readonly reading: ReadRequestOptions;
  readonly answer: Answering;
}

/** A request for a protocol that may have a tunnel. */
interface Handshake {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly target: ReadTarget;
  readonly socket: Duplex;
  readonly input: UpgradeInput;
  readonly protocols: string;
}

function upgrading(upstream: Upstream, options: ProxyOptions): UpgradeHandler {
  const inside = upstreamInside(upstream);
  const { gateway, core } = inside;
  const allowed = new Set((options.upgrades ?? TUNNEL_PROTOCOLS).map((name) => name.toLowerCase()));
  // Who waits for `100 Continue` gets it from us: an upstream says it once, and may switch at once.
  const reading = { ...readingOptions(upstream, options), asksFirst: false };
  const parts: Upgrading = { inside, reading, answer: answering(upstream, options) };

  return (req, socket, head) => {
    if (socket.destroyed || !socket.writable) return;
    const protocols = askedUpgrade(req, allowed);
    if (protocols === null && serveWithoutUpgrade(req, socket, head)) return;
    const res = responseOver(req, socket);
    const input = new UpgradeInput(req, socket);
    const refuse = (failure: Failure, id = gateway.newRequestId()): void => {
      if (res.headersSent) return;
      input.drop();
      tellOfRefusal(gateway, core.name, "upgrade", { req, res, id, failure });
      const asking = { req, res, framework: NO_FRAMEWORK, call: null, requestId: id };
      parts.answer.failure(asking, failure);
    };
    if (protocols === null) {
      refuse({ code: "bad_request", details: "an upgrade that is not offered" });
      return;
    }
    input.malformed = (cause) => refuse(brokenBody(cause));
    input.begin(head);
    const target = readTarget(req, req.url as string, options.rewritePath ?? null);
    const decided = (denied: Refused | null): void => {
      if (socket.destroyed || res.headersSent) return;
      const full = denied === null ? takePlace(core, socket) : null;
      if (denied !== null) refuse(denied.failure, denied.id);
      else if (full !== null) refuse(full);
      else shakeHands(parts, { req, res, target, socket, input, protocols }, refuse);
    };
    if (options.admit === undefined) decided(null);
    else askToAdmit(options.admit, req, target, gateway.newRequestId, decided);
  };
}

function brokenBody(cause: unknown): Failure {
  return { code: "bad_request", details: "a broken body", cause };
}

function shakeHands(
  { inside, reading, answer }: Upgrading,
  handshake: Handshake,
  refuse: (failure: Failure, id: string) => void,
): void {
  const { req, res, target, socket, input, protocols } = handshake;
  if (awaitsContinue(req)) holdContinue(req, res);
  const read = readSafely(req, res, target, reading, input.body);
  if (!("request" in read)) {
    refuse("failure" in read ? read.failure : { code: "bad_request" }, read.id);
    return;
  }
  const request = { ...read.request, upgrade: protocols };
  const scope = new ServedScope(inside, "upgrade", { ...read, request }, null, req, res);
  const { call } = scope;
  const asking = { req, res, framework: NO_FRAMEWORK, call, requestId: read.id };
  const onClose = (): void => {
    scope.leave();
    scope.over();
  };
  socket.once("close", onClose);
  input.malformed = (cause) => {
    answer.failure(asking, brokenBody(cause));
    scope.leave();
  };
  void inside.core.execute(call).then((outcome) => {
    const { trustProxyStatus } = inside.core.options;
    if (switched(answer, asking, outcome, handshake, trustProxyStatus)) {
      socket.off("close", onClose);
      whenOver(outcome, () => {
        socket.destroy();
        scope.tunnelOver();
      });
    } else whenOver(outcome, scope);
  });
}

/** Counts an upgrade until its socket is closed, or says why there is no place for it. */
export function takePlace({ upgrades, options }: UpstreamCore, socket: Duplex): Failure | null {
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
  answer: Answering,
  asking: Asking & { readonly call: NonNullable<Asking["call"]> },
  outcome: Outcome<ResponseBody>,
  { req, res, socket, input, protocols }: Handshake,
  trustProxyStatus: boolean,
): boolean {
  // The body has broken, and that was the answer.
  if (res.headersSent) return false;
  const tunnel = outcome.kind === "success" ? outcome.response.body.upgraded : null;
  const head =
    outcome.kind === "success" && tunnel !== null
      ? switchingHead(req, protocols, outcome.response, trustProxyStatus)
      : null;
  if (tunnel !== null && head !== null) {
    asking.call.answeredBy = "upstream";
    res.detachSocket(socket as Socket);
    socket.write(head, "latin1");
    joinTunnel(socket, tunnel, input.take());
    return true;
  }
  input.answered();
  res.once("finish", () => input.drop());
  if (tunnel === null) answer.outcome(asking, outcome);
  else {
    tunnel.end();
    answer.failure(asking, { code: "http_upgrade_failed" });
  }
  return false;
}

function ignore(): void {}
