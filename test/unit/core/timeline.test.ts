/** The phases that an exchange reached, and when. */
import { expect, it } from "vitest";
import { Timeline } from "../../../src/core/timeline.js";

it("a timeline notes when each phase began, and -1 for those that were skipped", () => {
  const timeline = new Timeline(10);
  expect(timeline).toMatchObject({ phase: "admit", startedAt: 10, sendAt: -1, headAt: -1 });
  const phases = ["queue", "resolve", "connect", "send", "wait", "receive"] as const;
  for (const [index, phase] of phases.entries()) {
    timeline.enter(phase, 20 + index);
    expect(timeline.phase).toBe(phase);
  }
  expect(timeline).toMatchObject({
    connectAt: 22,
    secureAt: -1,
    sendAt: 23,
    waitAt: 24,
    headAt: 25,
    endAt: -1,
  });
});

it("a timeline that follows another one says all that it says, but for when it began", () => {
  const [one, other] = [new Timeline(1), new Timeline(2)];
  const facts = Object.keys(other).filter((name) => name !== "startedAt");
  const told = Object.fromEntries(facts.map((name, index) => [name, `fact ${index}`]));
  one.follow(Object.assign(other, told));
  expect(one).toEqual({ ...told, startedAt: 1 });
});

it("a timeline of a secure connection notes when the handshake began", () => {
  const timeline = new Timeline(0);
  timeline.enter("connect", 1);
  timeline.enter("secure", 2);
  expect(timeline).toMatchObject({ phase: "secure", connectAt: 1, secureAt: 2 });
});
