/**
 * What is wrong between a server and the gateway behind it: found once, with the first request that
 * a proxy sees, since only then the server is known.
 */
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import type { GatewayCore } from "../gateway/core.js";
import type { UpstreamInside } from "../gateway/upstream-inside.js";
import type { Sighting } from "../lifecycle/start-checks.js";
import { literal } from "../options/findings.js";
import { isLoopback } from "../options/normalise.js";
import type { NormalisedUpstream } from "../options/options.js";
import type { ParsedTarget } from "../targets/target.js";
import type { PreparableServer } from "./behind/behind-preparing.js";

/** What of an upstream is held against the server. */
interface Served {
  readonly options: Pick<NormalisedUpstream, "name" | "timeouts">;
  readonly targets: { readonly targets: readonly TargetAddressed[] };
}
type TargetAddressed = Pick<ParsedTarget, "id" | "hostname" | "port" | "socketPath">;

/** Looks at the server of a request's socket. */
export function checkServerOf(core: GatewayCore, upstream: Served, socket: object): void {
  const { server } = socket as { readonly server?: Partial<PreparableServer> };
  if (typeof server !== "object" || server === null) return;
  const found = [
    ...loops(upstream, server),
    ...serverTimes(upstream, server),
    ...(core.behind === null ? platform(server, process.env) : []),
  ];
  for (const one of found) core.report(one);
}

/** Looks at the Host that a proxy sends to targets which compare it with the name of TLS. */
export function checkHost({ gateway, core }: UpstreamInside, host: string): void {
  if (host === "target") return;
  const { name, targets } = core.options;
  const named = ({ tls, hostname }: ParsedTarget) => tls?.servername ?? hostname;
  const differs = targets.find((one) => one.protocol === "https:" && named(one) !== host);
  if (differs === undefined) return;
  const seen = `upstreams.${name}: ${differs.id}, host: ${JSON.stringify(host)}`;
  gateway.report({ code: "host_differs_from_tls", upstream: name, seen });
}

function loops(
  { options, targets }: Served,
  server: Partial<PreparableServer>,
): readonly Sighting[] {
  const own = server.address?.() ?? null;
  if (own === null) return [];
  const { name } = options;
  return targets.targets
    .filter((target) =>
      typeof own === "string"
        ? target.socketPath === own
        : target.socketPath === null && target.port === own.port && isOwn(target, own.address),
    )
    .map(({ id }) => ({
      code: "target_is_this_server",
      upstream: name,
      seen: `upstreams.${name}: ${id}`,
    }));
}

/** Whether a target's host is the address on which this server listens. */
export function isOwn(
  { hostname: host }: Pick<TargetAddressed, "hostname">,
  address: string,
): boolean {
  const isAny = address === "::" || address === "0.0.0.0";
  if (host === address) return true;
  if (isLoopback(host)) {
    // A name may be either family; an address is of one.
    return isAny ? address === "::" || isIP(host) !== 6 : isIP(host) === 0 && isLoopback(address);
  }
  if (!isAny) return false;
  const interfaces = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return host === hostname() || interfaces.some((one) => one.address === host);
}

function serverTimes(
  { options: { name, timeouts } }: Served,
  { timeout = 0, requestTimeout = 0 }: Partial<PreparableServer>,
): readonly Sighting[] {
  const { totalMs } = timeouts;
  const against = `timeouts.totalMs of ${name} is ${literal(totalMs)}`;
  const isShort = (ms: number): boolean => ms > 0 && ms < totalMs && totalMs !== Infinity;
  const found: Sighting[] = [];
  if (isShort(timeout)) {
    const seen = `${literal(timeout)}, and ${against}`;
    found.push({ code: "server_timeout_short", upstream: name, seen });
  }
  if (isShort(requestTimeout)) {
    const seen = `${literal(requestTimeout)}, and ${against}`;
    found.push({ code: "server_request_timeout_short", upstream: name, seen });
  }
  return found;
}

/** Platforms with a router of their own before every process, by what they set. */
const PLATFORMS: readonly (readonly [variable: string, title: string])[] = [
  ["DYNO", "Heroku"],
  ["K_SERVICE", "Cloud Run"],
  ["WEBSITE_INSTANCE_ID", "Azure App Service"],
  ["FLY_APP_NAME", "Fly.io"],
  ["RENDER", "Render"],
  ["RAILWAY_ENVIRONMENT", "Railway"],
  ["ECS_CONTAINER_METADATA_URI_V4", "Amazon ECS"],
];

/** Longer than any default of a framework, and shorter than most routers keep connections. */
const ROUTER_KEEPS_MS = 60_000;

export function platform(
  { keepAliveTimeout }: Partial<PreparableServer>,
  variables: Readonly<Record<string, string | undefined>>,
): readonly Sighting[] {
  const [, title] = PLATFORMS.find(([variable]) => variables[variable]) ?? [];
  if (title === undefined || keepAliveTimeout === undefined) return [];
  if (keepAliveTimeout === 0 || keepAliveTimeout >= ROUTER_KEEPS_MS) return [];
  const seen = `${title}; server.keepAliveTimeout is ${literal(keepAliveTimeout)}`;
  return [{ code: "platform_unknown", upstream: null, seen }];
}
