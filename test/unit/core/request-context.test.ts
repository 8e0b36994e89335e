/** What the context of a request costs where nobody makes one, and that every copy shares it. */
import { describe, expect, it } from "vitest";
import { NEVER } from "../../../src/core/deadline.js";
import { LiveContext, liveContext, runIn } from "../../../src/core/request-context.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const HOME = Symbol.for("good-gateway.requestContext");
const facts = { deadline: 500, priority: null, attempt: 1 } as const;

describe("the context of a request", () => {
  it("is asked for without a trace in the process until one is made", () => {
    expect(liveContext()).toBeNull();
    expect(runIn(null, () => liveContext())).toBeNull();
    expect(HOME in globalThis).toBe(false);
    runIn(new LiveContext(virtualClock(), facts), () => {});
    expect(HOME in globalThis).toBe(true);
    expect(liveContext()).toBeNull();
  });

  it("flows through awaits and timers, and ends with its function", async () => {
    const context = new LiveContext(virtualClock(), facts);
    const seen = await runIn(context, async () => {
      await Promise.resolve();
      await new Promise((turn) => setImmediate(turn));
      return liveContext();
    });
    expect(seen).toBe(context);
    expect(liveContext()).toBeNull();
  });

  it("tells what time is left, never less than none", async () => {
    const clock = virtualClock();
    const context = new LiveContext(clock, { ...facts, deadline: clock.now() + 500 });
    expect(context.remainingMs()).toBe(500);
    await clock.advance(600);
    expect(context.remainingMs()).toBe(0);
    expect(new LiveContext(clock, { ...facts, deadline: NEVER }).remainingMs()).toBe(NEVER);
  });

  it("aborts a signal that was asked for before or after the client left, with one reason", () => {
    const context = new LiveContext(virtualClock(), facts);
    const { signal } = context;
    expect(signal.aborted).toBe(false);
    context.leave("first");
    context.leave("second");
    expect(signal.reason).toBe("first");
    const other = new LiveContext(virtualClock(), facts);
    other.leave();
    expect(other.signal.reason).toMatchObject({ code: "client_closed_request" });
    expect(other.signal).toBe(other.signal);
  });
});
