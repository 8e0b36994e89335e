/**
 * What stops a fetch function: our dispatcher where it is known to be used, a signal elsewhere.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gatewayFetch } from "good-gateway/fetch";
import { accept, ok, respond } from "good-gateway/testing";
import { fetch as undiciFetch } from "undici";
import { describe, expect, it } from "vitest";
import { afterwards, play, rejection, worldOf } from "./fetch-world.js";

const closing = { connection: "close" };
type Given = { readonly signal?: AbortSignal; readonly dispatcher: object };

describe("a fetch function that may do without our dispatcher", () => {
  it("is given a signal in every call, however often it has used the dispatcher", async () => {
    const upstream = await play([accept().readHead().send(ok("x")).again()]);
    const given: unknown[] = [];
    const wrapped: typeof fetch = (input, init) => {
      given.push(init?.signal);
      return fetch(input, init);
    };
    const call = gatewayFetch(worldOf(upstream.origin).orders, { fetch: wrapped });
    for (const path of ["/1", "/2"]) await (await call(path)).text();
    expect(given).toEqual([expect.any(AbortSignal), expect.any(AbortSignal)]);
  });

  it("hears of a cut, and what it asks for afterwards is not sent", async () => {
    const upstream = await play([accept().readHead().send(ok("x", closing)).close()]);
    let late: Promise<unknown> = Promise.resolve();
    let aborted: unknown = null;
    const slow = ((input, init) => {
      const { signal, dispatcher } = init as unknown as Given;
      return new Promise<Response>((resolve) => {
        signal?.addEventListener("abort", () => {
          aborted = signal.reason;
          late = rejection(fetch(input, { dispatcher } as RequestInit));
          resolve(new Response("nobody reads it"));
        });
      });
    }) as typeof fetch;
    const { orders } = worldOf(upstream.origin, { retry: false, timeouts: { responseMs: 20 } });
    const error = await rejection(gatewayFetch(orders, { fetch: slow })("/"));
    expect(error).toMatchObject({ code: "http_response_timeout" });
    expect(aborted).toBeInstanceOf(Error);
    expect(await late).toBeInstanceOf(TypeError);
    expect(upstream.requests()).toHaveLength(0);
  });
});

describe.each([
  ["the built-in fetch", undefined],
  ["undici's own fetch", undiciFetch as unknown as typeof fetch],
])("%s", (_, given) => {
  const options = given === undefined ? {} : { fetch: given };

  it("is stopped on its way to another origin when the time of the call is over", async () => {
    let left = (): void => {};
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    const other = createServer((req) => void req.socket.once("close", left));
    await new Promise<void>((listening) => void other.listen(0, "127.0.0.1", listening));
    afterwards(() => other.close(() => {}).closeAllConnections());
    const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const upstream = await play([
      accept()
        .readHead()
        .send(respond(302, "", { location, ...closing }))
        .close(),
    ]);
    const { orders } = worldOf(upstream.origin, { retry: false, timeouts: { totalMs: 1_500 } });
    const error = await rejection(gatewayFetch(orders, options)("/"));
    expect(error).toMatchObject({ code: "deadline_exceeded" });
    await gone;
  });

  it("ends a body by the caller's own reason", async () => {
    const controller = new AbortController();
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    const upstream = await play([accept().readHead().send(head).hang()]);
    const { signal } = controller;
    const response = await gatewayFetch(worldOf(upstream.origin).orders, options)("/", { signal });
    const reading = rejection(response.text());
    const reason = new Error("mine");
    controller.abort(reason);
    expect(await reading).toBe(reason);
    await upstream.verify();
  });
});
