/**
 * Poison takes no upstream from the others, and an upstream that is really ill is taken out all the
 * same: real upstreams with their defaults, on virtual time.
 */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import { type Callers, poisoned, type Reaction } from "./poisoned.js";

/** What poison makes every target do; the last one is an upgrade that is cut. */
const KINDS: readonly (readonly [what: string, reaction: Reaction, upgrade: boolean])[] = [
  ["resets", "connection_terminated", false],
  ["500", 500, false],
  ["502", 502, false],
  ["503", 503, false],
  ["hangs", "hang", false],
  ["garbage", "http_protocol_error", false],
  ["heads that are too large", "http_response_header_section_size", false],
  ["upgrades that are cut", "connection_terminated", true],
];

/** The others, and the poison beside them. */
const LOADS: readonly (readonly [perSecond: number, poison: number, burst: number])[] = [
  [2, 2, 1],
  [10, 40, 1],
  [50, 2.5, 5],
];

const MANY = ["/orders/17", "/orders", "/users/3", "/cart"];
const ONE = ["/graphql"];

function poisonOf(perSecond: number, burst: number, more: Partial<Callers>): Callers {
  return { perSecond, burst, paths: ["/boom"], ...more };
}

describe.each([1, 2, 3])("poison, %i targets", (targets) => {
  it.each(KINDS)(
    "%s cost the others nothing",
    async (_, reaction, upgrade) => {
      for (const [perSecond, rate, burst] of LOADS) {
        for (const method of ["GET", "POST"] as const) {
          for (const paths of upgrade ? [MANY] : [MANY, ONE]) {
            const asked = paths === ONE ? { paths } : {};
            const more = upgrade ? { upgrade } : { method, ...asked };
            const { failed, p99 } = await poisoned({
              ...{ seed: targets, targets, seconds: 20, others: { perSecond, paths, method } },
              poison: { ...poisonOf(rate, burst, more), reaction },
            });
            expect(failed, `${method} ${perSecond}/s beside ${rate}/s`).toBeLessThanOrEqual(0.01);
            expect(p99).toBeLessThan(115);
          }
        }
      }
    },
    120_000,
  );

  it("poison on paths without end costs the others nothing", async () => {
    const paths = Array.from({ length: 500 }, (_, at) => `/${at.toString(36)}-boom/${at}`);
    for (const reaction of ["connection_terminated", 500, 503] as const) {
      const { failed } = await poisoned({
        ...{ seed: 7, targets, seconds: 20, others: { perSecond: 10, paths: MANY } },
        poison: { perSecond: 40, paths, reaction },
      });
      expect(failed).toBeLessThanOrEqual(0.01);
    }
  }, 60_000);
});

describe.each([1, 2, 3])("poison on the routes of few callers, %i targets", (targets) => {
  it.each(KINDS.slice(0, 7))(
    "%s cost them nothing",
    async (_, reaction) => {
      let [calls, lost] = [0, 0];
      for (const seed of [1, 2, 3, 4]) {
        for (const perSecond of [1, 2, 5]) {
          const callers = { perSecond, paths: MANY };
          const poison = { perSecond: 4 * perSecond, paths: MANY, reaction };
          const result = await poisoned({ seed, targets, others: callers, poison });
          calls += result.calls;
          lost += Math.round(result.failed * result.calls);
        }
      }
      // Chance refuses a route now and then; it was one call in eight.
      expect(lost).toBeLessThanOrEqual(calls / 50);
    },
    60_000,
  );
});

const SPREAD = Array.from({ length: 500 }, (_, at) => `/${at.toString(36)}-boom/${at}`);

it.each([
  [1, ["/boom"]],
  [3, ["/boom"]],
  [1, SPREAD],
] as const)("poison does not use up the repeats of others, %i targets", async (targets, paths) => {
  let [calls, lost] = [0, 0];
  for (const seed of [1, 2, 3]) {
    const random = seededRandom(seed);
    // An application that drops one connection in twenty: a repeat makes that good.
    const ill = (_target: number, { path }: { readonly path: string }) =>
      !path.includes("boom") && random.next() < 0.05 ? "connection_terminated" : null;
    const result = await poisoned({
      ...{ seed, targets, others: { perSecond: 10, paths: MANY }, ill },
      poison: { perSecond: 40, paths, reaction: "connection_terminated" },
    });
    calls += result.calls;
    lost += Math.round(result.failed * result.calls);
  }
  expect(lost).toBeLessThanOrEqual(calls * 0.015);
});

it.each([
  [2, "/boom"],
  [3, "/boom"],
  [6, "/boom"],
  [2, ...ONE],
  [6, ...ONE],
])("503s that close the connection take each of %i targets out once: %s", async (targets, path) => {
  const { failed, history } = await poisoned({
    ...{ seed: 1, targets, others: { perSecond: 50, paths: path === "/boom" ? MANY : ONE } },
    poison: { perSecond: 5, paths: [path], reaction: "503, closing" },
  });
  expect(failed).toBe(0);
  expect(history.filter((line) => line.endsWith("leaving")).length).toBeLessThanOrEqual(targets);
});

describe.each([1, 3])("poison that fills every place until it times out, %i targets", (targets) => {
  const paths = Array.from({ length: 500 }, (_, at) => `/boom-${at.toString(36)}`);
  it.each([
    ["of one route", ["/boom"]],
    ["of many routes", paths],
  ])(
    "%s costs the others nothing",
    async (_, asked) => {
      for (const [perSecond, rate] of [
        [10, 200],
        [50, 200],
        [100, 400],
      ] as const) {
        for (const method of ["GET", "POST"] as const) {
          const { failed, p99, codes } = await poisoned({
            ...{ seed: targets, targets, others: { perSecond, paths: MANY, method } },
            poison: { perSecond: rate, paths: asked, method, reaction: "hang" },
          });
          const what = `${method} ${perSecond}/s beside ${rate}/s: ${JSON.stringify(codes)}`;
          expect(failed, what).toBeLessThanOrEqual(0.01);
          expect(p99, what).toBeLessThan(115);
        }
      }
    },
    120_000,
  );
});

describe.each([1, 3])(
  "poison that hangs on routes that others are answered on, %i targets",
  (targets) => {
    const ids = Array.from({ length: 500 }, (_, at) => `/orders/${1_000 + at}`);
    it.each([
      ["one id of them", MANY, ["/orders/99"]],
      ["ids without end", MANY, ids],
      ["every route once", MANY, MANY],
      ["an API with one route", ONE, ONE],
    ])(
      "%s costs the others nothing",
      async (_, paths, asked) => {
        for (const [perSecond, rate, method] of [
          [10, 200, "POST"],
          [50, 200, "GET"],
          [200, 800, "POST"],
        ] as const) {
          const { failed, p99, codes } = await poisoned({
            ...{ seed: targets, targets, seconds: 12, others: { perSecond, paths, method } },
            poison: { perSecond: rate, paths: asked, method, reaction: "hang" },
          });
          const what = `${method} ${perSecond}/s beside ${rate}/s: ${JSON.stringify(codes)}`;
          expect(failed, what).toBeLessThanOrEqual(0.01);
          expect(p99, what).toBeLessThan(115);
        }
      },
      180_000,
    );
  },
);

/** From then on a target is ill. */
const ILL_FROM = 5_000;

describe("a target that is really ill", () => {
  const others: Callers = { perSecond: 100, paths: [...MANY, "/ping"] };
  const sick = (reaction: Reaction, spared: string | null = null) => ({
    ill: (target: number, { path }: { readonly path: string }, now: number) =>
      target === 0 && now >= ILL_FROM && path !== spared ? reaction : null,
  });

  it.each(KINDS.slice(0, 7))(
    "is left out within a second: %s",
    async (_, reaction) => {
      for (const seed of [1, 2, 3]) {
        const { failed, given } = await poisoned({
          ...{ seed, targets: 3, seconds: 20, others, ...sick(reaction) },
        });
        const [during, later] = [given[5]?.[0] ?? 0, given.slice(7, 20).map(([first]) => first)];
        expect(during).toBeLessThan(30);
        for (const count of later) expect(count).toBeLessThanOrEqual(6);
        expect(failed).toBeLessThan(0.02);
      }
    },
    60_000,
  );

  it.each([
    ["500", 500],
    ["resets", "connection_terminated"],
  ] as const)(
    "and answers its health and one cheap route well: %s",
    async (_, reaction) => {
      for (const seed of [1, 2, 3]) {
        const { failedIn } = await poisoned({
          ...{ seed, targets: 3, seconds: 20, others: { ...others, method: "POST" } },
          ...sick(reaction, "/ping"),
        });
        // Within the second it is found out, and from then on a trial may be lost now and then.
        expect(failedIn[5]).toBeLessThan(20);
        const later = failedIn.slice(6).reduce((sum, one) => sum + one, 0);
        expect(later).toBeLessThan(0.02 * 14 * others.perSecond);
      }
    },
    60_000,
  );

  it.each([
    ["500", 500],
    ["resets", "connection_terminated"],
    ["hangs", "hang"],
  ] as const)(
    "alone, and asked for one route, its breaker opens: %s",
    async (_, reaction) => {
      const { codes, history } = await poisoned({
        ...{ seed: 1, targets: 1, seconds: 30, others: { perSecond: 20, paths: ONE } },
        ...sick(reaction),
      });
      expect(history[0]).toContain("open: consecutive_failures");
      const openedAt = Number(history[0]?.split(" ")[0]);
      expect(openedAt).toBeLessThan(ILL_FROM + (reaction === "hang" ? 10_500 : 1_500));
      expect(codes["breaker_open"]).toBeGreaterThan(100);
    },
    60_000,
  );

  it("beside poison that all targets fail is told from it", async () => {
    for (const seed of [1, 2, 3]) {
      const { failed, given } = await poisoned({
        ...{ seed, targets: 3, seconds: 20, others, ...sick(500) },
        poison: { perSecond: 50, paths: ["/boom"], reaction: "connection_terminated" },
      });
      const later = given.slice(7, 20).map(([first]) => first ?? 0);
      expect(later.reduce((sum, one) => sum + one, 0) / 13).toBeLessThan(6);
      expect(failed).toBeLessThan(0.03);
    }
  }, 60_000);
});
