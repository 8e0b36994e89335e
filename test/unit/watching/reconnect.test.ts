/** Calls that wait for a target ask whether it accepts connections again, all of them together. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { HOPE } from "../../../src/catalog/defaults.js";
import type { Breaker } from "../../../src/targets/breaker.js";
import type { Dialled } from "../../../src/targets/target.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";
import { reconnectProber } from "../../../src/watching/probing.js";

const WAITING = 10;
const SECOND = 1_000;

function world() {
  const clock = virtualClock();
  const triedAt: number[] = [];
  const breaker = { state: "open", hasten() {} } as unknown as Breaker;
  const parts = {
    clock,
    random: seededRandom(1),
    probe(_clock: unknown, _target: unknown, _question: unknown, done: (wrong: string) => void) {
      triedAt.push(clock.now());
      const timer = clock.after(1, () => done("ECONNREFUSED"));
      return { cancel: () => timer.cancel() };
    },
  };
  return { clock, triedAt, prober: reconnectProber(parts, {} as Dialled, breaker, "test") };
}

describe("a target that refuses connections", () => {
  it("is tried every 20 ms at the most, however many calls wait, and all are told", async () => {
    const { clock, triedAt, prober } = world();
    prober.soon();
    await clock.advance(1);
    let told = 0;
    let asked = 0;
    for (let ms = 0; ms < SECOND; ms += 1) {
      for (let call = 0; call < WAITING; call += 1) {
        const hope = prober.findOut();
        if (hope === null) continue;
        asked += 1;
        void hope.then(() => {
          told += 1;
        });
      }
      await clock.advance(1);
    }
    const gaps = triedAt.slice(1).map((at, index) => at - (triedAt[index] as number));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(HOPE.connectMs);
    expect(triedAt.length).toBeGreaterThan(SECOND / (HOPE.connectMs + 2));
    expect(asked).toBe(SECOND * WAITING);
    await clock.advance(HOPE.connectMs + 1);
    expect(told).toBe(asked);
    prober.stop();
  });
});
