/** `Server-Timing`: one entry for each attempt, one for the whole, and no address. */
import { expect, it } from "vitest";
import type { AttemptRecord } from "../../../src/core/call.js";
import { serverTiming } from "../../../src/wire/server-timing.js";

const attempt = (changes: Partial<AttemptRecord>): AttemptRecord => ({
  number: 1,
  target: "http://10.0.0.5:8080",
  phase: "wait",
  code: null,
  status: 200,
  startedAt: 0,
  durationMs: 12.345,
  reused: false,
  ...changes,
});

it("each attempt is listed with its result, and the whole call with its duration", () => {
  const attempts = [
    attempt({ code: "connection_refused", status: null, durationMs: 0.04 }),
    attempt({ number: 2 }),
  ];
  expect(serverTiming(attempts, 20)).toBe(
    `attempt-1;dur=0;desc="connection_refused", attempt-2;dur=12.3;desc="ok", gateway;dur=20`,
  );
});

it("a call that was never sent has only its length, and nobody's address is told", () => {
  expect(serverTiming([], 1.26)).toBe("gateway;dur=1.3");
  expect(serverTiming([attempt({})], 1)).not.toContain("10.0.0.5");
});
