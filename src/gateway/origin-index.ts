/**
 * Which upstream serves an absolute address, by origin and path prefix of its targets.
 *
 * Made when it is asked for, and again after a target has come or gone; the longest prefix wins, so
 * that several upstreams may share an origin.
 */
import type { UpstreamCore } from "./upstream.js";

export interface OriginRoute {
  readonly core: UpstreamCore;
  /** The path below the prefix of its targets. */
  readonly path: string;
}

export interface OriginIndex {
  find(url: URL, path: string): OriginRoute | null;
  /** A target came or went. */
  stale(): void;
  /** One more upstream; it serves what no other does. */
  add(core: UpstreamCore): void;
}

type Prefixes = Map<string, UpstreamCore>;
type Origins = Map<string, Prefixes>;

export function originIndex(cores: ReadonlyMap<string, UpstreamCore>): OriginIndex {
  let origins: Origins | null = null;
  return {
    find(url, path) {
      origins ??= indexOf(cores);
      let longest: string | null = null;
      const prefixes = origins.get(url.origin) ?? NONE;
      for (const prefix of prefixes.keys()) {
        if (!isBelow(prefix, url.pathname)) continue;
        if (longest === null || prefix.length > longest.length) longest = prefix;
      }
      const core = longest === null ? undefined : prefixes.get(longest);
      if (core === undefined) return null;
      const below = path.slice(longest?.length);
      return { core, path: below.startsWith("/") ? below : `/${below}` };
    },
    stale() {
      origins = null;
    },
    add(core) {
      if (origins !== null) addTo(origins, core);
    },
  };
}

const NONE: Prefixes = new Map();

/** What was configured first serves; those made for an origin come after all of them. */
function indexOf(cores: ReadonlyMap<string, UpstreamCore>): Origins {
  const origins: Origins = new Map();
  for (const core of cores.values()) addTo(origins, core);
  return origins;
}

function addTo(origins: Origins, core: UpstreamCore): void {
  for (const { protocol, authority, pathPrefix } of core.targets.targets) {
    const { origin } = new URL(`${protocol}//${authority}`);
    const prefixes = origins.get(origin) ?? new Map<string, UpstreamCore>();
    if (!prefixes.has(pathPrefix)) prefixes.set(pathPrefix, core);
    origins.set(origin, prefixes);
  }
}

function isBelow(prefix: string, pathname: string): boolean {
  return pathname === prefix || pathname.startsWith(`${prefix}/`);
}
