/**
 * Both styles of the handlers that fetch functions bring; a run of the tests has the built-in fetch
 * of one Node only.
 */
import { describe, expect, it } from "vitest";
import { fetchHandler, whenHandled } from "../../../src/transports/fetch-handler.js";

type Told = (readonly unknown[])[];

interface NewController {
  readonly rawHeaders: readonly Buffer[];
  readonly aborted: boolean;
  abort(reason: unknown): void;
  pause(): void;
  resume(): void;
}

function oldHandler(told: Told) {
  return {
    more: true,
    onConnect: (abort: (reason: unknown) => void) => abort("early"),
    onHeaders(status: number, raw: readonly Buffer[], resume: () => void, text: string): boolean {
      told.push(["head", status, raw.map((one) => one.toString("latin1")), text]);
      resume();
      return true;
    },
    onData(chunk: Buffer): boolean {
      told.push(["data", chunk.toString()]);
      return this.more;
    },
    onComplete: (trailers: readonly Buffer[]) => told.push(["end", trailers.map(String)]),
    onError: (error: unknown) => told.push(["error", error]),
  };
}

function newHandler(told: Told) {
  let kept: NewController;
  return {
    controller: () => kept,
    onRequestStart(controller: NewController): void {
      kept = controller;
      controller.abort("early");
      controller.abort("again");
      told.push(["aborted", controller.aborted]);
    },
    onResponseStart(
      controller: NewController,
      status: number,
      headers: object,
      text: string,
    ): void {
      const raw = controller.rawHeaders.map((one) => one.toString("latin1"));
      told.push(["head", status, raw, text, { ...headers }]);
    },
    onResponseData(controller: NewController, chunk: Buffer): void {
      told.push(["data", chunk.toString()]);
      controller.pause();
    },
    onResponseEnd: (_: NewController, trailers: object) => told.push(["end", { ...trailers }]),
    onResponseError: (_: NewController, error: unknown) => told.push(["error", error]),
  };
}

const FIELDS = ["Set-Cookie", "a=1", "set-cookie", "b=2", "X-Odd", "caf\u00e9"];

describe("a handler in the style of undici 6 and 7", () => {
  it("is told everything in its own words", () => {
    const told: Told = [];
    const handler = oldHandler(told);
    const receiver = fetchHandler(handler);
    let resumed = 0;
    receiver.start((reason) => told.push(["abort", reason]));
    receiver.head(200, FIELDS, "OK", () => {
      resumed += 1;
    });
    expect(receiver.data(Buffer.from("one"))).toBe(true);
    handler.more = false;
    expect(receiver.data(Buffer.from("two"))).toBe(false);
    receiver.end(["x-sum", "1"]);
    receiver.error("broken");
    expect(told).toEqual([
      ["abort", "early"],
      ["head", 200, FIELDS, "OK"],
      ["data", "one"],
      ["data", "two"],
      ["end", ["x-sum", "1"]],
      ["error", "broken"],
    ]);
    expect(resumed).toBe(1);
  });
});

describe("a handler in the style of undici 8", () => {
  it("is told everything in its own words", () => {
    const told: Told = [];
    const handler = newHandler(told);
    const receiver = fetchHandler(handler);
    let resumed = 0;
    receiver.start((reason) => told.push(["abort", reason]));
    receiver.head(200, FIELDS, "OK", () => {
      resumed += 1;
    });
    expect(receiver.data(Buffer.from("one"))).toBe(false);
    handler.controller().resume();
    receiver.end(["X-Sum", "1"]);
    receiver.error("broken");
    expect(told).toEqual([
      ["abort", "early"],
      ["aborted", true],
      ["head", 200, FIELDS, "OK", { "set-cookie": ["a=1", "b=2"], "x-odd": "caf\u00e9" }],
      ["data", "one"],
      ["end", { "x-sum": "1" }],
      ["error", "broken"],
    ]);
    expect(resumed).toBe(1);
  });
});

describe("any handler", () => {
  it("of an unknown style is refused", () => {
    expect(() => fetchHandler({ onSomething: () => {} })).toThrow(TypeError);
  });

  it.each([
    ["onComplete", oldHandler],
    ["onError", oldHandler],
    ["onResponseEnd", newHandler],
    ["onResponseError", newHandler],
  ] as const)("can be watched for its end (%s)", (method, make) => {
    const told: Told = [];
    let over = 0;
    const watched = whenHandled(make(told), () => {
      over += 1;
    });
    const end = (watched as Record<string, (...args: unknown[]) => unknown>)[method];
    end?.(["a", "b"], "c");
    expect([over, told.length]).toEqual([1, 1]);
  });
});
