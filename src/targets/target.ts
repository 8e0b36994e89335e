/**
 * A target: one address of an upstream, and what is known of it right now.
 *
 * The address part never changes; weight, pending count, health and breaker do. The transport keeps
 * its connections by the target. An address that cannot be meant is refused when it is read, with
 * the nearest right one in the message, and no credentials in it.
 */
import { isIP } from "node:net";
import type { FailureCode } from "../catalog/failures.js";
import type { AddressGuard } from "./address-guard.js";
import type { Breaker } from "./breaker.js";
import { Latency } from "./latency.js";
import type { Presence } from "./presence.js";
import type { Refusing } from "./refusing.js";
import type { StaleRoutes } from "./stale-routes.js";
import { ALWAYS_HEALTHY, type TargetHealth } from "./target-health.js";
import type { ReadTls, TargetInput, TargetTls } from "./target-options.js";

export type { TargetInput, TargetTls };

/** Where a target is. */
export interface TargetAddress {
  /** Origin and path prefix without credentials, or `unix:/path`; unique within an upstream. */
  readonly id: string;
  readonly protocol: "http:" | "https:";
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The value of `Host` when the target is to be named, RFC 9110 §7.2. */
  readonly authority: string;
  /** Prefix for every path that is sent there; no slash at its end. */
  readonly pathPrefix: string;
  readonly socketPath: string | null;
  readonly tls: ReadTls | null;
}

/** What a connection is made to. */
export interface Dialled extends TargetAddress {
  /** Absent or null where every address may be connected to. */
  readonly guard?: AddressGuard | null;
}

/** Which share of the calls a target gets. */
export interface TargetRank {
  readonly weight: number;
  /** From 0, which is asked first. */
  readonly priority: number;
  readonly zone: string | null;
}

export interface ParsedTarget extends TargetAddress, TargetRank {}

export interface Target extends Dialled, TargetRank {
  weight: number;
  /** It gets no further call; those under way go on. */
  draining: boolean;
  /** An operator has taken it out, and it is kept: it goes neither when it is idle nor for good. */
  disabled: boolean;
  /** Exchanges under way, bodies included. */
  pending: number;
  /** With so many under way the next one would wait for a connection. */
  exchangesMax: number;
  /** The latest failure that spoke against it, or our settings of it; null before the first. */
  failedBy: FailureCode | null;
  /** Of these in a row, since a good answer began; one more where none ever did. */
  failures: number;
  /** Null when the upstream has its breaker switched off. */
  readonly breaker: Breaker | null;
  readonly health: TargetHealth;
  /** Notices when the process behind it vanishes; null where it is not watched. */
  presence: Presence | null;
  /** How long it takes until its answers begin. */
  readonly latency: Latency;
  /** What it refuses; null before its first 4xx. */
  refusing: Refusing | null;
  /** Routes that end kept connections; null before the first reset of one. */
  staleRoutes: StaleRoutes | null;
  /** Looks at once whether it accepts connections again; null where that says nothing. */
  findOut: () => Promise<void> | null;
  /** It refused connections when its breaker opened, and has accepted one since. */
  hasReturned: () => boolean;
}

/** Behind all priorities that can be written as a number. */
export const BACKUP_PRIORITY = 100;
const UNIX = "unix:";
const DEFAULT_PORTS = { "http:": 80, "https:": 443 } as const;

export function createTarget(
  address: TargetAddress & Partial<TargetRank & Dialled>,
  breaker: Breaker | null,
  health: TargetHealth = ALWAYS_HEALTHY,
): Target {
  const { id, protocol, hostname, port, authority, pathPrefix, socketPath, tls } = address;
  const { weight = 1, priority = 0, zone = null, guard = null } = address;
  return {
    id,
    protocol,
    hostname,
    port,
    authority,
    pathPrefix,
    socketPath,
    tls,
    guard,
    weight,
    priority,
    zone,
    draining: false,
    disabled: false,
    pending: 0,
    exchangesMax: Number.POSITIVE_INFINITY,
    failedBy: null,
    failures: 1,
    breaker,
    health,
    presence: null,
    latency: new Latency(),
    refusing: null,
    staleRoutes: null,
    findOut: cannotSay,
    hasReturned: neverLeft,
  };
}

function cannotSay(): null {
  return null;
}

function neverLeft(): boolean {
  return false;
}

/** Reads a target as it is written in the options; throws a `TypeError` that says what to write. */
export function parseTarget(input: string | TargetInput): ParsedTarget {
  const given: TargetInput = typeof input === "string" ? { url: input } : input;
  const { url, weight, socketPath, host } = given;
  const tls = namedTls(given) as ReadTls | undefined;
  refuse(typeof url !== "string", () => `a target needs a url, such as "http://127.0.0.1:8080"`);
  checkWeight(url, weight);
  if (url.startsWith(UNIX)) {
    refuse(
      tls !== undefined || socketPath !== undefined,
      () =>
        `target "${url}": to name a host or to speak TLS over a unix socket, write ` +
        `{ url: "https://name", socketPath: "${url.slice(UNIX.length)}" }`,
    );
    return named({ ...overSocket(url.slice(UNIX.length)), ...rankOf(given) }, host);
  }
  const address = overNetwork(url, tls ?? null);
  if (socketPath === undefined) return named({ ...address, ...rankOf(given) }, host);
  const { id } = overSocket(socketPath);
  const over = { ...address, id: id + address.pathPrefix, socketPath, ...rankOf(given) };
  return named(over, host);
}

function rankOf({ weight = 1, priority = 0, backup = false, zone = null }: RankInput): TargetRank {
  refuse(
    !Number.isInteger(priority) || priority < 0 || priority >= BACKUP_PRIORITY,
    () => `priority must be an integer from 0 to ${BACKUP_PRIORITY - 1}, not ${String(priority)}`,
  );
  return { weight, priority: backup ? BACKUP_PRIORITY : priority, zone };
}

type RankInput = Partial<Pick<TargetInput, "weight" | "priority" | "backup">> & {
  readonly zone?: string | null;
};

/** RFC 9110 §7.2: what is written for `host` is sent as Host in place of the address. */
function named(target: ParsedTarget, host: string | undefined): ParsedTarget {
  return host === undefined ? target : { ...target, authority: hostOf(target.protocol, host).host };
}

/** Who says a host means the server's certificate to be for that name. */
function namedTls({ url, host, tls }: TargetInput): TargetTls | undefined {
  if (host === undefined || !/^https:/i.test(url) || tls?.servername !== undefined) return tls;
  const { hostname } = hostOf("https:", host);
  return isIP(hostname.replace(/^\[|\]$/g, "")) === 0 ? { ...tls, servername: hostname } : tls;
}

function hostOf(protocol: string, host: string): URL {
  const url = /[\s/?#@\\]/.test(host) ? null : parse(`${protocol}//${host}`);
  if (url !== null && url.host !== "") return url;
  throw new TypeError(`host "${shown(host)}" is not a host with an optional port`);
}

function checkWeight(url: string, weight: number | undefined): void {
  if (weight === undefined || (Number.isFinite(weight) && weight > 0)) return;
  throw new TypeError(
    `target "${shown(url)}": weight must be a number above 0, not ${String(weight)}; ` +
      "to send nothing there, leave the target out",
  );
}

function overSocket(path: string): TargetAddress {
  refuse(!path.startsWith("/"), () => {
    const right = `/${path.replace(/^\/+/, "")}`;
    return `target "${UNIX}${path}": a unix socket needs an absolute path, like "${UNIX}${right}"`;
  });
  refuse(
    path.startsWith("//"),
    () => `target "${UNIX}${path}": write "${UNIX}${path.replace(/^\/+/, "/")}" for a unix socket`,
  );
  return {
    id: UNIX + path,
    protocol: "http:",
    hostname: "localhost",
    port: DEFAULT_PORTS["http:"],
    // RFC 9110 §7.2: a socket has no authority of its own; every server knows this name.
    authority: "localhost",
    pathPrefix: "",
    socketPath: path,
    tls: null,
  };
}

function overNetwork(text: string, tls: ReadTls | null): TargetAddress {
  const url = readUrl(text);
  const { protocol } = url;
  if (protocol !== "http:" && protocol !== "https:") throw wrongScheme(text);
  // RFC 9110 §4.2.4: credentials in a URI are deprecated; they would end up in logs and headers.
  refuse(
    url.username !== "" || url.password !== "",
    () =>
      `target "${shown(text)}": credentials do not belong in the address; ` +
      `write "${originOf(url)}" and send an Authorization field`,
  );
  refuse(
    /[?#]/.test(text),
    () =>
      `target "${shown(text)}": a query or fragment cannot be sent with every request; ` +
      `write "${originOf(url)}${prefixOf(url)}"`,
  );
  refuse(url.port === "0", () => `target "${text}": 0 is not a port that can be connected to`);
  refuse(
    tls !== null && protocol === "http:",
    () =>
      `target "${text}": tls is given but the address is not encrypted; ` +
      `write "${originOf(url).replace("http:", "https:")}${prefixOf(url)}" or leave tls out`,
  );
  const pathPrefix = prefixOf(url);
  return {
    id: originOf(url) + pathPrefix,
    protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? DEFAULT_PORTS[protocol] : Number(url.port),
    authority: url.host,
    pathPrefix,
    socketPath: null,
    tls,
  };
}

function readUrl(text: string): URL {
  // URL drops tabs and line ends and trims spaces; what is written must be what is used.
  const url = /[\s\\]/.test(text) ? null : parse(text);
  // `host:8080` reads as a scheme called `host`; `http:host` as a relative address.
  if (url !== null && /^https?:\/\//i.test(text)) return url;
  throw wrongScheme(text);
}

function wrongScheme(text: string): TypeError {
  const guess = parse(
    `http://${text.trim().replace(/^[a-z][a-z0-9+.-]*:\/*(?!\d+(?:\/|$))/i, "")}`,
  );
  const right = guess === null || guess.hostname === "" ? "http://127.0.0.1:8080" : originOf(guess);
  return new TypeError(
    `target "${shown(text)}" is not an address that can be asked; write it like "${right}" ` +
      `("http://host:port", "https://host" or "unix:/path")`,
  );
}

function parse(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Scheme, host and port to connect to; `host` stands for the name, without brackets. */
export function originAt(
  { protocol, hostname, port }: Pick<TargetAddress, "protocol" | "hostname" | "port">,
  host = hostname,
): string {
  return `${protocol}//${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function originOf(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

function prefixOf(url: URL): string {
  return url.pathname.replace(/\/+$/, "");
}

/** The address as it was written, without what should not be read in a log. */
function shown(text: string): string {
  return String(text).replace(/\/\/[^/?#]*@/, "//");
}

function refuse(wrong: boolean, message: () => string): void {
  if (wrong) throw new TypeError(message());
}
