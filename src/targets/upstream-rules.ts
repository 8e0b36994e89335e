/**
 * Rules by which calls go to another upstream, as they are used.
 *
 * Guarantee: the first rule whose conditions hold and whose share a call falls into counts; a
 * caller that is known by a key is in the same share in every process and after every restart.
 */
import type { UpstreamFunction } from "../catalog/options/upstream-for.js";
import type { BalanceRequest } from "./balance/balancer.js";
import { hashOf } from "./balance/hash.js";
import { cookieOf, fieldOf } from "./balance/request-key.js";
import { pathOf } from "./route-rules.js";

export interface UpstreamRule {
  readonly to: string;
  readonly path: { readonly pattern: string; readonly regexp: RegExp } | null;
  /** In lower case; `.example.com` for what was written with a star. Empty for any. */
  readonly hosts: readonly string[];
  /** Names in lower case. */
  readonly header: Readonly<Record<string, string>>;
  readonly cookie: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly by: ((request: BalanceRequest) => string | null) | null;
}

/** How an upstream is chosen in place of another one. */
export type UpstreamChoice = UpstreamFunction | readonly UpstreamRule[];

/** The name of the upstream that a request goes to; null for the one that was asked. */
export function chooseUpstream(
  choice: UpstreamChoice,
  request: BalanceRequest,
  random: { next(): number },
): string | null {
  if (typeof choice === "function") return choice(request) ?? null;
  return choice.find((rule) => holds(rule, request) && takes(rule, request, random))?.to ?? null;
}

function holds({ path, hosts, header, cookie }: UpstreamRule, request: BalanceRequest): boolean {
  if (path !== null && !path.regexp.test(pathOf(request.path))) return false;
  if (hosts.length > 0 && !hosts.some((host) => isHost(host, hostOf(request)))) return false;
  for (const name in header) if (fieldOf(request, name) !== header[name]) return false;
  for (const name in cookie) if (cookieOf(request, name) !== cookie[name]) return false;
  return true;
}

function isHost(wanted: string, host: string): boolean {
  return wanted.startsWith(".") ? host.endsWith(wanted) : host === wanted;
}

/** Where `host: "target"` replaces the Host of a client, the forwarding field still has it. */
function hostOf(request: BalanceRequest): string {
  const asked = fieldOf(request, "x-forwarded-host") ?? fieldOf(request, "host") ?? "";
  return asked.replace(/:\d*$/, "").toLowerCase();
}

/** Of hashes. */
const HASHES = 0x1_00_00_00_00;

function takes(
  { to, weight, by }: UpstreamRule,
  request: BalanceRequest,
  random: { next(): number },
): boolean {
  if (weight >= 1) return true;
  const key = by === null ? null : by(request);
  // By its name, so that two shares do not always take the same callers.
  const drawn = key === null ? random.next() : hashOf(`${to} ${key}`) / HASHES;
  return drawn < weight;
}
