/**
 * A load on several targets from a seed, on virtual time: who gets the calls, and how long they
 * wait.
 *
 * Calls arrive at random (Poisson). A target has workers that serve one call each, and a queue;
 * the time that a call takes is exponential, so that few take long. What is measured is the target
 * set with its balancer as the gateway uses them, thousands of calls a second.
 */
import { seededRandom } from "../../src/base/random.js";
import { BALANCE } from "../../src/catalog/balance-defaults.js";
import { BREAKER } from "../../src/catalog/defaults.js";
import type { Balancer } from "../../src/targets/balance/balancer.js";
import { createBreaker } from "../../src/targets/breaker.js";
import { createTarget, parseTarget, type Target } from "../../src/targets/target.js";
import { createTargetSet } from "../../src/targets/target-set.js";

/** How one target of a world is. */
export interface Server {
  /** Calls that it serves at once. @default 8 */
  readonly workers?: number;
  /** Mean time of a call, in milliseconds. @default 20 */
  readonly serviceMs?: number;
  /** Share of the calls that fail at once, after a millisecond. @default 0 */
  readonly failsFast?: number;
  /** It takes calls and never answers; they fail after two seconds. */
  readonly silent?: boolean;
  /** @default 1 */
  readonly weight?: number;
}

export interface BalanceWorldOptions {
  readonly seed: number;
  readonly servers: readonly Server[];
  readonly balancer: () => Balancer;
  /** Calls under way at all times, against what all workers can serve. @default 0.6 */
  readonly utilisation?: number;
  /** @default 60 */
  readonly seconds?: number;
  /** Gateways that know nothing of each other. @default 1 */
  readonly gateways?: number;
  /** @default false */
  readonly breaker?: boolean;
}

export interface BalanceResult {
  readonly calls: number;
  /** Of the calls that were served well, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
  /** Calls that each target got. */
  readonly given: readonly number[];
  /** Most calls under way at one target for its workers, against the mean of all. */
  readonly imbalance: number;
}

const SILENT_MS = 2_000;
const FAST_MS = 1;
const WARM_UP_MS = 5_000;

export function simulateBalance(options: BalanceWorldOptions): BalanceResult {
  const random = seededRandom(options.seed);
  const events = eventList();
  const servers = options.servers.map((server) => playServer(server, events, random));
  const sets = Array.from({ length: options.gateways ?? 1 }, (_, index) =>
    makeSet(options, events, index),
  );
  const perMs = capacityOf(options.servers) * (options.utilisation ?? 0.6);
  const endAt = WARM_UP_MS + (options.seconds ?? 60) * 1_000;
  const waits: number[] = [];
  const given = servers.map(() => 0);
  let failed = 0;
  let imbalance = 0;
  let samples = 0;

  const arrive = (): void => {
    const startedAt = events.now();
    if (startedAt < endAt) events.after(exponential(random, 1 / perMs), arrive);
    const set = sets[Math.floor(random.next() * sets.length)] as (typeof sets)[number];
    const counts = startedAt >= WARM_UP_MS;
    const target = set.choose(REQUEST, []);
    if (target === null) {
      if (counts) failed += 1;
      return;
    }
    const index = Number(target.hostname.slice(1));
    const permit = target.breaker?.admit();
    set.begin(target);
    servers[index]?.serve((good) => {
      target.latency.ended(startedAt);
      set.end(target);
      const now = events.now();
      const tookMs = now - startedAt;
      if (good) target.latency.observe(tookMs, now);
      else target.latency.fail(tookMs, now);
      if (permit !== undefined && "settle" in permit) permit.settle(good ? "success" : "failure");
      if (!counts) return;
      if (good) waits.push(tookMs);
      else failed += 1;
    });
    if (!counts) return;
    given[index] = (given[index] as number) + 1;
    const busy = servers.map((server) => server.busy());
    const mean = busy.reduce((sum, one) => sum + one, 0) / busy.length;
    if (mean > 0) imbalance += Math.max(...busy) / mean;
    samples += 1;
  };
  events.after(0, arrive);
  events.run();
  waits.sort((one, other) => one - other);
  const at = (share: number): number => waits[Math.floor(waits.length * share)] ?? 0;
  const calls = waits.length + failed;
  return { calls, p50: at(0.5), p99: at(0.99), failed, given, imbalance: imbalance / samples };
}

const REQUEST = { method: "GET", path: "/", headers: [] };

/** Calls for each millisecond that the servers can serve; the sick ones count as if they could. */
function capacityOf(servers: readonly Server[]): number {
  return servers.reduce(
    (sum, { workers = 8, serviceMs = 20, failsFast = 0, silent = false }) =>
      sum + (failsFast === 1 || silent ? 0 : workers / serviceMs),
    0,
  );
}

type Events = ReturnType<typeof eventList>;

function makeSet(options: BalanceWorldOptions, events: Events, index: number) {
  const random = seededRandom(options.seed * 1_000 + index + 1);
  const clock = { now: events.now };
  const targets = options.servers.map(({ weight = 1 }, place): Target => {
    const address = { ...parseTarget(`http://t${place}`), weight };
    const own: { target: Target | null } = { target: null };
    const breaker =
      options.breaker === true
        ? createBreaker(clock, random, BREAKER, ({ to }) => {
            if (to === "open") own.target?.latency.forget(clock.now(), own.target.pending);
          })
        : null;
    own.target = createTarget(address, breaker);
    return own.target;
  });
  const tiers = {
    balancer: options.balancer(),
    zone: null,
    overflowBelow: BALANCE.overflowBelow,
    sticky: null,
  };
  return createTargetSet({ clock, random }, targets, tiers);
}

function playServer(server: Server, events: Events, random: { next(): number }) {
  const { workers = 8, serviceMs = 20, failsFast = 0, silent = false } = server;
  const waiting: ((good: boolean) => void)[] = [];
  let running = 0;
  const next = (): void => {
    const done = waiting.shift();
    if (done === undefined) return;
    running += 1;
    events.after(exponential(random, serviceMs), () => {
      running -= 1;
      done(true);
      next();
    });
  };
  return {
    busy: () => (running + waiting.length) / workers,
    serve(done: (good: boolean) => void): void {
      if (silent) events.after(SILENT_MS, () => done(false));
      else if (random.next() < failsFast) events.after(FAST_MS, () => done(false));
      else {
        waiting.push(done);
        if (running < workers) next();
      }
    },
  };
}

function exponential(random: { next(): number }, mean: number): number {
  return -Math.log(1 - random.next()) * mean;
}

/** Events in the order of their time: a heap, since there are hundreds of thousands. */
function eventList() {
  const heap: { readonly at: number; readonly fire: () => void }[] = [];
  let now = 0;
  const at = (index: number): number => heap[index]?.at ?? Number.POSITIVE_INFINITY;
  const swap = (one: number, other: number): void => {
    const kept = heap[one] as (typeof heap)[number];
    heap[one] = heap[other] as (typeof heap)[number];
    heap[other] = kept;
  };
  return {
    now: () => now,
    after(ms: number, fire: () => void): void {
      let index = heap.push({ at: now + ms, fire }) - 1;
      for (let parent = (index - 1) >> 1; index > 0 && at(index) < at(parent); ) {
        swap(index, parent);
        index = parent;
        parent = (index - 1) >> 1;
      }
    },
    run(): void {
      while (heap.length > 0) {
        const first = heap[0] as (typeof heap)[number];
        const last = heap.pop() as (typeof heap)[number];
        if (heap.length > 0) {
          heap[0] = last;
          for (let index = 0; ; ) {
            const left = 2 * index + 1;
            const child = at(left + 1) < at(left) ? left + 1 : left;
            if (at(child) >= at(index)) break;
            swap(index, child);
            index = child;
          }
        }
        now = first.at;
        first.fire();
      }
    },
  };
}
