/**
 * Which requests may see what is for operators: the dashboard, details of health, metrics.
 *
 * A web site can make the browser of an operator ask a server that it cannot reach itself, under
 * a name of its own (DNS rebinding), so the Host must be one that cannot be owned outside. Behind a
 * proxy on the same machine all requests come from 127.0.0.1, with or without fields of it, so only
 * requests to a port that serves nothing else are taken for local.
 */
import type { IncomingMessage } from "node:http";
import { isIP, type Socket } from "node:net";
import { hostname } from "node:os";
import { isLoopback } from "./normalise.js";

/** Names by which a page may be asked for, without a port; `"any"` switches the check off. */
export type OwnHosts = readonly string[] | "any";

/** Known to every copy of the package in a process. */
const ADMIN_PORT = Symbol.for("good-gateway.admin-port");

/** Fields that a proxy on the way writes. */
const FORWARDING = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/**
 * Whether a request asks for a name of ours: an address, a name that is in no public DNS, the name
 * of this machine, or one of `hosts`. Browsers always say a Host, so who says none is no browser.
 */
export function hostTest(hosts: OwnHosts = []): (req: IncomingMessage) => boolean {
  if (hosts === "any") return () => true;
  const own = new Set([hostname(), ...hosts].map((name) => name.toLowerCase()));
  return (req) => {
    const name = hostNameOf(req);
    return name === null || isIP(name) !== 0 || own.has(name) || isPrivateName(name);
  };
}

/** What is wrong with a value given as `hosts`; null when nothing is. */
export function hostsProblem(hosts: unknown): string | null {
  if (hosts === undefined || hosts === "any") return null;
  const isList = Array.isArray(hosts) && hosts.every((name) => /^[^\s/:@]+$/.test(String(name)));
  return isList ? null : 'is neither a list of names such as ["ops.example"] nor "any"';
}

/** Called for each connection to a port of a loopback address that is for operators alone. */
export function markAdminPort(socket: Socket): void {
  Object.assign(socket, { [ADMIN_PORT]: true });
}

/**
 * From this machine, by a name of this machine, to the port for operators, and not through a proxy.
 * One that says nothing of itself speaks HTTP/1.0, as nginx does by default.
 */
export function isFromHere(req: IncomingMessage): boolean {
  const { socket, headers, httpVersion } = req;
  return (
    (socket as { readonly [ADMIN_PORT]?: true })[ADMIN_PORT] === true &&
    isLoopback((socket.remoteAddress ?? "").replace(/^::ffff:/i, "")) &&
    httpVersion !== "1.0" &&
    FORWARDING.every((name) => headers[name] === undefined) &&
    isLoopback(hostNameOf(req) ?? "")
  );
}

/** Without a dot, or under a domain that is reserved: it cannot be owned in the public DNS. */
function isPrivateName(name: string): boolean {
  return !name.includes(".") || /\.(?:localhost|local|internal|home\.arpa)$/.test(name);
}

/** The name that is asked for, without its port and the brackets of IPv6. */
function hostNameOf({ headers }: IncomingMessage): string | null {
  const host = headers[":authority"] ?? headers.host;
  if (typeof host !== "string") return null;
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d*$/, "").replace(/\.$/, "")).toLowerCase();
}
