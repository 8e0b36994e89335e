import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { DASHBOARD } from "../../../src/catalog/dashboard-defaults.js";
import { viewers } from "../../../src/dashboard/viewers.js";
import { virtualClock } from "../../../src/testing/index.js";

/** An answer of which a test sees what was written, and says how much of it was read. */
function answer() {
  const written: string[] = [];
  const made = Object.assign(new EventEmitter(), {
    writableLength: 0,
    writeHead: () => made,
    write: (text: string) => written.push(text) > 0,
    end: (text: string) => void written.push(text),
  });
  const events = () => written.map((text) => /^event: (\w+)/.exec(text)?.[1]);
  return { made, res: made as unknown as ServerResponse, written, events };
}

function world(max = 2) {
  const clock = virtualClock();
  const looks = { whole: 0, update: 0 };
  const feed = {
    whole: () => `{"whole":${++looks.whole}}`,
    update: () => `{"update":${++looks.update}}`,
  };
  return { clock, looks, all: viewers(clock, feed, max) };
}

const { tickMs, unreadBytesMax } = DASHBOARD;

describe("the viewers of a dashboard", () => {
  it("are told everything once, and each second what has changed, from one look", async () => {
    const { clock, looks, all } = world();
    const [one, two] = [answer(), answer()];
    all.add(one.res);
    await clock.advance(tickMs * 2);
    all.add(two.res);
    await clock.advance(tickMs);
    expect(one.events()).toEqual(["whole", "update", "update", "update"]);
    expect(two.written).toEqual([
      'event: whole\ndata: {"whole":2}\n\n',
      'event: update\ndata: {"update":3}\n\n',
    ]);
    expect(looks).toEqual({ whole: 2, update: 3 });
  });

  it("are so many and no more, and one who leaves makes room", () => {
    const { all } = world(2);
    const [one, two] = [answer(), answer()];
    all.add(one.res);
    expect(all.full).toBe(false);
    all.add(two.res);
    expect(all.full).toBe(true);
    one.made.emit("close");
    expect([all.full, all.count]).toEqual([false, 1]);
  });

  it("leave no timer behind, and nobody looks at the gateway without them", async () => {
    const { clock, looks, all } = world();
    expect(clock.pending()).toBe(0);
    const one = answer();
    all.add(one.res);
    expect(clock.pending()).toBe(1);
    one.made.emit("close");
    expect(clock.pending()).toBe(0);
    await clock.advance(tickMs * 5);
    expect(looks.update).toBe(0);
    all.add(answer().res);
    await clock.advance(tickMs);
    expect(looks.update).toBe(1);
  });

  it("who do not read are left out until they have, and are told everything anew", async () => {
    const { clock, all } = world();
    const slow = answer();
    all.add(slow.res);
    slow.made.writableLength = unreadBytesMax + 1;
    await clock.advance(tickMs * 3);
    expect(slow.events()).toEqual(["whole"]);
    slow.made.writableLength = 1;
    await clock.advance(tickMs);
    expect(slow.events()).toEqual(["whole"]);
    slow.made.writableLength = 0;
    await clock.advance(tickMs * 2);
    expect(slow.events()).toEqual(["whole", "whole", "update"]);
  });

  it("are told why it ends, and then nothing is left", () => {
    const { clock, all } = world();
    const one = answer();
    all.add(one.res);
    all.end("draining");
    expect(one.written.at(-1)).toBe('event: end\ndata: {"reason":"draining"}\n\n');
    expect([all.count, clock.pending()]).toEqual([0, 0]);
  });
});
