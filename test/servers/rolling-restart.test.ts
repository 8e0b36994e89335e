/**
 * Two app processes are restarted in turn, again and again, under constant load over kept
 * connections, GET and POST, behind a real nginx and directly: nothing is lost with good-gateway,
 * and something is without.
 */
import { afterEach, beforeAll, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { lostTotal } from "./tools/load.js";
import { endProcesses } from "./tools/processes.js";
import { describeWith } from "./tools/programs.js";
import { rollingRestart } from "./tools/restart.js";

/** The machine may be busy with other tests. */
const RUN_MS = 180_000;

/**
 * A process that gets no turn for long leaves connections in the kernel's queue, which resets them
 * when the port closes. That is chance; losing always is not.
 */
const CHANCE = { timeout: RUN_MS, retry: 2 };

describeWith(["nginx"], "a rolling restart", () => {
  beforeAll(buildQuick, RUN_MS);
  afterEach(endProcesses);

  it(
    "loses requests of an app that closes its server on SIGTERM and does no more",
    async () => {
      // Chance has a part in it, so that it may take more than two.
      let lost = 0;
      for (let turn = 0; turn < 4 && lost === 0; turn += 1) {
        const { nginx, direct } = await rollingRestart({ env: {}, restarts: 2 });
        lost = lostTotal(nginx) + lostTotal(direct);
      }
      expect(lost).toBeGreaterThan(0);
    },
    RUN_MS,
  );

  it("loses none of an app with installShutdown, twenty times in a row", CHANCE, async () => {
    const env = { BEHIND: JSON.stringify("nginx") };
    const { nginx, direct, ends } = await rollingRestart({ env, restarts: 20 });
    expect(Object.fromEntries(nginx.lost)).toEqual({});
    expect(Object.fromEntries(direct.lost)).toEqual({});
    expect([nginx.answered, direct.answered]).toEqual([nginx.sent, direct.sent]);
    expect(new Set(ends)).toEqual(new Set([0]));
  });
});
