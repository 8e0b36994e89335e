/** A line that is written piece by piece says what JSON.stringify would. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { isoDate, isoDates } from "../../../src/base/clock.js";
import type { CallClient, CallRecord } from "../../../src/records/call-record.js";
import { accessFields } from "../../../src/telemetry/access-fields.js";
import { jsonLines } from "../../../src/telemetry/access-json.js";
import { attempt, ended, record } from "../dashboard/records.js";

// Anything that a client or an operator may have written: quotes, control characters, half pairs.
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom('"', "\\", "\n", "\u0000", "\ud800", "\u2028", "\u007f", "é"),
);
const orNull = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });
const lengthMs = fc.double({ min: 0, max: 1e9, noNaN: true });
const status = orNull(fc.integer({ min: 100, max: 599 }));
const client: fc.Arbitrary<CallClient> = fc.record({
  address: text,
  forwardedFor: orNull(text),
  httpVersion: fc.constantFrom("1.0", "1.1", "2.0"),
  host: orNull(text),
  userAgent: orNull(text),
  referer: orNull(text),
});
const attempts = fc.array(
  fc
    .record({ target: orNull(text), code: fc.constantFrom(null, "connection_refused" as const) })
    .map(attempt),
  { maxLength: 3 },
);
const records: fc.Arbitrary<CallRecord> = fc
  .record({
    ...{ id: text, upstream: text, method: text, path: text, details: orNull(text) },
    ...{ durationMs: lengthMs, queuedMs: lengthMs, bytesIn: fc.nat(), bytesOut: fc.nat() },
    ...{ status, receivedStatus: status, client: orNull(client), attempts },
    kind: fc.constantFrom("proxy" as const, "upgrade" as const, "fetch" as const),
    startedAt: fc.integer({ min: -1e12, max: 4e12 }),
    answeredBy: fc.constantFrom(null, "upstream" as const, "gateway" as const),
    code: fc.constantFrom(null, "breaker_open" as const),
    blame: fc.constantFrom(null, "upstream" as const),
    stopReason: fc.constantFrom(null, "retry_off" as const),
    clientEnd: fc.constantFrom("complete" as const, "aborted" as const, "cut" as const),
  })
  .map(record);

function ascii(json: string): string {
  const unit = (char: string): string => `0000${char.charCodeAt(0).toString(16)}`.slice(-4);
  return json.replace(/[^\0-\x7f]/g, (char) => `\\u${unit(char)}`);
}

it("is what JSON.stringify makes of the fields, in ASCII, line after line", () => {
  fc.assert(
    fc.property(fc.array(records, { maxLength: 4 }), (several) => {
      const write = jsonLines();
      for (const one of several.flatMap((each) => [each, each])) {
        const time = isoDate(one.startedAt);
        const line = ascii(JSON.stringify({ time, ...accessFields(one) }));
        expect(write(one)).toBe(line);
        expect(write.ofCall(ended(one))).toBe(line);
        expect(JSON.parse(line)).toEqual({ time, ...accessFields(one) });
      }
    }),
  );
});

it("dates are the same one after another as each by itself", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: -5_000, max: 5_000 }), fc.constantFrom(0.5, 1e12))),
      (several) => {
        const dates = isoDates();
        for (const ms of several) expect(dates(ms)).toBe(isoDate(ms));
      },
    ),
  );
});
