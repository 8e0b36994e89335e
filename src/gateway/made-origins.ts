/**
 * Upstreams that were made for origins, since no upstream was configured for them.
 *
 * Guarantee: every origin is served, however many came before. Those at rest make room, the longest
 * unused first; an upstream with calls under way stays, so only those calls bound how many there
 * are beyond the limit.
 */
import type { UpstreamCore } from "./upstream.js";

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
