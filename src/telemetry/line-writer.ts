/**
 * Writes the lines of an access log to a stream, many at once: both to make a line and to write it
 * cost more for each by itself than the call's whole record.
 *
 * Guarantee: lines keep their order; none waits longer than `flushMs`; `stop` and the end of the
 * process write what is left. What a slow stream holds is bounded, and how many lines were left out
 * for it is told by a warning.
 */
import { batch } from "../base/batch.js";
import type { Clock, Timer } from "../base/clock.js";
import { ACCESS_LOG } from "../catalog/access-log-defaults.js";
import type { CallRecord } from "../gateway/call-record.js";

/** What is used of a stream; `process.stdout` and those of `node:fs` have it. */
export interface LineStream {
  write(text: string): unknown;
  /** Bytes that wait in it. */
  readonly writableLength?: number;
}

export interface LineWriter {
  readonly add: (record: CallRecord) => void;
  readonly stop: () => void;
}

/** `lineOf` gives null for a call that is not logged. */
export function lineWriter(
  stream: LineStream,
  clock: Pick<Clock, "after">,
  lineOf: (record: CallRecord) => string | null,
): LineWriter {
  let timer: Timer | null = null;
  let leftOut = 0;

  const write = (records: readonly CallRecord[]): void => {
    timer?.cancel();
    timer = null;
    if ((stream.writableLength ?? 0) > ACCESS_LOG.unwrittenBytesMax) {
      leftOut += records.length;
      return;
    }
    if (leftOut > 0) warn(leftOut);
    leftOut = 0;
    const lines = records.map(lineOf).filter((line) => line !== null);
    // The last one is empty, so that each of them has an end.
    if (lines.length > 0) stream.write([...lines, ""].join("\n"));
  };
  const waiting = batch(write);
  process.once("exit", waiting.flush);
  return {
    add(record) {
      waiting.add(record);
      if (timer !== null || waiting.size === 0) return;
      timer = clock.after(ACCESS_LOG.flushMs, waiting.flush);
      timer.unref();
    },
    stop() {
      process.removeListener("exit", waiting.flush);
      waiting.flush();
    },
  };
}

function warn(lines: number): void {
  process.emitWarning(`${lines} lines of the access log were left out: its stream was too slow.`, {
    type: "GoodGatewayWarning",
    code: "GOOD_GATEWAY_ACCESS_LOG",
  });
}
