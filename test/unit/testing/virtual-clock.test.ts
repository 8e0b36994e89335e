import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { InvariantError } from "../../../src/base/invariant.js";
import { virtualClock } from "../../../src/testing/index.js";

describe("virtualClock", () => {
  it("stands still until it is moved, and moves both readings alike", async () => {
    const clock = virtualClock({ now: 500, wallNow: 9000 });
    expect([clock.now(), clock.wallNow()]).toEqual([500, 9000]);
    await clock.advance(250);
    expect([clock.now(), clock.wallNow()]).toEqual([750, 9250]);
  });

  it("fires timers in the order they fall due, each at its own moment", async () => {
    const clock = virtualClock();
    const told: string[] = [];
    const tell = (name: string) => () => void told.push(`${name} at ${clock.now()}`);
    clock.after(30, tell("late"));
    clock.after(10, tell("early"));
    clock.after(10, tell("early too"));
    clock.after(31, tell("never"));
    await clock.advance(30);
    expect(told).toEqual(["early at 10", "early too at 10", "late at 30"]);
    expect(clock.pending()).toBe(1);
  });

  it("fires what timers and promises plan on the way", async () => {
    const clock = virtualClock();
    const told: number[] = [];
    const work = async () => {
      for (let round = 0; round < 3; round += 1) {
        await clock.sleep(10);
        await Promise.resolve();
        told.push(clock.now());
      }
    };
    const working = work();
    await clock.advance(100);
    await working;
    expect(told).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(100);
  });

  it("runs turns after the timers of their moment and before later ones", async () => {
    const clock = virtualClock();
    const told: string[] = [];
    clock.after(10, () => {
      told.push("first");
      clock.turn(() => {
        told.push("turn");
        clock.turn(() => void told.push("turn of the turn"));
      });
      queueMicrotask(() => void told.push("microtask"));
    });
    clock.after(10, () => void told.push("second"));
    clock.after(11, () => void told.push("third"));
    await clock.advance(11);
    expect(told).toEqual(["first", "microtask", "second", "turn", "turn of the turn", "third"]);
  });

  it("runs exactly as many turns as asked, and no timers", async () => {
    const clock = virtualClock();
    let turns = 0;
    const again = () => {
      turns += 1;
      clock.turn(again);
    };
    clock.turn(again);
    clock.after(0, () => {
      throw new Error("a timer fired");
    });
    await clock.runTurns(3);
    expect(turns).toBe(3);
    expect(clock.pending()).toBe(2);
  });

  it("fires late after a stall, as behind a blocked event loop", async () => {
    const clock = virtualClock();
    const fired: number[] = [];
    clock.after(10, () => fired.push(clock.now()));
    clock.after(400, () => fired.push(clock.now()));
    clock.stall(300);
    expect(fired).toEqual([]);
    await clock.advance(0);
    expect(fired).toEqual([300]);
    await clock.advance(100);
    expect(fired).toEqual([300, 400]);
  });

  it("does not step back when code stalls while the clock is being moved", async () => {
    const clock = virtualClock();
    clock.after(10, () => clock.stall(500));
    await clock.advance(20);
    expect(clock.now()).toBe(510);
  });

  it("never fires what was cancelled, not even from a timer of the same moment", async () => {
    const clock = virtualClock();
    const fn = vi.fn();
    const late = { cancel: () => {} };
    clock.after(10, () => late.cancel());
    const cancelled = clock.after(10, fn);
    late.cancel = () => cancelled.cancel();
    const turn = clock.turn(fn);
    turn.cancel();
    turn.refresh();
    await clock.advance(50);
    cancelled.refresh();
    await clock.advance(50);
    expect(fn).not.toHaveBeenCalled();
    expect(clock.pending()).toBe(0);
  });

  it("starts a delay anew on refresh, before the call and after it", async () => {
    const clock = virtualClock();
    const fired: number[] = [];
    const timer = clock.after(10, () => fired.push(clock.now()));
    await clock.advance(9);
    timer.refresh();
    await clock.advance(20);
    timer.refresh();
    await clock.advance(20);
    expect(fired).toEqual([19, 39]);
  });

  it("counts no timer that is paused, and starts its delay anew", async () => {
    const clock = virtualClock();
    const fired: number[] = [];
    const timer = clock.after(10, () => fired.push(clock.now()));
    timer.pause();
    expect(clock.pending()).toBe(0);
    await clock.advance(20);
    timer.refresh();
    expect(clock.pending()).toBe(1);
    await clock.advance(20);
    expect(fired).toEqual([30]);
  });

  it("sleeps until the signal aborts, and leaves nothing behind", async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(1000, controller.signal);
    expect(clock.pending()).toBe(1);
    controller.abort("enough");
    await expect(sleeping).rejects.toBe("enough");
    expect(clock.pending()).toBe(0);
  });

  it("hands what a timer throws to whoever moves the clock", async () => {
    const clock = virtualClock();
    clock.after(10, () => {
      throw new Error("a bug in a timer");
    });
    await expect(clock.advance(10)).rejects.toThrow("a bug in a timer");
    await expect(clock.advance(10)).resolves.toBeUndefined();
  });

  it("refuses to be moved while it is moving", async () => {
    const clock = virtualClock();
    const moving = clock.advance(10);
    await expect(clock.advance(10)).rejects.toThrow(InvariantError);
    await moving;
    expect(clock.now()).toBe(10);
  });

  it("works under fake timers of the test runner", async () => {
    vi.useFakeTimers();
    try {
      const clock = virtualClock();
      const fn = vi.fn();
      clock.after(10, fn);
      await clock.advance(10);
      expect(fn).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it("fires the same calls at the same moments however the way is cut into steps", async () => {
    const delays = fc.array(fc.nat(50), { minLength: 1, maxLength: 12 });
    const steps = fc.array(fc.nat(30), { maxLength: 10 });
    const END_MS = 400;
    const play = async (delaysMs: readonly number[], stepsMs: readonly number[]) => {
      const clock = virtualClock();
      const told: string[] = [];
      delaysMs.forEach((ms, index) => {
        clock.after(ms, () => {
          told.push(`${index} at ${clock.now()}`);
          clock.after(ms, () => void told.push(`${index} again at ${clock.now()}`));
        });
      });
      for (const ms of stepsMs) await clock.advance(ms);
      await clock.advance(END_MS - clock.now());
      return told;
    };
    await fc.assert(
      fc.asyncProperty(delays, steps, async (delaysMs, stepsMs) => {
        expect(await play(delaysMs, stepsMs)).toEqual(await play(delaysMs, []));
      }),
      { numRuns: 50 },
    );
  });
});
