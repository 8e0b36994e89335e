/**
 * Upgrades below the prefix of a plugin: the handshake is routed by Fastify like any request, so
 * that the hooks of the application run before it and may refuse it; then the socket is ours.
 *
 * Guarantee: no handshake passes without the hooks of its route; what belongs to no plugin is left
 * to the other listeners of the server, and served without an upgrade where there are none. An
 * application that closes ends them.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  allowedUpgrades,
  othersTakeUpgrades,
  type UpgradeHandler,
  whenFree,
} from "../doors/proxy-upgrade.js";
import type { ProxyOptions } from "../options/proxy-options.js";
import { askedUpgrade } from "../wire/asked-upgrade.js";
import { responseOver } from "../wire/response-over.js";
import { serveWithoutUpgrade } from "../wire/unasked-upgrade.js";

interface Held {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Handshakes that Fastify is routing. */
const held = new WeakMap<IncomingMessage, Held>();

interface UpgradePlace {
  readonly prefix: string;
  readonly allowed: ReadonlySet<string>;
}

const places = new WeakMap<Server, UpgradePlace[]>();

/** Gives the handshakes below a prefix to the routes of this instance. */
export function routeUpgrades(
  routes: FastifyInstance,
  prefix: string,
  options: Pick<ProxyOptions, "upgrades">,
): void {
  const server = routes.server as Server;
  const known = places.get(server);
  const place = { prefix, allowed: allowedUpgrades(options) };
  if (known !== undefined) {
    known.push(place);
    return;
  }
  const own = [place];
  places.set(server, own);
  const open = new Set<Duplex>();
  const listener = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const found = own.find((one) => isBelow(req.url as string, one.prefix));
    if (found === undefined && othersTakeUpgrades(server, listener)) return;
    if (found === undefined || askedUpgrade(req, found.allowed) === null) {
      if (!serveWithoutUpgrade(req, socket, head)) socket.destroy();
      return;
    }
    if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    whenFree(req.socket, () => {
      if (socket.destroyed) return;
      held.set(req, { socket, head });
      routes.routing(req, responseOver(req, socket));
    });
  };
  server.on("upgrade", listener);
  routes.addHook("preClose", (done) => {
    server.off("upgrade", listener);
    // The server waits for them and does not know them.
    for (const socket of open) socket.destroy();
    done();
  });
}

/** Takes a handshake whose hooks have run; false for an ordinary request. */
export function takeUpgrade(
  { raw }: FastifyRequest,
  reply: FastifyReply,
  upgrade: UpgradeHandler | null,
): boolean {
  const found = held.get(raw);
  if (found === undefined || upgrade === null) return false;
  held.delete(raw);
  const { socket, head } = found;
  reply.hijack();
  reply.raw.detachSocket(socket as Parameters<typeof reply.raw.detachSocket>[0]);
  upgrade(raw, socket, head);
  return true;
}

const ORIGIN = /^https?:\/\/[^/?#]*/i;

/** By segments: those of a prefix may be parameters. */
function isBelow(url: string, prefix: string): boolean {
  const [path = ""] = url.replace(ORIGIN, "").split("?", 1);
  const segments = segmentsOf(path);
  return segmentsOf(prefix).every(
    (wanted, at) => segments[at] === wanted || (wanted.startsWith(":") && at < segments.length),
  );
}

function segmentsOf(path: string): readonly string[] {
  return path.split("/").filter((segment) => segment !== "");
}

function ignore(): void {}
