/**
 * Listeners of a call's events run in the asynchronous context in which the call began, though the
 * bytes that end it come over a connection that another call has opened.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import { createGateway, type Gateway, type Upstream } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { gatewayInterceptor } from "good-gateway/undici";
import { Agent, fetch as undiciFetch } from "undici";
import { describe, expect, it } from "vitest";
import { listening } from "./servers.js";

const CALLS = 20;
const EVENTS = ["call:end", "call:outcome", "attempt:end"] as const;

type Ask = (path: string) => Promise<unknown>;
type Door = (gateway: Gateway<"api">, upstream: Upstream, url: string) => Ask;

const DOORS: Readonly<Record<string, Door>> = {
  gatewayFetch(_gateway, upstream) {
    const fetch = gatewayFetch(upstream);
    return async (path) => (await fetch(path)).text();
  },
  send: (_gateway, upstream) => async (path) => {
    const outcome = await upstream.send({ path });
    return outcome.kind === "no_response" ? null : outcome.response.body.text();
  },
  gatewayInterceptor(gateway, _upstream, url) {
    const dispatcher = new Agent().compose(gatewayInterceptor(gateway));
    return async (path) => (await undiciFetch(url + path, { dispatcher })).text();
  },
};

describe("listeners run in the context of their call", () => {
  it.each(Object.entries(DOORS))("%s", async (_name, door) => {
    const origin = await slowOrigin();
    const url = `http://127.0.0.1:${origin.port}`;
    const gateway = gatewayTo(url);
    const context = new AsyncLocalStorage<string>();
    const seen = watch(gateway, context);
    const ask = door(gateway, gateway.upstream("api"), url);
    const paths = Array.from({ length: CALLS }, (_, index) => `/${index}`);
    await Promise.all(paths.map((path) => context.run(path, () => ask(path))));
    await expect.poll(() => seen.length).toBe(CALLS * EVENTS.length);
    expect(seen.filter(({ path, store }) => path !== store)).toEqual([]);
    gateway.close();
    await origin.close();
  });

  it("nodeProxy, refusals included", async () => {
    const origin = await slowOrigin();
    const gateway = gatewayTo(`http://127.0.0.1:${origin.port}`);
    const context = new AsyncLocalStorage<string>();
    const seen = watch(gateway, context);
    const proxy = nodeProxy(gateway.upstream("api"), {
      admit: ({ url }: IncomingMessage) =>
        url?.endsWith("5") === true ? { refuse: "maintenance" } : null,
    });
    const server = await listening((req, res) =>
      context.run(req.url as string, () => proxy(req, res)),
    );
    const paths = Array.from({ length: CALLS }, (_, index) => `/${index}`);
    await Promise.all(
      paths.map(async (path) => (await fetch(`http://127.0.0.1:${server.port}${path}`)).text()),
    );
    const refused = paths.filter((path) => path.endsWith("5")).length;
    const expected = (CALLS - refused) * EVENTS.length + refused;
    await expect.poll(() => seen.length).toBe(expected);
    expect(seen.filter(({ path, store }) => path !== store)).toEqual([]);
    gateway.close();
    await server.close();
    await origin.close();
  });
});

/** Two connections, so that most calls come over one that another call has opened. */
function gatewayTo(url: string): Gateway<"api"> {
  const limits = { connectionsMax: 2 };
  const timeouts = { connectMs: 20_000 };
  // Calls wait for the two connections, however busy the machine is.
  const bulkhead = { queueMs: 20_000 };
  return createGateway({ upstreams: { api: { targets: url, limits, timeouts, bulkhead } } });
}

function watch(
  gateway: Gateway<"api">,
  context: AsyncLocalStorage<string>,
): { path: string; store: string | undefined }[] {
  const seen: { path: string; store: string | undefined }[] = [];
  const note = (path: string): void => void seen.push({ path, store: context.getStore() });
  gateway.on("call:end", ({ path }) => note(path));
  gateway.on("call:outcome", ({ call }) => note(call.request.path));
  gateway.on("attempt:end", ({ call }) => note(call.request.path));
  return seen;
}

function slowOrigin(): ReturnType<typeof listening> {
  return listening((_req, res) => {
    setImmediate(() => res.end("x".repeat(100_000)));
  });
}
