import { describe, expect, it, vi } from "vitest";
import { InvariantError } from "../../../src/base/invariant.js";
import { freePermit, neverAgain, onceOnly, permitOf } from "../../../src/base/permit.js";

describe("permitOf", () => {
  it("passes on the first verdict and ignores the second", () => {
    const settle = vi.fn();
    const permit = permitOf(settle);
    permit.settle("failure");
    permit.settle("success");
    expect(settle.mock.calls).toEqual([["failure"]]);
  });

  it("hands a second verdict to whoever wants to know of it", () => {
    const again = vi.fn();
    const permit = permitOf(() => {}, again);
    permit.settle("neutral");
    expect(again).not.toHaveBeenCalled();
    permit.settle("success");
    expect(again.mock.calls).toEqual([["success"]]);
  });

  it("is settled already while its first verdict is being passed on", () => {
    const settle = vi.fn(() => permit.settle("success"));
    const permit = permitOf(settle);
    permit.settle("failure");
    expect(settle).toHaveBeenCalledOnce();
  });

  it("can make a second verdict an error, as tests want it", () => {
    const permit = permitOf(() => {}, neverAgain);
    permit.settle("success");
    expect(() => permit.settle("success")).toThrow(InvariantError);
  });

  it("has a form that costs nothing and takes any verdict any number of times", () => {
    expect(() => {
      freePermit.settle("failure");
      freePermit.settle("failure");
    }).not.toThrow();
  });
});

describe("onceOnly", () => {
  it("calls with the arguments of the first call and never again", () => {
    const fn = vi.fn();
    const again = vi.fn();
    const once = onceOnly<[number, string]>(fn, again);
    once(1, "a");
    once(2, "b");
    expect(fn.mock.calls).toEqual([[1, "a"]]);
    expect(again.mock.calls).toEqual([[2, "b"]]);
  });
});
