/**
 * The bytes that a scripted upstream has received on one connection and that no step has taken yet.
 * Socket events put bytes in, steps take them out, and a step that needs more waits here.
 * Guarantee: a wait ends when the bytes are there or when it is certain that they never will be.
 */
import { onceOnly } from "../base/permit.js";

/** Bytes in order of arrival, and what became of the side that sends them. */
export interface Inbox {
  readonly size: number;
  /** No more bytes will come: the client has ended its side, or the connection is gone. */
  readonly ended: boolean;
  push(bytes: Buffer): void;
  end(): void;
  /** All that is there, without taking it. */
  peek(): Buffer;
  take(count: number): Buffer;
  /** From now on all bytes are dropped, those that are there too. */
  swallow(): void;
  /** Waits for the condition; false when the end came first. */
  until(condition: () => boolean): Promise<boolean>;
}

/** An empty inbox. */
export function inbox(): Inbox {
  let chunks: Buffer[] = [];
  const state = { size: 0, ended: false, swallowing: false };
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of [...waiting]) look();
  };
  const peek = (): Buffer => {
    const all = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  return {
    get size() {
      return state.size;
    },
    get ended() {
      return state.ended;
    },
    push(bytes) {
      if (state.swallowing) return;
      chunks.push(bytes);
      state.size += bytes.length;
      wake();
    },
    end() {
      state.ended = true;
      wake();
    },
    peek,
    take(count) {
      const all = peek();
      chunks = [all.subarray(count)];
      state.size = Math.max(0, all.length - count);
      return all.subarray(0, count);
    },
    swallow() {
      state.swallowing = true;
      chunks = [];
      state.size = 0;
    },
    until: (condition) =>
      new Promise((resolve) => {
        const settle = onceOnly((met: boolean) => {
          waiting.delete(look);
          resolve(met);
        });
        const look = (): void => {
          if (condition()) settle(true);
          else if (state.ended) settle(false);
        };
        waiting.add(look);
        look();
      }),
  };
}
