import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { eventLoopTurn } from "../../../src/base/clock.js";
import { emitter, LISTENER_WARNING } from "../../../src/base/emitter.js";

interface Events {
  "call:end": { readonly status: number };
  "breaker:change": { readonly to: string };
}

const warned = vi.fn();

beforeEach(() => void vi.spyOn(process, "emitWarning").mockImplementation(warned));
afterEach(() => {
  vi.restoreAllMocks();
  warned.mockReset();
});

describe("emitter", () => {
  it("tells listeners of their event, in the order they came", () => {
    const events = emitter<Events>();
    const told: string[] = [];
    events.on("call:end", ({ status }) => void told.push(`first ${status}`));
    events.on("call:end", ({ status }) => void told.push(`second ${status}`));
    events.on("breaker:change", () => void told.push("other"));
    events.emit("call:end", { status: 502 });
    expect(told).toEqual(["first 502", "second 502"]);
  });

  it("says whether anybody listens, so that a payload need not be built for nobody", () => {
    const events = emitter<Events>();
    expect(events.has("call:end")).toBe(false);
    const unsubscribeListener = events.on("call:end", () => {});
    expect(events.has("call:end")).toBe(true);
    expect(events.has("breaker:change")).toBe(false);
    unsubscribeListener();
    expect(events.has("call:end")).toBe(false);
  });

  it("tells a one-time listener once, even when an event is emitted within the event", () => {
    const events = emitter<Events>();
    const once = vi.fn();
    let depth = 0;
    events.on("call:end", () => {
      depth += 1;
      if (depth === 1) events.emit("call:end", { status: 2 });
    });
    events.once("call:end", once);
    events.emit("call:end", { status: 1 });
    events.emit("call:end", { status: 3 });
    expect(once.mock.calls).toEqual([[{ status: 2 }]]);
  });

  it("takes back one subscription by the function, or by what subscribing returned", () => {
    const events = emitter<Events>();
    const fn = vi.fn();
    events.on("call:end", fn);
    const unsubscribeSecond = events.once("call:end", fn);
    events.off("call:end", fn);
    unsubscribeSecond();
    events.emit("call:end", { status: 1 });
    expect(fn).toHaveBeenCalledTimes(1);
    events.off("call:end", fn);
    events.off("call:end", fn);
    expect(events.has("call:end")).toBe(false);
  });

  it("lets who comes or leaves during an event take effect with the next one", () => {
    const events = emitter<Events>();
    const told: string[] = [];
    const leave = events.on("call:end", () => {
      told.push("first");
      leaveSecond();
      events.once("call:end", () => void told.push("late"));
      leave();
    });
    const leaveSecond = events.on("call:end", () => void told.push("second"));
    events.emit("call:end", { status: 1 });
    expect(told).toEqual(["first", "second"]);
    events.emit("call:end", { status: 2 });
    expect(told).toEqual(["first", "second", "late"]);
  });

  it("goes on after a listener that throws, and warns once for that listener", () => {
    const events = emitter<Events>();
    const after = vi.fn();
    events.on("call:end", () => {
      throw new Error("a bug in a hook");
    });
    events.on("call:end", after);
    events.emit("call:end", { status: 1 });
    events.emit("call:end", { status: 2 });
    expect(after).toHaveBeenCalledTimes(2);
    expect(warned).toHaveBeenCalledOnce();
    const [text, options] = warned.mock.calls[0] ?? [];
    expect(text).toContain('"call:end"');
    expect(options).toMatchObject({ code: LISTENER_WARNING });
    expect(options.detail).toContain("a bug in a hook");
  });

  it("warns of an async listener that rejects, and leaves no rejection unhandled", async () => {
    const events = emitter<Events>();
    events.on("call:end", () => Promise.reject(new Error("a late bug")));
    events.emit("call:end", { status: 1 });
    await eventLoopTurn();
    expect(warned).toHaveBeenCalledOnce();
    expect(warned.mock.calls[0]?.[1].detail).toContain("a late bug");
  });

  it("survives a listener that throws something without a text", () => {
    const events = emitter<Events>();
    events.on("call:end", () => {
      throw Object.create(null);
    });
    expect(() => events.emit("call:end", { status: 1 })).not.toThrow();
    expect(warned).toHaveBeenCalledOnce();
  });

  it("mirrors each event to node:diagnostics_channel while somebody subscribes there", () => {
    const events = emitter<Events>();
    const told = vi.fn();
    expect(events.has("breaker:change")).toBe(false);
    subscribe("good-gateway:breaker:change", told);
    try {
      expect(events.has("breaker:change")).toBe(true);
      events.emit("breaker:change", { to: "open" });
    } finally {
      unsubscribe("good-gateway:breaker:change", told);
    }
    events.emit("breaker:change", { to: "closed" });
    expect(told.mock.calls).toEqual([[{ to: "open" }, "good-gateway:breaker:change"]]);
    expect(events.has("breaker:change")).toBe(false);
  });

  it("keeps the events of two emitters apart", () => {
    const [one, other] = [emitter<Events>(), emitter<Events>()];
    const fn = vi.fn();
    one.on("call:end", fn);
    other.emit("call:end", { status: 1 });
    expect(fn).not.toHaveBeenCalled();
  });
});
