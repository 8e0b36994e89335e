/**
 * Some hundred small worlds, each from a seed. `SEED=123 npx vitest run test/simulation` replays
 * one and prints its history; `npm run simulate` plays thousands of others.
 */
import { describe, expect, it } from "vitest";
import { isReplay, seedsOf } from "./seeds.js";
import { simulate } from "./simulate.js";

describe("in every world", () => {
  const { seeds, ms } = seedsOf(300);
  it(
    "the promises of the policies hold at every moment",
    async () => {
      for (const seed of seeds) {
        const { violations, history } = await simulate({ seed });
        if (isReplay) process.stdout.write(`${history.join("\n")}\n`);
        expect(violations, `replay it with SEED=${seed}`).toEqual([]);
      }
    },
    ms,
  );

  it("the same seed gives the same history", async () => {
    const [first, second] = [await simulate({ seed: 7 }), await simulate({ seed: 7 })];
    expect(second.history).toEqual(first.history);
    expect((await simulate({ seed: 8 })).history).not.toEqual(first.history);
  });

  it("there is something to see: repeats, refusals, drains, clients that leave", async () => {
    let missing = [
      "as 3",
      "trials_passed",
      "trial_failed",
      "breaker_open",
      "no_healthy_target",
      "bulkhead_full",
      "bulkhead_queue_timeout",
      "deadline_exceeded",
      "draining",
      "client_closed_request",
      "budget_exhausted",
      "no_time_left",
      "method_not_idempotent",
      "http_response_timeout",
    ];
    for (let seed = 0; seed < 600 && missing.length > 0; seed += 1) {
      const text = (await simulate({ seed })).history.join("\n");
      missing = missing.filter((sign) => !text.includes(sign));
    }
    expect(missing).toEqual([]);
  });
});

describe("the checkers", () => {
  const world = { targets: 3, faults: 0.9, calls: 120 };
  const findings = async (sabotage: Parameters<typeof simulate>[0]["sabotage"] & object) => {
    const found: string[] = [];
    for (let seed = 0; seed < 20; seed += 1) {
      found.push(...(await simulate({ ...world, seed, sabotage })).violations);
    }
    return found.join("\n");
  };

  it.each([
    [{ attemptsMax: 5, budgetRatio: 9 }, "more attempts were made than allowed"],
    [{ concurrencyMax: 9 }, "more calls ran than there are places"],
    [{ concurrencyMax: 1, queueMax: 50 }, "more calls waited than the queue holds"],
    [{ trialsMax: 5 }, "more trials ran at once than are allowed"],
    [{ budgetRatio: 2 }, "repeats went beyond the budget"],
  ])("notice a world with %j", async (sabotage, sentence) => {
    expect(await findings(sabotage)).toContain(sentence);
  });
});
