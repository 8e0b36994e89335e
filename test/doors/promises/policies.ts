/**
 * Policies above the exchange: repeats, breakers, places, refusals. Where time decides, it is a
 * clock that the test moves.
 */
import { accept, ok, refusingPort, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually, type WorldOptions } from "../../gallery/tools/world.js";
import {
  at,
  type DoorPromise,
  either,
  ended,
  isFine,
  ofRepeats,
  ofRequests,
  WORKS,
  works,
} from "../promise.js";
import { movedClock } from "../tools/moved-clock.js";

const CUT = accept().readHead().close();
const PATIENT = { connectMs: 4_000, responseMs: 4_000, idleMs: 4_000, totalMs: 7_000 };

async function refusing(
  options: WorldOptions["options"],
  more: Omit<WorldOptions, "options" | "targets"> = {},
): Promise<Omit<WorldOptions, "door">> {
  const port = await refusingPort();
  return { ...more, options: { ...options }, targets: () => `http://127.0.0.1:${port}` };
}

const unchanging = { next: () => 0.999_999 };

export const REPEATS: readonly DoorPromise[] = [
  {
    name: "a call is repeated as often as it may be",
    shows: ["upstream.retry", "retry.attemptsMax"],
    cannot: ofRepeats,
    show: async (door) =>
      at(door, await refusing({ retry: { attemptsMax: 2 } }), async (ground) => {
        expect((await ground.ask()).failure?.attempts).toBe(2);
      }),
  },
  {
    name: "with retry: false there is one attempt",
    shows: ["upstream.retry"],
    show: async (door) =>
      at(door, await refusing({ retry: false }), async (ground) => {
        expect((await ground.ask()).failure?.attempts).toBe(1);
      }),
  },
  {
    name: "repeats wait, longer each time, up to a limit",
    shows: ["retry.backoffBaseMs", "retry.backoffMsMax"],
    cannot: ofRepeats,
    show: async (door) => {
      const clock = movedClock();
      const retry = { attemptsMax: 3, backoffBaseMs: 1_000, backoffMsMax: 1_500 };
      const timeouts = { connectMs: 60_000, totalMs: 90_000 };
      const options = await refusing({ retry, timeouts }, { clock, random: unchanging });
      await at(door, options, async (ground) => {
        const asked = ground.ask();
        for (let seconds = 0; ground.records.length === 0 && seconds < 60; seconds += 1) {
          await clock.advance(100);
        }
        expect((await asked).failure?.attempts).toBe(3);
        const waits = (await ended(ground, 1))[0]?.attempts.map(({ waitedMs }) => waitedMs);
        expect(waits?.map((ms) => Math.ceil(ms / 100) * 100)).toEqual([0, 1_000, 1_500]);
      });
    },
  },
  {
    name: "a Retry-After that is longer than may be waited ends the call",
    shows: ["retry.retryAfterWaitMsMax"],
    cannot: either(ofRepeats, ofRequests),
    show: async (door) => {
      const clock = movedClock();
      const script = accept()
        .readHead()
        .readBody()
        .send((seen) => respond(503, "", { "retry-after": seen?.path === "/short" ? "2" : "4" }))
        .again();
      const options = { retry: { retryAfterWaitMsMax: 3_000 } };
      await at(door, { script, clock, random: unchanging, options }, async (ground) => {
        expect((await ground.ask({ path: "/long" })).status).toBe(503);
        expect(ground.sent()).toBe(1);
        const short = ground.ask({ path: "/short" });
        await eventually("it was sent", () => ground.attempts.length === 2);
        await clock.advance(2_100);
        await eventually("it was sent again", () => ground.sent() === 3);
        await clock.advance(10_000);
        await short;
      });
    },
  },
  {
    name: "without a budget nothing is repeated",
    shows: ["retry.budgetRatio", "retry.budgetFloorPerSecond"],
    cannot: ofRepeats,
    show: async (door) => {
      const none = { attemptsMax: 3, budgetRatio: 0, budgetFloorPerSecond: 0 };
      await at(door, await refusing({ retry: none }), async (ground) => {
        expect((await ground.ask()).failure?.attempts).toBe(1);
      });
      const one = { attemptsMax: 3, budgetRatio: 1, budgetFloorPerSecond: 0 };
      await at(door, await refusing({ retry: one }), async (ground) => {
        expect((await ground.ask()).failure?.attempts).toBe(2);
      });
    },
  },
  {
    name: "a streamed body is kept for a repeat up to a size, and not above it",
    shows: ["retry.replayBodyBytesMax"],
    cannot: either(ofRepeats, ofRequests),
    show: (door) => {
      const scripts = [accept().readHead().readBody().close(), WORKS];
      const options = { retry: { replayBodyBytesMax: 100, backoffBaseMs: 1 }, timeouts: PATIENT };
      return at(door, { scripts, options }, async (ground) => {
        const fits = await ground.ask({ method: "PUT", body: chunks(100) });
        expect([fits.status, ground.sent()]).toEqual([200, 2]);
        expect(ground.played?.bodies().map(({ byteLength }) => byteLength)).toEqual([100, 100]);
        expect((await ended(ground, 1))[0]?.attempts).toHaveLength(2);
      });
    },
  },
  {
    name: "a streamed body above what is kept is sent once",
    shows: ["retry.replayBodyBytesMax"],
    cannot: either(ofRepeats, ofRequests),
    show: (door) => {
      const scripts = [accept().readHead().readBody().close(), WORKS];
      const options = { retry: { replayBodyBytesMax: 99, backoffBaseMs: 1 }, timeouts: PATIENT };
      return at(door, { scripts, options }, async (ground) => {
        const { failure } = await ground.ask({ method: "PUT", body: chunks(100) });
        expect(failure?.code).toBe("connection_terminated");
        expect(ground.sent()).toBe(1);
      });
    },
  },
  {
    name: "a POST is repeated where the upstream promises not to have acted",
    shows: ["retry.unprocessedStatuses"],
    cannot: either(ofRepeats, ofRequests),
    show: (door) => {
      const scripts = [accept().readHead().readBody().send(respond(503)).again()];
      const options = { retry: { unprocessedStatuses: [503], backoffBaseMs: 1 } };
      return at(door, { scripts, options }, async (ground) => {
        await ground.ask({ method: "POST", body: "once" });
        expect(ground.played?.bodies().map(String)).toEqual(["once", "once", "once"]);
      });
    },
  },
  {
    name: "a POST that may have been processed is sent once",
    cannot: ofRequests,
    show: (door) =>
      at(door, { script: accept().readHead().readBody().close(), options: {} }, async (ground) => {
        const { failure } = await ground.ask({ method: "POST", body: "once" });
        expect(failure?.code).toBe("connection_terminated");
        expect(ground.sent()).toBe(1);
      }),
  },
];

async function* chunks(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= 10) yield Buffer.alloc(10, "x");
}

/** Not one of these rows may wait for real time. */
const breaking = { consecutiveFailures: 2, openMs: 5_000, openMsMax: 20_000, trialSuccesses: 2 };

export const BREAKERS: readonly DoorPromise[] = [
  {
    name: "a breaker opens after failures in a row, and closes after good trials",
    shows: [
      "upstream.breaker",
      "breaker.consecutiveFailures",
      "breaker.openMs",
      "breaker.trialSuccesses",
    ],
    cannot: ({ engine }) => (engine === "foreign fetch" ? "connections" : null),
    show: (door) => {
      const clock = movedClock();
      const scripts = [CUT, CUT, works(door)];
      const options = { retry: false as const, probe: false as const, breaker: breaking };
      return at(door, { scripts, clock, random: unchanging, options }, async (ground) => {
        for (let time = 0; time < 2; time += 1) await ground.ask();
        expect((await ground.ask()).failure?.code).toBe("breaker_open");
        expect(ground.sent()).toBe(2);
        await clock.advance(20_000);
        for (let time = 0; time < 2; time += 1) {
          expect(isFine(await ground.ask(), door)).toBe(true);
          await ended(ground, 4 + time);
        }
        expect(ground.breakerWent).toEqual(["open", "half_open", "closed"]);
      });
    },
  },
  {
    name: "a breaker opens by the share of failures within a window",
    shows: ["breaker.failureRatio", "breaker.volumeMin", "breaker.windowMs"],
    cannot: ofRequests,
    show: (door) => {
      const clock = movedClock();
      const script = accept()
        .readHead()
        .readBody()
        .send((seen) => respond(seen?.path === "/bad" ? 500 : 200))
        .again();
      const breaker = {
        consecutiveFailures: 100,
        failureRatio: 0.5,
        volumeMin: 4,
        windowMs: 10_000,
      };
      const options = { retry: false as const, breaker, ejection: false as const };
      // Somebody else is there, or the good answers would clear it.
      const targets = (played: { readonly origin: string } | null) => [
        played?.origin ?? "",
        { url: `${played?.origin}/other`, backup: true },
      ];
      return at(door, { script, clock, options, targets }, async (ground) => {
        for (const path of ["/bad", "/good", "/bad"]) await ground.ask({ path });
        await ended(ground, 3);
        // What lies behind the window counts no more.
        await clock.advance(11_000);
        for (const path of ["/good", "/bad", "/good"]) await ground.ask({ path });
        await ended(ground, 6);
        expect(ground.breakerWent).toEqual([]);
        await ground.ask({ path: "/bad" });
        await ended(ground, 7);
        expect(ground.breakerWent).toEqual(["open"]);
      });
    },
  },
  {
    name: "answers that come too slowly open the breaker, of a single target as well",
    shows: ["breaker.slowCallMs", "breaker.slowRatio"],
    cannot: ofRequests,
    show: (door) => {
      const clock = movedClock();
      let gate = (): unknown => undefined;
      const script = accept()
        .readHead()
        .readBody()
        .waitFor(() => gate())
        .send(ok("fine"))
        .again();
      const breaker = { slowCallMs: 500, slowRatio: 0.5, volumeMin: 4, openMs: 5_000 };
      const options = {
        retry: false as const,
        probe: false as const,
        breaker,
        timeouts: PATIENT,
      };
      return at(door, { script, clock, random: unchanging, options }, async (ground) => {
        const askSlowly = async (ms: number) => {
          let release = (): void => {};
          const held = new Promise<void>((resolve) => {
            release = resolve;
          });
          gate = () => held;
          const before = ground.sent();
          const asked = ground.ask();
          await eventually("it is sent", () => ground.sent() === before + 1);
          await clock.advance(ms);
          release();
          return (await asked).body;
        };
        for (const ms of [600, 100, 400]) expect(await askSlowly(ms)).toBe("fine");
        await ended(ground, 3);
        expect(ground.breakerWent).toEqual([]);
        expect(await askSlowly(600)).toBe("fine");
        await ended(ground, 4);
        expect(ground.breakerWent).toEqual(["open"]);
        expect((await ground.ask()).failure?.code).toBe("breaker_open");
      });
    },
  },
];

export const REFUSALS: readonly DoorPromise[] = [
  {
    name: "the priority of a call travels to the next hop, and replaces what its caller wrote",
    shows: ["layers.priorityHeader"],
    show: (door) => {
      const options = {
        priority: { header: "x-priority" },
        layers: { priorityHeader: "x-priority" },
        retry: false as const,
      };
      return at(door, { script: works(door), options }, async (ground) => {
        const sent = async (fields: Record<string, string>) => {
          const before = ground.sent();
          await ground.ask({ fields }, { kept: false });
          const request = ground.played?.requests()[before];
          return request?.headers.filter(([name]) => name.toLowerCase() === "x-priority");
        };
        const values = async (fields: Record<string, string>) =>
          (await sent(fields))?.map(([, value]) => value);
        expect(await values({ "x-priority": "SHEDDABLE" })).toEqual(["SHEDDABLE"]);
        expect(await values({ "X-Priority": "whatever" })).toEqual(["CRITICAL"]);
        expect(await values({})).toEqual(["CRITICAL"]);
      });
    },
  },
  {
    name: "calls that matter less leave places to the others",
    shows: ["upstream.priority", "bulkhead.criticalShare"],
    cannot: either(ofRequests, ({ kind }) => (kind === "proxy" ? null : null)),
    show: (door) => {
      const hold = accept().readHead().readBody().hang();
      const bulkhead = { concurrencyMax: 2, queueMax: 0, criticalShare: 0.5 };
      const options = {
        bulkhead,
        retry: false as const,
        priority: { header: "x-priority" },
        timeouts: PATIENT,
      };
      return at(door, { script: hold, options }, async (ground) => {
        const leave: (() => unknown)[] = [];
        const ask = (priority: string) =>
          ground.ask(
            { fields: { "x-priority": priority } },
            { onCaller: (caller) => void leave.push(() => caller.destroy()) },
          );
        const first = ask("SHEDDABLE");
        await eventually("it is sent", () => ground.sent() === 1);
        expect((await ask("SHEDDABLE")).failure?.code).toBe("bulkhead_full");
        const second = ask("CRITICAL");
        await eventually("it is sent", () => ground.sent() === 2);
        for (const go of leave) go();
        await Promise.all([first, second]);
      });
    },
  },
  {
    name: "an upstream that refuses is sent less, for as long as that counts",
    shows: ["upstream.throttle", "throttle.windowMs", "throttle.refusedMax"],
    cannot: ofRequests,
    show: (door) => {
      const clock = movedClock();
      const script = accept()
        .readHead()
        .readBody()
        .send(respond(503, "", { "retry-after": "9" }))
        .again();
      // Chance lets nothing pass that may be refused, but for a share that always passes.
      let chance = 0;
      const random = { next: () => chance };
      const throttle = { requestsPerAccept: 1, windowMs: 10_000, refusedMax: 0.8 };
      const options = { retry: false as const, throttle };
      return at(door, { script, clock, random, options }, async (ground) => {
        for (let time = 0; time < 30; time += 1) await ground.ask();
        expect((await ground.ask()).failure?.code).toBe("upstream_throttled");
        chance = 0.85;
        expect((await ground.ask()).status).toBe(503);
        chance = 0;
        await clock.advance(11_000);
        const sent = ground.sent();
        expect((await ground.ask()).failure?.code).not.toBe("upstream_throttled");
        expect(ground.sent()).toBe(sent + 1);
      });
    },
  },
  {
    name: "an upstream that says when to come back is sent nothing until then",
    shows: ["upstream.pace", "pace.queueMax", "pace.holdMsMax", "pace.by"],
    cannot: ofRequests,
    show: async (door) => {
      const clock = movedClock();
      let limited = true;
      const script = accept()
        .readHead()
        .readBody()
        .send(() => (limited ? respond(429, "", { "retry-after": "90" }) : ok("fine")))
        .again();
      const pace = { queueMax: 1, holdMsMax: 60_000, by: { header: "x-user" } };
      const retry = { attemptsMax: 1, retryAfterWaitMsMax: 30_000 };
      const options = { retry, pace, timeouts: { totalMs: 300_000 } };
      const ann = { fields: { "x-user": "ann" } };
      const random = { next: () => 0 };
      await at(door, { script, clock, random, options }, async (ground) => {
        expect((await ground.ask(ann)).status).toBe(429);
        limited = false;
        const early = await ground.ask(ann);
        expect([early.failure?.code, ground.sent()]).toEqual(["upstream_throttled", 1]);
        if (door.kind === "proxy") expect(early.field("retry-after")).toBe("60");
        expect((await ground.ask({ fields: { "x-user": "bob" } })).status).toBe(200);
        await clock.advance(35_000);
        const waits = ground.ask(ann);
        const paced = () => ground.gateway.upstream("app").overload.pace;
        await eventually("it waits", () => paced()?.waiting === 1);
        expect((await ground.ask(ann)).failure?.code).toBe("upstream_throttled");
        expect(ground.sent()).toBe(2);
        await clock.advance(25_000);
        expect((await waits).status).toBe(200);
        expect(paced()).toEqual({ heldMs: 0, held: 0, waiting: 0 });
      });
    },
  },
  {
    name: "an adaptive limit begins with few, and is never below its least",
    shows: [
      "upstream.adaptiveLimit",
      "adaptiveLimit.concurrencyStart",
      "adaptiveLimit.concurrencyMin",
    ],
    cannot: ofRequests,
    show: (door) => {
      const hold = accept().readHead().readBody().hang();
      const options = {
        ...{ retry: false as const, timeouts: PATIENT, bulkhead: { queueMax: 0 } },
        adaptiveLimit: { concurrencyStart: 2, concurrencyMin: 2 },
      };
      return at(door, { script: hold, options }, async (ground) => {
        const leave: (() => unknown)[] = [];
        const ask = () =>
          ground.ask({}, { onCaller: (caller) => void leave.push(() => caller.destroy()) });
        const held = [ask(), ask()];
        await eventually("both are sent", () => ground.sent() === 2);
        expect((await ask()).failure?.code).toBe("bulkhead_full");
        for (const go of leave) go();
        await Promise.all(held);
      });
    },
  },
];

export const TARGETS: readonly DoorPromise[] = [
  {
    name: "a target that is out of order is left out, and the other takes its calls",
    shows: ["upstream.targets", "target.url", "upstream.ejection", "ejection.consecutiveFailures"],
    cannot: ({ repeats, engine, kind }) =>
      !repeats || engine === "foreign fetch" || kind === "upgrade" ? "once" : null,
    show: async (door) => {
      const port = await refusingPort();
      await at(
        door,
        {
          script: works(door),
          targets: (played) => [`http://127.0.0.1:${port}`, { url: String(played?.origin) }],
          options: {
            ejection: { consecutiveFailures: 1, ejectMs: 60_000 },
            balance: "round_robin",
            breaker: false,
            probe: false,
            retry: { backoffBaseMs: 1 },
          },
        },
        async (ground) => {
          for (let time = 0; time < 6; time += 1)
            expect(isFine(await ground.ask(), door)).toBe(true);
          const failed = ground.attempts.filter(({ code }) => code !== null);
          expect(failed.length).toBe(1);
        },
      );
    },
  },
  {
    name: "a backup is asked when no other target is left",
    shows: ["target.backup", "target.priority"],
    cannot: ({ engine, kind }) =>
      engine === "foreign fetch" || kind === "upgrade" ? "once" : null,
    show: async (door) => {
      const port = await refusingPort();
      await at(
        door,
        {
          script: works(door),
          targets: (played) => [
            { url: `http://127.0.0.1:${port}` },
            { url: String(played?.origin), backup: true },
          ],
          options: {
            breaker: { consecutiveFailures: 1, openMs: 60_000 },
            probe: false,
            retry: false,
          },
        },
        async (ground) => {
          expect((await ground.ask()).failure?.code).toBe("connection_refused");
          expect(isFine(await ground.ask(), door)).toBe(true);
        },
      );
    },
  },
  {
    name: "a target goes by the host name that it is given",
    shows: ["target.host"],
    cannot: either(ofRequests, ({ engine }) =>
      engine === "foreign fetch" || engine === "dispatcher" ? "address" : null,
    ),
    show: (door) =>
      at(
        door,
        {
          script: WORKS,
          targets: (played) => ({ url: String(played?.origin), host: "named.example" }),
          proxy: { host: "target" },
        },
        async (ground) => {
          await ground.ask();
          expect(ground.played?.requests()[0]?.header("host")).toBe("named.example");
        },
      ),
  },
  {
    name: "a target is reached over its Unix socket",
    shows: ["target.socketPath"],
    cannot: ({ engine }) =>
      engine === "foreign fetch" || engine === "dispatcher" ? "address" : null,
    show: (door) =>
      at(
        door,
        {
          script: works(door),
          serve: { unix: true },
          targets: (played) => ({
            url: "http://app.example",
            socketPath: String(played?.socketPath),
          }),
        },
        async (ground) => {
          expect(isFine(await ground.ask(), door)).toBe(true);
          expect(ground.sent()).toBe(1);
        },
      ),
  },
  {
    name: "a target of a weight of 3 gets three times as many calls",
    shows: ["target.weight", "upstream.balance", "balance.policy"],
    cannot: ofRequests,
    show: (door) =>
      at(
        door,
        {
          script: accept().readHead().readBody().send(ok("")).again(),
          targets: (played) => [
            { url: `${played?.origin}/heavy`, weight: 3 },
            { url: `${played?.origin}/light`, weight: 1 },
          ],
          options: { balance: "round_robin" },
        },
        async (ground) => {
          const path = door.engine === "dispatcher" ? "/x" : "/x";
          for (let time = 0; time < 8; time += 1) await ground.ask({ path });
          const heavy = ground.played?.requests().filter((one) => one.path.startsWith("/heavy"));
          expect(heavy?.length).toBe(6);
        },
      ),
  },
];
