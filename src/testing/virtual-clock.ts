/**
 * A `Clock` that moves when told.
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
  readonly order: number;
  readonly fire: () => void;
}

/** A new virtual clock. */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const start = options.now ?? 0;
  const wallStart = options.wallNow ?? WALL_START;
  const timers: Plan[] = [];
  const state = { now: start, order: 0, turns: [] as Plan[], busy: false };

  const plan = (due: number, fire: () => void): Plan => {
    state.order += 1;
    return { due, order: state.order, fire };
  };
  const runTurn = async (): Promise<void> => {
    // Turns that are planned while these run belong to the next pass, as with setImmediate.
    const turns = [...state.turns];
    for (const turn of turns) {
      if (!remove(state.turns, turn)) continue;
      turn.fire();
      await eventLoopTurn();
    }
  };
  const settle = async (calls: CallLimit): Promise<void> => {
    await eventLoopTurn();
    while (state.turns.length > 0) {
      calls.count();
      await runTurn();
    }
  };
  const fireDue = async (calls: CallLimit): Promise<void> => {
    for (let next = timers[0]; next !== undefined && next.due <= state.now; next = timers[0]) {
      calls.count();
      timers.shift();
      next.fire();
      await eventLoopTurn();
    }
  };
  const exclusively = async (work: () => Promise<void>): Promise<void> => {
    invariant(!state.busy, "the virtual clock is already moving; await the call before");
    state.busy = true;
    try {
      await work();
    } finally {
      state.busy = false;
    }
  };

  const clock: VirtualClock = {
    now: () => state.now,
    wallNow: () => wallStart + (state.now - start),
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    after: (ms, fn) =>
      planned(fn, timers, insertSorted, (fire) => plan(state.now + Math.max(0, ms), fire)),
    turn: (fn) => planned(fn, state.turns, append, (fire) => plan(state.now, fire)),
    advance: (ms) =>
      exclusively(async () => {
        const end = state.now + ms;
        const calls = callLimit();
        do {
          await settle(calls);
          await fireDue(calls);
          await settle(calls);
          const next = timers[0];
          if (next === undefined || next.due > end) break;
          state.now = Math.max(state.now, next.due);
        } while (true);
        // A stall within this advance may have gone further.
        state.now = Math.max(state.now, end);
      }),
    stall(ms) {
      state.now += ms;
    },
    runTurns: (turns) =>
      exclusively(async () => {
        await eventLoopTurn();
        for (let turn = 0; turn < turns; turn += 1) await runTurn();
      }),
    pending: () => timers.length + state.turns.length,
  };
  return clock;
}

/** The timer of something that is planned in a list: there until it fires or is cancelled. */
function planned(
  fn: () => void,
  list: Plan[],
  insert: (list: Plan[], plan: Plan) => void,
  plan: (fire: () => void) => Plan,
): Timer {
  let current = plan(fn);
  let cancelled = false;
  insert(list, current);
  return {
    cancel() {
      cancelled = true;
      remove(list, current);
    },
    refresh() {
      if (cancelled) return;
      remove(list, current);
      current = plan(fn);
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
