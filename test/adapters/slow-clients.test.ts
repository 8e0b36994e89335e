/**
 * Many clients that trickle, and a few connections to the upstream that all of them want: they
 * lose them, nobody blames the upstream, and whoever comes with a whole request is served.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type UpstreamOptions } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";
import { answerOf, exchange, get, type RawClient, rawClient, request } from "./raw-client.js";
import { PROXY_SERVERS } from "./servers.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const SLOW = 12;
const PLACES = 4;
/** More than all buffers on the way hold. */
const MUCH = Buffer.alloc(30_000_000, "x");

async function upstream(): Promise<string> {
  const server = createServer((req, res) => {
    if (req.url === "/much") res.end(MUCH);
    else req.resume().once("end", () => res.end("served"));
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function world(serve: (typeof PROXY_SERVERS)[string], timeouts: UpstreamOptions["timeouts"]) {
  const app = {
    targets: await upstream(),
    timeouts: { connectMs: 15_000, totalMs: 20_000, ...timeouts },
    // A rate that nobody reaches, and fewer connections than there are slow clients.
    limits: { connectionsMax: PLACES, clientBytesPerSecondMin: 1_000_000_000 },
    bulkhead: { concurrencyMax: PLACES, queueMs: 15_000 },
    breaker: { consecutiveFailures: 1 },
  };
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  const running = await serve(gateway.upstream("app"), {});
  const ended: unknown[] = [];
  gateway.on("attempt:end", ({ attempt }) => void ended.push(attempt.code));
  cleanUps.push(async () => {
    await running.close();
    gateway.close();
  });
  return { port: running.port, gateway, ended };
}

async function slowClients(
  port: number,
  first: string,
  count = SLOW,
): Promise<readonly RawClient[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const client = await rawClient(port);
      cleanUps.push(() => client.socket.destroy());
      client.write(first);
      return client;
    }),
  );
}

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  it("clients that trickle their bodies hold no connection", async () => {
    const { port, gateway, ended } = await world(serve, { clientMs: 200 });
    const slow = await slowClients(port, request("POST", "/", { "content-length": "100000" }));
    const trickle = setInterval(() => {
      for (const client of slow) client.write("x");
    }, 20);
    cleanUps.push(() => clearInterval(trickle));
    const answer = await exchange(port, request("POST", "/", { "content-length": "5" }, "hello"));
    expect(answer).toMatchObject({ status: 200, text: "served" });
    const all = slow.map(async (client) => {
      await client.until("\r\n\r\n");
      return answerOf(client.received());
    });
    for (const one of await Promise.all(all)) {
      expect(one.status).toBe(408);
      expect(one.field("proxy-status")).toContain("code=request_body_timeout");
    }
    await expect.poll(() => gateway.upstream("app").targets[0]?.pending).toBe(0);
    expect(new Set(ended)).toEqual(new Set(["request_body_timeout", null]));
    // The breaker would have opened at the first failure of the upstream.
    expect(gateway.upstream("app").targets[0]?.breaker).not.toBe("open");
  });

  it("clients that do not take their answers hold no connection", async () => {
    const { port, gateway, ended } = await world(serve, { clientMs: 200, idleMs: 15_000 });
    const slow = await slowClients(port, get("/much"));
    for (const client of slow) client.socket.pause();
    const answer = await exchange(port, get("/"));
    expect(answer).toMatchObject({ status: 200, text: "served" });
    await expect.poll(() => ended.length, { timeout: 15_000 }).toBeGreaterThan(2);
    expect(new Set(ended)).toEqual(new Set(["client_stalled", null]));
    for (const client of slow) client.socket.destroy();
    await expect.poll(() => gateway.upstream("app").targets[0]?.pending).toBe(0);
  });
});

it("an upload that its caller's deadline ends is no fault of the upstream", async () => {
  const serve = PROXY_SERVERS["node:http"] as (typeof PROXY_SERVERS)[string];
  const trusting: typeof serve = (upstream) => serve(upstream, { forwarded: { trust: true } });
  const { port, gateway } = await world(trusting, { clientMs: Number.POSITIVE_INFINITY });
  const fields = { "content-length": "9", "x-envoy-expected-rq-timeout-ms": "300" };
  const [client] = await slowClients(port, request("POST", "/", fields), 1);
  await client?.until("\r\n\r\n");
  expect(client?.received().toString("latin1")).toContain("code=request_body_timeout");
  expect(gateway.upstream("app").targets[0]?.breaker).not.toBe("open");
});
