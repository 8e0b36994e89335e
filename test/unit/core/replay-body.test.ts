/**
 * A request body that one attempt after another can read: what they get, what is kept of it, and
 * what becomes of a source that breaks, ends or is too large.
 */
import { PassThrough, Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NamedError } from "../../../src/core/named-error.js";
import {
  type BodySource,
  ReplayBody,
  type StreamedBodyOptions,
} from "../../../src/core/replay-body.js";

const KEEPS_ALL: StreamedBodyOptions = {
  keptBytesMax: 1_000_000,
  bytesMax: Number.POSITIVE_INFINITY,
  onDemand: null,
};

function streamed(source: BodySource, options: Partial<StreamedBodyOptions> = {}): ReplayBody {
  return ReplayBody.fromStream(source, { ...KEEPS_ALL, ...options });
}

/** A source as a server gives it once all of a small body has come with its head. */
function arrived(...chunks: readonly string[]): BodySource {
  const source = new PassThrough();
  for (const chunk of chunks) source.write(chunk);
  source.end();
  return Object.assign(source, { complete: true });
}

interface Read {
  readonly text: string;
  readonly failure: unknown;
}

async function readAll(opened: Buffer | Readable): Promise<Read> {
  if (Buffer.isBuffer(opened)) return { text: opened.toString("latin1"), failure: null };
  let text = "";
  try {
    for await (const chunk of opened) text += (chunk as Buffer).toString("latin1");
  } catch (error) {
    return { text, failure: error instanceof NamedError ? error.failureCode : error };
  }
  return { text, failure: null };
}

/** Takes the first bytes and nothing further, as an attempt that fails on its way. */
async function readSome(opened: Buffer | Readable): Promise<void> {
  if (Buffer.isBuffer(opened)) return;
  opened.once("readable", () => opened.read());
  await turn();
}

describe("a body that is kept", () => {
  it("reads the same for the second attempt as for the first", async () => {
    const body = streamed(Readable.from([Buffer.from("one,"), Buffer.from("two")]));
    expect(await readAll(body.open())).toEqual({ text: "one,two", failure: null });
    expect(body.replayable).toBe(true);
    expect(await readAll(body.open())).toEqual({ text: "one,two", failure: null });
    expect(body.bytesRead).toBe(7);
  });

  it("gives a second attempt all of it, though the first stopped half way", async () => {
    const source = new PassThrough();
    const body = streamed(source);
    source.write("one,");
    const first = body.open();
    await readSome(first);
    const second = readAll(body.open());
    source.end("two");
    expect(await second).toEqual({ text: "one,two", failure: null });
    expect((first as Readable).destroyed).toBe(true);
  });

  it("is the same for two attempts and equal to its source, however it is cut", async () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(chunks, fc.nat({ max: 12 }), async (parts, taken) => {
        const whole = Buffer.concat(parts).toString("latin1");
        const source = new PassThrough({ highWaterMark: 16 });
        const body = streamed(source);
        const first = body.open();
        for (const [index, part] of parts.entries()) {
          source.write(part);
          if (index === taken) await readSome(first);
        }
        const again = readAll(body.open());
        source.end();
        expect(await again).toEqual({ text: whole, failure: null });
        expect(await readAll(body.open())).toEqual({ text: whole, failure: null });
      }),
      { numRuns: 60 },
    );
  });

  it("comes as bytes, not as a stream, once all of it is here", async () => {
    const body = streamed(Readable.from([Buffer.from("a"), Buffer.from("b")]));
    await readAll(body.open());
    const again = body.open();
    expect(Buffer.isBuffer(again)).toBe(true);
    expect(body.open()).toBe(again);
  });
});

describe("a body that lies whole in its source", () => {
  it("comes as bytes for the first attempt already, and is then complete", () => {
    const body = streamed(arrived("small"));
    expect(body.complete).toBe(false);
    expect(body.open().toString()).toBe("small");
    expect(body.complete).toBe(true);
  });

  it("comes as bytes once its message has as many as it says, before its end is parsed", () => {
    const source = Object.assign(new PassThrough(), { complete: false });
    const body = streamed(source, { length: 7 });
    expect(body.maybeReceived).toBe(true);
    source.write("one,");
    expect(body.maybeReceived).toBe(true);
    source.write("two");
    expect(body.maybeReceived).toBe(false);
    expect(String(body.open())).toBe("one,two");
    expect(body.complete).toBe(true);
  });

  it("streams while another source than a message may hold more than it says", async () => {
    const source = new PassThrough();
    const body = streamed(source, { length: 7 });
    source.write("one,two");
    const opened = body.open();
    expect(opened).toBeInstanceOf(Readable);
    source.end("!");
    expect((await readAll(opened)).failure).toBe("bad_request");
  });

  it("is not waited for where it is long, has no length, or is yet to be asked for", () => {
    const source = () => Object.assign(new PassThrough(), { complete: false });
    expect(streamed(source(), { length: 65_537 }).maybeReceived).toBe(false);
    expect(streamed(source(), { length: 11, keptBytesMax: 10 }).maybeReceived).toBe(false);
    expect(streamed(source()).maybeReceived).toBe(false);
    expect(streamed(source(), { length: 7, onDemand: () => {} }).maybeReceived).toBe(false);
  });

  it("lets its source end, so that the server can go on to the next request", async () => {
    const source = arrived("small");
    streamed(source).open();
    await turn();
    expect(source.readableEnded).toBe(true);
  });

  it("streams when it is larger than what may be kept", async () => {
    const body = streamed(arrived("x".repeat(100)), { keptBytesMax: 10 });
    const opened = body.open();
    expect(Buffer.isBuffer(opened)).toBe(false);
    expect(await readAll(opened)).toEqual({ text: "x".repeat(100), failure: null });
  });

  it("is never sent cut short when it is larger than what is taken at all", async () => {
    const body = streamed(arrived("x".repeat(100)), { bytesMax: 99 });
    const opened = body.open();
    expect(Buffer.isBuffer(opened)).toBe(false);
    expect((await readAll(opened)).failure).toBe("request_body_too_large");
    expect(body.complete).toBe(false);
    expect(body.replayable).toBe(false);
  });

  it("is never sent cut short when its source counts in other units than bytes", async () => {
    const source = arrived("é".repeat(8)).setEncoding("utf8");
    const body = streamed(source, { keptBytesMax: 10 });
    await turn();
    const { text } = await readAll(body.open());
    expect(Buffer.from(text, "latin1").toString()).toBe("é".repeat(8));
  });
});

describe("a body over the cap", () => {
  it("is whole for the one attempt, and cannot be repeated", async () => {
    const parts = Array.from({ length: 20 }, (_, index) => Buffer.from(`part ${index};`));
    const body = streamed(Readable.from(parts), { keptBytesMax: 32 });
    expect(body.replayable).toBe(true);
    const { text } = await readAll(body.open());
    expect(text).toBe(Buffer.concat(parts).toString());
    expect(body.replayable).toBe(false);
  });

  it("can still be repeated while no more than the cap has come", async () => {
    const source = new PassThrough();
    const body = streamed(source, { keptBytesMax: 8 });
    source.write("12345678");
    await readSome(body.open());
    expect(body.replayable).toBe(true);
    const second = body.open();
    source.end("9");
    expect(await readAll(second)).toEqual({ text: "123456789", failure: null });
    expect(body.replayable).toBe(false);
  });
});

describe("a body over the limit", () => {
  it("is the client's failure, for whoever reads it", async () => {
    const body = streamed(Readable.from([Buffer.alloc(6), Buffer.alloc(6)]), { bytesMax: 11 });
    expect((await readAll(body.open())).failure).toBe("request_body_too_large");
    expect(body.goneBy).toMatchObject({ failureCode: "request_body_too_large" });
  });

  it("of exactly the limit passes", async () => {
    const body = streamed(Readable.from([Buffer.alloc(6), Buffer.alloc(5)]), { bytesMax: 11 });
    expect((await readAll(body.open())).failure).toBeNull();
  });
});

describe("a source that breaks off", () => {
  it("breaks the reader by the client's name, after what had come", async () => {
    const source = new PassThrough();
    const body = streamed(source);
    source.write("half");
    const reading = readAll(body.open());
    await turn();
    source.destroy(new Error("aborted"));
    expect(await reading).toEqual({ text: "half", failure: "client_closed_request" });
    expect(body.replayable).toBe(false);
    expect(body.waitsForSource).toBe(false);
  });

  it("breaks also when it closes without an error and without an end", async () => {
    const source = new PassThrough();
    const body = streamed(source);
    const reading = readAll(body.open());
    source.destroy();
    expect((await reading).failure).toBe("client_closed_request");
  });

  it("breaks at once for a reader who comes after it", async () => {
    const source = new PassThrough();
    source.destroy();
    await turn();
    const { failure } = await readAll(streamed(source).open());
    expect(failure).toBe("client_closed_request");
  });

  it("that somebody else has read is a fault of the set-up, never an empty body", async () => {
    const source = Readable.from([Buffer.from("gone")]);
    for await (const _ of source);
    const body = streamed(source);
    expect(body.replayable).toBe(false);
    expect((await readAll(body.open())).failure).toBe("proxy_configuration_error");
  });

  it("may report an error late, when nobody listens any more", async () => {
    const source = new PassThrough({ autoDestroy: false });
    const body = streamed(source);
    source.end("all");
    await readAll(body.open());
    expect(() => source.emit("error", new Error("late"))).not.toThrow();
  });
});

describe("the source", () => {
  it("is pulled, never pushed: a reader that takes nothing leaves it where it is", async () => {
    let given = 0;
    const source = new Readable({
      highWaterMark: 1_024,
      read() {
        given += 1_024;
        this.push(given > 1_000_000 ? null : Buffer.alloc(1_024));
      },
    });
    const body = streamed(source);
    const reader = body.open() as Readable;
    reader.once("readable", () => {});
    for (let count = 0; count < 50; count += 1) await turn();
    expect(given).toBeLessThan(64 * 1_024);
    expect((await readAll(reader)).text).toHaveLength(999_424);
  });

  it("is asked for its first byte once, when an attempt first wants one", async () => {
    let asked = 0;
    const source = new PassThrough();
    const onDemand = (): void => {
      asked += 1;
    };
    const body = streamed(source, { onDemand });
    await turn();
    expect(asked).toBe(0);
    await readSome(body.open());
    expect(asked).toBe(1);
    const second = readAll(body.open());
    source.end("x");
    await second;
    await readAll(body.open());
    expect(asked).toBe(1);
  });

  it("is waited for only while a reader wants what has not come yet", async () => {
    const source = new PassThrough();
    const body = streamed(source);
    expect(body.waitsForSource).toBe(false);
    const reader = body.open() as Readable;
    reader.on("data", () => {});
    await turn();
    expect(body.waitsForSource).toBe(true);
    source.end("x");
    await turn();
    expect(body.waitsForSource).toBe(false);
  });

  it("keeps no listeners of a body that is over, but for late errors", async () => {
    const source = new PassThrough();
    const before = countListeners(source);
    const body = streamed(source);
    source.end("x");
    await readAll(body.open());
    expect(countListeners(source) - before).toBe(1);
  });
});

describe("a body that is released", () => {
  it("throws away what is still coming, so that its connection can go on", async () => {
    const source = new PassThrough();
    const body = streamed(source);
    const reader = body.open() as Readable;
    body.release();
    expect(reader.destroyed).toBe(true);
    source.end(Buffer.alloc(100_000));
    for (let count = 0; count < 5; count += 1) await turn();
    expect(source.readableEnded).toBe(true);
  });

  it("is left alone when it has ended or broken", async () => {
    const ended = Readable.from([Buffer.from("a")]);
    const body = streamed(ended);
    await readAll(body.open());
    body.release();
    const broken = new PassThrough();
    const other = streamed(broken);
    broken.destroy();
    await turn();
    expect(() => other.release()).not.toThrow();
    expect(() => ReplayBody.fromBuffer(Buffer.from("a")).release()).not.toThrow();
  });

  it("survives an error of its source", async () => {
    const source = new PassThrough();
    const body = streamed(source);
    body.release();
    source.destroy(new Error("reset"));
    await turn();
    expect(source.destroyed).toBe(true);
  });
});

describe("a body that is here already", () => {
  it("is complete, replayable and the very bytes, as often as it is opened", () => {
    const bytes = Buffer.from("here");
    const body = ReplayBody.fromBuffer(bytes);
    expect(body.complete).toBe(true);
    expect(body.replayable).toBe(true);
    expect(body.bytesRead).toBe(4);
    expect(body.open()).toBe(bytes);
    expect(body.open()).toBe(bytes);
  });

  it("may be empty", () => {
    const body = ReplayBody.fromBuffer(Buffer.alloc(0));
    expect((body.open() as Buffer).byteLength).toBe(0);
  });
});

describe("a large body that is here already", () => {
  it("is given in pieces, to each attempt from its start", async () => {
    const bytes = Buffer.alloc(300_000, "abc");
    const body = ReplayBody.fromBuffer(bytes);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const opened = body.open();
      expect(Buffer.isBuffer(opened)).toBe(false);
      const pieces = (await (opened as Readable).toArray()) as Buffer[];
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    }
    expect(body.complete).toBe(true);
  });
});

describe("text from a source with an encoding", () => {
  it("is sent in the bytes that it came in", async () => {
    const source = new PassThrough();
    source.setEncoding("base64");
    const body = streamed(source);
    source.end(Buffer.from([1, 2, 3, 250, 251, 252]));
    const { text } = await readAll(body.open());
    expect(Buffer.from(text, "latin1")).toEqual(Buffer.from([1, 2, 3, 250, 251, 252]));
  });
});

function countListeners(source: Readable): number {
  return source.eventNames().reduce((sum, name) => sum + source.listenerCount(name), 0);
}
