/** Failures on purpose. */
import { expect } from "vitest";
import { at, type DoorPromise, ofRequests, WORKS } from "../promise.js";

export const CHAOS: readonly DoorPromise[] = [
  {
    name: "calls that are to fail on purpose fail by that name, unsent, and others do not",
    shows: ["upstream.chaos", "chaos.share", "chaos.failure", "chaos.path", "chaos.header"],
    cannot: ofRequests,
    show: (door) => {
      const chaos = {
        ...({ share: 1, failure: "connection_refused" } as const),
        ...{ path: "/orders", header: "X-Chaos" },
      } as const;
      const options = { chaos, retry: false, breaker: false, ejection: false } as const;
      return at(door, { script: WORKS, options }, async (ground) => {
        const fields = { "x-chaos": "1" };
        const met = await ground.ask({ path: "/orders/7", fields });
        expect([met.failure?.code, ground.sent()]).toEqual(["connection_refused", 0]);
        expect((await ground.ask({ path: "/orders/7" })).status).toBe(200);
        expect((await ground.ask({ path: "/other", fields })).status).toBe(200);
        expect(ground.played?.requests()).toHaveLength(2);
      });
    },
  },
];
