/**
 * The addresses of host names, for all connections of this process.
 *
 * Guarantee: one look-up of a name is under way at most, shared by all who wait for it; an answer
 * is kept as long as it lives, that there is none for a moment; an unanswered name keeps no
 * other name waiting. An application that has put a function of its own in place of `dns.lookup` is
 * heeded. A family that did not work is not tried first again for a while (RFC 8305 §4).
 */
import dns, { type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { type Clock, systemClock } from "../../base/clock.js";
import { NAMES } from "../../catalog/defaults.js";
import { isAbsent, MachineNames, type NamedAddresses, withFirst } from "./machine-names.js";
import { SystemNames } from "./system-names.js";

/** Without an error there is at least one address. */
export type LookupCallback = (error: Error | null, addresses: readonly LookupAddress[]) => void;

interface Known {
  readonly error: Error | null;
  readonly addresses: readonly LookupAddress[];
  readonly until: number;
}

const NOTHING_KNOWN: Known = { error: null, addresses: [], until: Number.NEGATIVE_INFINITY };

interface Name {
  /** Who waits for the look-up under way; null while there is none. */
  waiting: LookupCallback[] | null;
  known: Known;
  /** The family that worked where the other one did not; 0 where nothing was seen. */
  family: number;
  familyUntil: number;
}

export class HostNames {
  readonly #clock: Pick<Clock, "now">;
  readonly #find: (hostname: string) => Promise<NamedAddresses>;
  /** Those used last are at the end. */
  readonly #names = new Map<string, Name>();

  constructor(clock: Pick<Clock, "now">, find: (hostname: string) => Promise<NamedAddresses>) {
    this.#clock = clock;
    this.#find = find;
  }

  /** Calls back later, never at once. */
  addresses(hostname: string, addressed: LookupCallback): void {
    const name = this.#of(hostname);
    const { error, addresses, until } = name.known;
    if (this.#clock.now() < until) {
      queueMicrotask(() => addressed(error, this.#ordered(name, addresses)));
    } else if (name.waiting === null) {
      name.waiting = [addressed];
      void this.#lookUp(hostname, name);
    } else name.waiting.push(addressed);
  }

  /** A connection was made to an address of this family. */
  connected(hostname: string, family: number): void {
    const name = this.#names.get(hostname);
    const [first] = this.#ordered(name, name?.known.addresses ?? []);
    if (name === undefined || first === undefined || first.family === family) return;
    name.family = family;
    name.familyUntil = this.#clock.now() + NAMES.familyMs;
  }

  /** No address could be connected to: it may have moved. */
  unconnected(hostname: string): void {
    const name = this.#names.get(hostname);
    if (name?.known.error === null) name.known = { ...name.known, until: Number.NEGATIVE_INFINITY };
  }

  async #lookUp(hostname: string, name: Name): Promise<void> {
    const settle = (error: Error | null, { addresses, ttlMs }: NamedAddresses): void => {
      const waiting = name.waiting ?? [];
      name.waiting = null;
      name.known = { error, addresses, until: this.#clock.now() + ttlMs };
      for (const addressed of waiting) addressed(error, this.#ordered(name, addresses));
    };
    await this.#find(hostname).then(
      (found) => settle(null, { ...found, ttlMs: Math.min(found.ttlMs, NAMES.keptMsMax) }),
      (error) => settle(error, { addresses: [], ttlMs: isAbsent(error) ? NAMES.absentMs : 0 }),
    );
  }

  #ordered(name: Name | undefined, addresses: readonly LookupAddress[]): readonly LookupAddress[] {
    if (name === undefined || this.#clock.now() >= name.familyUntil) return addresses;
    return withFirst(name.family, addresses);
  }

  #of(hostname: string): Name {
    const name = this.#names.get(hostname) ?? newName();
    this.#names.delete(hostname);
    this.#names.set(hostname, name);
    if (this.#names.size > NAMES.namesMax) {
      for (const [other, { waiting }] of this.#names) {
        if (waiting !== null) continue;
        this.#names.delete(other);
        break;
      }
    }
    return name;
  }
}

function newName(): Name {
  return { waiting: null, known: NOTHING_KNOWN, family: 0, familyUntil: 0 };
}

const machine = new MachineNames(systemClock);
const system = new SystemNames(systemClock);

/** Of this process, whose threads and sockets all gateways share. */
export const hostNames = new HostNames(
  systemClock,
  (hostname) => machine.find(hostname) ?? system.find(hostname),
);

const ownLookup = dns.lookup;

/** All addresses of a name, in the order in which they are to be tried. */
export function addressesOf(hostname: string, addressed: LookupCallback): void {
  const family = isIP(hostname);
  // An engine that asks for an address in brackets has it looked up like a name.
  if (family !== 0) {
    process.nextTick(addressed, null, [{ address: hostname, family }]);
    return;
  }
  if (dns.lookup === ownLookup) hostNames.addresses(hostname, addressed);
  else dns.lookup(hostname, { all: true }, (error, found) => addressed(error, found ?? []));
}

/** What `net.connect` takes for its look-ups; always of both families. */
export const lookUpName: LookupFunction = (hostname, { all }, callback) => {
  addressesOf(hostname, (error, addresses) => {
    const [first] = addresses;
    if (first === undefined) callback(error, "");
    else if (all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  });
};
