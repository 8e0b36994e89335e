/**
 * What was reported of other fetches and does not show in a table of answers: aborts that come when
 * there is hardly anything left to abort, and copies of a Request or a Response.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { fetch as undiciFetch } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { foreignFetch } from "../doors/tools/foreign-fetch.js";
import { eventually } from "../gallery/tools/world.js";

const cleanUps: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

async function upstreamOf(server: Server, given?: typeof fetch) {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gateway = createGateway({ name: "edge", upstreams: { app: { targets: origin } } });
  cleanUps.push(() => {
    gateway.close();
    server.close();
    server.closeAllConnections();
  });
  const upstream = gateway.upstream("app");
  return { origin, upstream, fetched: gatewayFetch(upstream, given ? { fetch: given } : {}) };
}

const FETCHES: readonly (readonly [string, typeof fetch | undefined])[] = [
  ["the fetch of Node", undefined],
  ["the fetch of undici", undiciFetch as unknown as typeof fetch],
  ["a foreign fetch", foreignFetch],
];

describe.each(FETCHES)("%s", (_name, given) => {
  // undici#4089
  it.each([0, 100_000])(
    "an abort between a whole answer of %i bytes and its reader settles the reader",
    async (bytes) => {
      const text = "a".repeat(bytes);
      const { fetched, upstream } = await upstreamOf(
        createServer((_req, res) => res.end(text)),
        given,
      );
      const asking = new AbortController();
      const response = await fetched("/", { signal: asking.signal });
      await new Promise((resolve) => setTimeout(resolve, 50));
      asking.abort();
      const read = await response.text().catch((error: Error) => error.name);
      expect(["AbortError", text]).toContain(read);
      await eventually("the call is over", () => upstream.targets[0]?.pending === 0);
    },
  );

  // got#801
  it("an abort before the head ends the call, and the upstream's connection", async () => {
    let left = 0;
    const server = createServer((_req, res) => void res.once("close", () => (left += 1)));
    const { fetched, upstream } = await upstreamOf(server, given);
    const asking = new AbortController();
    const coming = fetched("/", { signal: asking.signal });
    await eventually("it is sent", () => upstream.targets[0]?.pending === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    asking.abort(new Error("enough"));
    await expect(coming).rejects.toThrow("enough");
    await eventually("the upstream is left", () => left === 1);
    expect(upstream.targets[0]?.pending).toBe(0);
  });

  // ky#690, ky#435
  it("a Request whose copy is read later is sent whole, and so is the copy", async () => {
    const lengths: number[] = [];
    const server = createServer((req, res) => {
      let length = 0;
      req.on("data", (chunk: Buffer) => {
        length += chunk.length;
      });
      req.on("end", () => {
        lengths.push(length);
        res.end();
      });
    });
    const { origin, fetched } = await upstreamOf(server, given);
    const init = { method: "POST", body: "a".repeat(300_000) };
    const request = new Request(origin, init);
    const copy = request.clone();
    expect((await fetched(request as never)).status).toBe(200);
    expect((await fetched(copy as never)).status).toBe(200);
    expect(lengths).toEqual([300_000, 300_000]);
  });
});
