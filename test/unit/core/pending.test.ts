/** An outcome that is still to come: told at once and in order, or awaited like a promise. */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/core/outcome.js";
import { type Holder, Pending } from "../../../src/core/pending.js";

const ANSWER: Outcome<never> = { kind: "no_response", failure: { code: "connection_refused" } };
const OTHER: Outcome<never> = { kind: "no_response", failure: { code: "dns_error" } };
const BUG = new Error("a bug");

/** A holder that gives another outcome, unless something was thrown. */
function instead(replace: () => Promise<Outcome<never>> | null): Holder<null> {
  return { known: (_, __, isStray) => (isStray ? null : replace()), over: null };
}

describe("an outcome that is still to come", () => {
  it("tells its listeners at once, in the order in which they came", () => {
    const pending = new Pending<never>();
    const told: unknown[] = [];
    pending
      .subscribe((outcome) => told.push(1, outcome))
      .subscribe((outcome) => told.push(2, outcome));
    expect(told).toEqual([]);
    pending.settle(ANSWER);
    expect(told).toEqual([1, ANSWER, 2, ANSWER]);
  });

  it("tells whoever comes after it is known at once, too", () => {
    const told: unknown[] = [];
    Pending.settled(ANSWER).subscribe((outcome) => told.push(outcome));
    expect(told).toEqual([ANSWER]);
  });

  it("keeps its first outcome", async () => {
    const pending = new Pending<never>();
    pending.settle(ANSWER);
    pending.settle(OTHER);
    expect(await pending).toBe(ANSWER);
  });

  it("is awaited, caught and finished like a promise", async () => {
    const seen: string[] = [];
    const pending = Pending.settled(ANSWER);
    expect(await pending.finally(() => seen.push("over"))).toBe(ANSWER);
    expect(await pending.catch(() => seen.push("caught"))).toBe(ANSWER);
    expect(await pending.then(({ kind }) => kind)).toBe("no_response");
    expect(seen).toEqual(["over"]);
    expect(String(pending)).toBe("[object Pending]");
  });

  it("is made of any promise, and is the same when it is one already", async () => {
    expect(await Pending.of(Promise.resolve(ANSWER))).toBe(ANSWER);
    const pending = new Pending<never>();
    expect(Pending.of(pending)).toBe(pending);
  });

  it("is kept, or replaced by what comes instead", async () => {
    expect(
      await Pending.settled(ANSWER).inform(
        instead(() => null),
        null,
      ),
    ).toBe(ANSWER);
    expect(
      await Pending.settled(ANSWER).inform(
        instead(() => Promise.resolve(OTHER)),
        null,
      ),
    ).toBe(OTHER);
  });
});

describe("an outcome that is replaced", () => {
  it("is told to those before it, and what comes instead to those behind, in order", async () => {
    const pending = new Pending<never>();
    const told: string[] = [];
    const note = (name: string) => (outcome: Outcome<never>) => {
      if (outcome.kind === "no_response") told.push(`${name} ${outcome.failure.code}`);
    };
    const coming = new Pending<never>();
    pending.subscribe(note("before"));
    pending
      .inform(
        instead(() => coming),
        null,
      )
      .subscribe(note("behind"));
    pending.settle(ANSWER);
    pending.subscribe(note("late"));
    // Who made it has no further say in it.
    pending.settle(ANSWER);
    expect(told).toEqual(["before connection_refused"]);
    coming.settle(OTHER);
    expect(told.slice(1)).toEqual(["behind dns_error", "late dns_error"]);
    expect(await pending.asPromise()).toBe(OTHER);
  });

  it("rejects with what was thrown on the way to what comes instead", async () => {
    const replaced = Pending.settled(ANSWER).inform(
      instead(() => Promise.reject(BUG)),
      null,
    );
    await expect(replaced.asPromise()).rejects.toBe(BUG);
  });
});

describe("what is thrown on the way", () => {
  it("by a listener reaches those behind it as our own fault, and nobody before it", () => {
    const pending = new Pending<never>();
    const told: string[] = [];
    const note = (outcome: Outcome<never>): void => {
      if (outcome.kind === "no_response") told.push(outcome.failure.code);
    };
    pending.subscribe(note).subscribe(() => {
      throw BUG;
    });
    pending.subscribe(note).settle(ANSWER);
    expect(told).toEqual(["connection_refused", "proxy_internal_error"]);
  });

  it("by a listener gives up the answer that nobody will deliver", () => {
    let discarded = 0;
    const discard = async (): Promise<void> => {
      discarded += 1;
    };
    const response = { discard };
    const pending = new Pending<never>();
    pending.subscribe(() => {
      throw BUG;
    });
    pending.settle({ kind: "success", response } as unknown as Outcome<never>);
    expect(discarded).toBe(1);
  });

  it("by a step is told as our own fault, and rejects for who awaits", async () => {
    const pending = Pending.of<never>(Promise.reject(BUG));
    let asked = 0;
    const asking = instead(() => {
      asked += 1;
      return null;
    });
    const replaced = pending.inform(asking, null);
    await expect(replaced).rejects.toBe(BUG);
    await expect(pending).rejects.toBe(BUG);
    expect(asked).toBe(0);
  });

  it.each([
    ["a promise that rejects", () => Promise.reject<Outcome<never>>(BUG)],
    [
      "what it throws at once",
      () => {
        throw BUG;
      },
    ],
  ])("rejects nobody at the top of the pipe: %s", async (_, step) => {
    const outcome = await Pending.safely<null, never>(step, null);
    expect(outcome).toMatchObject({ failure: { code: "proxy_internal_error", cause: BUG } });
  });
});
