/** Lines reach their stream in order, many at once, and bounded. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { BATCH_MAX } from "../../../src/base/batch.js";
import { ACCESS_LOG } from "../../../src/catalog/access-log-defaults.js";
import { endedCalls } from "../../../src/records/ended-calls.js";
import { writeLines } from "../../../src/telemetry/line-writer.js";
import { virtualClock } from "../../../src/testing/index.js";
import { ended, record } from "../dashboard/records.js";

function open(isAscii = false) {
  const clock = virtualClock();
  const writes: string[] = [];
  const encodings: string[] = [];
  const stream = {
    write(text: string, encoding: string) {
      writes.push(text);
      encodings.push(encoding);
    },
    writableLength: 0,
  };
  const calls = endedCalls(clock);
  const lineOf = ({ id }: { readonly id: string }) => (id === "hidden" ? null : id);
  const stop = writeLines(stream, calls, { of: lineOf, isAscii });
  const call = (id: string): void => calls.add(ended(record({ id })));
  return { clock, writes, encodings, stream, call, stop };
}

describe("lines", () => {
  it("go with one write, a tenth of a second after the first of them", async () => {
    const { clock, writes, call, stop } = open();
    call("a");
    await clock.advance(ACCESS_LOG.flushMs - 1);
    call("hidden");
    call("b");
    expect(writes).toEqual([]);
    await clock.advance(1);
    expect(writes).toEqual(["a\nb\n"]);
    call("c");
    await clock.advance(ACCESS_LOG.flushMs);
    expect(writes).toEqual(["a\nb\n", "c\n"]);
    stop();
    expect(clock.pending()).toBe(0);
  });

  it("go at once when there are many", () => {
    const { clock, writes, call, stop } = open();
    for (let count = 0; count < BATCH_MAX; count += 1) call(String(count));
    expect(writes.join("").split("\n")).toHaveLength(BATCH_MAX + 1);
    expect(clock.pending()).toBe(0);
    stop();
    expect(writes).toHaveLength(1);
  });

  it("are written as they are where a character is a byte", () => {
    for (const isAscii of [false, true]) {
      const { encodings, call, stop } = open(isAscii);
      call("a");
      stop();
      expect(encodings).toEqual([isAscii ? "latin1" : "utf8"]);
    }
  });

  it("that are left go when it stops, and when the process ends", () => {
    const { writes, call, stop } = open();
    const before = process.listenerCount("exit");
    call("a");
    process.listeners("exit").at(-1)?.call(process, 0);
    expect(writes).toEqual(["a\n"]);
    call("b");
    stop();
    expect(writes).toEqual(["a\n", "b\n"]);
    expect(process.listenerCount("exit")).toBe(before - 1);
  });

  it("are left out, and counted, while a slow stream holds too many", async () => {
    const { clock, writes, stream, call, stop } = open();
    stream.writableLength = ACCESS_LOG.unwrittenBytesMax + 1;
    call("a");
    call("b");
    await clock.advance(ACCESS_LOG.flushMs);
    expect(writes).toEqual([]);
    stream.writableLength = 0;
    const warned = once(process, "warning");
    call("c");
    stop();
    expect(writes).toEqual(["c\n"]);
    const [warning] = (await warned) as [Error];
    expect(warning.message).toContain("2 lines of the access log were left out");
  });
});
