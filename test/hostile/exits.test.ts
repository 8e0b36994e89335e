/**
 * Every limit that is documented has a way out: what is over it, and where a test shows that who
 * comes afterwards is served again, or that the thing itself ends.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ROOT } from "../tools/source-files.js";

/** Where it is shown what happens at the limit, and behind it. */
const EXITS: Readonly<Record<string, string>> = {
  // Places: who is too much is refused, and who leaves makes room.
  concurrencyMax: "test/hostile/kinds/exits.ts",
  queueMax: "test/hostile/kinds/exits.ts",
  streamsMax: "test/hostile/kinds/exits.ts",
  connectionsMax: "test/hostile/kinds/exits.ts",
  upgradesMax: "test/hostile/kinds/exits.ts",
  viewersMax: "test/adapters/dashboard.test.ts",
  // Bytes and lines: the message ends with an error, and the next one is read.
  requestBodyBytesMax: "test/doors/promises/limits.ts",
  responseBodyBytesMax: "test/doors/promises/limits.ts",
  responseHeaderSectionBytesMax: "test/doors/promises/limits.ts",
  responseHeaderBytesMax: "test/doors/promises/limits.ts",
  responseHeadersCountMax: "test/doors/promises/limits.ts",
  trailerSectionBytesMax: "test/doors/promises/limits.ts",
  trailerBytesMax: "test/doors/promises/limits.ts",
  replayBodyBytesMax: "test/doors/promises/policies.ts",
  targetsMax: "test/unit/gateway/discovery-dns.test.ts",
  // Times and counts: the wait or the work ends there.
  attemptsMax: "test/pipe/retry.test.ts",
  backoffMsMax: "test/pipe/retry.test.ts",
  retryAfterWaitMsMax: "test/pipe/retry.test.ts",
  openMsMax: "test/unit/targets/breaker.test.ts",
  intervalMsMax: "test/adapters/discovery.test.ts",
  // Shares: some are always let through.
  refusedMax: "test/doors/promises/policies.ts",
  ejectedRatioMax: "test/unit/targets/peers.test.ts",
};

/** What a front takes, as it says; and times out for targets, which end by the clock. */
const NO_LIMIT_OF_OURS: ReadonlySet<string> = new Set([
  "responseHeadBytesMax",
  "responseFieldBytesMax",
  "ejectMsMax",
]);

const page = readFileSync(`${ROOT}docs/options.md`, "utf8");
const documented = new Set([...page.matchAll(/^\| `(\w+Max)`/gm)].map(([, name = ""]) => name));

it("every limit of docs/options.md has an exit that is shown", () => {
  const known = new Set([...Object.keys(EXITS), ...NO_LIMIT_OF_OURS, "viewersMax"]);
  expect([...documented].filter((name) => !known.has(name))).toEqual([]);
});

it.each(Object.entries(EXITS))("%s is shown in %s", (name, path) => {
  expect(readFileSync(ROOT + path, "utf8")).toContain(name);
});
