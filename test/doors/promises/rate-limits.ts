/**
 * Rate limits: of those who ask, as `admit`, and of what is sent, as a quota of the upstream; and
 * the fleet that shares them.
 */
import { type FleetBus, fleet } from "good-gateway/fleet";
import { outgoingQuota, type RateLimit, rateLimit } from "good-gateway/rate-limit";
import { expect } from "vitest";
import type { World } from "../../gallery/tools/world.js";
import type { Answered, Door } from "../door.js";
import { at, type DoorPromise, either, isFine, ofProxies, works } from "../promise.js";

const ofHandshakes = ({ kind }: Door): string | null => (kind === "upgrade" ? "no fields" : null);

/** The limit needs the gateway, which is made with the door. */
async function limited(
  door: Door,
  run: (ground: World, limit: RateLimit) => Promise<void>,
): Promise<void> {
  let limit: RateLimit | undefined;
  const admit: RateLimit extends (...given: infer Given) => infer Result
    ? (...given: Given) => Result
    : never = (req, target) => limit?.(req, target);
  await at(door, { script: works(door), proxy: { admit } }, async (ground) => {
    const key = { header: "x-user" };
    limit = rateLimit(ground.gateway, { name: "api", limit: 2, windowMs: 600_000, key });
    await run(ground, limit);
  });
}

function fieldsOf({ fields }: Answered): Readonly<Record<string, string>> {
  return Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
}

const ANN = { fields: { "x-user": "ann" } };
const BOB = { fields: { "x-user": "bob" } };

const FROZEN: FleetBus = {
  kind: "frozen",
  send: () => new Promise(() => {}),
  listen: () => new Promise(() => {}),
};

export const RATE_LIMITS: readonly DoorPromise[] = [
  {
    name: "a gateway of a fleet whose bus is frozen serves as one that is alone",
    shows: ["gateway.fleet"],
    show: (door) => {
      const rest = { fleet: fleet({ name: "edge", bus: FROZEN }) };
      return at(door, { script: works(door), rest }, async (ground) => {
        expect(isFine(await ground.ask(), door)).toBe(true);
        expect(ground.gateway.snapshot().fleet).toMatchObject({ others: [], dividedBy: 1 });
      });
    },
  },
  {
    name: "who is over the limit gets 429 with the time, and others are served",
    shows: ["proxy.admit"],
    cannot: ofProxies,
    show: (door) =>
      limited(door, async (ground, limit) => {
        for (let time = 0; time < 2; time += 1) {
          expect(isFine(await ground.ask(ANN), door)).toBe(true);
        }
        const refused = await ground.ask(ANN);
        expect([refused.status, refused.failure?.code]).toEqual([429, "rate_limited"]);
        expect(fieldsOf(refused)).toMatchObject({
          "ratelimit-policy": '"api";q=2;w=600',
          ratelimit: '"api";r=0;t=600',
          "retry-after": "300",
        });
        expect(ground.sent()).toBe(2);
        expect(isFine(await ground.ask(BOB), door)).toBe(true);
        const counts = { admitted: 3, refused: 1, wouldRefuse: 0 };
        expect(limit.state().requests).toEqual({ api: counts });
      }),
  },
  {
    name: "an answer says what is left of the limit",
    shows: ["proxy.admit"],
    cannot: either(ofProxies, ofHandshakes),
    show: (door) =>
      limited(door, async (ground) => {
        const answer = await ground.ask(ANN);
        expect(isFine(answer, door)).toBe(true);
        expect(fieldsOf(answer)).toMatchObject({
          "ratelimit-policy": '"api";q=2;w=600',
          ratelimit: '"api";r=1;t=300',
        });
      }),
  },
  {
    name: "what is sent keeps the quota of the upstream",
    shows: ["upstream.quota"],
    show: (door) => {
      const quota = outgoingQuota({ limit: 10, burst: 2, windowMs: 600_000, queueMax: 0 });
      return at(door, { script: works(door), options: { quota } }, async (ground) => {
        for (let time = 0; time < 2; time += 1) {
          expect(isFine(await ground.ask(), door)).toBe(true);
        }
        expect((await ground.ask()).failure?.code).toBe("upstream_throttled");
        expect(ground.sent()).toBe(2);
      });
    },
  },
];
