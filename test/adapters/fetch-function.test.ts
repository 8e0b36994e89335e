/**
 * `gatewayFetch` over other fetch functions: undici's own, and such as know no dispatcher.
 */
import { type GatewayFetchOptions, gatewayFetch } from "good-gateway/fetch";
import { accept, ok, refusingPort, respond } from "good-gateway/testing";
import { fetch as undiciFetch } from "undici";
import { describe, expect, it } from "vitest";
import { play, rejection, worldOf } from "./fetch-world.js";

const closing = { connection: "close" };
const answer = (text: string) => accept().readHead().readBody().send(text).close();

/** A fetch as some libraries have it: it takes no dispatcher and opens its own connections. */
const own: typeof fetch = (input, init) => {
  const { dispatcher: _, ...rest } = (init ?? {}) as Record<string, unknown>;
  return fetch(input, rest as RequestInit);
};

describe("undici's own fetch", () => {
  it("goes over the gateway's connections", async () => {
    const upstream = await play([accept().readHead().send(ok("x")).again()]);
    const { orders, ended } = worldOf(upstream.origin);
    const call = gatewayFetch(orders, { fetch: undiciFetch as unknown as typeof fetch });
    await (await call("/")).text();
    await (await call("/", { method: "POST", body: "b" })).text();
    expect(upstream.connections()).toBe(1);
    expect(ended).toEqual([200, 200]);
    expect(orders.targets[0]?.connections).toMatchObject({ open: 1, idle: 1 });
  });
});

describe("a fetch function that knows no dispatcher", () => {
  const options: GatewayFetchOptions = { fetch: own };

  it("answers", async () => {
    const upstream = await play([answer(ok("by itself", closing))]);
    const { orders, ended } = worldOf(upstream.origin);
    const response = await gatewayFetch(orders, options)("/", { method: "POST", body: "b" });
    expect(await response.text()).toBe("by itself");
    expect(ended).toEqual([200]);
    expect(orders.targets[0]).toMatchObject({ pending: 0, connections: { open: 0 } });
  });

  it("sends a stream", async () => {
    const upstream = await play([answer(ok("", closing))]);
    const body = new Blob(["streamed"]).stream() as ReadableStream;
    const init = { method: "POST", body, duplex: "half" as const };
    await gatewayFetch(worldOf(upstream.origin).orders, options)("/", init);
    expect(upstream.bodies().map(String)).toEqual(["streamed"]);
  });

  it("repeats a POST that its error proves unsent, and no other", async () => {
    const upstream = await play([
      answer(ok("taken", closing)),
      accept().readHead().readBody().close(),
    ]);
    const post = { method: "POST", body: "once" };
    const { orders } = worldOf([`http://127.0.0.1:${await refusingPort()}`, upstream.origin]);
    const response = await gatewayFetch(orders, options)("/", post);
    expect(await response.text()).toBe("taken");
    const error = await rejection(
      gatewayFetch(worldOf(upstream.origin).orders, options)("/", post),
    );
    expect(error).toMatchObject({ code: "connection_terminated", attempts: 1 });
  });

  it("repeats a GET after 503", async () => {
    const upstream = await play([
      answer(respond(503, "", { ...closing, "retry-after": "0" })),
      answer(ok("now", closing)),
    ]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders, options)("/");
    expect(await response.text()).toBe("now");
  });

  it("is cut by a timeout, also when it ignores its signal", async () => {
    const deaf: typeof fetch = () => new Promise(() => {});
    const { orders } = worldOf("http://127.0.0.1:9");
    const call = gatewayFetch(orders, { fetch: deaf, timeouts: { responseMs: 30 }, retry: false });
    expect(await rejection(call("/"))).toMatchObject({ code: "http_response_timeout" });
    const controller = new AbortController();
    const promise = call("/", {
      signal: controller.signal,
      gateway: { timeouts: { responseMs: 9_000 } },
    });
    controller.abort();
    expect(await rejection(promise)).toBe(controller.signal.reason);
  });

  it("may throw instead of rejecting", async () => {
    const thrower = (() => {
      throw Object.assign(new Error("x"), { code: "ECONNRESET", syscall: "read" });
    }) as typeof fetch;
    const { orders } = worldOf("http://127.0.0.1:9", { retry: false });
    const error = await rejection(gatewayFetch(orders, { fetch: thrower })("/"));
    expect(error).toMatchObject({ message: "fetch failed", code: "connection_terminated" });
  });

  it("may fail without a code, as the standard allows", async () => {
    const nameless = new TypeError("fetch failed", { cause: new Error("closed") });
    const asked: string[] = [];
    const call = gatewayFetch(
      worldOf("http://127.0.0.1:8080", { retry: { attemptsMax: 2 } }).orders,
      {
        fetch: (async (_, init) => {
          asked.push(init?.method ?? "GET");
          throw nameless;
        }) as typeof fetch,
      },
    );
    const error = await rejection(call("/"));
    expect(error).toMatchObject({ code: "connection_terminated", attempts: 2 });
    expect(await rejection(call("/", { method: "POST" }))).toMatchObject({ attempts: 1 });
    expect(asked).toEqual(["GET", "GET", "POST"]);
  });
});
