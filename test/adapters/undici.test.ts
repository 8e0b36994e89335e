/**
 * Every fetch of a process through a gateway, by one interceptor: with real sockets, for the
 * built-in fetch and for those of undici 7 and 8.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  type CallRecord,
  createGateway,
  type Gateway,
  isGatewayError,
  type UpstreamOptions,
} from "good-gateway";
import {
  accept,
  ok,
  refusingPort,
  respond,
  type Script,
  type ScriptedUpstream,
  scriptedUpstream,
} from "good-gateway/testing";
import { gatewayInterceptor } from "good-gateway/undici";
import { describe, expect, it } from "vitest";
import { CALLERS, type Caller, type UndiciAgent } from "./undici-versions.js";
import { gate } from "./world.js";

interface World {
  readonly gateway: Gateway;
  readonly upstream: ScriptedUpstream;
  readonly origin: string;
  readonly agent: UndiciAgent;
  readonly records: CallRecord[];
  ask(target: string, init?: RequestInit): Promise<Response>;
  /** The error of a fetch that fails. */
  fails(target: string, init?: RequestInit): Promise<FetchError>;
  nextRecord(): Promise<CallRecord>;
}

interface FetchError extends TypeError {
  readonly cause: Error & { readonly code?: unknown; readonly failure?: { code: string } };
}

interface Setup {
  readonly scripts?: readonly Script[];
  readonly settings?: Omit<UpstreamOptions, "targets">;
  readonly origin?: string;
}

const ECHO = accept()
  .readHead()
  .readBody()
  .send((seen) => ok(`${seen?.method} ${seen?.path} ${seen?.body?.toString() ?? ""}`))
  .again();

describe.each(CALLERS)("%s", (_name, caller) => {
  const inWorld = async (setup: Setup, run: (world: World) => Promise<void>): Promise<void> => {
    const { undici, fetch } = caller as Caller;
    const upstream = await scriptedUpstream(setup.scripts ?? []);
    const origin = setup.origin ?? upstream.origin;
    const gateway = createGateway({
      upstreams: { app: { targets: origin, retry: false, ...setup.settings } },
    });
    const records: CallRecord[] = [];
    gateway.on("call:end", (record) => void records.push(record));
    const bare = new undici.Agent();
    const agent = bare.compose(gatewayInterceptor(gateway));
    const ask = (target: string, init: RequestInit = {}): Promise<Response> =>
      fetch(origin + target, { ...init, dispatcher: agent });
    const world: World = {
      ...{ gateway, upstream, origin, agent, records, ask },
      fails: (target, init) =>
        ask(target, init).then(
          () => Promise.reject(new Error("it did not fail")),
          (error: FetchError) => error,
        ),
      nextRecord: () => new Promise((resolve) => gateway.once("call:end", resolve)),
    };
    try {
      await run(world);
    } finally {
      gateway.close();
      await bare.destroy();
      await upstream.close();
    }
  };
  const test = it.skipIf(caller === null);

  test("what it sends and receives is what it was, and a call of the upstream", async () => {
    const script = accept()
      .readHead()
      .readBody()
      .send((seen) => respond(201, `got ${seen?.body?.toString()}`, { "x-a": "1", "x-b": "é" }))
      .again();
    await inWorld({ scripts: [script] }, async ({ ask, upstream, nextRecord }) => {
      const record = nextRecord();
      const init = { method: "POST", headers: { "x-sent": "2" }, body: "text" };
      const answer = await ask("/7?x=1", init);
      expect([answer.status, answer.headers.get("x-a")]).toEqual([201, "1"]);
      expect(await answer.text()).toBe("got text");
      const [seen] = upstream.requests();
      expect([seen?.path, seen?.header("x-sent"), seen?.header("host")]).toEqual([
        "/7?x=1",
        "2",
        new URL(upstream.origin).host,
      ]);
      expect(await record).toMatchObject({
        ...{ upstream: "app", kind: "fetch", path: "/7", status: 201, code: null },
        clientEnd: "complete",
      });
    });
  });

  test("bodies of every kind go up, streams as they come", async () => {
    await inWorld({ scripts: [ECHO, ECHO, ECHO, ECHO] }, async ({ ask }) => {
      const form = new URLSearchParams({ a: "1" });
      const stream = Readable.toWeb(
        Readable.from(["one ", "two"].map((text) => Buffer.from(text))),
      );
      const bodies = [
        [form, "a=1"],
        [Buffer.from("bytes"), "bytes"],
        [new Blob(["blob"]), "blob"],
        [stream, "one two"],
      ] as const;
      for (const [body, text] of bodies) {
        const init = { method: "PUT", body, duplex: "half" } as unknown as RequestInit;
        expect(await (await ask("/7", init)).text()).toBe(`PUT /7 ${text}`);
      }
    });
  });

  test("an answer of some size arrives whole, whoever is slow", async () => {
    const body = "x".repeat(3_000_000);
    const script = accept().readHead().send(ok(body));
    await inWorld({ scripts: [script] }, async ({ ask }) => {
      const answer = await ask("/7");
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect((await answer.text()).length).toBe(body.length);
    });
  });

  test("what is safe to repeat is repeated, and what may act twice is not", async () => {
    const settings = { retry: { attemptsMax: 3, backoffBaseMs: 1 } };
    const scripts = [accept().readHead().close(), ECHO];
    await inWorld({ scripts, settings }, async ({ ask, records }) => {
      expect(await (await ask("/1")).text()).toBe("GET /1 ");
      await expect.poll(() => records.length).toBe(1);
      expect(records[0]?.attempts.map(({ code }) => code)).toEqual(["connection_terminated", null]);
    });
    const post = { method: "POST", body: "x" };
    await inWorld({ scripts, settings }, async ({ fails, upstream }) => {
      const error = await fails("/2", post);
      expect(error.cause.failure?.code).toBe("connection_terminated");
      expect(upstream.requests().length).toBe(1);
    });
    const keyed = { ...post, headers: { "idempotency-key": "7" } };
    await inWorld({ scripts, settings }, async ({ ask }) => {
      expect(await (await ask("/3", keyed)).text()).toBe("POST /3 x");
    });
  });

  test("errors keep their shape and their codes, and have the failure's name", async () => {
    const origin = `http://127.0.0.1:${await refusingPort()}`;
    await inWorld({ origin }, async ({ fails, records }) => {
      const error = await fails("/7");
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe("fetch failed");
      expect(error.cause.code).toBe("ECONNREFUSED");
      expect(error.cause.failure?.code).toBe("connection_refused");
      expect(isGatewayError(error.cause)).toBe(true);
      expect(records[0]).toMatchObject({ code: "connection_refused", status: null });
    });
  });

  test("silence, and a body that stalls or breaks, end by their names", async () => {
    const timeouts = { responseMs: 300, idleMs: 300 };
    const silent = accept().readHead().hang();
    await inWorld({ scripts: [silent], settings: { timeouts } }, async ({ fails }) => {
      const { cause } = await fails("/7");
      expect([cause.code, cause.failure?.code]).toEqual([
        "http_response_timeout",
        "http_response_timeout",
      ]);
    });
    const half = accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    for (const [script, code] of [
      [half.hang(), "connection_read_timeout"],
      [half.close(), "http_response_incomplete"],
    ] as const) {
      await inWorld({ scripts: [script], settings: { timeouts } }, async (world) => {
        const record = world.nextRecord();
        const answer = await world.ask("/7");
        await expect(answer.text()).rejects.toBeInstanceOf(TypeError);
        expect((await record).attempts[0]?.code).toBe(code);
      });
    }
  });

  test("an abort comes back as it is, before the answer and inside of it", async () => {
    const reached = gate();
    const silent = accept()
      .readHead()
      .waitFor(() => reached.open())
      .hang();
    await inWorld({ scripts: [silent] }, async ({ ask, nextRecord, gateway }) => {
      const record = nextRecord();
      const controller = new AbortController();
      const asked = ask("/7", { signal: controller.signal });
      await reached.opened;
      controller.abort();
      await expect(asked).rejects.toMatchObject({ name: "AbortError" });
      expect(await record).toMatchObject({ code: "client_closed_request", clientEnd: "aborted" });
      expect(gateway.upstream("app" as never).targets[0]?.pending).toBe(0);
    });
    const half = accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    await inWorld({ scripts: [half.hang()] }, async ({ ask, nextRecord }) => {
      const record = nextRecord();
      const controller = new AbortController();
      const answer = await ask("/7", { signal: controller.signal });
      controller.abort();
      await expect(answer.text()).rejects.toMatchObject({ name: "AbortError" });
      expect((await record).attempts[0]?.code).toBe("client_closed_request");
    });
  });

  test("an open breaker, maintenance and a drain refuse and send nothing", async () => {
    const origin = `http://127.0.0.1:${await refusingPort()}`;
    const settings = { breaker: { consecutiveFailures: 2, openMs: 60_000 } };
    await inWorld({ origin, settings }, async ({ fails, gateway }) => {
      for (let turn = 0; turn < 2; turn += 1) await fails("/7");
      expect((await fails("/7")).cause.code).toBe("breaker_open");
      gateway.startMaintenance();
      expect((await fails("/7")).cause.code).toBe("maintenance");
      gateway.endMaintenance();
      await gateway.drain();
      expect((await fails("/7")).cause.code).toBe("draining");
    });
  });

  test("redirects are followed, each hop a call of the upstream of its origin", async () => {
    const other = await scriptedUpstream([ECHO]);
    const next = { "/here": "/there", "/there": `${other.origin}/elsewhere` };
    const script = accept()
      .readHead()
      .send((seen) => respond(302, "", { location: next[seen?.path as keyof typeof next] }))
      .again();
    await inWorld({ scripts: [script, script] }, async ({ ask, records }) => {
      expect(await (await ask("/here")).text()).toBe("GET /elsewhere ");
      await expect.poll(() => records.length).toBe(3);
      expect(records.map(({ upstream, path }) => [upstream, path])).toEqual([
        ["app", "/here"],
        ["app", "/there"],
        [other.origin, "/elsewhere"],
      ]);
    });
    await other.close();
  });

  test("request() of undici goes the same way", async () => {
    await inWorld({ scripts: [ECHO] }, async ({ agent, origin, records }) => {
      const { undici } = caller as Caller;
      const options = { method: "PUT", body: "x", headers: ["x-a", "1"], dispatcher: agent };
      const answer = await undici.request(`${origin}/7`, options);
      expect([answer.statusCode, await answer.body.text()]).toEqual([200, "PUT /7 x"]);
      await expect.poll(() => records.length).toBe(1);
    });
  });
});

it("an upgrade, CONNECT and what names no origin pass it by, as they are", () => {
  const gateway = createGateway({ upstreams: { app: { targets: "http://127.0.0.1:9" } } });
  const seen: unknown[][] = [];
  const dispatch = (...args: unknown[]): boolean => seen.push(args) > 0;
  const through = gatewayInterceptor(gateway)(dispatch);
  expect(through.length).toBe(2);
  const origin = "http://127.0.0.1:9";
  const handler = {};
  const asked = [
    { origin, path: "/chat", method: "GET", upgrade: "websocket" },
    { origin, path: "shop.example:443", method: "CONNECT" },
    { path: "/7", method: "GET" },
  ];
  for (const options of asked) through(options, handler);
  expect(seen).toEqual(asked.map((options) => [options, handler]));
  gateway.close();
});

it("targets of one upstream share its calls, below the prefix of each", async () => {
  const [, caller] = CALLERS[0] as (typeof CALLERS)[number];
  const { undici, fetch } = caller as Caller;
  const seen: string[] = [];
  const servers = await Promise.all(
    ["one", "two"].map(async (name) => {
      const server = createServer((req, res) => {
        seen.push(`${name} ${req.url}`);
        res.end();
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const origins = servers.map(
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  const targets = origins.map((origin) => `${origin}/base`);
  const gateway = createGateway({ upstreams: { app: { targets, balance: "round_robin" } } });
  const agent = new undici.Agent().compose(gatewayInterceptor(gateway));
  for (let turn = 0; turn < 2; turn += 1) {
    const answer = await fetch(`${origins[0]}/base/7`, { dispatcher: agent });
    await answer.text();
  }
  expect([...seen].sort()).toEqual(["one /base/7", "two /base/7"]);
  gateway.close();
  await agent.close();
  for (const server of servers) server.close();
});

it("a target over a unix socket is reached, with bodies that only undici can read", async () => {
  const [, caller] = CALLERS[1] as (typeof CALLERS)[number];
  const { undici } = caller as Caller;
  const folder = await mkdtemp(join(tmpdir(), "undici-"));
  const socketPath = join(folder, "app.sock");
  const server = createServer((req, res) => void req.pipe(res)).listen(socketPath);
  await once(server, "listening");
  const target = { url: "http://app.internal", socketPath };
  const gateway = createGateway({ upstreams: { app: { targets: target } } });
  const agent = new undici.Agent().compose(gatewayInterceptor(gateway));
  for (const body of ["text", new Blob(["text"])]) {
    const options = { method: "PUT", body, dispatcher: agent };
    const answer = await undici.request("http://app.internal/7", options);
    expect(await answer.body.text()).toBe("text");
  }
  gateway.close();
  await agent.close();
  server.close();
  await rm(folder, { recursive: true });
});
