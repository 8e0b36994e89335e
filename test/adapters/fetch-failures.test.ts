/**
 * `gatewayFetch` when something fails: what it rejects with, what is sent again, who is blamed.
 */
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type FailureCode, GatewayError, isGatewayError } from "good-gateway";
import { type GatewayFetchOptions, gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { accept, fullBacklog, ok, refusingPort, respond, type Script } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { afterwards, play, rejection, type Settings, worldOf } from "./fetch-world.js";

const closing = { connection: "close" };
const answer = (text: string) => accept().readHead().readBody().send(text).close();
const nobody = async () => `http://127.0.0.1:${await refusingPort()}`;
const post = { method: "POST", body: "once" };

describe("a failure", () => {
  it("rejects as a fetch does, and says what failed", async () => {
    const { orders } = worldOf(await nobody(), { retry: false });
    const error = await rejection(gatewayFetch(orders)("/"));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toBeInstanceOf(GatewayError);
    expect(isGatewayError(error)).toBe(true);
    expect((error as TypeError).message).toBe("fetch failed");
    expect((error as TypeError).cause).toMatchObject({ code: "ECONNREFUSED", syscall: "connect" });
    expect(error).toMatchObject({
      code: "connection_refused",
      statusCode: 502,
      attempts: 1,
      failure: { code: "connection_refused", target: orders.targets[0]?.target },
    });
  });

  it("of a name that does not exist is told apart from one of a server", async () => {
    const { orders } = worldOf("http://does-not-exist.invalid", { retry: false });
    const error = await rejection(gatewayFetch(orders)("/"));
    // Without a resolver in reach the answer is another one, and still one of name resolution.
    expect((error as GatewayError).code).toMatch(/^dns_/);
  });

  const exchanges: readonly (readonly [FailureCode, Script])[] = [
    ["connection_terminated", accept().readHead().close()],
    ["connection_terminated", accept().readHead().reset()],
    ["http_protocol_error", accept().readHead().send("SSH-2.0-x\r\n").close()],
    ["http_response_incomplete", accept().readHead().send("HTTP/1.1 200 OK\r\nx: ").close()],
    ["response_status_invalid", accept().readHead().send("HTTP/1.1 999 No\r\n\r\n").close()],
  ];

  it.each(exchanges)("of an exchange is named %s", async (code, script) => {
    const upstream = await play([script]);
    const { orders, ended } = worldOf(upstream.origin, { retry: false });
    expect(await rejection(gatewayFetch(orders)("/"))).toMatchObject({ code, attempts: 1 });
    expect(ended).toEqual([code]);
    expect(orders.targets[0]?.pending).toBe(0);
    await upstream.verify();
  });
});

describe("each timeout has its name", () => {
  const cut = (timeouts: NonNullable<Settings["timeouts"]>): Settings => ({
    retry: false,
    timeouts,
  });

  it("connectMs", async () => {
    const silent = await fullBacklog();
    afterwards(() => silent.close());
    const { orders } = worldOf(silent.origin, cut({ connectMs: 50 }));
    expect(await rejection(gatewayFetch(orders)("/"))).toMatchObject({
      code: "connection_timeout",
    });
  });

  it("responseMs", async () => {
    const upstream = await play([accept().readHead().hang()]);
    const { orders } = worldOf(upstream.origin, cut({ responseMs: 50 }));
    const error = await rejection(gatewayFetch(orders)("/"));
    expect(error).toMatchObject({ code: "http_response_timeout", statusCode: 504 });
    await upstream.verify();
  });

  it("totalMs", async () => {
    const upstream = await play([accept().readHead().hang()]);
    const { orders } = worldOf(upstream.origin, cut({ totalMs: 50 }));
    const error = await rejection(gatewayFetch(orders)("/"));
    expect(error).toMatchObject({ code: "deadline_exceeded" });
    await upstream.verify();
  });

  it("idleMs, which ends a body that says nothing more", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    const upstream = await play([accept().readHead().send(head).hang()]);
    const { orders, ended } = worldOf(upstream.origin, cut({ idleMs: 50 }));
    const response = await gatewayFetch(orders)("/");
    const error = await rejection(response.text());
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).cause).toMatchObject({ code: "connection_read_timeout" });
    expect(ended).toEqual(["connection_read_timeout"]);
    await upstream.verify();
  });

  it("bodyMs", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n";
    const drip = { bytesPerWrite: 1, everyMs: 10 };
    const upstream = await play([
      accept().readHead().send(head).sendSlowly("x".repeat(50), drip).hang(),
    ]);
    const { orders, ended } = worldOf(upstream.origin, cut({ bodyMs: 60 }));
    const response = await gatewayFetch(orders)("/");
    await rejection(response.text());
    expect(ended).toEqual(["response_body_timeout"]);
  });

  it("that one call sets for itself", async () => {
    const upstream = await play([accept().readHead().hang()]);
    const { orders } = worldOf(upstream.origin);
    const init = { gateway: { timeouts: { responseMs: 50 }, retry: false } } as const;
    expect(await rejection(gatewayFetch(orders)("/", init))).toMatchObject({
      code: "http_response_timeout",
      attempts: 1,
    });
  });

  it("that one fetch sets for all its calls", async () => {
    const upstream = await play([accept().readHead().hang()], { loop: true });
    const { orders } = worldOf(upstream.origin);
    const call = gatewayFetch(orders, { timeouts: { responseMs: 50 }, retry: { attemptsMax: 2 } });
    expect(await rejection(call("/"))).toMatchObject({
      code: "http_response_timeout",
      attempts: 2,
    });
    const init = { gateway: { retry: false } } as const;
    expect(await rejection(call("/", init))).toMatchObject({ attempts: 1 });
  });
});

describe("what is sent again", () => {
  it("a GET after 503, and the caller sees the answer that followed", async () => {
    const upstream = await play([
      answer(respond(503, "not yet", closing)),
      answer(ok("now", closing)),
    ]);
    const { orders, ended } = worldOf(upstream.origin);
    const response = await gatewayFetch(orders)("/");
    expect([response.status, await response.text()]).toEqual([200, "now"]);
    expect(ended).toEqual(["received_gateway_error", 200]);
    expect(orders.targets[0]?.pending).toBe(0);
  });

  it("over the same connection, since the answer given up is read to its end", async () => {
    const upstream = await play([
      accept()
        .readHead()
        .send(respond(503, "x".repeat(40_000)))
        .readHead()
        .send(ok("now"))
        .hang(),
    ]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    expect(await response.text()).toBe("now");
    expect(upstream.connections()).toBe(1);
  });

  it("the last answer is the caller's when all are 503", async () => {
    const upstream = await play([answer(respond(503, "busy", closing))], { loop: true });
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    expect([response.status, await response.text()]).toEqual([503, "busy"]);
    expect(upstream.connections()).toBe(3);
  });

  it("no POST that may have been read", async () => {
    const upstream = await play([accept().readHead().readBody().close()]);
    const { orders } = worldOf(upstream.origin);
    const error = await rejection(gatewayFetch(orders)("/", post));
    expect(error).toMatchObject({ code: "connection_terminated", attempts: 1 });
    expect(upstream.connections()).toBe(1);
  });

  it.each([
    ["a key", { ...post, headers: { "idempotency-key": "k" } }],
    ["a promise", { ...post, gateway: { replayable: true } }],
    [
      "a promise for a form",
      {
        method: "POST",
        body: new Blob(["once"]),
        gateway: { replayable: true },
      },
    ],
  ])("a POST with %s of the caller", async (_, init) => {
    const upstream = await play([accept().readHead().readBody().close(), answer(ok("", closing))]);
    const { orders } = worldOf(upstream.origin);
    expect((await gatewayFetch(orders)("/", init)).status).toBe(200);
    expect(upstream.bodies().map(String)).toEqual(["once", "once"]);
  });

  it("a POST that was refused, by the next target", async () => {
    const upstream = await play([answer(ok("taken", closing))]);
    const { orders, ended } = worldOf([await nobody(), { url: upstream.origin, backup: true }]);
    expect(await (await gatewayFetch(orders)("/", post)).text()).toBe("taken");
    expect(ended).toEqual(["connection_refused", 200]);
    expect(upstream.bodies().map(String)).toEqual(["once"]);
  });

  it("a stream within the cap, and none beyond it", async () => {
    const streamOf = (bytes: number) =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(bytes));
          controller.close();
        },
      });
    const init = (bytes: number) =>
      ({ method: "PUT", body: streamOf(bytes), duplex: "half" }) as const;
    const broken = accept().readHead().readBody().close();
    const upstream = await play([broken, answer(ok("", closing)), broken]);
    const call = gatewayFetch(worldOf(upstream.origin).orders);
    expect((await call("/", init(1_000))).status).toBe(200);
    const error = await rejection(call("/", init(100_000)));
    expect(error).toMatchObject({ code: "connection_terminated", attempts: 1 });
  });

  it("a GET whose connection had grown stale, at no cost", async () => {
    const upstream = await play([
      accept().readHead().send(ok("first")).readHead().close(),
      answer(ok("second", closing)),
    ]);
    const call = gatewayFetch(worldOf(upstream.origin, { retry: { attemptsMax: 1 } }).orders);
    expect(await (await call("/1")).text()).toBe("first");
    expect(await (await call("/2")).text()).toBe("second");
    expect(upstream.requests().map(({ path }) => path)).toEqual(["/1", "/2", "/2"]);
  });
});

describe("a body", () => {
  it.each([
    ["cut short", "content-length: 9\r\n\r\nhalf", ""],
    ["with a chunk that is none", "transfer-encoding: chunked\r\n\r\n3\r\none\r\n", "zz\r\n"],
  ])("%s rejects its reader, names what broke it, and counts", async (_, begin, rest) => {
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const begun = accept().readHead().send(`HTTP/1.1 200 OK\r\n${begin}`).waitFor(gate);
    const upstream = await play([begun.send(rest).close()]);
    const { gateway, orders, ended } = worldOf(upstream.origin);
    const response = await gatewayFetch(orders)("/");
    goOn();
    const error = await rejection(response.text());
    expect(error).toBeInstanceOf(TypeError);
    expect(isGatewayError((error as TypeError).cause)).toBe(true);
    expect(ended).toEqual([((error as TypeError).cause as GatewayError).code]);
    const [target] = gateway.snapshot().upstreams[0]?.targets ?? [];
    expect(target).toMatchObject({
      pending: 0,
      breaker: { routes: [{ route: "GET /", failed: 1 }] },
    });
  });

  it("that cannot be decoded blames the upstream", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\n";
    const upstream = await play([accept().readHead().send(`${head}this is no gzip`).hang()]);
    const { orders, ended, attemptsEnded } = worldOf(upstream.origin);
    const response = await gatewayFetch(orders)("/");
    expect(await rejection(response.text())).toBeInstanceOf(TypeError);
    await attemptsEnded(1);
    expect(ended).toEqual(["http_response_content_coding"]);
    await upstream.verify();
  });

  it("that nobody reads holds its place no longer than idleMs", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    const upstream = await play([
      accept().readHead().send(head).send("x".repeat(1_000_000)).hang(),
    ]);
    const { orders, ended, attemptsEnded } = worldOf(upstream.origin, {
      timeouts: { idleMs: 50 },
      breaker: { consecutiveFailures: 1 },
    });
    const response = await gatewayFetch(orders)("/");
    expect(orders.targets[0]?.pending).toBe(1);
    await attemptsEnded(1);
    expect(ended).toEqual(["client_stalled"]);
    expect(orders.targets[0]).toMatchObject({ breaker: "closed", pending: 0 });
    expect(await rejection(response.text())).toBeInstanceOf(TypeError);
  });

  it("that is cancelled gives its place back at once and blames nobody", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    const upstream = await play([accept().readHead().send(head).hang()]);
    const { orders, ended } = worldOf(upstream.origin, { breaker: { consecutiveFailures: 1 } });
    const response = await gatewayFetch(orders)("/");
    await response.body?.cancel();
    expect(ended).toEqual(["client_closed_request"]);
    expect(orders.targets[0]).toMatchObject({ breaker: "closed", pending: 0 });
    await upstream.verify();
  });

  it("in a slow reader's hands stays whole when the upstream closes", async () => {
    const size = 200_000;
    const head = `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${size}\r\n\r\n`;
    const upstream = await play([accept().readHead().send(head).send("x".repeat(size)).close()]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    for (let turn = 0; turn < 50; turn += 1) await new Promise((go) => setImmediate(go));
    expect((await response.text()).length).toBe(size);
  });
});

describe("what it shares with the proxies of an upstream", () => {
  it("is the breaker, and it says when to come back", async () => {
    const { orders } = worldOf(await nobody(), {
      retry: false,
      breaker: { consecutiveFailures: 2, openMs: 30_000 },
    });
    const server = createServer(nodeProxy(orders));
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
    afterwards(() => new Promise((closed) => server.close(closed)));
    const { port } = server.address() as AddressInfo;
    const status = await new Promise((resolve) => {
      const agent = false;
      get({ host: "127.0.0.1", port, agent }, (res: IncomingMessage) => {
        res.resume().on("end", () => resolve(res.statusCode));
      });
    });
    expect(status).toBe(502);
    const call = gatewayFetch(orders);
    expect(await rejection(call("/"))).toMatchObject({ code: "connection_refused" });
    const refused = (await rejection(call("/"))) as GatewayError;
    expect(refused).toMatchObject({ statusCode: 503, attempts: 0 });
    expect(refused.failure.retryAfterMs).toBeGreaterThan(1_000);
  });

  it("is the bulkhead, whose place a call holds until its body is read", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const upstream = await play([
      accept().readHead().send(head).waitFor(gate).send("body").readHead().send(ok("x")).hang(),
    ]);
    const { orders } = worldOf(upstream.origin, { bulkhead: { concurrencyMax: 1, queueMax: 0 } });
    const call = gatewayFetch(orders);
    const response = await call("/");
    expect(await rejection(call("/"))).toMatchObject({ code: "bulkhead_full" });
    goOn();
    await response.text();
    expect((await call("/")).status).toBe(200);
  });

  it("is the drain", async () => {
    const { gateway, orders } = worldOf(await nobody());
    await gateway.drain();
    expect(await rejection(gatewayFetch(orders)("/"))).toMatchObject({ code: "draining" });
  });
});

describe('onFailure: "respond"', () => {
  const soft: GatewayFetchOptions = { onFailure: "respond" };

  it("answers with the status that the failure deserves, as a problem", async () => {
    const { orders } = worldOf(await nobody(), { retry: false });
    const response = await gatewayFetch(orders, soft)("/");
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.statusText]).toEqual([502, "Bad Gateway"]);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("proxy-status")).toBeNull();
    expect(await response.json()).toMatchObject({
      status: 502,
      code: "connection_refused",
      blame: "upstream",
      attempts: 1,
    });
  });

  it("says when to come back on every 503, and keeps to the status policy", async () => {
    const { gateway, orders } = worldOf(await nobody(), {}, { statusPolicy: () => 504 });
    expect((await gatewayFetch(orders, soft)("/")).status).toBe(504);
    const other = worldOf(await nobody());
    other.gateway.startMaintenance({ retryAfterMs: 90_000 });
    const response = await gatewayFetch(other.orders, soft)("/", { method: "HEAD" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "90"]);
    expect(await response.text()).toBe("");
    gateway.close();
  });

  it("still rejects with the caller's abort, and with what no fetch can send", async () => {
    const { orders } = worldOf(await nobody());
    const call = gatewayFetch(orders, soft);
    const signal = AbortSignal.abort();
    expect(await rejection(call("/", { signal }))).toBe(signal.reason);
    expect(await rejection(call("/", { method: "TRACE" }))).toBeInstanceOf(TypeError);
  });
});

describe("wrong options", () => {
  const { orders } = worldOf("http://127.0.0.1:9");
  const wrong: readonly (readonly [string, unknown, string])[] = [
    [
      "onFailure",
      { onFailure: "response" },
      'onFailure: "response" is not known; did you mean "respond"?',
    ],
    ["a name", { onfailure: "throw" }, 'onfailure: unknown option; did you mean "onFailure"?'],
    ["fetch", { fetch: "node-fetch" }, 'fetch: "node-fetch" is not a function'],
    ["a timeout", { timeouts: { responseMs: "2s" } }, 'timeouts.responseMs: "2s"'],
    ["a timeout's name", { timeouts: { response: 5 } }, "timeouts.response: unknown option"],
    ["retry", { retry: { attemptsMax: 0 } }, "retry.attemptsMax: 0"],
    [
      "what only an upstream sets",
      { retry: { budgetRatio: 1 } },
      "retry.budgetRatio: is a setting",
    ],
    ["no object", "soft", 'options: "soft" is not an object'],
  ];

  it.each(wrong)("throw at once: %s", (_, options, message) => {
    expect(() => gatewayFetch(orders, options as GatewayFetchOptions)).toThrow(message);
  });

  it("of a call reject", async () => {
    const init = { gateway: { replayble: true } } as object;
    const error = await rejection(gatewayFetch(orders)("/", init));
    expect(String(error)).toContain(
      'gateway.replayble: unknown option; did you mean "replayable"?',
    );
  });

  it("and what is no handle", () => {
    expect(() => gatewayFetch("orders" as never)).toThrow('gateway.upstream("name")');
  });
});
