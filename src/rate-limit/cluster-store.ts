/**
 * `clusterStore`: counts for the workers of `node:cluster` in the memory of their primary process,
 * over its IPC channel. No server is needed.
 *
 * Call it in the primary process and in each worker. Guarantee: questions that are never answered,
 * as without it in the primary process, are bounded; the deadline around them is the limit's.
 */
import cluster, { type Worker } from "node:cluster";
import { systemClock } from "../base/clock.js";
import { RATE_LIMIT } from "../catalog/rate-limit-defaults.js";
import { shown } from "../options/findings.js";
import type { RateRule, RateTaken } from "./gcra.js";
import { localStore, type RateStore } from "./store.js";

export interface ClusterStoreOptions {
  /**
   * Keys that the primary process remembers; then the one that asked longest ago is forgotten.
   * @default 100000
   */
  readonly keysMax?: number;
}

/** Apart from all other messages of the application. */
const ASK = "good-gateway:rate-ask";
const ANSWER = "good-gateway:rate-answer";

type Asked =
  | { readonly take: readonly [key: string, units: number, rule: RateRule, partial: boolean] }
  | { readonly members: readonly [limit: string, member: string, absentMs: number] };

interface StoreAnswer {
  readonly type: typeof ANSWER;
  readonly id: number;
  readonly value: unknown;
}

/** One for each process. */
let made: RateStore | null = null;

export function clusterStore({ keysMax = KEYS_MAX }: ClusterStoreOptions = {}): RateStore {
  if (!Number.isInteger(keysMax) || keysMax < 1) {
    throw new TypeError(`keysMax: ${shown(keysMax)} is not an integer of at least 1`);
  }
  made ??= cluster.isPrimary ? serve(keysMax) : workerStore();
  return made;
}

const KEYS_MAX = 100_000;

function serve(keysMax: number): RateStore {
  const store = { ...localStore(systemClock, keysMax), kind: "cluster" };
  cluster.on("message", (worker: Worker, message: unknown) => {
    const { type, id, asked } = Object(message) as Record<string, unknown>;
    if (type !== ASK || typeof id !== "number") return;
    void answerTo(store, asked as Asked).then((value) => {
      const answer: StoreAnswer = { type: ANSWER, id, value };
      // A worker that has ended, or is ending, is not told.
      if (worker.isConnected()) worker.send(answer, ignore);
    });
  });
  return store;
}

async function answerTo(store: RateStore, asked: Asked): Promise<unknown> {
  if ("take" in asked) return store.take(...asked.take);
  return store.members?.(...asked.members);
}

function workerStore(): RateStore {
  const waiting = new Map<number, (value: unknown) => void>();
  let asks = 0;
  process.on("message", (message: unknown) => {
    const { type, id, value } = Object(message) as Partial<StoreAnswer>;
    if (type !== ANSWER || id === undefined) return;
    waiting.get(id)?.(value);
    waiting.delete(id);
  });
  // A listener for messages keeps the process, which the channel of a worker does anyway.
  const ask = (asked: Asked): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (process.connected !== true) throw new Error("the primary process is gone");
      if (waiting.size >= RATE_LIMIT.workerAsksMax) {
        // The oldest is over its deadline since long.
        const [oldest] = waiting.keys();
        waiting.delete(oldest as number);
      }
      asks += 1;
      waiting.set(asks, resolve);
      process.send?.({ type: ASK, id: asks, asked }, undefined, undefined, (error) => {
        if (error !== null) reject(error);
      });
    });
  return {
    kind: "cluster",
    take: async (...take) => (await ask({ take })) as RateTaken,
    members: async (...members) => (await ask({ members })) as number,
  };
}

function ignore(): void {}
