/**
 * Fallbacks, choice of an upstream, copies and kept answers against real servers, with what is odd:
 * compressed answers, redirects, uploads that cannot be sent again, callers that leave.
 */
import { once } from "node:events";
import { createServer, get, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { createGateway, type UpstreamOptions } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { afterEach, expect, it } from "vitest";
import { eventually } from "../gallery/tools/world.js";

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:1";

async function gatewayWith(app: UpstreamOptions, spare: UpstreamOptions = { targets: NOWHERE }) {
  const base = { retry: false, probe: false, breaker: false } as const;
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { ...base, ...app }, spare },
    onWarning: () => {},
  });
  cleanUps.push(() => gateway.close());
  const upstream = gateway.upstream("app");
  const proxy = nodeProxy(upstream);
  const origin = await listening((req, res) => proxy(req, res));
  return { gateway, upstream, origin, fetch: gatewayFetch(upstream) };
}

const FRESH = { "cache-control": "max-age=60" };

it("a compressed answer from memory is decoded by the fetch that asks", async () => {
  let asked = 0;
  const targets = await listening((_req, res) => {
    asked += 1;
    res.writeHead(200, { ...FRESH, "content-encoding": "gzip" }).end(gzipSync("hello"));
  });
  const { fetch } = await gatewayWith({ targets, cache: true });
  for (let time = 0; time < 3; time += 1) expect(await (await fetch("/a")).text()).toBe("hello");
  expect(asked).toBe(1);
});

it("a redirect from memory is followed by the fetch that asks, and can be left to it", async () => {
  let asked = 0;
  const targets = await listening((req, res) => {
    asked += 1;
    if (req.url === "/to") res.writeHead(200, FRESH).end("there");
    else res.writeHead(301, { ...FRESH, location: "/to" }).end();
  });
  const { fetch } = await gatewayWith({ targets, cache: true });
  for (let time = 0; time < 2; time += 1) {
    const response = await fetch("/from");
    expect([await response.text(), response.redirected]).toEqual(["there", true]);
  }
  expect((await fetch("/from", { redirect: "manual" })).status).toBe(301);
  expect(asked).toBe(2);
});

it("a client that leaves in the middle of a body keeps nobody from the answer", async () => {
  let asked = 0;
  const targets = await listening((_req, res) => {
    asked += 1;
    res.writeHead(200, FRESH);
    res.write("half ");
    if (asked > 1) res.end("whole");
  });
  const { origin } = await gatewayWith({ targets, cache: true });
  const first = get(`${origin}/a`);
  first.on("error", () => {});
  const [answer] = (await once(first, "response")) as [NodeJS.ReadableStream];
  answer.on("error", () => {});
  await once(answer, "data");
  const second = fetch(`${origin}/a`);
  await eventually("the second one waits", () => asked === 1);
  first.destroy();
  expect(await (await second).text()).toBe("half whole");
  const third = await fetch(`${origin}/a`);
  expect(third.headers.get("cache-status")).toMatch(/^edge; hit; ttl=\d+$/);
  expect([await third.text(), asked]).toEqual(["half whole", 2]);
});

it("a part is asked of the upstream, and does not become the whole", async () => {
  const targets = await listening((req, res) => {
    const isPart = req.headers.range !== undefined;
    const fields = isPart ? { "content-range": "bytes 0-1/5" } : {};
    res.writeHead(isPart ? 206 : 200, { ...FRESH, ...fields }).end(isPart ? "he" : "hello");
  });
  const { origin } = await gatewayWith({ targets, cache: true });
  const headers = { range: "bytes=0-1" };
  const part = await fetch(origin, { headers });
  expect([part.status, await part.text()]).toEqual([206, "he"]);
  expect(part.headers.get("cache-status")).toBe("edge; fwd=bypass; fwd-status=206");
  expect(await (await fetch(origin)).text()).toBe("hello");
  const again = await fetch(origin, { headers });
  expect([again.status, await again.text()]).toEqual([206, "he"]);
});

it("a maintenance is not hidden by what is kept", async () => {
  const targets = await listening((_req, res) => res.writeHead(200, FRESH).end("kept"));
  const { upstream, origin } = await gatewayWith({ targets, cache: true });
  expect((await fetch(origin)).status).toBe(200);
  upstream.startMaintenance();
  expect((await fetch(origin)).status).toBe(503);
  upstream.endMaintenance();
  expect((await fetch(origin)).headers.get("cache-status")).toContain("; hit;");
});

it("an upload that was not kept goes to no other upstream, and the failure says so", async () => {
  let bytes = 0;
  const bad = await listening((req, res) => {
    req.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > 300_000) res.destroy();
    });
  });
  let asked = 0;
  const good = await listening((_req, res) => {
    asked += 1;
    res.end("ok");
  });
  const app = { targets: bad, fallback: { upstream: "spare" } };
  const { origin, gateway } = await gatewayWith(app, { targets: good });
  const records: (string | null)[] = [];
  gateway.on("call:end", ({ stopReason }) => void records.push(stopReason));
  const req = request(`${origin}/up`, { method: "PUT" });
  req.on("error", () => {});
  req.end(Buffer.alloc(1_000_000));
  const [res] = (await once(req, "response")) as [NodeJS.ReadableStream & { statusCode: number }];
  res.resume();
  expect(res.statusCode).toBe(502);
  await eventually("it is over", () => records.length === 1);
  expect([records, asked]).toEqual([["body_not_replayable"], 0]);
});

it("a client that leaves ends its call at the other upstream, too", async () => {
  let closed = 0;
  const hangs = await listening((req) => void req.socket.once("close", () => (closed += 1)));
  const app = { targets: NOWHERE, fallback: { upstream: "spare" } };
  const { origin, gateway } = await gatewayWith(app, { targets: hangs });
  const ends: (string | null)[] = [];
  gateway.on("call:end", ({ upstream, clientEnd }) => void ends.push(`${upstream} ${clientEnd}`));
  const req = get(origin);
  req.on("error", () => {});
  await eventually("it is there", () => gateway.upstream("spare").targets[0]?.pending === 1);
  req.destroy();
  await eventually("both are over", () => ends.length === 2);
  expect(ends.toSorted()).toEqual(["app aborted", "spare aborted"]);
  await eventually("the connection is closed", () => closed === 1);
});

it("an application's answer comes in time, or the failure does", async () => {
  const app = {
    targets: NOWHERE,
    fallback: [
      { on: ["connection_refused"] as const, answer: () => new Promise<null>(() => {}) },
      { answer: () => Promise.reject(new Error("no")) },
    ],
  };
  const { origin } = await gatewayWith(app);
  const response = await fetch(origin);
  expect(response.status).toBe(502);
  expect(response.headers.get("proxy-status")).toContain("code=connection_refused");
});

it("a copy neither waits for a drain's end nor keeps it from its end", async () => {
  const hangs = await listening(() => {});
  const targets = await listening((_req, res) => res.end("ok"));
  const spare = { targets: hangs, timeouts: { totalMs: 60_000, responseMs: 60_000 } };
  const { origin, gateway } = await gatewayWith({ targets, mirror: { to: "spare" } }, spare);
  expect(await (await fetch(origin)).text()).toBe("ok");
  await eventually(
    "the copy is under way",
    () => gateway.upstream("spare").targets[0]?.pending === 1,
  );
  const { cut } = await gateway.drain({ timeoutMs: 5_000 });
  expect(cut).toBe(0);
});

it("what is refused around the pipe has its name in the record", async () => {
  const targets = await listening((_req, res) => res.end("ok"));
  const app = {
    targets,
    cache: true,
    upstreamFor: ({ path }: { path: string }) => (path === "/none" ? "none" : null),
  };
  const { origin, gateway } = await gatewayWith(app);
  const codes: (string | null)[] = [];
  gateway.on("call:end", ({ code }) => void codes.push(code));
  const headers = { "cache-control": "only-if-cached" };
  expect((await fetch(origin, { headers })).status).toBe(504);
  expect((await fetch(`${origin}/none`)).status).toBe(500);
  await eventually("both are over", () => codes.length === 2);
  expect(codes).toEqual(["only_if_cached", "proxy_configuration_error"]);
});
