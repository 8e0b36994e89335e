/**
 * Which upstream serves a fetch, and by which path.
 *
 * Guarantee: what is asked for can choose one of the known upstreams, never another host.
 */
import { GatewayError } from "../../core/failure.js";
import type { GatewayCore } from "../../gateway/core.js";
import { gatewayCore, isGateway } from "../../gateway/gateway-handle.js";
import type { UpstreamCore } from "../../gateway/upstream.js";
import { isUpstream, upstreamInside } from "../../gateway/upstream-handle.js";
import type { UpstreamInside } from "../../gateway/upstream-inside.js";
import type { TargetAddress } from "../../targets/target.js";
import type { FetchDispatch } from "../../transports/fetch-handler.js";
import { type FetchArguments, pathAmong } from "./fetch-arguments.js";

export interface FetchRoute {
  readonly gateway: GatewayCore;
  readonly core: UpstreamCore;
  /** Path and query, below the prefix of the target. */
  readonly path: string;
  /** It leads out of the prefix of the targets, which then is not part of it. */
  readonly beyondPrefix?: boolean;
}

/** Finds the route of a call; null for an address that leads to no server (`data:`, `blob:`). */
export type FetchRouter = (asked: FetchArguments) => FetchRoute | null;

/** Routes for a handle. Throws a TypeError for anything that is none. */
export function fetchRouter(handle: unknown): FetchRouter {
  if (isUpstream(handle)) {
    const inside = upstreamInside(handle);
    return (asked) => toUpstream(inside, asked);
  }
  if (isGateway(handle)) {
    const gateway = gatewayCore(handle);
    return (asked) => toOrigin(gateway, asked);
  }
  throw new TypeError(
    'gatewayFetch: expected gateway.upstream("name"), or what createGateway() returns',
  );
}

function toUpstream({ gateway, core }: UpstreamInside, { url, path }: FetchArguments): FetchRoute {
  if (url === null) return { gateway, core, path };
  const below = pathAmong(core.targets.targets, url, path);
  if (below !== null) return { gateway, core, path: below };
  const origins = core.targets.targets.map(({ id }) => id).join(", ");
  const failure = { code: "destination_not_found", target: url.origin } as const;
  throw new GatewayError(
    `${url.origin} is no target of the upstream "${core.name}" (${origins}); ` +
      `write a path such as ` +
      `"${path}", or use gatewayFetch(gateway) for absolute addresses`,
    failure,
    0,
  );
}

/** The origin of a target as the URL of a fetch shows it; for a unix socket that of its Host. */
export function originOfTarget({ protocol, authority }: TargetAddress): string {
  return `${protocol}//${authority}`;
}

/**
 * Where one more request of a fetch function goes, as a redirect says: to the upstream of the call
 * where it has such a target, else to the one that serves the other origin.
 */
export function routeOfHop({ gateway, core }: FetchRoute, asked: FetchDispatch): FetchRoute {
  const url = new URL(`${asked.origin}${asked.path}`);
  const { targets } = core.targets;
  const below = pathAmong(targets, url, asked.path);
  if (below !== null) return { gateway, core, path: below };
  if (targets.some((target) => originOfTarget(target) === url.origin)) {
    return { gateway, core, path: asked.path, beyondPrefix: true };
  }
  return { gateway, ...gateway.upstreamBehind(core, url.origin, asked.path) };
}

const NO_SERVER: ReadonlySet<string> = new Set(["data:", "blob:"]);

function toOrigin(gateway: GatewayCore, { url, path }: FetchArguments): FetchRoute | null {
  if (url === null) {
    throw new TypeError(
      `"${path}" is a path, and a gateway has many upstreams; write an absolute address, or use ` +
        'gatewayFetch(gateway.upstream("name"))',
    );
  }
  if (NO_SERVER.has(url.protocol)) return null;
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`${url.protocol} cannot be fetched; write http: or https:`);
  }
  return { gateway, ...gateway.upstreamOf(url.origin, path) };
}
