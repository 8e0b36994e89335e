/**
 * The record of every call, through every server and from code: what it came to, where its time
 * went, and how the client's side ended.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type CallRecord, createGateway, type Gateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { accept, ok, respond } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { afterwards, play, rejection, worldOf } from "./fetch-world.js";
import { exchange, get, rawClient, request } from "./raw-client.js";
import { listening, PROXY_SERVERS } from "./servers.js";
import { inWorld } from "./world.js";

const PLAIN = accept().readHead().send(ok("hello"));
const LOST = accept().readHead().close();
const REPEATS = { retry: { attemptsMax: 2 } } as const;

/** The next records of a gateway, one for each call. */
function recordsOf(gateway: Pick<Gateway, "on">, count: number): Promise<readonly CallRecord[]> {
  const records: CallRecord[] = [];
  return new Promise((resolve) => {
    gateway.on("call:end", (record) => {
      records.push(record);
      if (records.length === count) resolve(records);
    });
  });
}

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  it("a plain call has its answer, its bytes, its phases and who asked", () =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, gateway, upstream }) => {
      const records = recordsOf(gateway, 1);
      const fields = { "user-agent": "curl/8", referer: "http://shop.example/a?token=1" };
      await exchange(port, get("/orders/7?token=secret", { ...fields, "x-request-id": "abc" }));
      const [record] = await records;
      expect(record).toEqual({
        id: "abc",
        upstream: "app",
        kind: "proxy",
        method: "GET",
        path: "/orders/7",
        startedAt: expect.any(Number),
        durationMs: expect.any(Number),
        queuedMs: expect.any(Number),
        priority: "CRITICAL",
        callerAttempt: 1,
        status: 200,
        answeredBy: "upstream",
        receivedStatus: 200,
        code: null,
        blame: null,
        details: null,
        stopReason: null,
        detour: null,
        clientEnd: "complete",
        bytesIn: 0,
        bytesOut: 5,
        attempts: [
          {
            number: 1,
            target: upstream.origin,
            phase: "receive",
            code: null,
            blame: null,
            status: 200,
            reused: false,
            startedMs: expect.any(Number),
            durationMs: expect.any(Number),
            waitedMs: 0,
            timings: {
              queueMs: expect.any(Number),
              connectMs: expect.any(Number),
              secureMs: null,
              sendMs: expect.any(Number),
              waitMs: expect.any(Number),
              receiveMs: expect.any(Number),
            },
            bytesReceived: 5,
          },
        ],
        client: {
          address: expect.stringContaining("127.0.0.1"),
          forwardedFor: "127.0.0.1",
          httpVersion: "1.1",
          host: "shop.example",
          userAgent: "curl/8",
          referer: "http://shop.example/a",
        },
      });
      // Plain data: as JSON it is the same.
      expect(JSON.parse(JSON.stringify(record))).toEqual(record);
      expect(Math.abs((record?.startedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    }));

  it("a call that was repeated has every attempt, and is a success", () =>
    inWorld(serve, { scripts: [LOST, PLAIN], settings: REPEATS }, async ({ port, gateway }) => {
      const records = recordsOf(gateway, 1);
      await exchange(port, get("/"));
      const [record] = await records;
      expect(record).toMatchObject({ status: 200, code: null, stopReason: null, bytesOut: 5 });
      expect(record?.attempts.map(({ code, status }) => code ?? status)).toEqual([
        "connection_terminated",
        200,
      ]);
    }));

  it("an answer of our own has its size, its name, and why there was no more", () =>
    inWorld(serve, { scripts: null }, async ({ port, gateway }) => {
      const records = recordsOf(gateway, 1);
      const answer = await exchange(port, get("/"));
      const [record] = await records;
      expect(record).toMatchObject({
        ...{ status: 502, answeredBy: "gateway", receivedStatus: null, bytesIn: 0 },
        ...{ code: "connection_refused", blame: "upstream", stopReason: "retry_off" },
        ...{ clientEnd: "complete", bytesOut: answer.body.byteLength },
      });
    }));

  it("bytes of both bodies are counted, HEAD has none", () =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .readBody()
            .send(ok("12345678", { connection: "close" }))
            .close(),
          accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n"),
        ],
      },
      async ({ port, gateway }) => {
        const records = recordsOf(gateway, 2);
        await exchange(port, request("PUT", "/", { "content-length": "3" }, "abc"));
        await exchange(port, request("HEAD", "/"));
        expect((await records).map((one) => [one.bytesIn, one.bytesOut])).toEqual([
          [3, 8],
          [0, 0],
        ]);
      },
    ));

  it("what the upstream answered badly is told as received", () =>
    inWorld(
      serve,
      { scripts: [accept().readHead().send(respond(500, "oh"))] },
      async ({ port, gateway }) => {
        const records = recordsOf(gateway, 1);
        await exchange(port, get("/"));
        expect((await records)[0]).toMatchObject({
          ...{ status: 500, receivedStatus: 500, answeredBy: "upstream" },
          ...{ code: "received_server_error", blame: "upstream", clientEnd: "complete" },
        });
      },
    ));

  it("a body that broke under way has the name of what broke it, and the client was cut", () =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
            .wait(20)
            .close(),
        ],
      },
      async ({ port, gateway }) => {
        const records = recordsOf(gateway, 1);
        await exchange(port, get("/")).catch(() => {});
        expect((await records)[0]).toMatchObject({
          ...{ status: 200, answeredBy: "upstream", code: "http_response_incomplete" },
          ...{ clientEnd: "cut", bytesOut: 4 },
        });
      },
    ));

  it("a client that leaves is told as such, before and in the middle of its answer", () =>
    inWorld(
      serve,
      {
        scripts: [
          accept().readHead().hang(),
          accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").hang(),
        ],
      },
      async ({ port, gateway, upstream }) => {
        const records = recordsOf(gateway, 2);
        const early = await rawClient(port);
        early.write(get("/early"));
        while (upstream.requests().length === 0) await new Promise((turn) => setImmediate(turn));
        early.socket.destroy();
        const late = await rawClient(port);
        late.write(get("/late"));
        await late.until("half");
        late.socket.destroy();
        const byPath = Object.fromEntries((await records).map((one) => [one.path, one]));
        const left = { code: "client_closed_request", blame: "client", clientEnd: "aborted" };
        expect(byPath["/early"]).toMatchObject({ ...left, status: null, answeredBy: null });
        expect(byPath["/late"]).toMatchObject({ ...left, status: 200, answeredBy: "upstream" });
      },
    ));

  it("a request that was refused at the door has a record, too", () =>
    inWorld(
      serve,
      { scripts: [], options: { admit: () => ({ refuse: "rate_limited" }) } },
      async ({ port, gateway }) => {
        const records = recordsOf(gateway, 1);
        await exchange(port, get("/x?y"));
        expect((await records)[0]).toMatchObject({
          ...{ method: "GET", path: "/x", status: 429, answeredBy: "gateway", attempts: [] },
          ...{ code: "rate_limited", blame: "client", clientEnd: "complete" },
        });
      },
    ));

  it("an answer that a hook made itself is the application's", () =>
    inWorld(
      serve,
      {
        scripts: null,
        options: {
          onFailure: (_failure, { res }) => void res.writeHead(200).end("sorry"),
        },
      },
      async ({ port, gateway }) => {
        const records = recordsOf(gateway, 1);
        await exchange(port, get("/"));
        expect((await records)[0]).toMatchObject({
          ...{ status: 200, answeredBy: "application", code: "connection_refused" },
        });
      },
    ));
});

describe("calls from code", () => {
  it("a fetch is over with its body", async () => {
    const upstream = await play([PLAIN]);
    const { gateway, orders } = worldOf(upstream.origin);
    const records = recordsOf(gateway, 1);
    await (await gatewayFetch(orders)("/v1?x=1")).text();
    expect((await records)[0]).toMatchObject({
      ...{ kind: "fetch", upstream: "orders", path: "/v1", status: 200, bytesOut: 5 },
      ...{ answeredBy: "upstream", code: null, clientEnd: "complete", client: null },
    });
  });

  it("a fetch that failed, and one that its caller gave up", async () => {
    const upstream = await play([LOST, accept().readHead().hang()]);
    const { gateway, orders } = worldOf(upstream.origin, { retry: false });
    const records = recordsOf(gateway, 2);
    const fetch = gatewayFetch(orders);
    await rejection(fetch("/lost"));
    const controller = new AbortController();
    const given = rejection(fetch("/given-up", { signal: controller.signal }));
    while (upstream.requests().length < 2) await new Promise((turn) => setImmediate(turn));
    controller.abort();
    await given;
    expect(await records).toMatchObject([
      { path: "/lost", code: "connection_terminated", status: null, clientEnd: "complete" },
      { path: "/given-up", code: "client_closed_request", status: null, clientEnd: "aborted" },
    ]);
  });

  it("a send is over with its body, whoever reads it", async () => {
    const upstream = await play([PLAIN]);
    const { gateway, orders } = worldOf(upstream.origin);
    const records = recordsOf(gateway, 1);
    const outcome = await orders.send({ method: "POST", path: "/", body: "abc" });
    if (outcome.kind === "success") await outcome.response.body.text();
    expect((await records)[0]).toMatchObject({ kind: "send", method: "POST", bytesIn: 3 });
  });
});

describe("an upgrade", () => {
  const ask = request("GET", "/chat?x", { connection: "upgrade", upgrade: "websocket" });
  const serving = async (gateway: Gateway<"orders">) => {
    const proxy = nodeProxy(gateway.upstream("orders"));
    const server = await listening(proxy);
    server.server.on("upgrade", proxy.upgrade);
    afterwards(() => server.close());
    return server.port;
  };

  it("is over with its tunnel", async () => {
    const head =
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    const upstream = await play([accept().readHead().send(head).readBytes(4).send("pong").close()]);
    const { gateway } = worldOf(upstream.origin);
    const records = recordsOf(gateway, 1);
    const client = await rawClient(await serving(gateway));
    client.write(ask);
    await client.until("101");
    client.write("ping");
    await client.until("pong");
    client.socket.end();
    expect((await records)[0]).toMatchObject({
      ...{ kind: "upgrade", path: "/chat", status: 101, code: null, answeredBy: "upstream" },
    });
  });

  it("that was refused has the answer that the client got", async () => {
    const upstream = await play([accept().readHead().send(respond(403, "no"))]);
    const { gateway } = worldOf(upstream.origin);
    const records = recordsOf(gateway, 1);
    await exchange(await serving(gateway), ask);
    expect((await records)[0]).toMatchObject({
      ...{ kind: "upgrade", status: 403, code: "upgrade_refused", answeredBy: "upstream" },
    });
  });
});

describe("the diagnostics channel", () => {
  it("has the same record, for whoever knows no gateway", async () => {
    const upstream = await play([PLAIN]);
    const gateway = createGateway({ upstreams: { app: { targets: upstream.origin } } });
    afterwards(() => gateway.close());
    const told: unknown[] = [];
    const onRecord = (message: unknown): void => void told.push(message);
    subscribe("good-gateway:call:end", onRecord);
    afterwards(() => unsubscribe("good-gateway:call:end", onRecord));
    await (await gatewayFetch(gateway.upstream("app"))("/")).text();
    expect(told).toMatchObject([{ kind: "fetch", upstream: "app", status: 200 }]);
  });
});
