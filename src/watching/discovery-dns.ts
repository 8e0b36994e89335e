/**
 * `dns`: targets from A, AAAA and SRV records, asked for again when their time to live is over.
 *
 * The name servers are asked themselves, not the system's resolver: only they have the TTL of an
 * answer. So names in /etc/hosts and search domains are not found; write whole names.
 */
import { Resolver } from "node:dns/promises";
import { DISCOVERY } from "../catalog/balance-defaults.js";
import { DNS_OPTIONS } from "../catalog/options/dns.js";
import { defaultsOf, type OptionsOf } from "../catalog/options/option.js";
import { createFindings, type Findings, isRecord, shown } from "../options/findings.js";
import { checkNames } from "../options/known-names.js";
import { readOptions } from "../options/read-option.js";
import { readTls } from "../options/read-tls.js";
import type { Discover, TargetInput } from "../options/target-options.js";
import { reachable } from "../targets/names/machine-names.js";
import { parseTarget, type TargetTls } from "../targets/target.js";

/** What `dns` takes. */
export interface DnsOptions extends OptionsOf<typeof DNS_OPTIONS> {
  /** Like that of a target; its name is looked up, and stays the Host and the TLS server name. */
  readonly url: string;
  /** TLS settings of every target. */
  readonly tls?: TargetTls;
}

const NAMES = ["url", ...Object.keys(DNS_OPTIONS), "tls"];
const DEFAULTS = defaultsOf(DNS_OPTIONS);

type Settings = DnsOptions & typeof DEFAULTS;

/** A source of targets for `discover`. */
export function dns(options: string | DnsOptions): Discover {
  const settings = read(typeof options === "string" ? { url: options } : options);
  return async function* discoverByDns(signal, { sleep, random }) {
    const resolver = new Resolver({ timeout: DISCOVERY.lookupMs, tries: DISCOVERY.lookupTries });
    if (settings.servers !== undefined) resolver.setServers(settings.servers);
    signal.addEventListener("abort", () => resolver.cancel(), { once: true });
    const addresses = addressBook(resolver, settings.family ?? null);
    for (;;) {
      const { targets, ttlMs } =
        settings.srv === undefined
          ? await byName(settings, addresses)
          : await byService(resolver, settings.srv, settings, addresses);
      yield targets.slice(0, settings.targetsMax);
      const lived = Math.max(settings.intervalMsMin, Math.min(ttlMs, settings.intervalMsMax));
      await sleep(lived * (1 + DISCOVERY.jitter * random()));
    }
  };
}

/** Throws a TypeError that names the options that are wrong. */
function read(options: DnsOptions): Settings {
  const findings = createFindings();
  if (!isRecord(options)) findings.problem("", `${shown(options)} is no object of options`);
  else {
    checkNames(findings, "", NAMES, options);
    readOptions(findings, "", DNS_OPTIONS, options);
    const { family, servers, tls } = options;
    if (family !== undefined && family !== 4 && family !== 6) {
      findings.problem("family", `${shown(family)} is neither 4 nor 6`);
    }
    if (servers !== undefined) checkServers(findings, servers);
    readTls(findings, "tls", tls);
  }
  if (findings.problems.length > 0) throw new TypeError(`dns: ${findings.problems.join("; ")}`);
  const { url } = options;
  // Whatever is wrong with the address is reported in the words of a target.
  const { socketPath } = parseTarget(url);
  if (socketPath !== null) throw new TypeError(`dns: ${shown(url)} has no name to look up`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...(Object.fromEntries(given) as unknown as DnsOptions) };
}

function checkServers(findings: Findings, servers: readonly string[]): void {
  try {
    new Resolver().setServers(servers);
  } catch (error) {
    findings.problem("servers", (error as Error).message);
  }
}

interface Found {
  readonly targets: readonly TargetInput[];
  readonly ttlMs: number;
}

interface AddressRecord {
  readonly address: string;
  readonly ttl: number;
}

type Lookup = (name: string) => Promise<readonly AddressRecord[]>;

/**
 * The addresses of a name, of the families that this machine has. While the look-up of one family
 * fails its last answer is used; a name without records of one family simply has none.
 */
function addressBook(resolver: Resolver, family: 4 | 6 | null): Lookup {
  const last = new Map<string, readonly AddressRecord[]>();
  const ask = async (name: string, one: 4 | 6): Promise<readonly AddressRecord[]> => {
    const found =
      one === 4
        ? await resolver.resolve4(name, { ttl: true })
        : await resolver.resolve6(name, { ttl: true });
    last.set(`${name} ${one}`, found);
    return found;
  };
  return async (name) => {
    const families = family === null ? ([4, 6] as const) : [family];
    const results = await Promise.allSettled(families.map((one) => ask(name, one)));
    const found = results.flatMap((result, index) => {
      if (result.status === "fulfilled") return result.value;
      return isAbsent(result.reason) ? [] : (last.get(`${name} ${families[index]}`) ?? []);
    });
    const failed = results.filter((result) => result.status === "rejected");
    if (found.length > 0 && failed.length < results.length) {
      return family === null ? reachable(found) : found;
    }
    // An answer without any address is taken for a mistake: the last good one stays.
    throw failed.find(({ reason }) => !isAbsent(reason))?.reason ?? failed[0]?.reason;
  };
}

/** The name server has answered that there is no such record. */
function isAbsent(error: unknown): boolean {
  const { code } = Object(error) as { readonly code?: unknown };
  return code === "ENODATA" || code === "ENOTFOUND";
}

async function byName(settings: Settings, addresses: Lookup): Promise<Found> {
  const { hostname } = new URL(settings.url);
  const found = await addresses(hostname);
  return {
    targets: sorted(found).map(({ address }) => targetAt(settings, address, null, {})),
    ttlMs: shortest(found),
  };
}

async function byService(
  resolver: Resolver,
  service: string,
  settings: Settings,
  addresses: Lookup,
): Promise<Found> {
  const records = (await resolver.resolveSrv(service)).slice(0, settings.targetsMax);
  const orders = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  const targets = new Map<string, TargetInput>();
  let ttlMs = Number.POSITIVE_INFINITY;
  for (const { name, port, priority, weight } of records) {
    const found = await addresses(name);
    ttlMs = Math.min(ttlMs, shortest(found));
    // RFC 2782: a weight of 0 is to be chosen seldom beside others.
    const share = Math.max(weight, DISCOVERY.srvWeightMin) / found.length;
    const rank = { priority: Math.min(orders.indexOf(priority), 99), weight: share };
    for (const { address } of sorted(found)) {
      const target = targetAt(settings, address, port, rank);
      if (!targets.has(target.url)) targets.set(target.url, target);
    }
  }
  return { targets: [...targets.values()], ttlMs };
}

function targetAt(
  { url, tls }: Settings,
  address: string,
  port: number | null,
  rank: Pick<TargetInput, "priority" | "weight">,
): TargetInput {
  const { protocol, host, port: written, pathname } = new URL(url);
  const where = address.includes(":") ? `[${address}]` : address;
  const at = port === null ? written : String(port);
  const path = pathname === "/" ? "" : pathname;
  return {
    url: `${protocol}//${where}${at === "" ? "" : `:${at}`}${path}`,
    host,
    ...rank,
    ...(tls === undefined ? {} : { tls }),
  };
}

/** In one order, so that an answer that is cut short holds the same targets every time. */
function sorted(found: readonly AddressRecord[]): readonly AddressRecord[] {
  return [...found].sort((one, other) => (one.address < other.address ? -1 : 1));
}

function shortest(found: readonly AddressRecord[]): number {
  return Math.min(...found.map(({ ttl }) => ttl * 1_000));
}
