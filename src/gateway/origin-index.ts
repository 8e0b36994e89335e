/**
 * Which upstream serves a path of an origin, by origin and path prefix of its targets, and those
 * that were made for origins, since none was configured for them.
 *
 * The longest prefix wins, so that several upstreams may share an origin. Guarantee: the path
 * chooses among the upstreams of its origin and never leads to another one. Every origin is served,
 * however many came before: those at rest make room, the longest unused first, and one with calls
 * under way stays.
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

type Kept = Pick<UpstreamCore, "name" | "busy" | "close">;

export interface MadeOrigins<Core extends Kept> {
  /** An upstream is used; one that was not made for an origin is none of these. */
  used(core: Core): void;
  /** Whether it was made for an origin, and is kept. */
  has(core: Core): boolean;
  /** Adds a new one, in use from now on. */
  add(core: Core): void;
}

/** `gone` is called after an upstream was closed to make room. */
export function madeOrigins<Core extends Kept>(
  keptMax: number,
  gone: (core: Core) => void,
): MadeOrigins<Core> {
  // In the order of their last use.
  const kept = new Set<Core>();
  const makeRoom = (): void => {
    let over = kept.size - keptMax;
    if (over <= 0) return;
    for (const core of kept) {
      if (core.busy) continue;
      kept.delete(core);
      core.close();
      gone(core);
      over -= 1;
      if (over === 0) return;
    }
  };
  return {
    used(core) {
      if (!kept.delete(core)) return;
      kept.add(core);
      // There are too many only after more calls at once than places.
      if (kept.size > keptMax) makeRoom();
    },
    has: (core) => kept.has(core),
    add(core) {
      kept.add(core);
      makeRoom();
    },
  };
}
