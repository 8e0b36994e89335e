/**
 * Writes the lines of an access log to a stream, many at once: both to make a line and to write it
 * cost more for each by itself than the call's whole record.
 *
 * Guarantee: lines keep their order; none waits longer than `flushMs`; `stop` and the end of the
 * process write what is left. What a slow stream holds is bounded, and how many lines were left out
 * for it is reported by a warning.
 */
import { ACCESS_LOG } from "../catalog/access-log-defaults.js";
import type { EndedCall } from "../records/ended-call.js";
import type { EndedCalls } from "../records/ended-calls.js";

/** What is used of a stream; `process.stdout` and those of `node:fs` have it. */
export interface LineStream {
  write(text: string, encoding: "utf8" | "latin1"): unknown;
  /** Bytes that wait in it. */
  readonly writableLength?: number;
}

export interface Lines {
  /** Null for a call that is not logged. */
  readonly of: (call: EndedCall) => string | null;
  /** Then they are written without a look at each character. */
  readonly isAscii: boolean;
}

/** Gives back how to stop. */
export function writeLines(
  stream: LineStream,
  endedCalls: EndedCalls,
  { of: lineOf, isAscii }: Lines,
): () => void {
  const encoding = isAscii ? "latin1" : "utf8";
  let leftOut = 0;
  const write = (calls: readonly EndedCall[]): void => {
    if ((stream.writableLength ?? 0) > ACCESS_LOG.unwrittenBytesMax) {
      leftOut += calls.length;
      return;
    }
    if (leftOut > 0) warn(leftOut);
    leftOut = 0;
    let lines = "";
    for (const call of calls) {
      const line = lineOf(call);
      if (line !== null) lines += `${line}\n`;
    }
    if (lines !== "") stream.write(lines, encoding);
  };
  const leave = endedCalls.follow(write, ACCESS_LOG.flushMs);
  process.once("exit", endedCalls.flush);
  return () => {
    process.removeListener("exit", endedCalls.flush);
    leave();
  };
}

function warn(lines: number): void {
  process.emitWarning(`${lines} lines of the access log were left out: its stream was too slow.`, {
    type: "GoodGatewayWarning",
    code: "GOOD_GATEWAY_ACCESS_LOG",
  });
}
