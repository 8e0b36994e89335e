/**
 * Things that are handled many in a row instead of each when it comes.
 *
 * What every call does has left the processor's caches before the next call does it; done for sixty
 * in a row the same costs a fraction. Guarantee: in the order in which they came, each once, and
 * never more than `BATCH_MAX` wait.
 */

/** Enough that little is left to gain; few enough that the garbage collector hardly meets them. */
export const BATCH_MAX = 64;

export interface Batch<Item> {
  /** Adds one; the last one that there is room for has all of them handled. */
  add(item: Item): void;
  /** Has all handled that wait. */
  flush(): void;
  readonly size: number;
}

export function batch<Item>(handle: (items: readonly Item[]) => void): Batch<Item> {
  let waiting: Item[] = [];
  const flush = (): void => {
    if (waiting.length === 0) return;
    const items = waiting;
    waiting = [];
    handle(items);
  };
  return {
    add(item) {
      waiting.push(item);
      if (waiting.length >= BATCH_MAX) flush();
    },
    flush,
    get size() {
      return waiting.length;
    },
  };
}
