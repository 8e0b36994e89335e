/**
 * Second looks, when the first answer was none or not a good one: the same request in another
 * protocol, with another name, at another path. What changes the answer is the cause.
 */
import type { Socket } from "node:net";
import type { FrontHealthCheck } from "./config/front-config.js";
import type { Facts, OtherProtocol } from "./facts/facts.js";
import type { Exchanged } from "./probes/exchange.js";
import { type Line, onceMore, open } from "./probes/line.js";
import { secure } from "./probes/secure.js";

/** Statuses of an application that knows this host name, or this path, not. */
const UNKNOWN_HOST = new Set([400, 403, 404, 421]);
const NOT_FOUND = 404;
const WELL_BELOW = 400;

/** Speaks the other of HTTP and TLS to a port that did not understand the first. */
export async function otherProtocol(
  line: Line,
  first: Exchanged | null = null,
): Promise<OtherProtocol> {
  const { world, endpoint, limits, place } = line;
  if (endpoint.protocol === "http") {
    const secured = await secure(world, endpoint, place, limits);
    secured.socket?.destroy();
    if (secured.socket !== null || secured.heardBytes > TLS_ALERT_BYTES) return "tls";
    if (endpoint.proxyProtocol || first?.firstBytes !== "" || first.code === SILENCE) return null;
    const wrapped = await onceMore(line, { proxyProtocol: true });
    return isBetter(wrapped) ? "proxy_protocol" : null;
  }
  const plain = await onceMore(line, { protocol: "http" });
  // A server of both says that it wants TLS, in plain HTTP.
  if (plain?.answer == null || /plain HTTP request was sent/i.test(plain.bodyText)) return null;
  return "http";
}

/** Who waits for a line of the PROXY protocol closes at what comes in place of it. */
const SILENCE = "http_response_timeout";

/** An alert alone is said by many that speak no TLS at all; a certificate is not. */
const TLS_ALERT_BYTES = 64;

export interface OtherNames {
  readonly hosts: readonly string[];
  readonly pathBefore: string | null;
}

/** The same without the PROXY line, with the names of the site, or at the path as it came. */
export async function otherAnswers(
  line: Line,
  first: Exchanged,
  { hosts, pathBefore }: OtherNames,
): Promise<Pick<Facts, "otherHost" | "otherPath" | "withoutProxyLine">> {
  const status = first.answer?.status ?? 0;
  const nothing = { otherHost: null, otherPath: null, withoutProxyLine: null };
  if (status < WELL_BELOW) return nothing;
  if (line.endpoint.proxyProtocol) {
    const bare = await onceMore(line, { proxyProtocol: false });
    if (isBetter(bare)) return { ...nothing, withoutProxyLine: bare?.answer?.status ?? null };
  }
  if (status === NOT_FOUND && pathBefore !== null && pathBefore !== line.endpoint.path) {
    const asked = await onceMore(line, { path: pathBefore });
    const answer = asked?.answer?.status ?? NOT_FOUND;
    if (answer !== NOT_FOUND)
      return { ...nothing, otherPath: { path: pathBefore, status: answer } };
  }
  if (!UNKNOWN_HOST.has(status)) return nothing;
  for (const host of hosts) {
    if (host === line.endpoint.authority) continue;
    const asked = await onceMore(line, { authority: host });
    if (isBetter(asked)) {
      return { ...nothing, otherHost: { host, status: asked?.answer?.status ?? 0 } };
    }
  }
  return nothing;
}

function isBetter(asked: Exchanged | null): boolean {
  return asked?.answer != null && asked.answer.status < WELL_BELOW;
}

/** The request by which the front decides who is alive; null when there is none. */
export async function frontsCheck(
  line: Line,
  check: FrontHealthCheck | null,
): Promise<Facts["checked"]> {
  if (check === null) return null;
  const { connection } = await open({
    ...line,
    place: { ...line.place, port: check.port ?? line.place.port },
  });
  if (connection === null) return { check, status: null };
  return { check, status: await statusOf(line, connection.socket, check) };
}

/** HAProxy asks in HTTP/1.0 and by default sends no name: a client of Node's always does. */
function statusOf(
  { world, limits }: Line,
  socket: Socket,
  { path, host }: FrontHealthCheck,
): Promise<number | null> {
  const named = host === null ? "" : `Host: ${host}\r\n`;
  return new Promise((resolve) => {
    let text = "";
    const end = (): void => {
      timer.cancel();
      socket.destroy();
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
      resolve(status === undefined ? null : Number(status));
    };
    const timer = world.clock.after(limits.responseMs, end);
    socket.on("data", (part: Buffer) => {
      text += part.toString("latin1");
      if (text.includes("\n")) end();
    });
    socket.once("close", end);
    socket.write(`GET ${path} HTTP/1.0\r\n${named}\r\n`);
  });
}
