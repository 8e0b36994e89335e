/**
 * How calls end: clients that leave, drain, answers that nobody reads; and what is told of it.
 */
import { accept, ok } from "good-gateway/testing";
import { expect } from "vitest";
import type { Caller } from "../../gallery/tools/raw-client.js";
import { eventually, type World } from "../../gallery/tools/world.js";
import type { Asked } from "../door.js";
import { at, codesOf, type DoorPromise, ended, isFine, ofRequests, works } from "../promise.js";

/** No timeout may be what ends a call. */
const SLOW = {
  retry: false as const,
  timeouts: { responseMs: 60_000, idleMs: 60_000, clientMs: 60_000, totalMs: 60_000 },
};
const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello";

/** Asks, and leaves as soon as this holds; the upstream must be left at once. */
async function leaving(ground: World, asked: Asked, when: () => boolean): Promise<void> {
  let caller: Caller | null = null;
  const asking = ground.ask(asked, {
    onCaller: (one) => {
      caller = one;
    },
  });
  await eventually("the moment has come", () => caller !== null && when());
  (caller as unknown as Caller).destroy();
  await asking;
  await eventually("the upstream is left", () => ground.played?.openConnections() === 0);
  expect(await codesOf(ground, 1)).toEqual(["client_closed_request"]);
  expect(ground.sent()).toBe(1);
}

export const ENDINGS: readonly DoorPromise[] = [
  {
    name: "a client that leaves before the answer ends the exchange at once",
    show: (door) =>
      at(door, { script: accept().readHead().hang(), options: SLOW }, (ground) =>
        leaving(ground, {}, () => ground.sent() === 1),
      ),
  },
  {
    name: "a client that leaves within the answer ends the exchange at once",
    cannot: ofRequests,
    show: (door) => {
      let begun = false;
      const script = accept()
        .readHead()
        .send(HEAD)
        .waitFor(() => {
          begun = true;
        })
        .hang();
      return at(door, { script, options: SLOW }, (ground) => leaving(ground, {}, () => begun));
    },
  },
  {
    name: "a client that leaves within its upload ends the exchange at once",
    cannot: ofRequests,
    show: (door) =>
      at(door, { script: accept().readHead().hang(), options: SLOW }, (ground) =>
        leaving(
          ground,
          { method: "POST", upload: { bytes: 5, announced: 100 } },
          () => ground.sent() === 1,
        ),
      ),
  },
  {
    name: "while the gateway drains, calls go on to their end and new ones are refused",
    show: async (door) => {
      let release = (): void => {};
      const opened = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { steps: _, ...script } = works(door);
      void script;
      const answer =
        door.kind === "upgrade"
          ? "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
          : ok("fine");
      const held = accept().readHead().waitFor(opened).send(answer).hang();
      await at(door, { script: held, options: SLOW }, async (ground) => {
        const first = ground.ask();
        await eventually("it is sent", () => ground.sent() === 1);
        const drained = ground.gateway.drain({ timeoutMs: 10_000 });
        const refused = await ground.ask();
        expect(refused.failure?.code).toBe("draining");
        if (door.kind !== "caller") expect(refused.status).toBe(503);
        release();
        expect(isFine(await first, door)).toBe(true);
        await drained;
        expect(ground.sent()).toBe(1);
      });
    },
  },
  {
    name: "one call is one record, with its attempts, and one outcome",
    show: (door) =>
      at(door, { script: works(door), options: SLOW }, async (ground) => {
        await ground.ask();
        const [record] = await ended(ground, 1);
        const { kind, method, path, code, blame, attempts, receivedStatus } = record ?? {};
        expect({ method, path, code, blame, receivedStatus }).toEqual({
          method: "GET",
          path: "/x",
          code: null,
          blame: null,
          receivedStatus: door.kind === "upgrade" ? 101 : 200,
        });
        const kinds = {
          proxy: "proxy",
          upgrade: "upgrade",
          caller: door.bodies === "send" ? "send" : "fetch",
        };
        expect(kind).toBe(kinds[door.kind]);
        expect(attempts?.map(({ number, status }) => [number, status])).toEqual([
          [1, door.kind === "upgrade" ? 101 : 200],
        ]);
        expect(ground.outcomes).toEqual([null]);
        await eventually("the exchange is told", () => ground.attempts.length === 1);
      }),
  },
  {
    name: "bytes of both bodies are counted in the record",
    cannot: ({ kind, engine }) =>
      kind === "upgrade" ? "body" : engine === "foreign fetch" ? "unseen" : null,
    show: (door) =>
      at(door, { script: works(door), options: SLOW }, async (ground) => {
        await ground.ask({ method: "POST", body: "hello there" });
        const [record] = await ended(ground, 1);
        expect([record?.bytesIn, record?.bytesOut]).toEqual([11, 4]);
      }),
  },
  {
    name: "a hundred calls side by side leave nothing behind",
    show: (door) =>
      at(
        door,
        {
          script: works(door),
          options: { timeouts: { idleMs: 9_000, responseMs: 9_000, totalMs: 9_000 } },
        },
        async (ground) => {
          const answers = await Promise.all(
            Array.from({ length: 100 }, (_, turn) => ground.ask({ path: `/${turn}` })),
          );
          expect(answers.filter((one) => !isFine(one, door))).toEqual([]);
          await ended(ground, 100);
          expect(ground.sent()).toBe(100);
        },
      ),
  },
];
