/** Who ended it before its time: the first, once, and told to everybody who listens. */
import { describe, expect, it } from "vitest";
import { Cancellation, type CutBy } from "../../../src/core/cancellation.js";

describe("a cancellation", () => {
  it("belongs to the first who cuts", () => {
    const cancellation = new Cancellation();
    expect(cancellation.by).toBeNull();
    cancellation.cut("timeout");
    cancellation.cut("client");
    expect(cancellation.by).toBe("timeout");
  });

  it("is told to everybody, in the order they came, and once", () => {
    const cancellation = new Cancellation();
    const told: string[] = [];
    for (const name of ["a", "b", "c"]) cancellation.add((by) => told.push(`${name} ${by}`));
    cancellation.cut("deadline");
    cancellation.cut("client");
    expect(told).toEqual(["a deadline", "b deadline", "c deadline"]);
    expect(cancellation.listening).toBe(0);
  });

  it("is told at once to whoever comes later, who is then not kept", () => {
    const cancellation = new Cancellation();
    cancellation.cut("shutdown");
    const told: CutBy[] = [];
    cancellation.add((by) => told.push(by));
    expect(told).toEqual(["shutdown"]);
    expect(cancellation.listening).toBe(0);
  });

  it("knows who is noted before anybody is told", () => {
    const cancellation = new Cancellation();
    let seen: CutBy | null = null;
    cancellation.add(() => {
      seen = cancellation.by;
    });
    cancellation.cut("client");
    expect(seen).toBe("client");
  });

  it("is not told to who has left; the others stay", () => {
    const cancellation = new Cancellation();
    const told: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((name) => () => void told.push(name));
    for (const listener of [a, b, c]) cancellation.add(listener as () => void);
    cancellation.remove(b as () => void);
    cancellation.remove(() => {});
    expect(cancellation.listening).toBe(2);
    cancellation.cut("client");
    expect(told).toEqual(["a", "c"]);
  });

  it("keeps nobody when the last has left, and leaving twice does no harm", () => {
    const cancellation = new Cancellation();
    const listener = (): void => {};
    cancellation.remove(listener);
    cancellation.add(listener);
    cancellation.remove(listener);
    cancellation.remove(listener);
    expect(cancellation.listening).toBe(0);
    cancellation.cut("client");
    cancellation.remove(listener);
    expect(cancellation.by).toBe("client");
  });

  it("may be joined and left while it is being told", () => {
    const cancellation = new Cancellation();
    const told: string[] = [];
    const first = (): void => {
      told.push("first");
      cancellation.remove(first);
      cancellation.add(() => void told.push("late"));
    };
    cancellation.add(first);
    cancellation.add(() => void told.push("second"));
    cancellation.cut("client");
    expect(told).toEqual(["first", "late", "second"]);
    expect(cancellation.listening).toBe(0);
  });
});
