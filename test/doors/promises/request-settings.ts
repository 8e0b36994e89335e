/** Settings of one request at a proxy, over those of its upstream and of its route. */
import type { ProxyOptions } from "good-gateway";
import { accept, ok, refusingPort } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import {
  at,
  type DoorPromise,
  either,
  ended,
  isFine,
  ofProxies,
  ofRepeats,
  ofRequests,
  works,
} from "../promise.js";
import { waitsShorter } from "./short-wait.js";

type Overrides = NonNullable<ProxyOptions["overrides"]>;
type Given = ReturnType<Overrides>;

/** By the path that is asked for. */
function byPath(table: Readonly<Record<string, Given | (() => unknown)>>): ProxyOptions {
  const overrides: Overrides = (_req, { path }) => {
    const given = table[path];
    return (typeof given === "function" ? given() : given) as Given;
  };
  return { overrides };
}

export const REQUEST_SETTINGS: readonly DoorPromise[] = [
  {
    name: "a request has times of its own, over its route, and the others have theirs",
    shows: ["proxy.overrides"],
    cannot: ofProxies,
    show: (door) =>
      waitsShorter(door, "/short", {
        options: { routes: { "/short": { timeouts: { responseMs: 2_000 } } } },
        proxy: byPath({ "/short": { timeouts: { responseMs: 300 } } }),
      }),
  },
  {
    name: "a request has attempts of its own",
    shows: ["proxy.overrides"],
    cannot: either(ofProxies, ofRepeats),
    show: async (door) => {
      const origin = `http://127.0.0.1:${await refusingPort()}`;
      const proxy = byPath({ "/once": { retry: false }, "/twice": { retry: { attemptsMax: 2 } } });
      const options = { retry: { attemptsMax: 3 }, breaker: false as const };
      await at(door, { targets: () => origin, options, proxy }, async (ground) => {
        expect((await ground.ask({ path: "/once" })).failure?.attempts).toBe(1);
        expect((await ground.ask({ path: "/twice" })).failure?.attempts).toBe(2);
        expect((await ground.ask({ path: "/other" })).failure?.attempts).toBe(3);
      });
    },
  },
  {
    name: "the body of a request that may be repeated is kept, where its upstream repeats nothing",
    shows: ["proxy.overrides"],
    cannot: either(ofProxies, ofRequests, ofRepeats),
    show: (door) => {
      const proxy = byPath({ "/put": { retry: { attemptsMax: 2 } } });
      const options = { retry: false as const, breaker: false as const };
      const scripts = [accept().readHead().readBody().reset(), works(door)];
      return at(door, { scripts, options, proxy }, async (ground) => {
        const answer = await ground.ask({ method: "PUT", path: "/put", body: "hello" });
        expect(isFine(answer, door)).toBe(true);
        expect(ground.played?.bodies().map(String)).toEqual(["hello", "hello"]);
      });
    },
  },
  {
    name: "a request, or a route, asks no second target where it says so",
    shows: ["proxy.overrides", "route.hedge"],
    cannot: either(ofProxies, ofRequests, ofRepeats),
    show: async (door) => {
      const world = {
        script: accept().readHead().wait(60).send(ok("fine")).again(),
        targets: (played: { readonly origin: string } | null) => [
          played?.origin ?? "",
          `${played?.origin}/other`,
        ],
        options: {
          hedge: { delayMs: 2 },
          timeouts: { responseMs: 4_000, totalMs: 6_000 },
          routes: { "/route": { hedge: false as const } },
        },
        proxy: byPath({ "/request": { hedge: false } }),
      };
      for (const [path, sent] of [
        ["/other", 2],
        ["/route", 1],
        ["/request", 1],
      ] as const) {
        await at(door, world, async (ground) => {
          expect((await ground.ask({ path })).body).toBe("fine");
          await eventually("as many are sent", () => ground.sent() >= sent);
          expect(ground.sent()).toBe(sent);
        });
      }
    },
  },
  {
    name: "a request matters as much as the application says",
    shows: ["proxy.overrides"],
    cannot: ofProxies,
    show: (door) => {
      const proxy = byPath({ "/batch": { priority: "SHEDDABLE" } });
      return at(door, { script: works(door), proxy }, async (ground) => {
        for (const path of ["/batch", "/other"]) {
          expect(isFine(await ground.ask({ path }, { kept: false }), door)).toBe(true);
          if (door.kind === "upgrade") return;
        }
        const priorities = (await ended(ground, 2)).map(({ priority }) => priority);
        expect(priorities).toEqual(["SHEDDABLE", "CRITICAL"]);
      });
    },
  },
  {
    name: "settings that cannot be used, and a hook that throws, fail their own request only",
    shows: ["proxy.overrides"],
    cannot: ofProxies,
    show: (door) => {
      const wrong = (value: unknown) => () => value;
      const proxy = byPath({
        "/throws": () => {
          throw new Error("a hook of the user");
        },
        "/rejects": () => Promise.reject(new Error("a hook of the user")),
        "/seconds": wrong({ timeouts: { responseMs: "3s" } }),
        "/unknown": wrong({ timeout: 3_000 }),
        "/shared": wrong({ retry: { budgetRatio: 1 } }),
        "/server": wrong({ timeouts: { clientMs: 10 } }),
        "/number": wrong(3),
      });
      return at(door, { script: works(door), proxy }, async (ground) => {
        for (const [path, code, said] of [
          ["/throws", "proxy_internal_error", null],
          ["/rejects", "proxy_configuration_error", "promise"],
          ["/seconds", "proxy_configuration_error", "did you mean 3_000?"],
          ["/unknown", "proxy_configuration_error", 'did you mean "timeouts"?'],
          ["/shared", "proxy_configuration_error", "only set attemptsMax"],
          ["/server", "proxy_configuration_error", "overrides.timeouts.clientMs"],
          ["/number", "proxy_configuration_error", "overrides: 3 is not an object"],
        ] as const) {
          const answer = await ground.ask({ path });
          expect([answer.status, answer.failure?.code, path]).toEqual([500, code, path]);
          expect(answer.body).not.toContain("a hook of the user");
          await eventually("it is told", () => ground.records.at(-1)?.path === path);
          if (said !== null) expect(ground.records.at(-1)?.details).toContain(said);
        }
        expect(ground.sent()).toBe(0);
        expect(isFine(await ground.ask({ path: "/other" }), door)).toBe(true);
      });
    },
  },
];
