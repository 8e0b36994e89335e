import { spawnSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DELAY_MS_MAX, eventLoopTurn, systemClock } from "../../../src/base/clock.js";

afterEach(() => void vi.useRealTimers());

describe("systemClock under fake timers", () => {
  it("reads its globals when it is called, so that fake timers reach its times", () => {
    vi.useFakeTimers({ now: 5000 });
    const start = systemClock.now();
    const told: string[] = [];
    systemClock.after(100, () => void told.push("timer"));
    expect(systemClock.wallNow()).toBe(5000);
    vi.advanceTimersByTime(99);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(["timer"]);
    expect(systemClock.now() - start).toBe(100);
    expect(systemClock.wallNow()).toBe(5100);
  });

  it("never calls a timer that was cancelled, nor brings it back on refresh", () => {
    vi.useFakeTimers();
    const fn = vi.fn();
    const timer = systemClock.after(10, fn);
    timer.cancel();
    timer.cancel();
    timer.refresh();
    timer.unref();
    vi.advanceTimersByTime(1000);
    expect(fn).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("starts the delay anew on refresh, before the call and after it", () => {
    vi.useFakeTimers();
    const fn = vi.fn();
    const timer = systemClock.after(10, fn);
    vi.advanceTimersByTime(9);
    timer.refresh();
    vi.advanceTimersByTime(9);
    expect(fn).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fn).toHaveBeenCalledTimes(1);
    timer.refresh();
    vi.advanceTimersByTime(10);
    expect(fn).toHaveBeenCalledTimes(2);
  });

  it("calls nobody while it is paused, holds no process, and goes on with a whole delay", () => {
    vi.useFakeTimers();
    const fn = vi.fn();
    const timer = systemClock.after(10, fn);
    vi.advanceTimersByTime(9);
    timer.pause();
    vi.advanceTimersByTime(100);
    expect(fn).not.toHaveBeenCalled();
    timer.refresh();
    vi.advanceTimersByTime(9);
    timer.pause();
    timer.refresh();
    vi.advanceTimersByTime(9);
    expect(fn).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fn).toHaveBeenCalledOnce();
    timer.pause();
    timer.cancel();
    timer.refresh();
    vi.advanceTimersByTime(100);
    expect(fn).toHaveBeenCalledOnce();
  });

  it("waits as long as Node can instead of not at all when the delay is beyond that", () => {
    vi.useFakeTimers();
    const fn = vi.fn();
    systemClock.after(Number.POSITIVE_INFINITY, fn);
    systemClock.after(2 ** 40, fn);
    vi.advanceTimersByTime(DELAY_MS_MAX - 1);
    expect(fn).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fn).toHaveBeenCalledTimes(2);
  });

  it("never calls a turn that was cancelled, and calls a refreshed one once", async () => {
    const [cancelled, refreshed] = [vi.fn(), vi.fn()];
    const turn = systemClock.turn(cancelled);
    turn.cancel();
    turn.refresh();
    systemClock.turn(refreshed).refresh();
    await eventLoopTurn();
    expect(cancelled).not.toHaveBeenCalled();
    expect(refreshed).toHaveBeenCalledOnce();
  });

  it("has turns of the event loop that fake timers do not hold back", async () => {
    vi.useFakeTimers();
    await expect(eventLoopTurn()).resolves.toBeUndefined();
    await expect(new Promise((turned) => systemClock.turn(() => turned("on")))).resolves.toBe("on");
  });
});

describe("sleep", () => {
  it("resolves when the time is over, and leaves no listener on the signal", async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const slept = vi.fn();
    const sleeping = systemClock.sleep(50, controller.signal).then(slept);
    await vi.advanceTimersByTimeAsync(49);
    expect(slept).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await sleeping;
    expect(slept).toHaveBeenCalled();
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("rejects with the reason of the signal, and leaves no timer and no listener", async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const sleeping = systemClock.sleep(50, controller.signal);
    controller.abort("enough");
    await expect(sleeping).rejects.toBe("enough");
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("rejects at once, without a timer, when the signal had aborted before", async () => {
    vi.useFakeTimers();
    const sleeping = systemClock.sleep(50, AbortSignal.abort("before"));
    expect(vi.getTimerCount()).toBe(0);
    await expect(sleeping).rejects.toBe("before");
  });

  it("needs no signal", async () => {
    vi.useFakeTimers();
    const sleeping = systemClock.sleep(50);
    vi.advanceTimersByTime(50);
    await expect(sleeping).resolves.toBeUndefined();
  });
});

describe("systemClock in real time", () => {
  it("calls timers and turns, a turn after microtasks and timers", async () => {
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.after(1, () => {
        systemClock.turn(() => {
          told.push("turn");
          resolve();
        });
        queueMicrotask(() => void told.push("microtask"));
        told.push("timer");
      });
    });
    expect(told).toEqual(["timer", "microtask", "turn"]);
  });

  it("never runs backwards", () => {
    let last = systemClock.now();
    for (let reading = 0; reading < 1000; reading += 1) {
      const now = systemClock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it("lets the process end under timers and turns that are unreferenced", () => {
    const clock = new URL("../../../src/base/clock.ts", import.meta.url).href;
    const code = `
      const { systemClock } = await import(${JSON.stringify(clock)});
      systemClock.after(600_000, () => console.log("timer")).unref();
      const again = () => { systemClock.turn(again).unref(); };
      systemClock.turn(again).unref();
      console.log("ready");
    `;
    const child = spawnSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "--eval", code],
      { encoding: "utf8", timeout: 15_000 },
    );
    expect({ status: child.status, stdout: child.stdout }).toEqual({
      status: 0,
      stdout: "ready\n",
    });
  });
});
