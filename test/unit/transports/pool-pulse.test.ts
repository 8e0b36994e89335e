/** Whether our own event loop has looked at its sockets lately. */
import { expect, it } from "vitest";
import { afterPoll } from "../../../src/base/clock.js";
import { SELF } from "../../../src/catalog/defaults.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";
import { loopPulse } from "../../../src/transports/connection-pool.js";

it("a loop that nobody has seen poll has not polled", () => {
  expect(loopPulse(virtualClock()).fresh()).toBe(false);
});

it("a loop that has just polled is known to have, for a few milliseconds", async () => {
  const clock = virtualClock();
  const pulse = loopPulse(clock);
  pulse.fresh();
  await clock.runTurns(1);
  expect(pulse.fresh()).toBe(true);
  clock.stall(SELF.pollFreshMs);
  expect(pulse.fresh()).toBe(true);
  clock.stall(1);
  expect(pulse.fresh()).toBe(false);
});

it("however often it is asked, it costs one turn at a time", async () => {
  const clock = virtualClock();
  const pulse = loopPulse(clock);
  for (let count = 0; count < 100; count += 1) pulse.fresh();
  expect(clock.pending()).toBe(1);
  await clock.runTurns(1);
  expect(clock.pending()).toBe(0);
});

it("a loop that nobody asks about is left alone", async () => {
  const clock = virtualClock();
  const pulse = loopPulse(clock);
  pulse.fresh();
  await clock.advance(1_000);
  expect(clock.pending()).toBe(0);
});

it("what is to come after a poll comes after two turns, since one may follow a poll", async () => {
  const clock = virtualClock();
  let called = 0;
  afterPoll(clock, () => {
    called += 1;
  });
  await clock.runTurns(1);
  expect(called).toBe(0);
  await clock.runTurns(1);
  expect(called).toBe(1);
  await clock.runTurns(3);
  expect(called).toBe(1);
});
