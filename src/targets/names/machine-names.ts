/**
 * Looks names up as this machine does: /etc/hosts, then the name servers of /etc/resolv.conf with
 * its search domains.
 *
 * By sockets, since getaddrinfo holds one of libuv's threads until it has an answer, cannot be
 * cancelled, and does not say how long an answer lives. Where names come from elsewhere, too
 * (mDNS, NIS, systemd), or there are no such files, the system itself is to be asked.
 * Guarantee: a family without an answer does not keep the other one back.
 */
import dns, { type LookupAddress, promises } from "node:dns";
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../base/clock.js";
import { NAMES } from "../../catalog/defaults.js";

/** Addresses of a name in the order in which they are to be tried, and how long they live. */
export interface NamedAddresses {
  readonly addresses: readonly LookupAddress[];
  readonly ttlMs: number;
}

export interface NameFiles {
  readonly hosts: string;
  readonly servers: string;
  readonly order: string;
}

export const MACHINE_FILES: NameFiles = {
  hosts: "/etc/hosts",
  servers: "/etc/resolv.conf",
  order: "/etc/nsswitch.conf",
};

type NameClock = Pick<Clock, "now" | "after">;

interface Settings {
  readonly hosts: ReadonlyMap<string, readonly LookupAddress[]>;
  readonly search: readonly string[];
  readonly dotsMin: number;
  readonly resolver: promises.Resolver;
}

export class MachineNames {
  readonly #clock: NameClock;
  readonly #files: NameFiles;
  readonly #servers: readonly string[] | null;
  #settings: Settings | null = null;
  #stamp = "";
  #readAt = Number.NEGATIVE_INFINITY;

  /** `servers` in place of those that the machine has. */
  constructor(
    clock: NameClock,
    files: NameFiles = MACHINE_FILES,
    servers: readonly string[] | null = null,
  ) {
    this.#clock = clock;
    this.#files = files;
    this.#servers = servers;
  }

  /** Null where only the system knows all names. */
  find(hostname: string): Promise<NamedAddresses> | null {
    const settings = this.#read();
    return settings === null ? null : this.#search(settings, hostname);
  }

  async #search(settings: Settings, hostname: string): Promise<NamedAddresses> {
    const known = settings.hosts.get(hostname.toLowerCase().replace(/\.$/, ""));
    if (known !== undefined) return { addresses: inOrder(known), ttlMs: 0 };
    let failure: unknown = null;
    for (const name of candidates(hostname, settings)) {
      try {
        return await bothFamilies(this.#clock, settings.resolver, name);
      } catch (error) {
        // That a name is in none of the domains is certain only when all of them have answered.
        if (failure === null || isAbsent(failure)) failure = error;
        if (codeOf(error) === "ETIMEOUT") break;
      }
    }
    throw failure;
  }

  #read(): Settings | null {
    const now = this.#clock.now();
    if (now - this.#readAt < NAMES.filesMs) return this.#settings;
    this.#readAt = now;
    const { hosts, servers, order } = this.#files;
    const stamp = [hosts, servers, order].map(stampOf).join();
    if (stamp === this.#stamp) return this.#settings;
    this.#stamp = stamp;
    this.#settings = this.#readAnew();
    return this.#settings;
  }

  #readAnew(): Settings | null {
    const { hosts, servers, order } = this.#files;
    const written = textOf(servers);
    if (written === null || !isPlainOrder(textOf(order))) return null;
    const { timeoutMs, tries, ...rest } = readServers(written);
    const resolver = new promises.Resolver({ timeout: timeoutMs, tries });
    if (this.#servers !== null) resolver.setServers(this.#servers);
    return { hosts: readHosts(textOf(hosts) ?? ""), resolver, ...rest };
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function stampOf(file: string): string {
  const { mtimeMs = 0, ino = 0, size = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return `${mtimeMs} ${ino} ${size}`;
}

/** /etc/hosts, then DNS, and nothing else: so it is in containers, with glibc and with musl. */
function isPlainOrder(nsswitch: string | null): boolean {
  if (nsswitch === null) return true;
  const line = /^\s*hosts:([^#\n]*)/m.exec(nsswitch)?.[1];
  return line === undefined || line.trim().split(/\s+/).join() === "files,dns";
}

function readHosts(text: string): ReadonlyMap<string, readonly LookupAddress[]> {
  const loopback = ["127.0.0.1", "::1"].map((address) => ({ address, family: isIP(address) }));
  const found = new Map<string, readonly LookupAddress[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of names.map((one) => one.toLowerCase())) {
      found.set(name, [...(found.get(name) ?? []), { address, family }]);
    }
  }
  // RFC 6761 §6.3: it means this machine, whatever is asked.
  if (!found.has("localhost")) found.set("localhost", loopback);
  return found;
}

/** As resolv.conf(5) has it; the last `search` or `domain` counts. */
function readServers(text: string) {
  const settings = {
    search: [] as readonly string[],
    dotsMin: 1,
    timeoutMs: NAMES.timeoutMs as number,
    tries: NAMES.tries as number,
  };
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "search" || keyword === "domain") settings.search = words;
    if (keyword !== "options") continue;
    const numbers = new Map(words.map((word) => [word.replace(/:.*/, ""), word] as const));
    const read = (name: string, most: number): number | undefined => {
      const value = Number(numbers.get(name)?.split(":")[1] ?? Number.NaN);
      return Number.isInteger(value) && value >= 0 ? Math.min(value, most) : undefined;
    };
    settings.dotsMin = read("ndots", 15) ?? settings.dotsMin;
    settings.tries = read("attempts", 5) || settings.tries;
    const seconds = read("timeout", 30);
    if (seconds) settings.timeoutMs = seconds * 1_000;
  }
  return settings;
}

/** The names that one may mean, in the order in which they are asked for. */
function candidates(hostname: string, { search, dotsMin }: Settings): readonly string[] {
  if (hostname.endsWith(".")) return [hostname];
  const longer = search.map((domain) => `${hostname}.${domain.replace(/^\.|\.$/g, "")}`);
  const dots = hostname.split(".").length - 1;
  return dots >= dotsMin ? [hostname, ...longer] : [...longer, hostname];
}

interface FamilyAnswer {
  readonly records: readonly { readonly address: string; readonly ttl: number }[];
  readonly error: unknown;
}

/** RFC 8305 §3: who has the addresses of one family waits for the other one for a moment only. */
async function bothFamilies(
  clock: NameClock,
  resolver: promises.Resolver,
  name: string,
): Promise<NamedAddresses> {
  const answered: FamilyAnswer[] = [];
  const ask = async (asked: Promise<FamilyAnswer["records"]>): Promise<FamilyAnswer> => {
    const answer = await asked.then(
      (records) => ({ records, error: null }),
      (error) => ({ records: [], error }),
    );
    answered.push(answer);
    return answer;
  };
  const asking = [
    ask(resolver.resolve4(name, { ttl: true })),
    ask(resolver.resolve6(name, { ttl: true })),
  ];
  const first = await Promise.race(asking);
  if (first.records.length === 0) await Promise.all(asking);
  else await Promise.race([Promise.all(asking), moment(clock)]);
  const records = answered.flatMap((answer) => answer.records);
  if (records.length > 0) {
    const addresses = records.map(({ address }) => ({ address, family: isIP(address) }));
    return { addresses: inOrder(addresses), ttlMs: 1_000 * ttlOf(records) };
  }
  const errors = answered.map(({ error }) => error);
  throw errors.find((error) => !isAbsent(error)) ?? errors[0];
}

function moment(clock: NameClock): Promise<void> {
  return new Promise((resolve) => clock.after(NAMES.otherFamilyMs, resolve).unref());
}

function ttlOf(records: FamilyAnswer["records"]): number {
  return Math.min(...records.map(({ ttl }) => ttl));
}

function codeOf(error: unknown): unknown {
  return Object(error).code;
}

/** The name server has answered that there is no such record. */
export function isAbsent(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENODATA" || code === "ENOTFOUND";
}

/** RFC 6724 §6, as far as it matters. */
function inOrder(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  const first = dns.getDefaultResultOrder?.() === "ipv4first" ? 4 : 6;
  return withFirst(first, reachable(addresses));
}

/**
 * Without those of a family that this machine does not have, if others are left: Node gives every
 * attempt but the last half a second, less than a lost packet or a distant host takes, and the last
 * one would be in vain.
 */
export function reachable<One extends Pick<LookupAddress, "address">>(
  addresses: readonly One[],
): readonly One[] {
  if (new Set(addresses.map(({ address }) => isIP(address))).size < 2) return addresses;
  const local = addresses.every(({ address }) => isLoopback(address));
  const own = ownFamilies(local);
  const left = addresses.filter(({ address }) => own.has(isIP(address)));
  return left.length > 0 ? left : addresses;
}

/** The addresses of one family before those of the other. */
export function withFirst(
  first: number,
  addresses: readonly LookupAddress[],
): readonly LookupAddress[] {
  const isFirst = ({ family }: LookupAddress): boolean => family === first;
  return [...addresses.filter(isFirst), ...addresses.filter((one) => !isFirst(one))];
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** The families in which this machine has an address that reaches others, or itself. */
function ownFamilies(local: boolean): ReadonlySet<number> {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return new Set(
    own.flatMap(({ address, internal, scopeid }) => {
      return internal === local && (local || !scopeid) ? [isIP(address)] : [];
    }),
  );
}
