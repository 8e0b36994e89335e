/**
 * Which upstream serves a path of an origin, by origin and path prefix of its targets.
 *
 * Made when it is asked for, and again after a target has come or gone; the longest prefix wins, so
 * that several upstreams may share an origin. Guarantee: the path chooses among the upstreams of
 * its origin and never leads to another one, whatever it looks like.
 */
import type { UpstreamCore } from "./upstream.js";

export interface OriginRoute {
  readonly core: UpstreamCore;
  /** The path below the prefix of its targets. */
  readonly path: string;
}

export interface OriginIndex {
  find(origin: string, path: string): OriginRoute | null;
  /** A target came or went. */
  stale(): void;
  /** One more upstream; it serves what no other does. */
  add(core: UpstreamCore): void;
  /** An upstream that was added is gone. */
  remove(core: UpstreamCore): void;
}

type Prefixes = Map<string, UpstreamCore>;
type Origins = Map<string, Prefixes>;

/** Of all upstreams but those that are kept aside. */
export function originIndex(
  cores: ReadonlyMap<string, UpstreamCore>,
  aside: ReadonlySet<UpstreamCore> = new Set(),
): OriginIndex {
  let origins: Origins | null = null;
  return {
    find(origin, path) {
      origins ??= indexOf(cores, aside);
      const prefixes = origins.get(origin) ?? NONE;
      let longest: string | null = null;
      for (const prefix of prefixes.keys()) {
        if (longest !== null && prefix.length <= longest.length) continue;
        if (prefix === "" || isBelow(prefix, path)) longest = prefix;
      }
      const core = longest === null ? undefined : prefixes.get(longest);
      if (core === undefined) return null;
      // As it is: whether a path that is none may be asked for is not decided here.
      if (longest === "") return { core, path };
      const below = path.slice(longest?.length);
      return { core, path: below.startsWith("/") ? below : `/${below}` };
    },
    stale() {
      origins = null;
    },
    add(core) {
      if (origins !== null) addTo(origins, core);
    },
    remove(core) {
      if (origins !== null) removeFrom(origins, core);
    },
  };
}

const NONE: Prefixes = new Map();

/** What was configured first serves; those made for an origin come after all of them. */
function indexOf(
  cores: ReadonlyMap<string, UpstreamCore>,
  aside: ReadonlySet<UpstreamCore>,
): Origins {
  const origins: Origins = new Map();
  for (const core of cores.values()) {
    if (!aside.has(core)) addTo(origins, core);
  }
  return origins;
}

function addTo(origins: Origins, core: UpstreamCore): void {
  for (const { protocol, authority, pathPrefix } of core.targets.targets) {
    const origin = originOf(protocol, authority);
    const prefixes = origins.get(origin) ?? new Map<string, UpstreamCore>();
    if (!prefixes.has(pathPrefix)) prefixes.set(pathPrefix, core);
    origins.set(origin, prefixes);
  }
}

function removeFrom(origins: Origins, core: UpstreamCore): void {
  for (const { protocol, authority, pathPrefix } of core.targets.targets) {
    const origin = originOf(protocol, authority);
    const prefixes = origins.get(origin) ?? NONE;
    if (prefixes.get(pathPrefix) === core) prefixes.delete(pathPrefix);
    if (prefixes.size === 0) origins.delete(origin);
  }
}

function originOf(protocol: string, authority: string): string {
  return new URL(`${protocol}//${authority}`).origin;
}

// Only read: the path follows it, and a host cannot come out of it.
const NOWHERE = "http://path.invalid";

/** As it is written, and once its dots are resolved: `/api/../admin` is not below `/api`. */
function isBelow(prefix: string, path: string): boolean {
  if (!beginsWith(prefix, path)) return false;
  return URL.canParse(NOWHERE + path) && beginsWith(prefix, new URL(NOWHERE + path).pathname);
}

function beginsWith(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  const next = path[prefix.length];
  return next === undefined || next === "/" || next === "?";
}
