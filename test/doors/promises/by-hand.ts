/** What an operator switches by hand: targets, breakers, maintenance. */
import { accept } from "good-gateway/testing";
import { expect } from "vitest";
import { at, type DoorPromise, ended, isFine, works } from "../promise.js";
import { movedClock } from "../tools/moved-clock.js";

export const BY_HAND: readonly DoorPromise[] = [
  {
    name: "an upstream, or some of its paths, can be put into maintenance",
    show: (door) =>
      at(door, { script: works(door) }, async (ground) => {
        const app = ground.gateway.upstream("app");
        const told: unknown[] = [];
        ground.gateway.on("maintenance:change", (change) => told.push(change));
        app.startMaintenance({ path: "/reports/*", retryAfterMs: 7_000 });
        const refused = await ground.ask({ path: "/reports/1?page=2" });
        expect(refused.failure?.code).toBe("maintenance");
        if (door.kind !== "caller") {
          const after = refused.fields.find(([name]) => name.toLowerCase() === "retry-after")?.[1];
          expect([refused.status, after]).toEqual([503, "7"]);
        }
        expect((await ended(ground, 1))[0]?.details).toBe("path=/reports/*");
        expect(ground.sent()).toBe(0);
        expect(isFine(await ground.ask({ path: "/other" }), door)).toBe(true);
        app.startMaintenance();
        const { maintenance } = ground.gateway.snapshot().upstreams[0] ?? {};
        expect(maintenance).toEqual([
          { path: "/reports/*", retryAfterMs: 7_000 },
          { path: null, retryAfterMs: 30_000 },
        ]);
        expect((await ground.ask({ path: "/other" })).failure?.code).toBe("maintenance");
        app.endMaintenance();
        app.endMaintenance({ path: "/reports/*" });
        app.endMaintenance();
        expect(isFine(await ground.ask({ path: "/reports/1" }), door)).toBe(true);
        const upstream = "app";
        expect(told).toEqual([
          { upstream, path: "/reports/*", on: true },
          { upstream, path: null, on: true },
          { upstream, path: null, on: false },
          { upstream, path: "/reports/*", on: false },
        ]);
      }),
  },
  {
    name: "a target that is disabled gets no call, and is as it was when it is enabled",
    show: (door) =>
      at(door, { script: works(door), options: { retry: false } }, async (ground) => {
        const { targets } = ground.gateway.upstream("app");
        const id = targets[0]?.target ?? "";
        await targets.disable(id);
        expect(ground.gateway.upstream("app").targets[0]).toMatchObject({
          standing: "disabled",
          disabled: true,
          draining: false,
        });
        expect((await ground.ask()).failure?.code).toBe("no_healthy_target");
        expect(ground.sent()).toBe(0);
        targets.enable(id);
        expect(isFine(await ground.ask(), door)).toBe(true);
      }),
  },
  {
    name: "a breaker is opened and closed by hand",
    cannot: ({ engine }) => (engine === "foreign fetch" ? "connections" : null),
    show: (door) => {
      const clock = movedClock();
      const cut = accept().readHead().close();
      const scripts = [cut, cut, works(door), works(door)];
      const breaker = { consecutiveFailures: 2, trialSuccesses: 1 };
      const options = { retry: false as const, probe: false as const, breaker };
      const random = { next: () => 0.5 };
      return at(door, { scripts, clock, options, random }, async (ground) => {
        const { targets } = ground.gateway.upstream("app");
        const id = targets[0]?.target ?? "";
        for (let time = 0; time < 2; time += 1) await ground.ask();
        expect((await ground.ask()).failure?.code).toBe("breaker_open");
        targets.closeBreaker(id);
        expect(isFine(await ground.ask(), door)).toBe(true);
        targets.openBreaker(id, { forMs: 60_000 });
        expect((await ground.ask()).failure?.code).toBe("breaker_open");
        await clock.advance(59_000);
        expect((await ground.ask()).failure?.code).toBe("breaker_open");
        await clock.advance(1_000);
        expect(isFine(await ground.ask(), door)).toBe(true);
        expect(ground.breakerWent.slice(0, 4)).toEqual(["open", "closed", "open", "half_open"]);
      });
    },
  },
];
