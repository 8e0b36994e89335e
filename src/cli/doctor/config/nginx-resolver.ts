/**
 * The name servers that nginx asks while it runs, and what it asks them. A name in a plain
 * `proxy_pass` is resolved by the system at the start; one with a variable, and a server with
 * `resolve`, by the servers of `resolver` alone.
 */
import { isIP } from "node:net";
import type { NameServers } from "./front-config.js";
import { type Pass, serversOf, settingAt } from "./nginx.js";
import type { Directive } from "./nginx-syntax.js";

export interface NamesAtRunTime {
  /** Null where it is known only with a request. */
  readonly hosts: readonly (string | null)[];
  /** The `resolver` that holds there; null when there is none. */
  readonly resolver: Directive | null;
  /** The line that asks for a name. */
  readonly directive: Directive;
}

/** Null for a place of which nginx resolves nothing while it runs. */
export function namesAtRunTime(pass: Pass): NamesAtRunTime | null {
  const { group, directive } = pass;
  if (group !== null) return namesOfGroup(pass, group);
  if (!pass.atRunTime || pass.known) return null;
  const host = pass.place.includes("$") ? null : hostOf(pass.place);
  if (host !== null && isAddress(host)) return null;
  return { hosts: [host], resolver: settingAt(pass, "resolver"), directive };
}

/** nginx 1.27.3: `resolve` watches the addresses of a server, and `resolver` may stand beside. */
function namesOfGroup(pass: Pass, group: Directive): NamesAtRunTime | null {
  const watched = serversOf(group).filter(({ args }) => args.includes("resolve"));
  const hosts = watched.map(({ args }) => hostOf(args[0] ?? "")).filter((one) => !isAddress(one));
  const [directive] = watched;
  if (hosts.length === 0 || directive === undefined) return null;
  const own = group.block?.find(({ name }) => name === "resolver");
  const http = pass.around.filter(({ name }) => name === "http");
  const resolver = own ?? settingAt({ around: http }, "resolver");
  return { hosts, resolver, directive };
}

function hostOf(place: string): string {
  return place.replace(/:\d*$/, "").replace(/^\[|\]$/g, "");
}

function isAddress(host: string): boolean {
  return host === "" || host.startsWith("unix") || isIP(host) !== 0;
}

/** `resolver 10.0.0.2 [::1]:5353 valid=30s ipv6=off;` */
export function nameServersOf({ args, file, line }: Directive): NameServers {
  const off = (name: string): boolean => args.includes(`${name}=off`);
  return {
    servers: args.filter((arg) => !arg.includes("=")),
    families: off("ipv6") ? [4] : off("ipv4") ? [6] : [4, 6],
    where: { file, line },
  };
}
