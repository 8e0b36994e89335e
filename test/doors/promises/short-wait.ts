/** Two calls to a target that never answers, one of which has a shorter wait of its own. */
import { accept } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually, type WorldOptions } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import { at, codesOf } from "../promise.js";
import { movedClock } from "../tools/moved-clock.js";

export const HOLDS = accept().readHead().readBody().hang();
/** What no test waits for on a clock that it moves. */
export const PATIENT = { connectMs: 4_000, responseMs: 4_000, idleMs: 4_000, totalMs: 7_000 };

/** `short` is the path of the call that `settings` give 300 ms. */
export function waitsShorter(
  door: Door,
  short: string,
  { options, ...settings }: Omit<WorldOptions, "door">,
): Promise<void> {
  const clock = movedClock();
  const patient = { retry: false as const, timeouts: PATIENT, ...options };
  const scripts = [HOLDS, HOLDS];
  return at(door, { ...settings, scripts, clock, options: patient }, async (ground) => {
    const other = ground.ask({ path: "/other/1" });
    await eventually("it is sent", () => ground.sent() === 1);
    const asked = ground.ask({ path: short });
    await eventually("it is sent", () => ground.sent() === 2);
    await clock.advance(400);
    expect((await asked).failure?.code).toBe("http_response_timeout");
    expect(await codesOf(ground, 1)).toEqual(["http_response_timeout"]);
    await clock.advance(4_000);
    expect((await other).failure?.code).toBe("http_response_timeout");
  });
}
