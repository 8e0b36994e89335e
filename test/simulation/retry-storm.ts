/**
 * A retry storm: all targets of an upstream stand still for ten seconds while calls keep coming.
 *
 * The servers are as most are: a bounded queue, and work that goes on when its client has given up.
 * So when they come back they have a queue that is older than anybody waits, and whoever asks again
 * for what is late makes it later. Three gateways meet the same calls: one repeats as often as
 * three attempts allow, one has the budget of the defaults, one has the breaker of the defaults as
 * well. The same seed gives the same figures.
 */
import { seededRandom } from "../../src/base/random.js";
import { world } from "../pipe/world.js";
import { queueingServer } from "./queueing-server.js";

/** What happened within one second. */
export interface Second {
  /** Calls that came in. */
  readonly offered: number;
  /** Exchanges that reached the servers. */
  readonly load: number;
  /** Calls that came in then and were answered well, sooner or later. */
  readonly good: number;
}

export const STORM = {
  seed: 4,
  callsPerSecond: 300,
  targets: 3,
  /** Three targets of these serve 450 a second: half as much again as is asked for. */
  workers: 6,
  workMs: 40,
  queueMax: 200,
  responseMs: 500,
  /** The outage, within the time that is shown. */
  outageFrom: 10_000,
  outageTo: 20_000,
  endMs: 42_000,
} as const;

export const GATEWAYS = {
  unbounded: "three attempts for each call, no budget",
  budget: "the budget of the defaults",
  defaults: "the budget and the breaker of the defaults",
} as const;

export type GatewayName = keyof typeof GATEWAYS;

const NO_BUDGET = { budgetFloorPerSecond: Number.POSITIVE_INFINITY };

export async function retryStorm(
  gateway: GatewayName,
  seed: number = STORM.seed,
): Promise<readonly Second[]> {
  const random = seededRandom(seed);
  const made = world({
    targets: STORM.targets,
    random,
    timeouts: { responseMs: STORM.responseMs },
    ...(gateway === "unbounded" ? { budget: NO_BUDGET } : {}),
    ...(gateway === "defaults" ? {} : { breaker: false }),
  });
  const { clock } = made;
  const seconds = Array.from({ length: STORM.endMs / 1_000 }, () => newSecond());
  const now = () => seconds[Math.floor(clock.now() / 1_000)];

  const servers = new Map(
    made.targets.targets.map(({ id }) => [
      id,
      queueingServer(clock, random, {
        workers: STORM.workers,
        workMs: STORM.workMs,
        queueMax: STORM.queueMax,
      }),
    ]),
  );
  void (async () => {
    for (;;) {
      const sent = await made.wire.next();
      count(now(), "load");
      servers.get(sent.target)?.take(sent);
    }
  })();
  const workers = (each: number) => () => {
    for (const server of servers.values()) {
      server.options.workers = each;
      server.wake();
    }
  };
  clock.after(STORM.outageFrom, workers(0));
  clock.after(STORM.outageTo, workers(STORM.workers));

  const arrive = (): void => {
    const second = now();
    count(second, "offered");
    const sending = made.send();
    void sending.outcome.then(() => {
      if (sending.result() === 200) count(second, "good");
    });
    if (clock.now() < STORM.endMs) {
      clock.after((1_000 / STORM.callsPerSecond) * 2 * random.next(), arrive);
    }
  };
  arrive();
  await clock.advance(STORM.endMs + 5_000);
  return seconds;
}

type Counting = { -readonly [Key in keyof Second]: number };

function newSecond(): Counting {
  return { offered: 0, load: 0, good: 0 };
}

/** Nothing is counted after the end. */
function count(second: Counting | undefined, key: keyof Second): void {
  if (second !== undefined) second[key] += 1;
}
