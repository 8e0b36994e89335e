/**
 * After an upgrade: the head of the 101, and two sockets joined until one of them ends.
 *
 * Guarantee: bytes pass untouched, with backpressure; whatever happens to one side ends the other,
 * and nothing that happens to either can crash the process or leave half of a tunnel open.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { UpstreamResponse } from "../core/outcome.js";
import type { ResponseBody, Tunnel } from "../core/response-body.js";
import { passedFields } from "./passed-answer.js";

/** Joins the client's socket to the tunnel; `behind` is what the client sent after its request. */
export function joinTunnel(client: Duplex, tunnel: Tunnel, behind: Buffer): void {
  const { socket: upstream } = tunnel;
  const end = (): void => {
    client.destroy();
    tunnel.end();
  };
  for (const side of [client, upstream]) {
    side.on("error", end);
    side.on("close", end);
    side.on("data", tunnel.progress);
  }
  if (behind.length > 0) upstream.write(behind);
  client.pipe(upstream);
  upstream.pipe(client);
}

/**
 * The head of a 101 for the client; null when the upstream switched to a protocol that was not
 * asked for, RFC 9110 §7.8.
 */
export function switchingHead(
  req: IncomingMessage,
  response: UpstreamResponse<ResponseBody>,
  trustProxyStatus: boolean,
): string | null {
  const { upgrade } = response.headers;
  if (typeof upgrade !== "string" || !asked(req).includes(protocolName(upgrade))) return null;
  const fields = passedFields(req, response, true, trustProxyStatus);
  fields.push("connection", "upgrade", "upgrade", upgrade);
  let text = `HTTP/1.1 101 ${response.statusText || "Switching Protocols"}\r\n`;
  for (let index = 0; index < fields.length; index += 2) {
    text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}

function asked(req: IncomingMessage): readonly string[] {
  return (req.headers.upgrade ?? "").split(",").map(protocolName);
}

function protocolName(protocol: string): string {
  return protocol.trim().toLowerCase();
}
