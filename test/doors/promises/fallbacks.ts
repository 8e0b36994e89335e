/** What stands in for an upstream that has failed. */
import { accept, refusingPort, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { at, type DoorPromise, ended, isFine, ofRequests, works } from "../promise.js";
import { beside, ofSecondSends } from "./elsewhere.js";

const WORKS_NOT = accept().readHead().readBody().send(respond(503, "no")).again();
const ONCE = { retry: false as const, probe: false as const };

export const FALLBACKS: readonly DoorPromise[] = [
  {
    name: "what one upstream refuses is answered by another, once",
    shows: ["upstream.fallback"],
    cannot: ofSecondSends,
    show: (door) =>
      beside(works(door), async (origin, sent) => {
        const refused = `http://127.0.0.1:${await refusingPort()}`;
        const others = { spare: { targets: origin, ...ONCE } };
        const options = { ...ONCE, fallback: { upstream: "spare" } };
        await at(door, { targets: () => refused, options, others }, async (ground) => {
          expect(isFine(await ground.ask({ path: "/a?b=1" }), door)).toBe(true);
          expect(sent()).toHaveLength(1);
          expect(sent()[0]).toContain(" /a?b=1 ");
          const records = await ended(ground, 2);
          const own = records.find(({ upstream }) => upstream === "app");
          const other = records.find(({ upstream }) => upstream === "spare");
          const detour = { kind: "failover", upstream: "spare", code: "connection_refused" };
          expect(own).toMatchObject({ detour, code: null, blame: null, clientEnd: "complete" });
          expect(own?.attempts.map(({ code }) => code)).toEqual(["connection_refused"]);
          expect(other).toMatchObject({ kind: "failover", id: own?.id, code: null });
        });
      }),
  },
  {
    name: "a body goes to the other upstream whole, where it may be sent twice",
    cannot: (door) => ofRequests(door) ?? ofSecondSends(door),
    show: (door) =>
      beside(works(door), async (origin) => {
        const others = { spare: { targets: origin, ...ONCE } };
        const options = {
          ...ONCE,
          fallback: { upstream: "spare", on: [503] },
        };
        await at(door, { script: WORKS_NOT, options, others }, async (ground) => {
          const put = await ground.ask({ method: "PUT", path: "/put", body: "hello" });
          expect(isFine(put, door)).toBe(true);
          const post = await ground.ask({ method: "POST", path: "/post", body: "hello" });
          expect(post.status).toBe(503);
          expect(ground.sent()).toBe(2);
        });
      }),
  },
  {
    name: "an answer of the application stands in, and the failure stays in the record",
    cannot: (door) => ofRequests(door),
    show: async (door) => {
      const refused = `http://127.0.0.1:${await refusingPort()}`;
      const fallback = { answer: { status: 203, headers: { "x-from": "us" }, json: { few: [] } } };
      await at(door, { targets: () => refused, options: { ...ONCE, fallback } }, async (ground) => {
        const answer = await ground.ask({ path: "/a" });
        expect(answer.status).toBe(203);
        expect(answer.body).toBe('{"few":[]}');
        expect(answer.field("x-from")).toBe("us");
        const head = await ground.ask({ method: "HEAD", path: "/a" });
        expect([head.status, head.body.length]).toEqual([203, 0]);
        const [record] = await ended(ground, 2);
        const detour = { kind: "answer", upstream: null, code: "connection_refused" };
        expect(record).toMatchObject({
          detour,
          code: null,
          answeredBy: "application",
          status: 203,
        });
      });
    },
  },
  {
    name: "a function decides by what has failed, and what it declines stays the failure",
    cannot: (door) => ofRequests(door),
    show: (door) => {
      const fallback = [
        {
          on: [404, 503],
          answer: ({ status }: { status: number | null }, { path }: { path: string }) =>
            path === "/mine" ? { body: `instead of ${status}` } : null,
        },
      ];
      return at(door, { script: WORKS_NOT, options: { ...ONCE, fallback } }, async (ground) => {
        expect((await ground.ask({ path: "/mine" })).body).toBe("instead of 503");
        expect((await ground.ask({ path: "/other" })).status).toBe(503);
      });
    },
  },
  {
    name: "a route has fallbacks of its own, or none",
    shows: ["route.fallback"],
    cannot: (door) => ofRequests(door),
    show: (door) => {
      const options = {
        ...ONCE,
        fallback: { answer: { body: "all" } },
        routes: {
          "/own": { fallback: { answer: { body: "own" } } },
          "/none": { fallback: false as const },
        },
      };
      return at(door, { script: WORKS_NOT, options }, async (ground) => {
        expect((await ground.ask({ path: "/own" })).body).toBe("own");
        expect((await ground.ask({ path: "/none" })).status).toBe(503);
        expect((await ground.ask({ path: "/x" })).body).toBe("all");
      });
    },
  },
  {
    name: "a call has a fallback of its own, over that of its upstream",
    shows: ["call.fallback", "fetch.fallback"],
    cannot: ({ name, kind }) =>
      kind === "caller" && name.startsWith("gatewayFetch") ? null : "proxy",
    show: (door) => {
      const options = { ...ONCE, fallback: { answer: { body: "upstream" } } };
      const fetch = { fallback: { answer: { body: "fetch" } } };
      return at(door, { script: WORKS_NOT, options, fetch }, async (ground) => {
        expect((await ground.ask({ path: "/x" })).body).toBe("fetch");
        const call = { fallback: { answer: { body: "call" } } };
        expect((await ground.ask({ path: "/x", call })).body).toBe("call");
        expect((await ground.ask({ path: "/x", call: { fallback: false } })).status).toBe(503);
      });
    },
  },
];
