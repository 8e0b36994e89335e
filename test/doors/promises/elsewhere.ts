/** Calls that go to another upstream than the one that was asked. */
import { accept, respond, type Script, scriptedUpstream } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import { at, type DoorPromise, ended, isFine, ofProxies, ofRequests, works } from "../promise.js";

export const ofSecondSends = ({ engine }: Door): string | null =>
  engine === "http-proxy-middleware" ? "once" : null;

const ONCE = { retry: false as const, probe: false as const };
const OLD = accept().readHead().readBody().send(respond(503, "old")).again();

/** Another upstream, as long as it is needed. */
export async function beside(
  script: Script,
  run: (origin: string, sent: () => readonly string[]) => Promise<void>,
): Promise<void> {
  const played = await scriptedUpstream([script], { loop: true });
  try {
    await run(played.origin, () => played.heads());
  } finally {
    await played.close();
  }
}

export const ELSEWHERE: readonly DoorPromise[] = [
  {
    name: "rules send calls to another upstream, with all that they hold",
    shows: [
      "upstream.upstreamFor",
      ...["upstreamRule.path", "upstreamRule.header", "upstreamRule.cookie", "upstreamRule.to"],
    ],
    cannot: ofSecondSends,
    show: (door) =>
      beside(works(door), async (origin, sent) => {
        const others = { next: { targets: origin, ...ONCE } };
        const upstreamFor = [
          { to: "next", path: "/next/*" },
          { to: "next", header: { "x-canary": "1" } },
          { to: "next", cookie: { canary: "yes" } },
          { to: "next", host: "*.next.example" },
        ];
        const options = { ...ONCE, upstreamFor };
        await at(door, { script: OLD, options, others }, async (ground) => {
          expect((await ground.ask({ path: "/next" })).status).toBe(503);
          expect((await ground.ask({ path: "/x", fields: { "x-canary": "2" } })).status).toBe(503);
          expect(isFine(await ground.ask({ path: "/next/1?a=b" }), door)).toBe(true);
          expect(isFine(await ground.ask({ fields: { "x-canary": "1" } }), door)).toBe(true);
          const cookie = { cookie: "a=b; canary=yes" };
          expect(isFine(await ground.ask({ fields: cookie }), door)).toBe(true);
          expect(sent()).toHaveLength(3);
          expect(sent()[0]).toContain(" /next/1?a=b ");
          expect(ground.sent()).toBe(2);
          const records = await ended(ground, 8);
          const own = records.find(({ detour }) => detour !== null);
          const detour = { kind: "routed", upstream: "next", code: null };
          expect(own).toMatchObject({ detour, upstream: "app", code: null, attempts: [] });
          const other = records.find(({ kind }) => kind === "routed");
          expect(other).toMatchObject({ id: own?.id, upstream: "next", code: null });
        });
      }),
  },
  {
    name: "a caller that a share has taken stays where it is",
    shows: ["upstreamRule.weight", "upstreamRule.by"],
    cannot: (door) => ofRequests(door) ?? ofSecondSends(door),
    show: (door) =>
      beside(works(door), async (origin, sent) => {
        const others = { next: { targets: origin, ...ONCE } };
        const upstreamFor = [{ to: "next", weight: 0.5, by: { header: "x-user" } }];
        const options = { ...ONCE, upstreamFor };
        await at(door, { script: OLD, options, others }, async (ground) => {
          const users = Array.from({ length: 8 }, (_, index) => `user-${index}`);
          const statusOf = async (user: string) =>
            (await ground.ask({ fields: { "x-user": user } })).status;
          const first: (number | null)[] = [];
          for (const user of users) first.push(await statusOf(user));
          const again: (number | null)[] = [];
          for (const user of users) again.push(await statusOf(user));
          expect(again).toEqual(first);
          expect(new Set(first)).toEqual(new Set([200, 503]));
          expect(sent().length + ground.sent()).toBe(16);
        });
      }),
  },
  {
    name: "a function chooses, and what it gets wrong is our side's fault",
    cannot: ofSecondSends,
    show: (door) =>
      beside(works(door), async (origin) => {
        const others = { next: { targets: origin, ...ONCE } };
        const upstreamFor = ({ path }: { path: string }): string | null => {
          if (path === "/throws") throw new Error("no");
          return path === "/own" ? null : path.slice(1);
        };
        await at(
          door,
          { script: OLD, options: { ...ONCE, upstreamFor }, others },
          async (ground) => {
            expect(isFine(await ground.ask({ path: "/next" }), door)).toBe(true);
            expect((await ground.ask({ path: "/own" })).status).toBe(503);
            const unknown = await ground.ask({ path: "/nowhere" });
            expect(unknown.failure?.code).toBe("proxy_configuration_error");
            const thrown = await ground.ask({ path: "/throws" });
            // A dispatcher passes on what the application itself has thrown.
            if (door.engine === "dispatcher") expect(thrown.thrown).toBeInstanceOf(Error);
            else expect(thrown.failure?.code).toBe("proxy_internal_error");
            expect(ground.sent()).toBe(1);
          },
        );
      }),
  },
  {
    name: "a share that fails is answered by the upstream that its fallback names",
    cannot: (door) => ofRequests(door) ?? ofSecondSends(door),
    show: (door) =>
      beside(OLD, (bad) =>
        beside(works(door), async (good) => {
          const others = {
            next: { targets: bad, ...ONCE },
            stable: { targets: good, upstreamFor: [{ to: "app" }, { to: "next" }], ...ONCE },
          };
          const fallback = { upstream: "stable" };
          const options = { ...ONCE, fallback, upstreamFor: [{ to: "next" }] };
          await at(door, { script: OLD, options, others }, async (ground) => {
            expect(isFine(await ground.ask(), door)).toBe(true);
            // The last one keeps what its rules would send back in a circle.
            expect(ground.sent()).toBe(0);
            const own = (await ended(ground, 3)).find(({ upstream }) => upstream === "app");
            expect(own?.detour).toMatchObject({ kind: "failover", upstream: "stable" });
          });
        }),
      ),
  },
  {
    name: "a hook chooses the upstream of one request",
    cannot: (door) => ofProxies(door) ?? ofSecondSends(door),
    show: (door) =>
      beside(works(door), async (origin) => {
        const others = { next: { targets: origin, ...ONCE } };
        const proxy = {
          overrides: (_req: unknown, { path }: { path: string }) =>
            path === "/hook" ? { upstream: "next" } : null,
        };
        await at(door, { script: OLD, options: ONCE, others, proxy }, async (ground) => {
          expect((await ground.ask({ path: "/x" })).status).toBe(503);
          expect(isFine(await ground.ask({ path: "/hook" }), door)).toBe(true);
        });
      }),
  },
  {
    name: "a copy is sent and forgotten: no call waits for it, fails with it or is counted twice",
    shows: ["upstream.mirror", "mirror.to", "mirror.share"],
    cannot: ofRequests,
    show: (door) =>
      beside(accept().readHead().readBody().reset(), async (origin, sent) => {
        const others = { shadow: { targets: origin, ...ONCE, breaker: false as const } };
        const options = { ...ONCE, mirror: { to: "shadow", share: 1 } };
        await at(door, { script: works(door), options, others }, async (ground) => {
          const fields = { "x-mine": "1" };
          expect(isFine(await ground.ask({ path: "/a?b=1", fields }), door)).toBe(true);
          expect(isFine(await ground.ask({ method: "POST", body: "x" }), door)).toBe(true);
          await eventually("the copy is sent", () => sent().length === 1);
          expect(sent()[0]).toContain("GET /a?b=1 ");
          expect(sent()[0]?.toLowerCase()).toContain("x-mine: 1");
          const records = await ended(ground, 2);
          expect(records.map(({ upstream }) => upstream)).toEqual(["app", "app"]);
          expect(ground.sent()).toBe(2);
        });
      }),
  },
  {
    name: "a copy has the whole body, for methods that are named",
    shows: ["mirror.methods"],
    cannot: ofRequests,
    show: async (door) => {
      const played = await scriptedUpstream([works(door)], { loop: true });
      const others = { shadow: { targets: played.origin, ...ONCE } };
      const options = { ...ONCE, mirror: { to: "shadow", methods: ["POST"] } };
      await at(door, { script: works(door), options, others }, async (ground) => {
        expect(isFine(await ground.ask({ method: "POST", body: "hello" }), door)).toBe(true);
        expect(isFine(await ground.ask({ path: "/get" }), door)).toBe(true);
        await eventually("the copy is sent", () => played.bodies().length === 1);
        expect(String(played.bodies()[0])).toBe("hello");
      });
      await played.close();
    },
  },
  {
    name: "copies are bounded: beyond the limit none is sent, and calls go on",
    shows: ["mirror.concurrencyMax"],
    cannot: ofRequests,
    show: (door) =>
      beside(accept().readHead().hang(), async (origin, sent) => {
        const timeouts = { responseMs: 60_000, totalMs: 60_000, idleMs: 60_000 };
        const others = { shadow: { targets: origin, ...ONCE, timeouts } };
        const options = { ...ONCE, mirror: { to: "shadow", concurrencyMax: 2 } };
        await at(door, { script: works(door), options, others }, async (ground) => {
          for (let time = 0; time < 5; time += 1) {
            expect(isFine(await ground.ask(), door)).toBe(true);
          }
          await eventually("copies are sent", () => sent().length === 2);
          expect(ground.sent()).toBe(5);
        });
      }),
  },
];
