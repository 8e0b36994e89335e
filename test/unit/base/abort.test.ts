import { getEventListeners, getMaxListeners, setMaxListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { linkSignals, onAbort, untilAborted } from "../../../src/base/abort.js";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("onAbort", () => {
  it("calls with the reason when the signal aborts", () => {
    const controller = new AbortController();
    const fn = vi.fn();
    onAbort(controller.signal, fn);
    expect(fn).not.toHaveBeenCalled();
    controller.abort("enough");
    expect(fn.mock.calls).toEqual([["enough"]]);
  });

  it("calls at once when the signal had aborted before", () => {
    const fn = vi.fn();
    onAbort(AbortSignal.abort("before"), fn);
    expect(fn.mock.calls).toEqual([["before"]]);
  });

  it("does not call after it was unlinked, and leaves no listener", () => {
    const controller = new AbortController();
    const fn = vi.fn();
    const unlink = onAbort(controller.signal, fn);
    expect(listeners(controller.signal)).toBe(1);
    unlink();
    unlink();
    expect(listeners(controller.signal)).toBe(0);
    controller.abort();
    expect(fn).not.toHaveBeenCalled();
  });

  it("leaves no listener after the signal has aborted", () => {
    const controller = new AbortController();
    onAbort(controller.signal, () => {});
    controller.abort();
    expect(listeners(controller.signal)).toBe(0);
  });

  it("lets many calls share a signal without a warning, and leaves a limit of the caller", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const [shared, limited] = [new AbortController().signal, new AbortController().signal];
    setMaxListeners(20, limited);
    const unlinks = Array.from({ length: 15 }, () =>
      [shared, limited].map((signal) => onAbort(signal, () => {})),
    );
    expect(warn).not.toHaveBeenCalled();
    expect(getMaxListeners(limited)).toBe(20);
    for (const unlink of unlinks.flat()) unlink();
    expect([listeners(shared), listeners(limited)]).toEqual([0, 0]);
  });

  it("works with a signal of another making", () => {
    const foreign = {
      aborted: false,
      reason: "foreign",
      listener: () => {},
      addEventListener(_: string, listener: () => void) {
        foreign.listener = listener;
      },
      removeEventListener() {},
    };
    const fn = vi.fn();
    onAbort(foreign as unknown as AbortSignal, fn);
    foreign.listener();
    expect(fn.mock.calls).toEqual([["foreign"]]);
  });

  it("never calls without a signal", () => {
    const fn = vi.fn();
    onAbort(undefined, fn)();
    expect(fn).not.toHaveBeenCalled();
  });
});

describe("linkSignals", () => {
  it("aborts with the reason of the first source that aborts, and takes its listeners back", () => {
    const sources = [new AbortController(), new AbortController(), new AbortController()] as const;
    const linked = linkSignals(sources[0].signal, undefined, sources[1].signal, sources[2].signal);
    sources[1].abort("second");
    sources[0].abort("too late");
    expect(linked.signal.reason).toBe("second");
    expect(sources.map(({ signal }) => listeners(signal))).toEqual([0, 0, 0]);
  });

  it("is aborted from the start when a source had aborted, whatever its place", () => {
    const before = new AbortController();
    const after = new AbortController();
    const linked = linkSignals(before.signal, AbortSignal.abort("gone"), after.signal);
    expect(linked.signal.aborted).toBe(true);
    expect(linked.signal.reason).toBe("gone");
    expect([listeners(before.signal), listeners(after.signal)]).toEqual([0, 0]);
  });

  it("does not abort after it was unlinked, and leaves no listener", () => {
    const source = new AbortController();
    const linked = linkSignals(source.signal);
    linked.unlink();
    expect(listeners(source.signal)).toBe(0);
    source.abort();
    expect(linked.signal.aborted).toBe(false);
  });

  it("never aborts without sources", () => {
    expect(linkSignals().signal.aborted).toBe(false);
    expect(linkSignals(undefined).signal.aborted).toBe(false);
  });
});

describe("untilAborted", () => {
  it("gives the value of the promise and leaves no listener", async () => {
    const controller = new AbortController();
    await expect(untilAborted(Promise.resolve(7), controller.signal)).resolves.toBe(7);
    expect(listeners(controller.signal)).toBe(0);
  });

  it("gives the error of the promise and leaves no listener", async () => {
    const controller = new AbortController();
    const broken = Promise.reject(new Error("broken"));
    await expect(untilAborted(broken, controller.signal)).rejects.toThrow("broken");
    expect(listeners(controller.signal)).toBe(0);
  });

  it("rejects with the reason when the signal aborts first", async () => {
    const controller = new AbortController();
    const waiting = untilAborted(new Promise(() => {}), controller.signal);
    controller.abort("enough");
    await expect(waiting).rejects.toBe("enough");
  });

  it("swallows what the promise does after the abort", async () => {
    let reject: (error: Error) => void = () => {};
    const late = new Promise((_, no) => {
      reject = no;
    });
    await expect(untilAborted(late, AbortSignal.abort("gone"))).rejects.toBe("gone");
    reject(new Error("would be unhandled"));
    await expect(late).rejects.toThrow();
  });
});
