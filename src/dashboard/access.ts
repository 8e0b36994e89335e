/**
 * Who may see the dashboard. It names targets and paths, so by default it is shown to people at
 * this very machine only.
 *
 * The address of the peer alone proves nothing: behind a proxy on the same host everybody comes
 * from 127.0.0.1, and a web site can make a browser on this host ask 127.0.0.1 under a name of its
 * own (DNS rebinding). So a request is also refused when a field says that it was forwarded, or
 * when its Host is no name of this machine.
 */
import type { IncomingMessage } from "node:http";
import { isLoopback } from "../gateway/options/normalise.js";

/**
 * - `"loopback"`: requests that come from this machine and ask for it by a name of its own.
 * - `"any"`: everybody who gets here; what stands before it must ask who they are.
 * - A function decides for each request; what it throws counts as no.
 */
export type DashboardAccess =
  | "loopback"
  | "any"
  | ((req: IncomingMessage) => boolean | Promise<boolean>);

/** Fields that a proxy on the way writes. */
const FORWARDING = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

export function mayLook(access: DashboardAccess, req: IncomingMessage): boolean | Promise<boolean> {
  if (access === "any") return true;
  return access === "loopback" ? isFromHere(req) : access(req);
}

function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const address = (socket.remoteAddress ?? "").replace(/^::ffff:/i, "");
  if (!isLoopback(address)) return false;
  if (FORWARDING.some((name) => headers[name] !== undefined)) return false;
  return isLoopback(hostName(headers.host ?? headers[":authority"]));
}

/** The name in a Host field, without its port and the brackets of IPv6. */
function hostName(host: unknown): string {
  if (typeof host !== "string") return "";
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d*$/, "")).toLowerCase();
}
