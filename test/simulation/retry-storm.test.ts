/**
 * What the retry budget is for. `npm run docs:storm` draws docs/retry-storm.svg anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { RETRY } from "../../src/catalog/defaults.js";
import { ROOT } from "../tools/source-files.js";
import { retryStorm, type Second, STORM } from "./retry-storm.js";
import { type Storms, stormSvg } from "./storm-svg.js";

const PICTURE = `${ROOT}docs/retry-storm.svg`;
/** Load that repeats may make, for each second of the storm. */
const LOAD_MAX = 1.3;
/** A queue that was full is worked off in this time, and what is late by then is forgotten. */
const RECOVERED_S = STORM.outageTo / 1_000 + 16;

let storms: Storms;

beforeAll(async () => {
  storms = {
    unbounded: await retryStorm("unbounded"),
    budget: await retryStorm("budget"),
    defaults: await retryStorm("defaults"),
  };
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(PICTURE, stormSvg(storms));
}, 120_000);

const shares = (seconds: readonly Second[], key: "load" | "good") =>
  seconds.map((second) => second[key] / second.offered);

/** Of all stretches of so many seconds. */
const sums = (seconds: readonly Second[], key: "load" | "offered", length: number) =>
  seconds
    .slice(length - 1)
    .map((_, at) => seconds.slice(at, at + length).reduce((sum, second) => sum + second[key], 0));

describe("in a retry storm", () => {
  it.each(["budget", "defaults"] as const)(
    "with %s the load stays below 1.3 times the offered load in every second",
    (gateway) => {
      expect(Math.max(...shares(storms[gateway], "load"))).toBeLessThan(LOAD_MAX);
    },
  );

  it("with defaults, whatever chance does, ten seconds together stay below it", async () => {
    const { budgetWindowMs } = RETRY;
    for (const seed of [1, 2, 5, 6, 12, 18, 23, 24]) {
      const storm = await retryStorm("defaults", seed);
      const load = sums(storm, "load", budgetWindowMs / 1_000);
      const offered = sums(storm, "offered", budgetWindowMs / 1_000);
      const most = Math.max(...load.map((sent, at) => sent / (offered[at] as number)));
      expect(most, `seed ${seed}`).toBeLessThan(LOAD_MAX);
      const outage = storm.slice(STORM.outageFrom / 1_000, STORM.outageTo / 1_000);
      expect(Math.max(...shares(outage, "load")), `seed ${seed}`).toBeLessThan(1);
    }
  }, 120_000);

  it.each(["budget", "defaults"] as const)(
    "with %s every call is answered well again some seconds after the outage, by itself",
    (gateway) => {
      const after = shares(storms[gateway], "good").slice(RECOVERED_S);
      expect(after.length).toBeGreaterThan(3);
      expect(Math.min(...after)).toBe(1);
    },
  );

  it("without a budget the load triples, and nothing is answered well ever again", () => {
    const load = shares(storms.unbounded, "load");
    expect(Math.max(...load)).toBeGreaterThan(2.9);
    const after = STORM.outageTo / 1_000 + 1;
    expect(Math.min(...load.slice(after))).toBeGreaterThan(2.5);
    expect(Math.max(...shares(storms.unbounded, "good").slice(after))).toBeLessThan(0.02);
  });

  it("is drawn in the docs, for the same gateways and the same time", () => {
    // What a line does in between may move a little with any policy; its bars are asserted above.
    const withoutPaths = (svg: string) => svg.replace(/ d="M[^"]*"/g, "");
    const drawn = readFileSync(PICTURE, "utf8");
    expect(withoutPaths(drawn), "npm run docs:storm").toBe(withoutPaths(stormSvg(storms)));
  });
});
