/**
 * A proxied upgrade (WebSocket and others, RFC 9110 §7.8): the handshake is a call like any other; what
 * comes after it is a tunnel.
 *
 * Guarantee: a handshake that fails is answered with its name and status; one that the upstream refuses
 * is answered with the upstream's own answer; no reset of either side is left unheard.
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { joinTunnel, switchingHead } from "../wire/tunnel.js";
import { checkProxyOptions } from "./check-proxy-options.js";
import {
  answering,
  NO_FRAMEWORK,
  type ProxyOptions,
  readingOptions,
  readSafely,
  UNREAD,
} from "./proxy.js";
import { type Upstream, upstreamInside } from "./upstream-handle.js";

/** Handles one `upgrade` event of a server. */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function createUpgradeProxy(upstream: Upstream, options: ProxyOptions): UpgradeHandler {
  checkProxyOptions(options);
  const { core } = upstreamInside(upstream);
  const { trustProxyStatus } = core.options;
  const reading = readingOptions(upstream, options);
  const answer = answering(upstream, options);

  return (req, socket, head) => {
    socket.on("error", ignore);
    const res = responseOver(req, socket);
    const read = readSafely(req, res, req.url as string, reading, UNREAD);
    if (!("request" in read)) {
      const failure = "failure" in read ? read.failure : ({ code: "bad_request" } as const);
      answer.refused(req, res, NO_FRAMEWORK, { failure, id: read.id });
      return;
    }
    const request = { ...read.request, body: null, upgrade: req.headers.upgrade ?? "" };
    const call = core.newCall(request, read.id, null);
    const onClose = (): void => call.cancellation.cut("client");
    socket.once("close", onClose);
    void core.execute(call).then((outcome) => {
      const tunnel = outcome.kind === "success" ? outcome.response.body.upgraded : null;
      if (outcome.kind !== "success" || tunnel === null) {
        answer.outcome(req, res, NO_FRAMEWORK, call, outcome);
        return;
      }
      const text = switchingHead(req, outcome.response, trustProxyStatus);
      if (text === null) {
        tunnel.end();
        const failed = { kind: "no_response", failure: { code: "http_upgrade_failed" } } as const;
        answer.outcome(req, res, NO_FRAMEWORK, call, failed);
        return;
      }
      socket.off("close", onClose);
      res.detachSocket(socket as Socket);
      socket.write(text, "latin1");
      joinTunnel(socket, tunnel, head);
    });
  };
}

/** For an answer that is not 101: Node has let go of the socket, so we write to it ourselves. */
function responseOver(req: IncomingMessage, socket: Duplex): ServerResponse {
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
