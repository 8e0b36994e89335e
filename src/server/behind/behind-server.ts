/**
 * A server behind a front: its times are set, and what would make a 502 there is watched.
 *
 * Guarantee: a time that was set is not changed; where it contradicts what is known of the
 * front, there is a warning. A server is prepared once, however often it is asked for.
 */
import { maxHeaderSize, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { warningCode } from "../../catalog/start-checks.js";
import type { GatewayCore } from "../../gateway/core.js";
import { type ServerTimes, serverTimes } from "../../options/behind.js";
import { literal } from "../../options/findings.js";
import { watchAnswers } from "./behind-answers.js";
import { recogniseFront } from "./behind-auto.js";
import { watchConnections } from "./behind-connections.js";
import type { PreparableServer, PreparedServer, Preparing } from "./behind-preparing.js";

const prepared = new WeakMap<object, PreparedServer>();

/** Sets the times of a server, and watches it. */
export function prepareServerOf(core: GatewayCore, server: PreparableServer): PreparedServer {
  const before = prepared.get(server);
  if (before !== undefined) return before;
  const changed: Record<string, number> = {};
  const advice: string[] = [];
  const done: PreparedServer = { changed, advice };
  prepared.set(server, done);
  const preparing: Preparing = {
    core,
    server,
    changed,
    raise: (times) => raiseTimes(server, times, changed),
  };
  setTimes(preparing);
  const watch = watchConnections(preparing);
  watchAnswers(preparing, watch);
  if (core.behind?.auto === true) recogniseFront(preparing, watch);
  const advise = (): void => {
    advice.push(...familyAdvice(server.address()), ...headAdvice(core, server));
    for (const text of advice) core.events.emit("server:advice", { advice: text });
  };
  if (server.listening) advise();
  else server.once("listening", advise);
  return done;
}

/** Prepares the server of a request's socket, for those who have only written `behind`. */
export function prepareServerBehind(core: GatewayCore, socket: object): void {
  const { server } = socket as { readonly server?: unknown };
  if (typeof server !== "object" || server === null || !("keepAliveTimeout" in server)) return;
  if (!prepared.has(server)) prepareServerOf(core, server as PreparableServer);
}

function setTimes({ core, server, raise }: Preparing): void {
  const { behind } = core;
  if (behind === null) return;
  const [nearest = null] = behind.fronts;
  const times = serverTimes(nearest);
  raise(times);
  if (nearest === null) return;
  const rests = restingMs(server);
  if (rests <= nearest.keepAliveMs && nearest.keepAliveMs !== Infinity) {
    core.warn(
      `server.keepAliveTimeout is ${literal(server.keepAliveTimeout)}, but ${nearest.title} ` +
        `keeps connections for ${literal(nearest.keepAliveMs)}: a request that it sends just as ` +
        `one is closed here is lost, with 502; set ${literal(times.keepAliveTimeout)}, or state ` +
        `how long it keeps them: behind: { front: "${nearest.name}", keepAliveMs: … }`,
      warningCode("server_keep_alive_short"),
    );
  }
  const { headersTimeout } = server;
  const isEndless = nearest.keepAliveMs === Infinity;
  if (headersTimeout > 0 && headersTimeout <= nearest.keepAliveMs && !isEndless) {
    const kept = `${nearest.title} keeps connections for ${literal(nearest.keepAliveMs)}`;
    const seen = `${literal(headersTimeout)}, and ${kept}`;
    core.report({ code: "server_headers_timeout_short", upstream: null, seen });
  }
  if (server.timeout > 0 && server.timeout < nearest.responseMs) {
    core.warn(
      `server.timeout is ${literal(server.timeout)}: it destroys connections without an answer, ` +
        `of which ${nearest.title} makes ${nearest.tooLargeStatus}; leave it at 0, and set ` +
        "timeouts.totalMs",
      warningCode("server_timeout_short"),
    );
  }
}

/** How long a connection really rests here: newer versions of Node add a buffer. */
function restingMs(server: PreparableServer): number {
  if (server.keepAliveTimeout === 0) return Infinity;
  const { keepAliveTimeoutBuffer = 0 } = server as { readonly keepAliveTimeoutBuffer?: number };
  return server.keepAliveTimeout + keepAliveTimeoutBuffer;
}

function raiseTimes(
  server: PreparableServer,
  times: ServerTimes,
  changed: Record<string, number>,
): void {
  const defaults = nodeDefaults();
  const raise = (name: keyof typeof defaults, wanted: number): void => {
    // 0 is no limit at all.
    if (server[name] === 0 || server[name] >= wanted) return;
    const unset = defaults[name].includes(server[name]) || changed[name] === server[name];
    if (!unset) return;
    server[name] = wanted;
    changed[name] = wanted;
  };
  raise("keepAliveTimeout", times.keepAliveTimeout);
  // A connection that the front has opened and not used rests in its pool, too. Node takes it for a
  // slow request, answers 408 without a request, and closes it.
  raise("headersTimeout", times.headersTimeout);
  raise("requestTimeout", Math.min(times.headersTimeout, server.headersTimeout));
}

/** Fastify's own default for keepAliveTimeout. */
const FASTIFY_MS = 72_000;
let known: ReturnType<typeof readDefaults> | null = null;

/** The times of a server that was not configured, in this version of Node. */
function nodeDefaults() {
  known ??= readDefaults();
  return known;
}

function readDefaults() {
  const { keepAliveTimeout, headersTimeout, requestTimeout } = new Server();
  return {
    keepAliveTimeout: [keepAliveTimeout, FASTIFY_MS] as readonly number[],
    headersTimeout: [headersTimeout] as readonly number[],
    requestTimeout: [requestTimeout] as readonly number[],
  };
}

function familyAdvice(address: AddressInfo | string | null): readonly string[] {
  // On "::" Node takes both families.
  if (address === null || typeof address === "string" || address.address === "::") return [];
  return [
    `the server listens on ${address.address} only: a front configured with "localhost" tries ` +
      "both 127.0.0.1 and ::1, and one of them accepts no connection; name the address there, or " +
      'listen on "::"',
  ];
}

function headAdvice({ behind }: GatewayCore, server: PreparableServer): readonly string[] {
  const [nearest] = behind?.fronts ?? [];
  const { maxHeaderSize: own = maxHeaderSize } = server as { readonly maxHeaderSize?: number };
  if (nearest === undefined || own >= nearest.requestHeadBytesMax) return [];
  return [
    `${nearest.title} sends on heads of up to ${literal(nearest.requestHeadBytesMax)} bytes, and ` +
      `Node answers 431 to more than ${literal(own)}; createServer({ maxHeaderSize }) or ` +
      "--max-http-header-size raise it",
  ];
}
