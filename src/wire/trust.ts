/**
 * Whom to believe, in the terms of Express's `trust proxy`: all, a number of hops, addresses,
 * ranges and their groups, or a function.
 *
 * A chain of forwarded addresses is believed from our peer outwards: an entry counts when every
 * hop between it and us is trusted. What stands further left was written by one that is not.
 */
import { BlockList, isIP, isIPv6 } from "node:net";
import { TRUST_GROUPS } from "../catalog/address-groups.js";

/** Whose word about others is believed. */
export type Trust =
  | boolean
  | number
  | readonly string[]
  | ((address: string, hop: number) => boolean);

/** Whether the one at an address is believed; our peer is hop 0. */
export type Trusts = (address: string, hop: number) => boolean;

export function trustOf(trust: Trust): Trusts {
  if (typeof trust === "boolean") return () => trust;
  if (typeof trust === "number") return (_address, hop) => hop < trust;
  if (typeof trust === "function") return trust;
  const list = blockList(trust.flatMap((entry) => groupOf(entry) ?? [entry]));
  return (address) => list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function groupOf(name: string): readonly string[] | null {
  return Object.hasOwn(TRUST_GROUPS, name) ? TRUST_GROUPS[name as keyof typeof TRUST_GROUPS] : null;
}

/** Whether an address is one of these. Who comes over a unix socket is on this machine. */
export function addressTest(addresses: readonly string[]): (address: string) => boolean {
  const list = blockList(addresses);
  return (address) => {
    const known = address === UNIX_PEER ? LOOPBACK : address;
    return list.check(known, isIPv6(known) ? "ipv6" : "ipv4");
  };
}

const UNIX_PEER = "unknown";
const LOOPBACK = "127.0.0.1";

/** Addresses and ranges (`10.0.0.0/8`). */
export function blockList(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of addresses) {
    const [address = "", bits] = entry.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

const GROUP_NAMES = Object.keys(TRUST_GROUPS).join(", ");

/** What is wrong with a value that was given as `trust`; null when nothing is. */
export function trustProblem(value: unknown): string | null {
  if (typeof value === "boolean" || typeof value === "function") return null;
  if (typeof value === "number") {
    return Number.isInteger(value) && value >= 0 ? null : "is no number of hops, such as 1";
  }
  if (typeof value === "string") {
    const entries = value.split(",").map((entry) => JSON.stringify(entry.trim()));
    return `is no list; did you mean [${entries.join(", ")}]?`;
  }
  if (!Array.isArray(value)) {
    return 'is no boolean, number of hops, list such as ["10.0.0.0/8"] or function';
  }
  for (const entry of value as readonly unknown[]) {
    const problem = typeof entry === "string" ? entryProblem(entry) : "is no text";
    if (problem !== null) return `has ${JSON.stringify(entry)}, which ${problem}`;
  }
  return null;
}

function entryProblem(entry: string): string | null {
  return groupOf(entry) === null ? addressProblem(entry, GROUP_NAMES) : null;
}

/** What is wrong with an address or a range; `groups` are words that would be right, too. */
export function addressProblem(text: string, groups = ""): string | null {
  const [address = "", bits, ...more] = text.split("/");
  if (isIP(address) === 0 || more.length > 0) {
    const others = groups === "" ? "" : ` and none of ${groups}`;
    return `is no address, such as 10.0.0.0/8${others}`;
  }
  const most = isIPv6(address) ? 128 : 32;
  const right = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  return right ? null : `is no range; its length goes up to ${most}`;
}

/** How many of the nearest of these are believed, when our peer is. */
export function believedCount(chain: readonly string[], trusts: Trusts): number {
  let count = Math.min(chain.length, 1);
  while (count < chain.length && trusts(chain[chain.length - count] as string, count)) count += 1;
  return count;
}
