/**
 * A request whose upgrade is not for us goes back to its server and is served like any other, with
 * its body (RFC 9110 §7.8: a server may ignore an upgrade).
 *
 * Node has taken its parser off the connection. Its documented way to give a connection to a
 * server, the event `connection`, puts a parser on it again; before what was read already goes the
 * head, without the field. So the body is read by the same parser as all others, and what
 * guards the requests of this server guards this one, too.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { framingOf } from "./body-framing.js";
import { awaitsContinue } from "./held-continue.js";
import { responseOver } from "./response-over.js";

/**
 * From Node 26 on the parser reads a body that comes with an upgrade, and the request is its
 * stream.
 */
export const NODE_READS_BODIES = Number(process.versions.node.split(".", 1)[0]) >= 26;

/** False where there is no server that serves requests. */
export function serveWithoutUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
  const { server } = req.socket as Socket & { readonly server?: Server };
  if (server === undefined || server.listenerCount("request") === 0) return false;
  if (NODE_READS_BODIES && framingOf(req) !== null) askServer(server, req);
  else giveBack(server, req, socket, head);
  return true;
}

function giveBack(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { rawHeaders } = req;
  let text = `${req.method} ${req.url} HTTP/${req.httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    // No space, so that it is never longer than what was within the limits before.
    if (name.toLowerCase() !== "upgrade") text += `${name}:${rawHeaders[index + 1]}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, "latin1"), head]));
  server.emit((socket as TLSSocket).encrypted ? "secureConnection" : "connection", socket);
}

/** The parser goes on with the body and serves nothing behind it. */
function askServer(server: Server, req: IncomingMessage): void {
  const res = responseOver(req, req.socket);
  noticeLeaving(req, res);
  const waits = awaitsContinue(req);
  if (waits && server.listenerCount("checkContinue") > 0) {
    server.emit("checkContinue", req, res);
    return;
  }
  if (waits) res.writeContinue();
  server.emit("request", req, res);
}

/** Nothing reads the connection behind the body, so a client that leaves would go unnoticed. */
function noticeLeaving(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req;
  const onEnd = (): void => void socket.destroy();
  req.once("end", () => {
    if (res.writableFinished || socket.destroyed) return;
    socket.once("end", onEnd);
    readOn(socket);
    socket.resume();
  });
  // It may end its side once it has the answer.
  res.once("finish", () => socket.off("end", onEnd));
}

/** Node 26 stops reading the connection at a body that fills its buffer, and leaves it so. */
export function readOn(socket: Socket): void {
  socket._read(0);
}
