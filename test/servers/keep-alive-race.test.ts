/**
 * The keep-alive race behind a real nginx: a server that closes its connections before nginx does
 * loses POSTs, and one with `behind` loses none.
 *
 * The times are shorter than the defaults of both sides, so that many rests fit into half a minute:
 * nginx keeps connections for 2 s and not 60, which the object form says; the server alone is
 * set to a quarter of a second and not 5 s, to which Node adds its own. The margin between the two
 * is what it always is. `npm run figures:race` runs the same with the real times.
 */
import { afterEach, beforeAll, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { lostTotal } from "./tools/load.js";
import { endProcesses } from "./tools/processes.js";
import { describeWith } from "./tools/programs.js";
import { race, restOf } from "./tools/race.js";

const POOL_MS = 2_000;
const ALONE = { KEEP_ALIVE_MS: "250" };
/** The machine may be busy with other tests. */
const RUN_MS = 120_000;

describeWith(["nginx"], "POSTs through nginx's pool", () => {
  let rest = 0;

  beforeAll(async () => {
    await buildQuick();
    rest = await restOf(ALONE);
  }, RUN_MS);

  afterEach(endProcesses);

  it(
    "are lost where the server closes what nginx still keeps",
    async () => {
      // Chance has a part in it, so that it may take more than one round.
      let lost = new Map<string, number>();
      for (let turn = 0; turn < 4 && lost.size === 0; turn += 1) {
        const rests = [{ aroundMs: rest, pools: 20 }];
        ({ lost } = await race({ env: ALONE, poolMs: POOL_MS, rests, requests: 1_900 }));
      }
      expect([...lost.keys()]).toEqual(["POST 502"]);
    },
    RUN_MS,
  );

  it(
    "are all answered with behind: 10,000 of them, after rests around either time",
    async () => {
      const env = { BEHIND: JSON.stringify({ front: "nginx", keepAliveMs: POOL_MS }) };
      const rests = [rest, POOL_MS].map((aroundMs) => ({ aroundMs, pools: 20 }));
      const losses = await race({ env, poolMs: POOL_MS, rests, requests: 5_000 });
      expect(losses.sent).toBeGreaterThanOrEqual(10_000);
      expect(Object.fromEntries(losses.lost)).toEqual({});
      expect([losses.answered, lostTotal(losses)]).toEqual([losses.sent, 0]);
    },
    RUN_MS,
  );
});
