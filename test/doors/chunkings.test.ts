/**
 * However a body is cut into chunks, both ways, it arrives as it was, at every door.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DOORS } from "./all-doors.js";
import { inBodyWorld, LONG, newMark, waysOf } from "./bodies.js";
import type { Door } from "./door.js";
import { digestOf, someBytes } from "./tools/recording-upstream.js";
import { ONCE } from "./turns.js";

/** Around what a read of a socket gives, and what is kept of a body. */
const size = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 1, max: 20_000 }),
  fc.constantFrom(16_383, 16_384, 16_385, 65_535, 65_536, 65_537),
);
const sizes = fc.array(size, { minLength: 1, maxLength: 8 });
const chunking = fc.record({ up: sizes, down: sizes });

const RUNS = { numRuns: LONG ? 300 : ONCE ? 10 : 30 };
const SLOW_MS = 120_000;

/** A body of these chunks, in a form that the door takes. */
function bodyOf({ bodies }: Door, bytes: Buffer, up: readonly number[]): unknown {
  let at = 0;
  const chunks = up.map((length) => {
    const chunk = bytes.subarray(at, at + length);
    at += length;
    return chunk;
  });
  async function* iterate(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  return bodies === "wire" || bodies === "undici" || bodies === "send"
    ? iterate()
    : new ReadableStream<Uint8Array>({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      });
}

const doors = DOORS.filter(({ kind }) => kind !== "upgrade");

describe.each(doors.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  it.skipIf(door.absent !== undefined)(
    "passes on every chunking",
    { timeout: SLOW_MS },
    async () => {
      for (const way of waysOf(door)) {
        await inBodyWorld(door, way, async ({ ground, upstream }) => {
          const passes = fc.asyncProperty(chunking, async ({ up, down }) => {
            const bytes = someBytes(up.reduce((sum, one) => sum + one, 0));
            const mark = newMark();
            const path = `/mirror?${mark}&sizes=${down.join(",")}`;
            const answer = await ground.ask({
              method: "POST",
              path,
              body: bodyOf(door, bytes, up),
            });
            const [taken] = upstream.taken(mark);
            expect(upstream.taken(mark)).toHaveLength(1);
            expect(digestOf(taken?.body ?? Buffer.alloc(0))).toBe(digestOf(bytes));
            expect([answer.ending, digestOf(answer.bytes)]).toEqual(["whole", digestOf(bytes)]);
          });
          await fc.assert(passes, RUNS);
        });
      }
    },
  );
});
