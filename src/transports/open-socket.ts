/**
 * Opens a socket to a target and reports how far it got: resolve, connect, secure.
 *
 * No timer of its own: the attempt timeout watches the phases and cuts the exchange, which destroys
 * the socket here. Both address families are tried by Node itself (RFC 8305).
 */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { POOL } from "../catalog/defaults.js";
import type { Phase } from "../catalog/failures.js";
import { NamedError } from "../core/named-error.js";
import type { Exchange } from "../targets/exchange.js";
import { hostNames, lookUpName } from "../targets/names/host-names.js";
import type { Dialled, TargetAddress } from "../targets/target.js";
import { tlsNow } from "../targets/target-options.js";

/** Remembers TLS sessions of one target, so that a further connection costs one round trip less. */
export interface SessionStore {
  session: Buffer | null;
  /** Of the files that the certificate came from. */
  version?: number;
}

/** What is offered in a TLS handshake, RFC 7301; the best first. */
export const ALPN_HTTP2: readonly string[] = ["h2", "http/1.1"];
const ALPN_HTTP1: readonly string[] = ["http/1.1"];

type Opened = (error: unknown, socket: Socket | null) => void;

/** For whom a socket is opened. */
export interface Dialer extends Pick<Exchange, "target" | "cancellation" | "timeline"> {
  enter(phase: Phase): void;
}

/** Calls back once: with a socket that is ready to be written to, or with what went wrong. */
export function openSocket(
  exchange: Dialer,
  sessions: SessionStore,
  opened: Opened,
  protocols: readonly string[] = ALPN_HTTP1,
): void {
  const { target } = exchange;
  let socket: Socket;
  try {
    socket = dial(exchange, sessions, protocols);
  } catch (error) {
    const named = error instanceof NamedError ? error : unusable(error);
    opened(named, null);
    return;
  }
  const onCut = (): void => settle(new Error("cut"), null);
  const settle: Opened = (error, ready) => {
    socket.off(readyEvent(target), onReady).off("error", onError).off("close", onClose);
    exchange.cancellation.remove(onCut);
    if (ready === null) socket.on("error", ignore).destroy();
    opened(error, ready);
  };
  const onReady = (): void => settle(null, socket);
  const onError = (error: Error): void => {
    hostNames.unconnected(target.hostname);
    settle(error, null);
  };
  const onClose = (): void => settle(new NamedError("connection_terminated"), null);
  socket.once(readyEvent(target), onReady).once("error", onError).once("close", onClose);
  exchange.cancellation.add(onCut);
}

function unusable(error: unknown): NamedError {
  return new NamedError("proxy_configuration_error", undefined, error);
}

function readyEvent(target: TargetAddress): "connect" | "secureConnect" {
  return target.protocol === "https:" ? "secureConnect" : "connect";
}

function dial(exchange: Dialer, sessions: SessionStore, protocols: readonly string[]): Socket {
  const { target } = exchange;
  const local = target.socketPath !== null;
  exchange.enter(local || isIP(target.hostname) !== 0 ? "connect" : "resolve");
  const where = local
    ? { path: target.socketPath as string }
    : { host: target.hostname, port: target.port, ...FAMILIES, ...guarded(target) };
  const socket =
    target.protocol === "https:" ? dialTls(target, sessions, where, protocols) : connectTcp(where);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, POOL.tcpKeepAliveMs);
  socket.once("lookup", () => {
    if (exchange.timeline.phase === "resolve") exchange.enter("connect");
  });
  socket.once("connect", () => {
    if (target.protocol === "https:") exchange.enter("secure");
    hostNames.connected(target.hostname, socket.remoteFamily === "IPv6" ? 6 : 4);
  });
  return socket;
}

/** How its name is looked up. Throws for an address that is forbidden. */
export function guarded({ guard, hostname }: Dialled): { readonly lookup: LookupFunction } {
  if (!guard) return { lookup: lookUpName };
  guard.checkHost(hostname);
  return { lookup: guard.lookup };
}

export const FAMILIES = {
  autoSelectFamily: true,
  autoSelectFamilyAttemptTimeout: POOL.familyAttemptMs,
} as const;

function dialTls(
  target: TargetAddress,
  sessions: SessionStore,
  where: object,
  protocols: readonly string[],
): Socket {
  const servername = target.tls?.servername ?? (isIP(target.hostname) === 0 ? target.hostname : "");
  const options = tlsNow(target.tls);
  const version = target.tls?.files?.version ?? 0;
  if (version !== (sessions.version ?? 0)) Object.assign(sessions, { session: null, version });
  const socket = connectTls({
    ...options,
    ...where,
    servername,
    ...(sessions.session === null ? {} : { session: sessions.session }),
    ALPNProtocols: [...protocols],
  });
  socket.on("session", (session) => {
    sessions.session = session;
  });
  return socket;
}

function ignore(): void {}
