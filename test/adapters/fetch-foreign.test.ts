/**
 * Answers of fetch functions that read by themselves, or make their answers up: they stay what they
 * are, end their calls, and keep to the limits.
 */
import { Readable } from "node:stream";
import { type GatewayFetchOptions, gatewayFetch } from "good-gateway/fetch";
import { refusingPort } from "good-gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { collectGarbage, rejection, type Settings, worldOf } from "./fetch-world.js";

function over(answer: () => unknown, settings: Settings = {}, options: GatewayFetchOptions = {}) {
  const world = worldOf("http://api.example", { retry: false, ...settings });
  const own = (async () => answer()) as unknown as typeof fetch;
  const ends: (string | null)[] = [];
  world.gateway.on("call:end", ({ code }) => void ends.push(code));
  return { ...world, ends, call: gatewayFetch(world.orders, { ...options, fetch: own }) };
}

/** Some parts, and then nothing more until it is cancelled. */
function endless(parts: number, cancelled: (reason: unknown) => void = () => {}): ReadableStream {
  let left = parts;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return new Promise(() => {});
      left -= 1;
      controller.enqueue(new Uint8Array(1_000));
      return undefined;
    },
    cancel(reason) {
      cancelled(reason);
      return new Promise(() => {});
    },
  });
}

describe("a call ends", () => {
  it.each([
    ["with its body, read as text", async (answer: Response) => void (await answer.text())],
    [
      "with its body, read by a loop",
      async (answer: Response) => {
        for await (const _part of answer.body as unknown as AsyncIterable<unknown>);
      },
    ],
    [
      "with a clone that was read",
      async (answer: Response) => {
        await Promise.all([answer.clone().text(), answer.text()]);
      },
    ],
  ])("%s", async (_, read) => {
    const { call, ends, orders } = over(() => new Response("made up"));
    const answer = await call("/");
    expect([ends, orders.targets[0]?.pending]).toEqual([[], 1]);
    await read(answer);
    expect([ends, orders.targets[0]?.pending]).toEqual([[null], 0]);
  });

  it.each([
    ["without a body", () => new Response(null, { status: 204 })],
    ["of a test's own making", () => ({ ok: true, json: async () => ({}) })],
    [
      "whose body was read before",
      async () => {
        const answer = new Response("read");
        await answer.text();
        return answer;
      },
    ],
  ])("with the head of an answer %s", async (_, answer) => {
    const { call, ends } = over(answer);
    expect((await call("/")).ok).toBe(true);
    expect(ends).toEqual([null]);
  });

  it("when its body is cancelled, and waits for no cancel() of the function", async () => {
    const reasons: unknown[] = [];
    const { call, ends } = over(() => new Response(endless(1, (reason) => reasons.push(reason))));
    const answer = await call("/");
    await answer.body?.cancel("enough");
    expect([ends, reasons]).toEqual([["client_closed_request"], ["enough"]]);
  });

  it("when its answer was dropped and collected", async () => {
    const { call, orders } = over(() => new Response(endless(1)), {
      bulkhead: { concurrencyMax: 3, queueMax: 0 },
    });
    const forget = async (): Promise<number> => (await call("/")).status;
    for (let round = 0; round < 3; round += 1) await forget();
    await vi.waitUntil(() => {
      collectGarbage();
      return orders.targets[0]?.pending === 0;
    }, 10_000);
    expect((await call("/")).status).toBe(200);
  });

  it("with a body of Node's streams", async () => {
    class NodeResponse {
      readonly status = 200;
      readonly headers = new Map([["x-a", "1"]]);
      readonly body = Readable.from([Buffer.from("of "), Buffer.from("Node")]);
    }
    const { call, ends } = over(() => new NodeResponse());
    const answer = (await call("/")) as unknown as NodeResponse;
    expect(answer).toBeInstanceOf(NodeResponse);
    expect((await answer.body.toArray()).join("")).toBe("of Node");
    await vi.waitUntil(() => ends.length > 0);
    expect(ends).toEqual([null]);
  });
});

describe("an answer stays the function's own", () => {
  class OwnResponse extends Response {
    readonly #secret = 7;
    secret(): number {
      return this.#secret;
    }
  }

  it("by class, address and what was added, in a clone too", async () => {
    const { call } = over(() => {
      const headers = [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ] as [string, string][];
      const made = new OwnResponse("text", { status: 201, statusText: "Made", headers });
      Object.defineProperty(made, "url", { value: "http://api.example/there" });
      Object.defineProperty(made, "redirected", { value: true });
      return Object.assign(made, { mocked: true });
    });
    const answer = (await call("/")) as OwnResponse & { readonly mocked?: boolean };
    const clone = answer.clone() as typeof answer;
    for (const one of [answer, clone]) {
      expect(one).toMatchObject({ status: 201, statusText: "Made", redirected: true });
      expect([one.url, one.mocked]).toEqual(["http://api.example/there", true]);
      expect(one.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
      expect(await one.text()).toBe("text");
    }
    expect(answer).toBeInstanceOf(OwnResponse);
    expect(answer.secret()).toBe(7);
  });
});

describe("limits hold for its body", () => {
  it("responseBodyBytesMax", async () => {
    const limits = { responseBodyBytesMax: 2_500 };
    const reasons: unknown[] = [];
    const { call, ends } = over(() => new Response(endless(9, (r) => reasons.push(r))), { limits });
    const error = await rejection((await call("/")).text());
    expect(error).toMatchObject({ message: "terminated", code: "http_response_body_size" });
    expect([ends, reasons.length]).toEqual([["http_response_body_size"], 1]);
  });

  it("idleMs, for the function and for its reader", async () => {
    const timeouts = { idleMs: 40 };
    const { call, ends } = over(() => new Response(endless(1)), { timeouts });
    const silent = await rejection((await call("/")).text());
    expect(silent).toMatchObject({ code: "connection_read_timeout" });
    await call("/");
    await vi.waitUntil(() => ends.length === 2);
    expect(ends).toEqual(["connection_read_timeout", "client_stalled"]);
  });

  it("the caller's abort, with its reason", async () => {
    const { call, ends } = over(() => new Response(endless(1)));
    const controller = new AbortController();
    const answer = await call("/", { signal: controller.signal });
    const reading = rejection(answer.text());
    const reason = new Error("mine");
    controller.abort(reason);
    expect(await reading).toBe(reason);
    expect(ends).toEqual(["client_closed_request"]);
  });

  it("an error of the function's own stream, which is its reader's", async () => {
    const broken = Object.assign(new Error("x"), { code: "ECONNRESET" });
    const stream = () => new ReadableStream({ pull: (controller) => controller.error(broken) });
    const { call, ends } = over(() => new Response(stream()));
    expect(await rejection((await call("/")).text())).toBe(broken);
    expect(ends).toEqual(["http_response_incomplete"]);
  });
});

it("totalMs ends a call whose answers cannot be cancelled", async () => {
  const { call } = over(() => new Response(endless(1), { status: 503 }), {
    retry: { attemptsMax: 3, backoffBaseMs: 1 },
    timeouts: { totalMs: 2_000 },
  });
  expect((await call("/")).status).toBe(503);
});

it("a function that dispatches and never comes back is given up with its time", async () => {
  const { orders } = worldOf(`http://127.0.0.1:${await refusingPort()}`, {
    retry: false,
    timeouts: { totalMs: 300 },
  });
  const lost = ((input, init) => {
    fetch(input, init).catch(() => {});
    return new Promise(() => {});
  }) as typeof fetch;
  const error = await rejection(gatewayFetch(orders, { fetch: lost })("/"));
  expect(error).toMatchObject({ code: "connection_refused" });
});
