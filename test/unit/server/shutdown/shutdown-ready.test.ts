import { EventEmitter } from "node:events";
import type { Server } from "node:net";
import { describe, expect, it } from "vitest";
import { whenReady } from "../../../../src/server/shutdown/shutdown-ready.js";
import { virtualClock } from "../../../../src/testing/virtual-clock.js";

function world(first?: PromiseLike<unknown>) {
  const clock = virtualClock();
  const told: string[] = [];
  const server = Object.assign(new EventEmitter(), { listening: false });
  const state = { starting: true };
  const stop = whenReady(clock, {
    servers: [server as unknown as Server],
    first,
    isStarting: () => state.starting,
    notify: () => void told.push("ready"),
    failed: (error) => void told.push(String(error)),
  });
  return { clock, told, server, state, stop };
}

describe("a process says that it is ready", () => {
  it("when its servers listen and nothing holds its start, once", async () => {
    const { clock, told, server, state } = world();
    await clock.advance(200);
    server.emit("listening");
    await clock.advance(200);
    expect(told).toEqual([]);
    state.starting = false;
    await clock.advance(200);
    expect(told).toEqual(["ready"]);
    expect(clock.pending()).toBe(0);
  });

  it("never when the promise that it waits for rejects", async () => {
    const { clock, told, server, state } = world(Promise.reject(new Error("no warm-up")));
    state.starting = false;
    server.emit("listening");
    await clock.advance(100);
    expect(told).toEqual(["Error: no warm-up"]);
  });

  it("never after it was told to stop waiting", async () => {
    const { clock, told, server, state, stop } = world();
    server.emit("listening");
    await clock.advance(100);
    stop();
    state.starting = false;
    await clock.advance(100);
    expect(told).toEqual([]);
    expect(clock.pending()).toBe(0);
    expect(server.listenerCount("listening")).toBe(0);
  });
});
