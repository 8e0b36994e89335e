/**
 * A `Clock` that moves only when a test advances it.
 * With it a test of timeouts, backoff or breakers takes no time and gives the same result on every
 * machine.
 * `advance` fires what falls due in order, and between two timers it lets promises and turns
 * settle, as the event loop would; `stall` is an event loop that was blocked, so that timers fire
 * late.
 * Guarantee: time stands still while code runs; timers due at one moment fire in the order they
 * were made.
 */
import { type Clock, eventLoopTurn, sleepOn, type Timer } from "../base/clock.js";
import { invariant } from "../base/invariant.js";

/** Where the two readings of a virtual clock begin. */
export interface VirtualClockOptions {
  /** @default 0 */
  readonly now?: number;
  /** @default 2026-01-01T00:00:00Z */
  readonly wallNow?: number;
}

/** A clock whose time only the test moves. */
export interface VirtualClock extends Clock {
  /** Moves on by this much, firing what falls due; rejects with what a timer throws. */
  advance(ms: number): Promise<void>;
  /**
   * Moves on without firing anything, as when the event loop was blocked; `advance` then fires
   * late.
   */
  stall(ms: number): void;
  /** Runs this many turns of the event loop, letting promises settle after each. */
  runTurns(turns: number): Promise<void>;
  /** How many timers, sleeps and turns are still to come. */
  pending(): number;
}

const WALL_START = 1_767_225_600_000; // 2026-01-01T00:00:00Z
/** Calls of one `advance`; more can only mean that code plans itself anew without end. */
const CALLS_MAX = 1_000_000;

interface Plan {
  readonly due: number;
  readonly fire: () => void;
}

interface World {
  now: number;
  moving: boolean;
  readonly timers: Plan[];
  readonly turns: Plan[];
}

/** A new virtual clock. */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const start = options.now ?? 0;
  const wallStart = options.wallNow ?? WALL_START;
  const world: World = { now: start, moving: false, timers: [], turns: [] };
  const clock: VirtualClock = {
    now: () => world.now,
    wallNow: () => wallStart + (world.now - start),
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    after: (ms, fn) =>
      planned(world.timers, () => ({ due: world.now + Math.max(0, ms), fire: fn }), insertSorted),
    turn: (fn) => planned(world.turns, () => ({ due: world.now, fire: fn }), append),
    advance: (ms) => exclusively(world, () => moveTo(world, world.now + ms)),
    stall(ms) {
      world.now += ms;
    },
    runTurns: (turns) =>
      exclusively(world, async () => {
        await eventLoopTurn();
        for (let turn = 0; turn < turns; turn += 1) await runTurn(world);
      }),
    pending: () => world.timers.length + world.turns.length,
  };
  return clock;
}

async function exclusively(world: World, work: () => Promise<void>): Promise<void> {
  invariant(!world.moving, "the virtual clock is already moving; await the call before");
  world.moving = true;
  try {
    await work();
  } finally {
    world.moving = false;
  }
}

async function moveTo(world: World, end: number): Promise<void> {
  const calls = callLimit();
  for (;;) {
    await settle(world, calls);
    await fireDue(world, calls);
    await settle(world, calls);
    const next = world.timers[0];
    if (next === undefined || next.due > end) break;
    world.now = Math.max(world.now, next.due);
  }
  // A stall while the clock was moving may have gone further.
  world.now = Math.max(world.now, end);
}

async function fireDue(world: World, calls: CallLimit): Promise<void> {
  for (let next = world.timers[0]; next !== undefined; next = world.timers[0]) {
    if (next.due > world.now) return;
    calls.count();
    world.timers.shift();
    next.fire();
    await eventLoopTurn();
  }
}

async function settle(world: World, calls: CallLimit): Promise<void> {
  await eventLoopTurn();
  while (world.turns.length > 0) {
    calls.count();
    await runTurn(world);
  }
}

async function runTurn(world: World): Promise<void> {
  // Turns that are planned while these run belong to the next pass, as with setImmediate.
  for (const turn of [...world.turns]) {
    if (!remove(world.turns, turn)) continue;
    turn.fire();
    await eventLoopTurn();
  }
}

/** The timer of something that stands in a list until it fires or is cancelled. */
function planned(
  list: Plan[],
  planAnew: () => Plan,
  insert: (list: Plan[], plan: Plan) => void,
): Timer {
  let current = planAnew();
  let cancelled = false;
  insert(list, current);
  return {
    cancel() {
      cancelled = true;
      remove(list, current);
    },
    pause() {
      remove(list, current);
    },
    refresh() {
      if (cancelled) return;
      remove(list, current);
      current = planAnew();
      insert(list, current);
    },
    unref() {},
  };
}

function append(list: Plan[], plan: Plan): void {
  list.push(plan);
}

function insertSorted(list: Plan[], plan: Plan): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    // Plans that are due at the same moment keep the order in which they were made.
    if ((list[middle]?.due ?? 0) <= plan.due) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, plan);
}

function remove(list: Plan[], plan: Plan): boolean {
  const place = list.indexOf(plan);
  if (place !== -1) list.splice(place, 1);
  return place !== -1;
}

interface CallLimit {
  count(): void;
}

function callLimit(): CallLimit {
  let calls = 0;
  return {
    count() {
      calls += 1;
      invariant(calls <= CALLS_MAX, `more than ${CALLS_MAX} calls in one advance`);
    },
  };
}
