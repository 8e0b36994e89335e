/**
 * What a limit is counted by: a field, a cookie, the address of the client, or a function.
 *
 * Guarantee: an address is what our peer says only where that peer is believed; of IPv6 a prefix
 * counts, since one client has billions of addresses; a long key takes no more memory than a short.
 */
import { createHash } from "node:crypto";
import { isIP, isIPv4, isIPv6 } from "node:net";
import type { AskedRequest, KeyOfRequests } from "../catalog/options/option.js";
import { RATE_LIMIT } from "../catalog/rate-limit-defaults.js";
import { type Findings, isRecord, shown } from "../options/findings.js";
import { readKey } from "../options/read-key.js";
import { type Believe, elementsOf, entriesOf, nodeOf } from "../wire/forwarding.js";
import { believedCount, type Trust, trustOf, trustProblem } from "../wire/trust.js";

/** A request, as limits see it. */
export interface LimitedRequest extends AskedRequest {
  /** Of the client where it is known, else of our peer; null for neither. */
  readonly address: string | null;
}

export interface AddressKey {
  /**
   * Leading bits of an IPv6 address that make one client.
   * @default 64
   */
  readonly ipv6Bits?: number;
  /**
   * The same of IPv4.
   * @default 32
   */
  readonly ipv4Bits?: number;
  /**
   * Whose forwarding fields are believed, as in `forwarded.trust`. Default: the fronts of `behind`.
   */
  readonly trust?: Trust;
}

export type RateKey =
  | Exclude<KeyOfRequests, (request: AskedRequest) => unknown>
  | { readonly address: true | AddressKey }
  | ((request: LimitedRequest) => string | null | undefined);

export interface ReadRateKey {
  /** As `describe()` shows it. */
  readonly by: string;
  of(request: LimitedRequest): string;
  readonly trust: Trust | null;
}

export const ONE_KEY: ReadRateKey = { by: "none", of: () => "", trust: null };

export function readRateKey(findings: Findings, path: string, value: unknown): ReadRateKey {
  if (value === undefined) return ONE_KEY;
  if (isRecord(value) && "address" in value) return readAddressKey(findings, path, value);
  const of = readKey(findings, path, value);
  if (of === null) return ONE_KEY;
  const [[kind, name] = []] = Object.entries(value as object);
  const by = typeof value === "function" ? "function" : `${kind} ${name}`;
  return { by, of: (request) => bounded(of(request) ?? ""), trust: null };
}

function readAddressKey(
  findings: Findings,
  path: string,
  { address, ...others }: Readonly<Record<string, unknown>>,
): ReadRateKey {
  const [other] = Object.keys(others);
  if (other !== undefined) findings.problem(`${path}.${other}`, "address stands alone in a key");
  if (address !== true && !isRecord(address)) {
    findings.problem(`${path}.address`, `${shown(address)} is neither true nor { ipv6Bits, … }`);
    return ONE_KEY;
  }
  const { ipv6Bits, ipv4Bits, trust, ...rest } = Object(address) as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    const known = "there are ipv6Bits, ipv4Bits and trust";
    findings.problem(`${path}.address.${unknown}`, `unknown option; ${known}`);
  }
  const bits = (name: string, given: unknown, most: number, initial: number): number => {
    if (given === undefined) return initial;
    if (Number.isInteger(given) && Number(given) > 0 && Number(given) <= most) return Number(given);
    findings.problem(`${path}.address.${name}`, `${shown(given)} is not an integer to ${most}`);
    return initial;
  };
  const six = bits("ipv6Bits", ipv6Bits, 128, RATE_LIMIT.ipv6Bits);
  const four = bits("ipv4Bits", ipv4Bits, 32, RATE_LIMIT.ipv4Bits);
  const problem = trust === undefined ? null : trustProblem(trust);
  if (problem !== null) findings.problem(`${path}.address.trust`, `${shown(trust)} ${problem}`);
  return {
    by: "address",
    of: ({ address: of }) => networkOf(of ?? "", four, six),
    trust: problem === null ? ((trust as Trust | undefined) ?? null) : null,
  };
}

/** The network that an address belongs to; what is no address stays as it is. */
export function networkOf(address: string, ipv4Bits: number, ipv6Bits: number): string {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (isIPv4(plain)) {
    if (ipv4Bits === 32) return plain;
    return `${cut(plain.split(".").map(Number), 8, ipv4Bits).join(".")}/${ipv4Bits}`;
  }
  if (!isIPv6(plain)) return bounded(plain);
  const groups = cut(groupsOf(plain), 16, ipv6Bits).map((group) => group.toString(16));
  return `${groups.join(":")}/${ipv6Bits}`;
}

function cut(parts: readonly number[], width: number, bits: number): readonly number[] {
  return parts.map((part, place) => {
    const kept = Math.max(0, Math.min(width, bits - place * width));
    return part & (((1 << width) - 1) ^ ((1 << (width - kept)) - 1));
  });
}

/** RFC 4291 §2.2: eight groups, of which one run of zeros may be left out. */
function groupsOf(address: string): readonly number[] {
  const [text = ""] = address.split("%");
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [, front = "", ...bytes] = dotted ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number);
  const last = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const whole = dotted === null ? text : front + last;
  const [head = "", tail] = whole.split("::");
  const read = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const before = read(head);
  if (tail === undefined) return before;
  const after = read(tail);
  return [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
}

function bounded(key: string): string {
  if (key.length <= RATE_LIMIT.keyCharsMax) return key;
  return `#${createHash("sha256").update(key).digest("base64url")}`;
}

/** The client's address, as far as those are believed who tell it. */
export function clientAddress(
  peer: string | null,
  received: readonly string[],
  trust: Trust | null,
  fronts: Believe | null,
): string | null {
  if (trust === null) {
    if (fronts === null) return peer;
    return toldIn(fronts(peer ?? "unknown", received))[0] ?? peer;
  }
  const trusts = trustOf(trust);
  if (!trusts(peer ?? "unknown", 0)) return peer;
  const told = toldIn(received);
  return told[told.length - believedCount(told, trusts)] ?? peer;
}

/** The furthest first. */
function toldIn(fields: readonly string[]): readonly string[] {
  const entries = entriesOf(fields);
  const told = entries.length > 0 ? entries : elementsOf(fields).map(nodeOf);
  return told.map(withoutPort);
}

function withoutPort(node: string): string {
  if (isIP(node) !== 0) return node;
  const [, bracketed, bare] = /^(?:\[([^\]]*)\]|([^:]+))(?::\d+)?$/.exec(node) ?? [];
  return bracketed ?? bare ?? node;
}
