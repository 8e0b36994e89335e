/** Rules for routes: what an upstream does otherwise for calls of some paths. */
import { accept, refusingPort } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import { at, type DoorPromise, ended, isFine, ofRepeats, ofRequests, works } from "../promise.js";
import { movedClock } from "../tools/moved-clock.js";
import { HOLDS, PATIENT, waitsShorter } from "./short-wait.js";

const CUT = accept().readHead().close();
const BREAKS = accept()
  .readHead()
  .send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
  .close();
const ofForeignFetch = ({ engine }: Door): string | null =>
  engine === "foreign fetch" ? "connections" : null;
const unchanging = { next: () => 0.999_999 };

export const ROUTES: readonly DoorPromise[] = [
  {
    name: "a route has times of its own, and the others have those of the upstream",
    shows: ["upstream.routes", "route.timeouts"],
    show: (door) =>
      waitsShorter(door, "/short/1?page=2", {
        options: { routes: { "/short/*": { timeouts: { responseMs: 300 } } } },
      }),
  },
  {
    name: "a route has attempts of its own",
    shows: ["route.retry"],
    cannot: ofRepeats,
    show: async (door) => {
      const origin = `http://127.0.0.1:${await refusingPort()}`;
      const routes = {
        "/once/:id": { retry: false as const },
        "/twice{/*}": { retry: { attemptsMax: 2 } },
      };
      const options = { retry: { attemptsMax: 3 }, breaker: false as const, routes };
      await at(door, { targets: () => origin, options }, async (ground) => {
        expect((await ground.ask({ path: "/once/7" })).failure?.attempts).toBe(1);
        expect((await ground.ask({ path: "/twice" })).failure?.attempts).toBe(2);
        expect((await ground.ask({ path: "/once/7/more" })).failure?.attempts).toBe(3);
      });
    },
  },
  {
    name: "a route that repeats keeps the body for it, where its upstream repeats nothing",
    shows: ["route.retry"],
    cannot: (door) => ofRequests(door) ?? ofRepeats(door),
    show: (door) => {
      const routes = { "/put": { retry: { attemptsMax: 2 } } };
      const options = { retry: false as const, breaker: false as const, routes };
      const scripts = [accept().readHead().readBody().reset(), works(door)];
      return at(door, { scripts, options }, async (ground) => {
        async function* parts() {
          for (const part of ["he", "llo"]) yield new TextEncoder().encode(part);
        }
        const answer = await ground.ask({ method: "PUT", path: "/put", body: parts() });
        expect(isFine(answer, door)).toBe(true);
        expect(ground.played?.bodies().map(String)).toEqual(["hello", "hello"]);
      });
    },
  },
  {
    name: "a route is refused by its own breaker, and nothing else is",
    shows: ["route.breaker"],
    cannot: ofForeignFetch,
    show: (door) => {
      const clock = movedClock();
      const routes = { "/bad/*": { breaker: { consecutiveFailures: 2, openMs: 5_000 } } };
      const options = { retry: false as const, probe: false as const, routes };
      const scripts = [CUT, CUT, works(door), works(door)];
      return at(door, { scripts, clock, random: unchanging, options }, async (ground) => {
        for (const path of ["/bad/1", "/bad/x/y"]) await ground.ask({ path });
        expect((await ground.ask({ path: "/bad/2" })).failure?.code).toBe("breaker_open");
        expect(ground.sent()).toBe(2);
        expect(isFine(await ground.ask({ path: "/good" }), door)).toBe(true);
        const records = await ended(ground, 3);
        expect(records[2]?.details).toContain("route=GET /bad/*");
        await clock.advance(5_100);
        expect(isFine(await ground.ask({ path: "/bad/3" }), door)).toBe(true);
      });
    },
  },
  {
    name: "a route whose bodies break is refused like one without an answer",
    shows: ["route.breaker"],
    cannot: (door) => ofRequests(door) ?? ofForeignFetch(door),
    show: (door) => {
      const routes = { "/bad/*": { breaker: { consecutiveFailures: 2, openMs: 5_000 } } };
      const options = { retry: false as const, probe: false as const, routes };
      const scripts = [BREAKS, BREAKS, works(door)];
      return at(door, { scripts, random: unchanging, options }, async (ground) => {
        for (let times = 1; times <= 2; times += 1) {
          await ground.ask({ path: `/bad/${times}` });
          await ended(ground, times);
        }
        expect((await ground.ask({ path: "/bad/3" })).failure?.code).toBe("breaker_open");
        expect(isFine(await ground.ask({ path: "/good" }), door)).toBe(true);
      });
    },
  },
  {
    name: "failures of a route without a breaker say nothing of its target",
    shows: ["route.breaker"],
    cannot: ofForeignFetch,
    show: (door) => {
      const routes = { "/noisy": { breaker: false as const } };
      const breaker = { consecutiveFailures: 2 };
      const options = { retry: false as const, probe: false as const, breaker, routes };
      const scripts = [CUT, CUT, CUT, CUT, works(door)];
      return at(door, { scripts, options }, async (ground) => {
        for (let time = 0; time < 4; time += 1) await ground.ask({ path: "/noisy" });
        expect(ground.breakerWent).toEqual([]);
        expect(isFine(await ground.ask({ path: "/good" }), door)).toBe(true);
      });
    },
  },
  {
    name: "calls of a route matter as much as it says",
    shows: ["route.priority"],
    cannot: ofRequests,
    show: (door) => {
      const bulkhead = { concurrencyMax: 2, queueMax: 0, criticalShare: 0.5 };
      const routes = {
        "/batch/*": { priority: "SHEDDABLE" as const },
        "/pay": { priority: "CRITICAL" as const },
      };
      const options = { bulkhead, retry: false as const, timeouts: PATIENT, routes };
      return at(door, { script: HOLDS, options }, async (ground) => {
        const leave: (() => unknown)[] = [];
        const ask = (path: string) =>
          ground.ask({ path }, { onCaller: (one) => void leave.push(() => one.destroy()) });
        const first = ask("/batch/1");
        await eventually("it is sent", () => ground.sent() === 1);
        expect((await ask("/batch/2")).failure?.code).toBe("bulkhead_full");
        const second = ask("/pay");
        await eventually("it is sent", () => ground.sent() === 2);
        for (const go of leave) go();
        await Promise.all([first, second]);
      });
    },
  },
];
