/** Whoever counts calls gets each of them once, many in a row, and never waits for it. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { BATCH_MAX } from "../../../src/base/batch.js";
import { EndedCall } from "../../../src/records/ended-call.js";
import { endedCalls } from "../../../src/records/ended-calls.js";
import { virtualClock } from "../../../src/testing/index.js";

function open() {
  const clock = virtualClock();
  const calls = endedCalls(clock);
  const add = (id: string): void => calls.add(new EndedCall(id, "orders", "proxy", "GET", "/"));
  const follow = (waitMsMax?: number) => {
    const rows: string[] = [];
    const leave = calls.follow((row) => rows.push(row.map(({ id }) => id).join()), waitMsMax);
    return { rows, leave };
  };
  return { clock, calls, add, follow };
}

describe("calls that are over", () => {
  it("wait for more of them, or for somebody who asks", () => {
    const { clock, calls, add, follow } = open();
    expect(calls.heard).toBe(false);
    const { rows } = follow();
    expect(calls.heard).toBe(true);
    add("a");
    add("b");
    expect(rows).toEqual([]);
    calls.flush();
    expect(rows).toEqual(["a,b"]);
    for (let count = 0; count < BATCH_MAX; count += 1) add("c");
    expect(rows).toHaveLength(2);
    expect(clock.pending()).toBe(0);
  });

  it("wait no longer than the most impatient follower, once for all of them", async () => {
    const { clock, add, follow } = open();
    const [patient, soon] = [follow(), follow(100)];
    add("a");
    await clock.advance(99);
    add("b");
    expect(soon.rows).toEqual([]);
    await clock.advance(1);
    expect([patient.rows, soon.rows]).toEqual([["a,b"], ["a,b"]]);
    soon.leave();
    add("c");
    expect(clock.pending()).toBe(0);
  });

  it("are those that ended while one followed, and no others", () => {
    const { add, calls, follow } = open();
    const first = follow();
    add("a");
    const second = follow();
    add("b");
    first.leave();
    first.leave();
    add("c");
    calls.flush();
    expect(first.rows).toEqual(["a", "b"]);
    expect(second.rows).toEqual(["b", "c"]);
  });

  it("are dated when they are handed over, by when they began", async () => {
    const { clock, calls } = open();
    const dates: number[] = [];
    calls.follow((row) => dates.push(...row.map(({ startedAt }) => startedAt)));
    const began = clock.wallNow();
    const call = new EndedCall("a", "orders", "proxy", "GET", "/");
    const startedAt = clock.now();
    await clock.advance(30);
    call.end(startedAt, clock);
    calls.add(call);
    await clock.advance(500);
    calls.flush();
    expect(dates).toEqual([began]);
    expect(call.durationMs).toBe(30);
  });

  it("reach everybody although one throws, which is told once", async () => {
    const { add, calls, follow } = open();
    calls.follow(() => {
      throw new Error("broken");
    });
    const { rows } = follow();
    const warned = once(process, "warning");
    add("a");
    calls.flush();
    add("b");
    calls.flush();
    expect(rows).toEqual(["a", "b"]);
    const [warning] = (await warned) as [{ readonly code: string; readonly detail: string }];
    expect(warning.code).toBe("GOOD_GATEWAY_LISTENER");
    expect(warning.detail).toContain("broken");
  });
});
