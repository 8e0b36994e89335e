/**
 * The connections to one target: how many there are, who gets which, and who waits how. Over real
 * sockets to a listener that never says a word.
 */
import { constants } from "node:os";
import { setImmediate as turn } from "node:timers/promises";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { classifyError } from "../../../src/core/classify.js";
import { NamedError } from "../../../src/core/named-error.js";
import type { Exchange } from "../../../src/targets/exchange.js";
import {
  accept,
  refusingPort,
  scriptedUpstream,
  silentListener,
  virtualClock,
} from "../../../src/testing/index.js";
import type { Connection, SocketConnection } from "../../../src/transports/connection.js";
import { connectionPool } from "../../../src/transports/connection-pool.js";
import { replaceConnect } from "../../gallery/tools/below-node.js";
import { exchangeOn, targetAt } from "./made-exchange.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Real sockets need turns of the loop; how many is not ours to say. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

interface Asked {
  readonly exchange: Exchange;
  connection: Connection | null;
  error: unknown;
  done: boolean;
}

function poolTo(origin: string, connectionsMax: number, fresh = true) {
  const clock = virtualClock();
  const target = targetAt(origin);
  const looked = { fresh };
  const pool = connectionPool(clock, { fresh: () => looked.fresh }, target, { connectionsMax });
  cleanUps.push(() => pool.close());
  const order: Asked[] = [];
  const ask = (): Asked => {
    const exchange = exchangeOn(clock, { target });
    const asked: Asked = { exchange, connection: null, error: null, done: false };
    pool.acquire(exchange, (error, connection) => {
      if (asked.done) throw new Error("called twice");
      Object.assign(asked, { error, connection, done: true });
      order.push(asked);
    });
    return asked;
  };
  const served = async (): Promise<Asked> => {
    const asked = ask();
    await until(() => asked.done);
    return asked;
  };
  const release = (asked: Asked): void => pool.release(asked.connection as Connection);
  return { clock, pool, looked, order, ask, served, release };
}

async function quiet(connectionsMax: number, fresh = true) {
  const listener = await silentListener();
  cleanUps.push(() => listener.close());
  return { listener, ...poolTo(listener.origin, connectionsMax, fresh) };
}

describe("a connection at rest", () => {
  it("is used again, at once, in place of a new one", async () => {
    const { served, release, ask, listener, pool } = await quiet(4);
    const first = await served();
    release(first);
    expect(pool.stats).toEqual({ open: 1, idle: 1, waiting: 0 });
    const second = ask();
    expect(second.connection).toBe(first.connection);
    expect(listener.connections()).toBe(1);
  });

  it("is the one that rests for the shortest time", async () => {
    const { served, release, ask } = await quiet(4);
    const [a, b, c] = [await served(), await served(), await served()];
    for (const one of [b, c, a]) release(one);
    expect([ask(), ask(), ask()].map(({ connection }) => connection)).toEqual(
      [a, c, b].map(({ connection }) => connection),
    );
  });

  it("is forgotten when it is lost", async () => {
    const { served, release, pool } = await quiet(4);
    const first = await served();
    release(first);
    first.connection?.destroy();
    const second = await served();
    expect(second.connection).not.toBe(first.connection);
    await until(() => pool.stats.open === 1);
    expect(pool.stats.idle).toBe(0);
  });

  it("is forgotten when the peer closes it", async () => {
    let hangUp = (): void => {};
    const gate = new Promise<void>((open) => {
      hangUp = open;
    });
    const upstream = await scriptedUpstream([accept().waitFor(gate).close()]);
    cleanUps.push(() => upstream.close());
    const { served, release, pool } = poolTo(upstream.origin, 4);
    const first = await served();
    release(first);
    // Somebody has to read, and in use that is undici's client.
    (first.connection as SocketConnection | null)?.socket.resume();
    hangUp();
    await until(() => pool.stats.open === 0);
    expect(pool.stats).toEqual({ open: 0, idle: 0, waiting: 0 });
  });

  it("is handed out only after the loop has looked at it, if it has not lately", async () => {
    const { served, release, ask, looked, clock, listener } = await quiet(4);
    const first = await served();
    release(first);
    looked.fresh = false;
    const second = ask();
    expect(second.done).toBe(false);
    // What the loop then sees: the peer is gone.
    first.connection?.destroy();
    await clock.runTurns(2);
    await until(() => second.done);
    expect(second.connection).not.toBe(first.connection);
    await until(() => listener.connections() === 2);
  });

  it("is not waited for by an exchange that was cut meanwhile", async () => {
    const { served, release, ask, looked, clock, pool } = await quiet(4);
    release(await served());
    looked.fresh = false;
    const second = ask();
    second.exchange.cancellation.cut("client");
    await clock.runTurns(2);
    expect(second).toMatchObject({ done: true, connection: null });
    expect(pool.stats.idle).toBe(1);
  });
});

describe("a kept connection that stayed silent", () => {
  /** An exchange on a connection that has served before gets no answer in time. */
  function fallSilent({ exchange }: Asked): void {
    exchange.timeline.reused = true;
    exchange.enter("send");
    exchange.cancellation.cut("timeout");
  }

  function answers({ exchange, connection }: Asked): void {
    exchange.timeline.openedAt = connection?.openedAt ?? 0;
    exchange.enter("send");
    exchange.enter("receive");
  }

  async function resting(connectionsMax: number) {
    const ground = await quiet(connectionsMax);
    const kept = [await ground.served(), await ground.served(), await ground.served()];
    for (const one of kept) {
      const { connection } = one;
      if (connection !== null) connection.restedAt = ground.clock.now();
      ground.release(one);
    }
    await ground.clock.advance(1_000);
    const lost = ground.ask();
    fallSilent(lost);
    ground.pool.resting.ended(lost.exchange);
    lost.connection?.destroy();
    await until(() => ground.pool.stats.open === 2);
    return { ...ground, kept };
  }

  it("casts doubt on those that rested as long: they are not used, and closed later", async () => {
    const { served, pool, kept, clock } = await resting(8);
    await clock.advance(10);
    const next = await served();
    expect(kept.map(({ connection }) => connection)).not.toContain(next.connection);
    expect(pool.stats.idle).toBe(2);
    answers(next);
    pool.resting.ended(next.exchange);
    await until(() => pool.stats.open === 1);
    expect(pool.stats.idle).toBe(0);
  });

  it("casts none where no other one can be opened", async () => {
    const { ask, served, kept } = await resting(3);
    await served();
    expect(kept.map(({ connection }) => connection)).toContain(ask().connection);
  });

  it.each(["http_response_timeout", "stale_connection"] as const)(
    "sends a repeat after %s to a new one",
    async (code) => {
      const { served, release, pool, clock, listener } = await quiet(8);
      release(await served());
      const exchange = exchangeOn(clock, { target: targetAt(listener.origin) });
      exchange.call.attempts = [{ code, reused: true } as never];
      let taken: Connection | null = null;
      pool.acquire(exchange, (_error, connection) => {
        taken = connection;
      });
      await until(() => taken !== null);
      expect(pool.stats).toMatchObject({ open: 2, idle: 1 });
    },
  );

  it("is given up early after a long rest, where that costs a repeat only", async () => {
    const { clock, pool } = await quiet(8);
    await clock.advance(5_000);
    const kept = { restedAt: clock.now() } as Connection;
    const usual = exchangeOn(clock);
    answers({ exchange: usual } as Asked);
    usual.timeline.sendAt = usual.timeline.headAt - 1_000;
    pool.resting.ended(usual);
    const impatience = (options: Parameters<typeof exchangeOn>[1] = {}) => {
      const exchange = exchangeOn(clock, options);
      pool.resting.began(exchange, kept);
      return exchange.impatience;
    };
    await clock.advance(14_999);
    expect(impatience()).toBe(null);
    await clock.advance(1);
    // Twice what an answer takes at the most, which is three times the only one so far.
    expect(impatience()).toEqual({ ms: 6_000, stale: true });
    expect(impatience({ request: { method: "POST" } })).toBe(null);
  });
});

describe("who waits for a connection", () => {
  it("is served in the order of arrival", async () => {
    const { served, release, ask, order, pool } = await quiet(1);
    let holder = await served();
    const waiting = [ask(), ask(), ask()];
    expect(pool.stats).toEqual({ open: 1, idle: 0, waiting: 3 });
    for (const one of waiting) {
      expect(one.exchange.timeline.phase).toBe("queue");
      release(holder);
      await until(() => one.done);
      holder = one;
    }
    expect(order.slice(1)).toEqual(waiting);
  });

  it("is not overtaken by who comes while a connection is on its way", async () => {
    const { served, release, ask, pool } = await quiet(1);
    const holder = await served();
    const early = ask();
    release(holder);
    const late = ask();
    expect(late.done).toBe(false);
    await turn();
    expect(early.connection).toBe(holder.connection);
    expect(late.done).toBe(false);
    expect(pool.stats.waiting).toBe(1);
  });

  it("keeps its place when the connection that was freed turns out dead", async () => {
    const { served, release, ask } = await quiet(1);
    const holder = await served();
    const [early, late] = [ask(), ask()];
    release(holder);
    holder.connection?.destroy();
    await until(() => early.done);
    expect(late.done).toBe(false);
    release(early);
    await until(() => late.done);
  });

  it("keeps its place while the loop looks at the connection that was freed", async () => {
    const { served, release, ask, looked, clock } = await quiet(1);
    const holder = await served();
    const early = ask();
    looked.fresh = false;
    release(holder);
    await turn();
    const late = ask();
    await clock.runTurns(4);
    expect(early.connection).toBe(holder.connection);
    expect(late.done).toBe(false);
  });

  it("leaves at once when it is cut, and the others stay", async () => {
    const { served, release, ask, pool } = await quiet(1);
    const holder = await served();
    const [gone, next] = [ask(), ask()];
    gone.exchange.cancellation.cut("deadline");
    expect(gone).toMatchObject({ done: true, connection: null });
    expect(classifyError(gone.exchange.timeline, gone.exchange.cancellation.by, gone.error)).toBe(
      "deadline_exceeded_queued",
    );
    expect(pool.stats.waiting).toBe(1);
    release(holder);
    await until(() => next.done);
    expect(next.exchange.cancellation.listening).toBe(0);
  });

  it("gets a new connection when one in use is lost", async () => {
    const { served, ask, listener } = await quiet(1);
    const holder = await served();
    const waiting = ask();
    holder.connection?.destroy();
    await until(() => waiting.done);
    expect(waiting.connection).not.toBeNull();
    await until(() => listener.connections() === 2);
  });

  it("gets a turn, and its own failure, when those before fail to connect", async () => {
    const { ask, pool } = poolTo(`http://127.0.0.1:${await refusingPort()}`, 1);
    const all = [ask(), ask(), ask()];
    await until(() => all.every(({ done }) => done));
    for (const { error } of all) expect(error).toMatchObject({ code: "ECONNREFUSED" });
    expect(pool.stats).toEqual({ open: 0, idle: 0, waiting: 0 });
  });
});

describe.each(["EMFILE", "EADDRNOTAVAIL"] as const)("where a connect ends in %s", (code) => {
  async function exhausted(connectionsMax: number) {
    const machine = { isExhausted: false };
    const answer = () => (machine.isExhausted ? -constants.errno[code] : null);
    cleanUps.push(await replaceConnect(answer));
    return { machine, ...(await quiet(connectionsMax)) };
  }

  it("who comes waits for a connection that is in use", async () => {
    const { machine, served, ask, release, pool, order } = await exhausted(8);
    const holder = await served();
    machine.isExhausted = true;
    const waiting = [ask(), ask(), ask()];
    await until(() => pool.stats.waiting === 3);
    expect(pool.stats).toEqual({ open: 1, idle: 0, waiting: 3 });
    let last = holder;
    for (let served = 0; served < 3; served += 1) {
      release(last);
      await until(() => order.length === served + 2);
      last = order.at(-1) as Asked;
      expect(last.connection).toBe(holder.connection);
    }
    expect(waiting.every(({ done }) => done)).toBe(true);
  });

  it("all who wait get one when there is room again, with the next who comes", async () => {
    const { machine, served, ask, pool } = await exhausted(8);
    await served();
    machine.isExhausted = true;
    const waiting = [ask(), ask()];
    await until(() => pool.stats.waiting === 2);
    machine.isExhausted = false;
    waiting.push(ask());
    await until(() => waiting.every(({ done }) => done));
    expect(waiting.every(({ connection }) => connection !== null)).toBe(true);
    expect(pool.stats).toEqual({ open: 4, idle: 0, waiting: 0 });
  });

  it("who has waited as long as a connect may take says what was missing", async () => {
    const { machine, served, ask, pool } = await exhausted(8);
    await served();
    machine.isExhausted = true;
    const asked = ask();
    await until(() => pool.stats.waiting === 1);
    asked.exchange.cancellation.cut("timeout");
    expect(asked.error).toMatchObject({ code });
    expect(pool.stats).toEqual({ open: 1, idle: 0, waiting: 0 });
  });

  it("who comes first is refused at once: nothing could be waited for", async () => {
    const { machine, served, ask, pool } = await exhausted(8);
    machine.isExhausted = true;
    expect((await served()).error).toMatchObject({ code });
    expect(pool.stats).toEqual({ open: 0, idle: 0, waiting: 0 });
    machine.isExhausted = false;
    const holder = await served();
    machine.isExhausted = true;
    const waiting = [ask(), ask()];
    await until(() => pool.stats.waiting === 2);
    // The last connection is lost, so none could be given to them.
    holder.connection?.destroy();
    await until(() => waiting.every(({ done }) => done));
    for (const { error } of waiting) expect(error).toMatchObject({ code });
  });
});

describe("a cut", () => {
  it("before the pool is asked gets nothing and opens nothing", async () => {
    const { pool, clock } = await quiet(4);
    const exchange = exchangeOn(clock);
    exchange.cancellation.cut("client");
    const got: unknown[] = [];
    pool.acquire(exchange, (_error, connection) => got.push(connection));
    expect(got).toEqual([null]);
    expect(pool.stats.open).toBe(0);
  });

  it("while connecting gives the place back", async () => {
    const { ask, pool } = await quiet(1);
    const cut = ask();
    const next = ask();
    cut.exchange.cancellation.cut("timeout");
    expect(cut).toMatchObject({ done: true, connection: null });
    await until(() => next.done);
    expect(next.connection).not.toBeNull();
    expect(pool.stats).toEqual({ open: 1, idle: 0, waiting: 0 });
  });
});

describe("an address that cannot be connected to", () => {
  it("is a fault of the set-up and takes no place", async () => {
    const { ask, pool } = poolTo("https://127.0.0.1:1", 1);
    const target = targetAt("https://127.0.0.1:1");
    const asked = ask();
    asked.exchange.cancellation.cut("client");
    const wrong = connectionPool(
      virtualClock(),
      { fresh: () => true },
      { ...target, tls: { ca: "no certificate", cert: "neither" } },
      { connectionsMax: 1 },
    );
    const got: unknown[] = [];
    const clock = virtualClock();
    const exchange = exchangeOn(clock, {
      target: { ...target, tls: { ca: "no certificate", cert: "neither" } },
    });
    wrong.acquire(exchange, (error) => got.push(error));
    expect(got[0]).toBeInstanceOf(NamedError);
    expect(got[0]).toMatchObject({ failureCode: "proxy_configuration_error" });
    expect(wrong.stats.open).toBe(0);
    expect(pool.stats.waiting).toBe(0);
  });
});

describe("a pool that is closed", () => {
  it("ends what is at rest at once and the rest when it is released", async () => {
    const { served, release, pool, listener } = await quiet(4);
    const [busy, resting] = [await served(), await served()];
    release(resting);
    pool.close();
    expect(resting.connection?.alive).toBe(false);
    expect(busy.connection?.alive).toBe(true);
    release(busy);
    expect(busy.connection?.alive).toBe(false);
    await until(() => pool.stats.open === 0 && listener.openConnections() === 0);
  });
});

describe("the limit", () => {
  it("is never exceeded, nobody is forgotten, and all is counted back", async () => {
    const listener = await silentListener();
    cleanUps.push(() => listener.close());
    const step = fc.constantFrom("ask", "ask", "release", "lose", "cut", "turn");
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, max) => {
          const { pool, ask, release } = poolTo(listener.origin, max);
          const held = new Set<Asked>();
          const asked: Asked[] = [];
          const take = () => {
            for (const one of asked.splice(0)) {
              if (!one.done) asked.push(one);
              else if (one.connection !== null) held.add(one);
            }
          };
          for (const one of steps) {
            const [holder] = held;
            if (one === "ask") asked.push(ask());
            else if (one === "turn") await turn();
            else if (one === "cut") asked.at(-1)?.exchange.cancellation.cut("client");
            else if (holder !== undefined) {
              held.delete(holder);
              if (one === "lose") holder.connection?.destroy();
              else release(holder);
            }
            take();
            expect(pool.stats.open).toBeLessThanOrEqual(max);
            expect(held.size).toBeLessThanOrEqual(pool.stats.open);
          }
          while (asked.length > 0 || held.size > 0) {
            for (const holder of held) release(holder);
            held.clear();
            await turn();
            take();
          }
          expect(pool.stats.waiting).toBe(0);
          pool.close();
          await until(() => pool.stats.open === 0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
