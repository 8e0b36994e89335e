/** Upstreams of origins that nobody configured: which of them make room, and which never do. */
import { describe, expect, it } from "vitest";
import { madeOrigins } from "../../../src/gateway/origin-index.js";

interface Played {
  readonly name: string;
  busy: boolean;
  closed: number;
  close(): void;
}

function bench(keptMax: number) {
  const gone: string[] = [];
  const made = madeOrigins<Played>(keptMax, ({ name }) => void gone.push(name));
  const origin = (name: string, busy = false): Played => {
    const core: Played = {
      ...{ name, busy, closed: 0 },
      close() {
        core.closed += 1;
      },
    };
    made.add(core);
    return core;
  };
  return { made, gone, origin };
}

describe("upstreams that were made for origins", () => {
  it("make room for the next, the one that was unused for longest first, and are closed", () => {
    const { made, gone, origin } = bench(3);
    const [a, b] = ["a", "b", "c"].map((name) => origin(name)) as [Played, Played];
    made.used(a);
    origin("d");
    expect(gone).toEqual(["b"]);
    expect([a.closed, b.closed]).toEqual([0, 1]);
    origin("e");
    expect(gone).toEqual(["b", "c"]);
  });

  it("stay while calls are under way, however many they are, and go once those are over", () => {
    const { made, gone, origin } = bench(2);
    const busy = ["a", "b", "c", "d"].map((name) => origin(name, true));
    expect(gone).toEqual([]);
    for (const one of busy) one.busy = false;
    made.used(busy[3] as Played);
    expect(gone).toEqual(["a", "b"]);
  });

  it("are the only ones that go: what was configured is none of them", () => {
    const { made, gone } = bench(0);
    made.used({ name: "app", busy: false, closed: 0, close: () => {} });
    expect(gone).toEqual([]);
  });
});
