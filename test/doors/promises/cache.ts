/** Answers that are kept. */
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import { at, type DoorPromise, either, ended, ofRequests } from "../promise.js";

const ofEngines = ({ engine }: Door): string | null =>
  engine === "http-proxy-middleware" || engine === "foreign fetch" ? "engine" : null;
const cannot = either(ofRequests, ofEngines);
const ONCE = { retry: false as const, probe: false as const, breaker: false as const };
const FRESH = { "cache-control": "max-age=60", etag: '"1"' };

export const CACHE: readonly DoorPromise[] = [
  {
    name: "a fresh answer is given again, to HEAD too, and says so",
    shows: ["upstream.cache"],
    cannot,
    show: (door) => {
      const script = accept().readHead().send(ok("kept", FRESH)).again();
      return at(door, { script, options: { ...ONCE, cache: true } }, async (ground) => {
        const first = await ground.ask({ path: "/a" });
        expect([first.body, first.field("cache-status")]).toEqual([
          "kept",
          "edge; fwd=miss; fwd-status=200; stored",
        ]);
        const again = await ground.ask({ path: "/a" });
        expect([again.status, again.body, again.field("age")]).toEqual([200, "kept", "0"]);
        expect(again.field("cache-status")).toMatch(/^edge; hit; ttl=(?:60|59)$/);
        const head = await ground.ask({ method: "HEAD", path: "/a" });
        expect([head.status, head.body]).toEqual([200, ""]);
        expect(ground.sent()).toBe(1);
        await ground.ask({ path: "/b" });
        expect(ground.sent()).toBe(2);
        const records = await ended(ground, 4);
        const detour = { kind: "cached", upstream: null, code: null };
        expect(records[1]).toMatchObject({
          detour,
          answeredBy: "gateway",
          status: 200,
          bytesOut: 4,
        });
      });
    },
  },
  {
    name: "an old answer stands in for a failure, as it allows or as the upstream is told",
    shows: ["cache.staleIfErrorMs"],
    cannot,
    show: (door) => {
      const old = { "cache-control": "max-age=0" };
      const scripts = [
        accept().readHead().send(ok("old", old)).close(),
        accept().readHead().send(respond(503, "no")).close(),
        accept().readHead().reset(),
      ];
      const options = { ...ONCE, cache: { staleIfErrorMs: 60_000 } };
      return at(door, { scripts, options }, async (ground) => {
        expect((await ground.ask()).body).toBe("old");
        const stale = await ground.ask();
        expect([stale.status, stale.body]).toEqual([200, "old"]);
        expect(stale.field("cache-status")).toContain("fwd=stale; fwd-status=503");
        expect((await ground.ask()).body).toBe("old");
        expect((await ground.ask({ path: "/other" })).failure?.code).toBeDefined();
        const records = await ended(ground, 4);
        expect(records[1]?.detour).toMatchObject({ kind: "stale", code: "received_gateway_error" });
      });
    },
  },
  {
    name: "equal requests at once are one, and each gets its answer",
    shows: ["cache.collapse"],
    cannot,
    show: (door) => {
      const script = accept().readHead().wait(150).send(ok("one", FRESH)).again();
      return at(door, { script, options: { ...ONCE, cache: true } }, async (ground) => {
        const answers = await Promise.all([1, 2, 3].map(() => ground.ask({ path: "/same" })));
        expect(answers.map(({ body }) => body)).toEqual(["one", "one", "one"]);
        expect(ground.sent()).toBe(1);
        const marks = answers.map((answer) => answer.field("cache-status"));
        expect(marks.filter((mark) => mark === "edge; fwd=miss; collapsed")).toHaveLength(2);
      });
    },
  },
  {
    name: "what is one caller's is given to no other",
    cannot,
    show: (door) => {
      const script = accept()
        .readHead()
        .send(ok("first", FRESH))
        .readHead()
        .send(ok("second", FRESH))
        .again();
      return at(door, { script, options: { ...ONCE, cache: true } }, async (ground) => {
        for (const name of ["authorization", "x-plain", "cookie"]) {
          const fields = { [name]: "a=b" };
          const path = `/${name}`;
          await ground.ask({ path, fields });
          await ground.ask({ path, fields });
        }
        // One of the three is nobody's.
        await eventually("all are sent", () => ground.sent() === 5);
      });
    },
  },
];
