/**
 * Shared timers fire like those of the clock, in any mix of setting, cancelling and waiting.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OwnTimer, sharedTimers } from "../../../src/base/shared-timers.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

describe("shared timers", () => {
  it("many of one length cost one timer of the clock, and none when all are cancelled", () => {
    const clock = virtualClock();
    const shared = sharedTimers(clock);
    const timers = Array.from({ length: 100 }, () => shared.after(5_000, () => {}));
    expect(clock.pending()).toBe(1);
    for (const timer of timers) timer.cancel();
    expect(clock.pending()).toBe(0);
  });

  it("short ones are the clock's own", () => {
    const clock = virtualClock();
    const shared = sharedTimers(clock);
    shared.after(10, () => {});
    shared.after(10, () => {});
    expect(clock.pending()).toBe(2);
  });

  it("a timer that sets another of its length while it fires harms neither", async () => {
    const clock = virtualClock();
    const shared = sharedTimers(clock);
    const fired: number[] = [];
    shared.after(1_000, () => {
      fired.push(clock.now());
      shared.after(1_000, () => fired.push(clock.now()));
    });
    await clock.advance(2_000);
    expect(fired).toEqual([1_000, 2_000]);
    expect(clock.pending()).toBe(0);
  });

  it("refresh starts the length again, also after the call, and not after cancel", async () => {
    const clock = virtualClock();
    const shared = sharedTimers(clock);
    const fired: number[] = [];
    const timer = shared.after(1_000, () => fired.push(clock.now()));
    await clock.advance(600);
    timer.refresh();
    await clock.advance(600);
    expect(fired).toEqual([]);
    await clock.advance(400);
    expect(fired).toEqual([1_600]);
    timer.refresh();
    await clock.advance(1_000);
    expect(fired).toEqual([1_600, 2_600]);
    timer.cancel();
    timer.refresh();
    expect(clock.pending()).toBe(0);
  });

  it("each fires once, when it is due, unless it was cancelled before", async () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 900 }),
      length: fc.constantFrom(1_000, 1_500, 3_000),
      cancel: fc.option(fc.nat(20), { nil: null }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const clock = virtualClock();
        const shared = sharedTimers(clock);
        const set: { dueAt: number; cancelled: boolean; firedAt: number | null }[] = [];
        const handles: { cancel(): void }[] = [];
        for (const { waitMs, length, cancel } of steps) {
          await clock.advance(waitMs);
          const entry = { dueAt: clock.now() + length, cancelled: false, firedAt: null } as {
            dueAt: number;
            cancelled: boolean;
            firedAt: number | null;
          };
          set.push(entry);
          handles.push(
            shared.after(length, () => {
              expect(entry.firedAt).toBeNull();
              entry.firedAt = clock.now();
            }),
          );
          const other = cancel === null ? undefined : set[cancel];
          if (other !== undefined && other.firedAt === null) {
            other.cancelled = true;
            handles[cancel as number]?.cancel();
          }
        }
        await clock.advance(4_000);
        for (const { dueAt, cancelled, firedAt } of set) {
          if (cancelled) expect(firedAt).toBeNull();
          else expect(firedAt).toBe(dueAt);
        }
        expect(clock.pending()).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

/** Notes when its time came. */
class Noting extends OwnTimer {
  readonly fired: number[] = [];
  private readonly now: () => number;

  constructor(now: () => number) {
    super();
    this.now = now;
  }

  get isSet(): boolean {
    return this.keeper !== null;
  }

  due(): void {
    this.fired.push(this.now());
  }
}

describe("a timer that holds its own place", () => {
  // One below a second is a timer of the clock, one above is in a queue.
  it.each([100, 5_000])("is due once after %i ms, and not when it was unset", async (ms) => {
    const clock = virtualClock();
    const shared = sharedTimers(clock);
    const [one, other] = [new Noting(clock.now), new Noting(clock.now)];
    one.set(shared, ms, clock.now());
    other.set(shared, ms, clock.now());
    expect(one.isSet && one.dueAt === ms).toBe(true);
    other.unset();
    await clock.advance(2 * ms);
    expect([one.fired, other.fired, one.isSet, other.isSet]).toEqual([[ms], [], false, false]);
    expect(clock.pending()).toBe(0);
  });

  it.each([100, 5_000])("has one time alone, also when it is set again, %i ms", async (ms) => {
    const clock = virtualClock();
    const shared = sharedTimers(clock);
    const one = new Noting(clock.now);
    one.set(shared, 7_000, clock.now());
    one.set(shared, ms, clock.now());
    expect(clock.pending()).toBe(1);
    await clock.advance(ms);
    one.set(shared, ms, clock.now());
    await clock.advance(10_000);
    expect(one.fired).toEqual([ms, 2 * ms]);
    expect(clock.pending()).toBe(0);
  });

  it("that is set while the first ones of its length fire is due in its turn", async () => {
    const clock = virtualClock();
    const shared = sharedTimers(clock);
    const [one, other] = [new Noting(clock.now), new Noting(clock.now)];
    one.set(shared, 1_000, clock.now());
    await clock.advance(400);
    other.set(shared, 1_000, clock.now());
    await clock.advance(600);
    one.set(shared, 1_000, clock.now());
    other.unset();
    await clock.advance(5_000);
    expect([one.fired, other.fired]).toEqual([[1_000, 2_000], []]);
    expect(clock.pending()).toBe(0);
  });
});
