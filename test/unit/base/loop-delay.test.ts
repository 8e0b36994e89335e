/** How late the event loop is, on a clock that stalls when told. */
import { describe, expect, it } from "vitest";
import { type LoopDelay, loopDelay } from "../../../src/base/loop-delay.js";
import { type VirtualClock, virtualClock } from "../../../src/testing/virtual-clock.js";

const OPTIONS = { sampleMs: 20, smoothingMs: 500, idleMs: 1_000 };

async function blocked(clock: VirtualClock, loop: LoopDelay, ms: number, times: number) {
  for (let time = 0; time < times; time += 1) {
    loop.touch();
    clock.stall(ms);
    await clock.advance(20);
  }
}

describe("the delay of the event loop", () => {
  it("is that of a loop which is blocked again and again", async () => {
    const clock = virtualClock();
    const loop = loopDelay(clock, OPTIONS);
    loop.touch();
    await blocked(clock, loop, 200, 12);
    expect(loop.delayMs).toBeGreaterThan(150);
    expect(loop.delayMs).toBeLessThanOrEqual(200);
    loop.touch();
    await clock.advance(980);
    expect(loop.delayMs).toBeLessThan(40);
  });

  it("hardly shows a single pause, and no delay at all without one", async () => {
    const clock = virtualClock();
    const loop = loopDelay(clock, OPTIONS);
    loop.touch();
    await clock.advance(500);
    expect(loop.delayMs).toBe(0);
    loop.touch();
    await blocked(clock, loop, 200, 1);
    expect(loop.delayMs).toBeGreaterThan(40);
    expect(loop.delayMs).toBeLessThan(80);
  });

  it("is sampled while there is work and no longer, by one timer that holds nobody", async () => {
    const clock = virtualClock();
    let unreferenced = 0;
    const watched = {
      now: () => clock.now(),
      after: (ms: number, fn: () => void) => {
        const timer = clock.after(ms, fn);
        const unref = (): void => {
          unreferenced += 1;
        };
        return { ...timer, unref };
      },
    };
    const loop = loopDelay(watched, OPTIONS);
    expect(clock.pending()).toBe(0);
    for (let call = 0; call < 5; call += 1) loop.touch();
    expect(clock.pending()).toBe(1);
    expect(unreferenced).toBe(1);
    await blocked(clock, loop, 300, 3);
    await clock.advance(900);
    loop.touch();
    await clock.advance(990);
    expect(clock.pending()).toBe(1);
    await clock.advance(60);
    expect(clock.pending()).toBe(0);
    expect(loop.delayMs).toBe(0);
  });
});
