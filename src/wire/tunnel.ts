/**
 * After an upgrade: the head of the 101, and two sockets joined until both have ended.
 *
 * Guarantee: bytes pass untouched, with backpressure; an end of one side is the end of that
 * direction alone, and what the other side still sends arrives; a side that breaks cuts the other;
 * nothing that happens to either can crash the process or leave half of a tunnel open; TCP looks
 * whether quiet peers are still there.
 */
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { POOL } from "../catalog/defaults.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { ResponseBody, Tunnel } from "../core/response-body.js";
import { isAsked } from "./asked-upgrade.js";
import { passedFields } from "./passed-answer.js";

/** Joins the client's socket to the tunnel; `behind` is what the client sent after its request. */
export function joinTunnel(client: Duplex, tunnel: Tunnel, behind: Buffer): void {
  const { socket: upstream } = tunnel;
  const cut = (): void => {
    client.destroy();
    tunnel.end();
  };
  const join = (side: Duplex, other: Duplex): void => {
    // Else Node would end what goes to a side as soon as that side sends nothing more.
    side.allowHalfOpen = true;
    side.on("error", cut);
    side.on("close", () => {
      if (!side.readableEnded || other.destroyed) cut();
      else closeBehind(other);
    });
    side.on("data", tunnel.progress);
    side.on("end", tunnel.closing);
    // A peer that has vanished is found out long before the silence has been too long.
    if (side instanceof Socket) side.setKeepAlive(true, POOL.tcpKeepAliveMs);
  };
  join(client, upstream);
  join(upstream, client);
  if (behind.length > 0) upstream.write(behind);
  client.pipe(upstream);
  upstream.pipe(client);
}

/** Its peer has closed in order: it sends what came from there, and has no peer to send to. */
function closeBehind(side: Duplex): void {
  side.resume();
  if (side.writableFinished) side.destroy();
  else side.once("finish", () => side.destroy());
}

/** The head of a 101 for the client; null when the upstream switched to what was not asked for. */
export function switchingHead(
  req: IncomingMessage,
  asked: string,
  response: UpstreamResponse<ResponseBody>,
  trustProxyStatus: boolean,
): string | null {
  const { upgrade } = response.headers;
  if (!isAsked(asked, upgrade)) return null;
  const fields = passedFields(req, response, true, trustProxyStatus);
  fields.push("connection", "upgrade", "upgrade", upgrade as string);
  let text = `HTTP/1.1 101 ${response.statusText || "Switching Protocols"}\r\n`;
  for (let index = 0; index < fields.length; index += 2) {
    text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}
