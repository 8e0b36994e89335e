/**
 * A small world from a seed: clients, targets that fail in spells, and all policies between them,
 * on the virtual clock. While it runs, checkers hold every event against what the policies promise.
 * The same seed gives the same history; what a checker finds names the seed that shows it.
 */
import type { Random } from "../../src/base/random.js";
import { seededRandom } from "../../src/base/random.js";
import type { FailureCode } from "../../src/catalog/failures.js";
import { ReplayBody } from "../../src/core/replay-body.js";
import type { Sent } from "../../src/testing/answered-transport.js";
import { NOTHING_HELD, type Sending, type World, world } from "../pipe/world.js";
import { type Checkers, checkersOf, type Limits, type Plan } from "./checkers.js";

export interface SimulationOptions {
  readonly seed: number;
  /** @default 1 to 4, by the seed */
  readonly targets?: number;
  /** @default 60 */
  readonly calls?: number;
  /** Share of exchanges that fail during a bad spell of a target. @default by the seed */
  readonly faults?: number;
  /** What the world is given in place of the limits that are checked; to see the checkers work. */
  readonly sabotage?: Partial<Limits>;
}

export interface SimulationResult {
  /** What happened, a line for each event; equal for equal seeds. */
  readonly history: readonly string[];
  /** What should not have happened. */
  readonly violations: readonly string[];
}

const LIMITS: Limits = {
  attemptsMax: 3,
  concurrencyMax: 8,
  queueMax: 4,
  totalMs: 4_000,
  trialsMax: 1,
  budgetRatio: 0.2,
  budgetFloorPerSecond: 0.5,
};

/** Calls arrive within this time; everything is over long before the world ends. */
const ARRIVALS_MS = 12_000;
const SPELL_MS = 2_000;
/** Some arrive together, more than there are places. */
const BURST_MS = 200;

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const random = seededRandom(options.seed);
  const count = options.targets ?? 1 + below(random, 4);
  const faults = options.faults ?? random.next();
  const given = { ...LIMITS, ...options.sabotage };
  const made = world({
    targets: count,
    totalMs: given.totalMs,
    timeouts: { responseMs: 1_500, idleMs: 800 },
    bulkhead: { ...given, queueMs: 300 },
    retry: { attemptsMax: given.attemptsMax },
    budget: given,
    breaker: { trialsMax: given.trialsMax },
    random: seededRandom(options.seed + 1),
  });
  const checkers = checkersOf(made, LIMITS);
  const drainsAt = random.next() < 0.3 ? ARRIVALS_MS * random.next() : null;

  playUpstreams(made, random, faults, checkers);
  planCalls(made, random, options.calls ?? 60, checkers);
  if (drainsAt !== null) made.clock.after(drainsAt, () => drain(made, checkers));
  await made.clock.advance(ARRIVALS_MS + 60_000);
  checkers.ended(made.held(), NOTHING_HELD);
  return { history: checkers.history, violations: checkers.violations };
}

function planCalls(made: World, random: Random, count: number, checkers: Checkers): void {
  const burstAt = ARRIVALS_MS * random.next();
  for (let index = 0; index < count; index += 1) {
    const inBurst = random.next() < 0.4;
    const arrivesAt = inBurst ? burstAt + BURST_MS * random.next() : ARRIVALS_MS * random.next();
    const plan: Plan = {
      method: pick(random, ["GET", "GET", "PUT", "POST", "POST", "DELETE"]),
      replayable: random.next() < 0.1,
      hasBody: random.next() < 0.5,
    };
    const leavesAfter = random.next() < 0.15 ? 2_000 * random.next() : null;
    const totalMs = random.next() < 0.2 ? 1 + 1_000 * random.next() : null;
    made.clock.after(arrivesAt, () => {
      const sending = start(made, plan, totalMs);
      checkers.arrived(sending, plan);
      if (leavesAfter === null) return;
      made.clock.after(leavesAfter, () => leave(sending));
    });
  }
}

function start(made: World, plan: Plan, totalMs: number | null): Sending {
  const { method, replayable } = plan;
  const body = plan.hasBody ? ReplayBody.fromBuffer(Buffer.from("body")) : null;
  return made.send(
    { method, replayable, body },
    totalMs === null ? null : { timeouts: { totalMs } },
  );
}

function leave(sending: Sending): void {
  if (sending.result() === null) sending.call.cancellation.cut("client");
}

function drain(made: World, checkers: Checkers): void {
  made.lifecycle.state = "draining";
  checkers.drained();
}

/** Every target has good and bad spells; in a bad one this share of what it is sent goes wrong. */
function playUpstreams(made: World, random: Random, faults: number, checkers: Checkers): void {
  const spells = new Map<string, Random>();
  const isBad = (target: string): boolean => {
    const spell = Math.floor(made.clock.now() / SPELL_MS);
    const key = `${target} ${spell}`;
    if (!spells.has(key)) spells.set(key, { next: constant(random.next()) });
    return (spells.get(key)?.next() ?? 0) < 0.5;
  };
  const play = async (): Promise<never> => {
    for (;;) {
      const sent = await made.wire.next();
      checkers.sent(sent);
      const fails = isBad(sent.target) && random.next() < faults;
      const reaction = fails ? pick(random, FAULTS) : answerWell;
      made.clock.after(200 * random.next(), () => {
        if (!sent.settled) reaction(made, random, sent);
      });
    }
  };
  void play();
}

type Reaction = (made: World, random: Random, sent: Sent) => void;

const failWith =
  (code: FailureCode): Reaction =>
  (_made, _random, sent) =>
    sent.fail(code);

const answerWith =
  (status: number, retryAfter?: string): Reaction =>
  (_made, _random, sent) =>
    void sent.respond(
      status,
      retryAfter === undefined ? {} : { headers: { "retry-after": retryAfter } },
    );

const answerWell: Reaction = ({ clock }, random, sent) => {
  const answer = sent.respond(200, { open: true });
  clock.after(500 * random.next(), () => answer.end());
};

const breakOff: Reaction = ({ clock }, random, sent) => {
  const answer = sent.respond(200, { open: true });
  clock.after(500 * random.next(), () => answer.breakOff("http_response_incomplete"));
};

/** No answer at all, or a body that never goes on: our own timeouts must end it. */
const hang: Reaction = () => {};
const hangInBody: Reaction = (_made, _random, sent) => void sent.respond(200, { open: true });

const FAULTS: readonly Reaction[] = [
  failWith("connection_refused"),
  failWith("connection_terminated"),
  failWith("stale_connection"),
  failWith("dns_error"),
  failWith("http_protocol_error"),
  answerWith(500),
  answerWith(502),
  answerWith(503, "1"),
  answerWith(503, "600"),
  answerWith(429, "1"),
  answerWith(429),
  breakOff,
  hang,
  hangInBody,
];

function constant(value: number): () => number {
  return () => value;
}

function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[below(random, items.length)] as Item;
}
