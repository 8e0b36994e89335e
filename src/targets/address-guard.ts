/**
 * Which addresses may be connected to, judged by the address itself and never by a name.
 *
 * Guarantee: the addresses that are judged are those that are connected to, since they are judged
 * within the lookup of the very connection; a name that resolves to something else a moment later
 * (DNS rebinding) gains nothing. An IPv6 address is also judged by the IPv4 address it carries.
 */
import type { LookupAddress } from "node:dns";
import { BlockList, isIP, isIPv4, type LookupFunction } from "node:net";
import { ADDRESS_GROUPS, type AddressGroup } from "../catalog/address-groups.js";
import { NamedError } from "../core/named-error.js";
import { carriedAddresses } from "./carried-addresses.js";
import { addressesOf as lookUp } from "./names/host-names.js";

/** Addresses, ranges (`10.0.0.0/8`) and names of groups. */
export interface AddressRules {
  readonly forbid: readonly string[];
  /** What is let through although it is forbidden. */
  readonly allow: readonly string[];
  /** They hold since none were written. */
  readonly byDefault?: true;
}

export interface AddressGuard {
  /** Throws for a host that is written as an address and is a forbidden one. */
  checkHost(hostname: string): void;
  /** Resolves like `dns.lookup`, and gives what is allowed; an error when nothing is. */
  readonly lookup: LookupFunction;
  /** The same for all addresses, those of IPv4 first; says whether they are a part only. */
  resolve(hostname: string, found: ResolvedCallback): void;
  /** Rules were written; else it has only those that hold by default. */
  readonly wasWritten: boolean;
}

/** With an error there are no addresses; they are a part when others are forbidden. */
export type ResolvedCallback = (
  error: Error | null,
  permitted: readonly string[],
  isPart: boolean,
) => void;

// Lists of addresses are dear to make, and all upstreams of foreign origins have the same rules.
const made = new WeakMap<readonly AddressRules[], AddressGuard>();

/** Forbids what any of the rules forbids; null where there are none. The rules must not change. */
export function addressGuard(rules: readonly AddressRules[]): AddressGuard | null {
  if (rules.length === 0) return null;
  const guard = made.get(rules) ?? makeGuard(rules);
  made.set(rules, guard);
  return guard;
}

function makeGuard(rules: readonly AddressRules[]): AddressGuard {
  const judges = rules.map(judgeOf);
  const forbids = (written: string): boolean => {
    // RFC 4007 §11: the zone of an address says which link, not which address.
    const address = written.split("%", 1)[0] as string;
    return judges.some((judge) => judge(address));
  };
  return {
    checkHost(hostname) {
      if (isIP(hostname) !== 0 && forbids(hostname)) throw prohibited([hostname]);
    },
    lookup(hostname, options, callback) {
      resolve(hostname, forbids, (error, permitted) => {
        const [first] = permitted;
        if (first === undefined) callback(error, "");
        else if (options.all === true) callback(null, [...permitted]);
        else callback(null, first.address, first.family);
      });
    },
    resolve(hostname, found) {
      resolve(hostname, forbids, (error, permitted, isPart) => {
        const byFamily = [...permitted].sort((one, other) => one.family - other.family);
        found(error, addressesOf(byFamily), isPart);
      });
    },
    wasWritten: rules.some(({ byDefault }) => byDefault !== true),
  };
}

function judgeOf({ forbid, allow }: AddressRules): (address: string) => boolean {
  const forbidden = listOf(forbid);
  const allowed = listOf(allow);
  const forbids = (address: string): boolean => {
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    return forbidden.check(address, family) && !allowed.check(address, family);
  };
  return (address) => {
    if (isIPv4(address)) return forbids(address);
    const carried = carriedAddresses(address);
    if (carried.some(forbids)) return true;
    if (!forbids(address)) return false;
    // What is allowed by its IPv4 address is allowed where that is carried, too.
    return carried.length === 0 || !carried.every((one) => allowed.check(one, "ipv4"));
  };
}

/** Without an error at least one address is permitted. */
function resolve(
  hostname: string,
  forbids: (address: string) => boolean,
  callback: (error: Error | null, permitted: readonly LookupAddress[], isPart: boolean) => void,
): void {
  lookUp(hostname, (error, found) => {
    if (error !== null) {
      callback(error, [], false);
      return;
    }
    const permitted = found.filter(({ address }) => !forbids(address));
    const refused = permitted.length === 0 ? prohibited(addressesOf(found)) : null;
    callback(refused, permitted, permitted.length < found.length);
  });
}

function addressesOf(found: readonly LookupAddress[]): readonly string[] {
  return found.map(({ address }) => address);
}

/** The addresses are for the operator: they are in the cause, which no answer shows. */
function prohibited(addresses: readonly string[]): NamedError {
  const cause = new Error(`forbidden by the option "addresses": ${addresses.join(", ")}`);
  return new NamedError("destination_ip_prohibited", undefined, cause);
}

function listOf(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries.flatMap((one) => groupOf(one) ?? [one])) add(list, entry);
  return list;
}

function groupOf(name: string): readonly string[] | null {
  return Object.hasOwn(ADDRESS_GROUPS, name) ? ADDRESS_GROUPS[name as AddressGroup] : null;
}

function add(list: BlockList, entry: string): void {
  const [address = "", bits] = entry.split("/");
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
}
