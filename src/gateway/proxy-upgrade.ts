/**
 * A proxied upgrade (WebSocket and others, RFC 9110 §7.8): the handshake is a call like any other;
 * what comes after it is a tunnel.
 *
 * Guarantee: a handshake that fails is answered with its name and status; one that the upstream
 * refuses is answered with the upstream's own answer; no reset of either side is left unheard.
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Failure } from "../core/failure.js";
import { type Outcome, whenOver } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import { type ReadTarget, readTarget } from "../wire/asked-target.js";
import { UNREAD } from "../wire/received-body.js";
import { joinTunnel, switchingHead } from "../wire/tunnel.js";
import { askToAdmit, type Refused } from "./admit.js";
import { type Answering, type Asking, answering } from "./answer.js";
import { tellOfRefusal } from "./call-end.js";
import { ServedScope } from "./call-scope.js";
import { checkProxyOptions } from "./options/check-proxy-options.js";
import type { ProxyOptions } from "./options/proxy-options.js";
import { NO_FRAMEWORK, readingOptions, readSafely } from "./proxy.js";
import type { UpstreamCore } from "./upstream.js";
import { type Upstream, upstreamInside } from "./upstream-handle.js";

/** Handles one `upgrade` event of a server. */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function createUpgradeProxy(upstream: Upstream, options: ProxyOptions): UpgradeHandler {
  checkProxyOptions(options);
  // Many proxies never see an upgrade; what they need for one is made with the first.
  let begin: UpgradeHandler | null = null;
  return (req, socket, head) => {
    socket.on("error", ignore);
    begin ??= upgrading(upstream, options);
    const act = begin;
    whenFree(socket, () => act(req, socket, head));
  };
}

function upgrading(upstream: Upstream, options: ProxyOptions): UpgradeHandler {
  const inside = upstreamInside(upstream);
  const { gateway, core } = inside;
  const { trustProxyStatus } = core.options;
  const reading = readingOptions(upstream, options);
  const answer = answering(upstream, options);

  const shakeHands = (
    req: IncomingMessage,
    res: ServerResponse,
    target: ReadTarget,
    socket: Duplex,
    head: Buffer,
  ) => {
    const read = readSafely(req, res, target, reading, UNREAD);
    const framework = NO_FRAMEWORK;
    const requestId = read.id;
    if (!("request" in read)) {
      const failure = "failure" in read ? read.failure : ({ code: "bad_request" } as const);
      tellOfRefusal(gateway, core.name, "upgrade", { req, res, id: requestId, failure });
      answer.failure({ req, res, framework, call: null, requestId }, failure);
      return;
    }
    const request = { ...read.request, body: null, upgrade: req.headers.upgrade ?? "" };
    const scope = new ServedScope(inside, "upgrade", { ...read, request }, null, req, res);
    const { call } = scope;
    const onClose = (): void => {
      scope.leave();
      scope.over();
    };
    socket.once("close", onClose);
    void core.execute(call).then((outcome) => {
      const asking = { req, res, framework, call, requestId };
      if (switched(answer, asking, outcome, trustProxyStatus, socket, head)) {
        socket.off("close", onClose);
        whenOver(outcome, () => scope.tunnelOver());
      } else whenOver(outcome, scope);
    });
  };

  return (req, socket, head) => {
    if (socket.destroyed || !socket.writable) return;
    const res = responseOver(req, socket);
    const refuse = ({ failure, id: requestId }: Refused): void => {
      tellOfRefusal(gateway, core.name, "upgrade", { req, res, id: requestId, failure });
      answer.failure({ req, res, framework: NO_FRAMEWORK, call: null, requestId }, failure);
    };
    const target = readTarget(req, req.url as string, options.rewritePath ?? null);
    askToAdmit(options.admit, req, target, gateway.newRequestId, (refused) => {
      if (socket.destroyed) return;
      const full = refused === null ? takePlace(core, socket) : null;
      if (refused !== null) refuse(refused);
      else if (full !== null) refuse({ failure: full, id: gateway.newRequestId() });
      else shakeHands(req, res, target, socket, head);
    });
  };
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
type Serving = Duplex & { readonly _httpMessage?: ServerResponse | null };

// RFC 9112 §9.3.2: answers go out in the order of their requests, and a client may send an upgrade
// behind a request that is still being answered.
function whenFree(socket: Duplex, act: () => void): void {
  const earlier = (socket as Serving)._httpMessage ?? null;
  if (earlier === null) {
    act();
    return;
  }
  earlier.once("close", () => {
    // Node takes a connection without an answer under way for one at rest.
    (socket as Socket).setTimeout(0);
    whenFree(socket, act);
  });
}

/** Joins the two sides, or answers why not. */
function switched(
  answer: Answering,
  asking: Asking & { readonly call: NonNullable<Asking["call"]> },
  outcome: Outcome<ResponseBody>,
  trustProxyStatus: boolean,
  socket: Duplex,
  head: Buffer,
): boolean {
  const tunnel = outcome.kind === "success" ? outcome.response.body.upgraded : null;
  if (outcome.kind !== "success" || tunnel === null) {
    answer.outcome(asking, outcome);
    return false;
  }
  const text = switchingHead(asking.req, outcome.response, trustProxyStatus);
  if (text === null) {
    tunnel.end();
    answer.failure(asking, { code: "http_upgrade_failed" });
    return false;
  }
  asking.call.answeredBy = "upstream";
  asking.res.detachSocket(socket as Socket);
  socket.write(text, "latin1");
  joinTunnel(socket, tunnel, head);
  return true;
}

/** For an answer that is not 101: Node has let go of the socket, so we write to it ourselves. */
export function responseOver(req: IncomingMessage, socket: Duplex): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket as Socket);
  res.once("finish", () => {
    res.detachSocket(socket as Socket);
    socket.end();
  });
  return res;
}

function ignore(): void {}
