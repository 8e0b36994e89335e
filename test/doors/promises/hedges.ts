/**
 * A second target that is asked while the first has not answered.
 */
import { accept, ok } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import {
  at,
  codesOf,
  type DoorPromise,
  either,
  ended,
  ofRepeats,
  ofRequests,
  WORKS,
} from "../promise.js";
import { movedClock } from "../tools/moved-clock.js";

const cannot = either(ofRepeats, ofRequests, ({ engine }) =>
  engine === "foreign fetch" ? "unseen" : null,
);

export const HEDGES: readonly DoorPromise[] = [
  {
    name: "a second target is asked when the first takes long",
    shows: ["upstream.hedge", "hedge.delayMs", "hedge.attemptsMax"],
    cannot,
    show: (door) => {
      const scripts = [accept().readHead().hang(), WORKS];
      return at(
        door,
        {
          scripts,
          targets: (played) => [played?.origin ?? "", `${played?.origin}/other`],
          options: {
            hedge: { delayMs: 10, attemptsMax: 2 },
            timeouts: { responseMs: 4_000, idleMs: 4_000, totalMs: 7_000 },
          },
        },
        async (ground) => {
          expect((await ground.ask()).body).toBe("fine");
          expect(ground.sent()).toBe(2);
          expect(await codesOf(ground, 1)).toEqual([null]);
        },
      );
    },
  },
  {
    name: "a second target is asked when an answer takes longer than most did",
    shows: ["hedge.percentile"],
    cannot,
    show: (door) => {
      const clock = movedClock();
      let gate = (): unknown => undefined;
      const script = accept()
        .readHead()
        .readBody()
        .waitFor(() => gate())
        .send(ok("fine"))
        .again();
      const options = { hedge: { percentile: 0.5 }, timeouts: { totalMs: 30_000 } };
      const targets = (played: { readonly origin: string } | null) => [
        played?.origin ?? "",
        `${played?.origin}/other`,
      ];
      return at(door, { script, clock, options, targets }, async (ground) => {
        // Thirty answers take no time, and twenty take 100 ms, which the default would wait for.
        for (let time = 0; time < 30; time += 1) await ground.ask({ path: "/quick" });
        let release = (): void => {};
        const held = new Promise<void>((resolve) => {
          release = resolve;
        });
        gate = () => held;
        const slow = Array.from({ length: 20 }, () => ground.ask({ path: "/slow" }));
        await eventually("all are sent", () => ground.sent() === 50);
        await clock.advance(100);
        release();
        await Promise.all(slow);
        await ended(ground, 50);
        let asked = 0;
        gate = () => {
          asked += 1;
          return asked === 1 ? new Promise(() => {}) : undefined;
        };
        const late = ground.ask({ path: "/late" });
        await eventually("it is sent", () => asked === 1);
        await clock.advance(10);
        expect((await late).body).toBe("fine");
        expect(asked).toBe(2);
      });
    },
  },
];
