// A server behind a front: times that are set, settings that are left, and what is watched.

import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer, get, Agent as SecureAgent } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { fastify } from "fastify";
import { afterEach, describe, expect, it, vi } from "vitest";
import { nodeProxy } from "../../../../src/adapters/node.js";
import { createGateway } from "../../../../src/gateway/gateway.js";
import type { GatewayOptions } from "../../../../src/options/options.js";
import type { GatewayEvents } from "../../../../src/records/events.js";
import { prepareServer } from "../../../../src/server/behind/prepare-server.js";
import { testCertificates } from "../../../../src/testing/certificates.js";

const servers = new Set<Server>();

afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers.clear();
});

function world(behind?: NonNullable<GatewayOptions["behind"]>) {
  const warnings: string[] = [];
  const gateway = createGateway({
    upstreams: { orders: { targets: "http://127.0.0.1:9" } },
    ...(behind === undefined ? {} : { behind }),
    onWarning: (message) => warnings.push(message),
  });
  const events: [string, unknown][] = [];
  const listen = <Name extends keyof GatewayEvents>(name: Name) =>
    gateway.on(name, (event) => events.push([name, event]));
  return { gateway, warnings, events, listen };
}

async function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  servers.add(server);
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A client of raw bytes, and what it got. */
async function client(port: number) {
  const socket: Socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  return {
    socket,
    closed,
    get text() {
      return text;
    },
    ask: (more = "") => void socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${more}\r\n`),
    answers: (count: number) =>
      vi.waitFor(() => expect(text.split("HTTP/1.1 ").length - 1).toBe(count), 10_000),
  };
}

/** As Node makes it. */
const defaults = createServer();

describe("the times of a server", () => {
  it("are set where nobody has set them", () => {
    const { gateway, warnings } = world("nginx");
    const server = createServer();
    const { changed } = prepareServer(server, gateway);
    expect(server.keepAliveTimeout).toBeGreaterThanOrEqual(65_000);
    expect(server.headersTimeout).toBeGreaterThan(server.keepAliveTimeout);
    expect(server.requestTimeout).toBe(defaults.requestTimeout);
    expect(changed).toMatchObject({ headersTimeout: 66_000 });
    expect(warnings).toEqual([]);
  });

  it("rest longer than the front does, the head's and the whole request's time, too", () => {
    const { gateway } = world("gcp-lb");
    const server = createServer();
    expect(prepareServer(server, gateway).changed).toEqual({
      keepAliveTimeout: 620_000,
      headersTimeout: 621_000,
      requestTimeout: 621_000,
    });
    expect(server.keepAliveTimeout).toBe(620_000);
  });

  it("are set for https, and for the server of Fastify with its own default", async () => {
    const { gateway } = world("gcp-lb");
    const { key, cert } = testCertificates().valid;
    const secure = createSecureServer({ key, cert });
    prepareServer(secure, gateway);
    expect(secure.keepAliveTimeout).toBe(620_000);
    const app = fastify();
    expect(app.server.keepAliveTimeout).toBe(72_000);
    prepareServer(app.server, gateway);
    expect(app.server.keepAliveTimeout).toBe(620_000);
    await app.close();
  });

  it("that are long enough or have no end are left alone", () => {
    const { gateway, warnings } = world("nginx");
    const server = createServer({ keepAliveTimeout: 90_000, headersTimeout: 100_000 });
    expect(prepareServer(server, gateway).changed).toEqual({});
    const endless = createServer({ keepAliveTimeout: 0 });
    prepareServer(endless, gateway);
    expect(endless.keepAliveTimeout).toBe(0);
    expect(warnings).toEqual([]);
  });

  it("that somebody has set too short are left alone, and told with the remedy", () => {
    const { gateway, warnings } = world("aws-alb");
    const server = createServer({ keepAliveTimeout: 20_000 });
    server.timeout = 10_000;
    prepareServer(server, gateway);
    expect(server.keepAliveTimeout).toBe(20_000);
    expect(warnings).toEqual([
      expect.stringMatching(/^server\.keepAliveTimeout is 20_000, but AWS ALB .* set 65_000,/),
      expect.stringMatching(/^server\.timeout is 10_000: .* set timeouts\.totalMs$/),
    ]);
  });

  it("are not touched when nothing is known of a front", () => {
    const { gateway } = world();
    const server = createServer();
    expect(prepareServer(server, gateway).changed).toEqual({});
    expect(server.keepAliveTimeout).toBe(defaults.keepAliveTimeout);
  });

  it("are set once, however often a server is prepared", () => {
    const { gateway } = world("nginx");
    const server = createServer();
    expect(prepareServer(server, gateway)).toBe(prepareServer(server, gateway));
    expect(server.listenerCount("timeout")).toBe(1);
  });

  it("are set by the first request that is proxied, too", async () => {
    const { gateway } = world("gcp-lb");
    const server = createServer(nodeProxy(gateway.upstream("orders")));
    const one = await client(await listening(server));
    one.ask();
    await one.answers(1);
    expect(server.keepAliveTimeout).toBe(620_000);
  });
});

describe("advice", () => {
  it("is given on a server of one family, and on heads that Node would refuse", async () => {
    const { gateway, events, listen } = world("aws-alb");
    listen("server:advice");
    const server = createServer();
    const { advice } = prepareServer(server, gateway);
    expect(advice).toEqual([]);
    await listening(server);
    expect(advice).toEqual([
      expect.stringContaining("listens on 127.0.0.1 only"),
      expect.stringContaining("AWS ALB sends on heads of up to 65_536 bytes"),
    ]);
    expect(events.map(([, event]) => (event as { advice: string }).advice)).toEqual(advice);
  });

  it("is not given where all is well", async () => {
    const { gateway } = world("haproxy");
    const server = createServer();
    servers.add(server);
    server.listen(0);
    await once(server, "listening");
    const { address } = server.address() as AddressInfo;
    expect(prepareServer(server, gateway).advice).toHaveLength(address === "::" ? 0 : 1);
  });
});

describe("a request that comes as its connection's time is over", () => {
  /** Versions of Node add up to a second to the time that is set, and not all of them say so. */
  async function restOf(port: number): Promise<number> {
    const one = await client(port);
    one.ask();
    await once(one.socket, "data");
    const from = performance.now();
    await one.closed;
    return performance.now() - from;
  }

  /** Asks again just before the time is over, with the event loop busy until it is. */
  async function askLate(prepare: (server: Server) => void) {
    const server = createServer((_req, res) => res.end("ok"));
    server.keepAliveTimeout = 300;
    prepare(server);
    const port = await listening(server);
    const rest = await restOf(port);
    const one = await client(port);
    one.ask();
    await once(one.socket, "data");
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, rest - 200));
    // From here on timers come before the loop polls again.
    await new Promise(setImmediate);
    one.ask();
    while (performance.now() < from + rest + 100);
    await one.closed;
    return one.text.split("HTTP/1.1 200 OK").length - 1;
  }

  it("is served when the event loop was busy, which Node alone does not do", async () => {
    const { gateway, events, listen } = world();
    listen("request:saved");
    expect(await askLate(() => {})).toBe(1);
    expect(await askLate((server) => void prepareServer(server, gateway))).toBe(2);
    expect(events).toEqual([["request:saved", { restedMs: expect.any(Number) }]]);
  });

  it("is left to those who listen for timeouts themselves", async () => {
    const { gateway } = world();
    const server = createServer((_req, res) => res.end("ok"));
    server.keepAliveTimeout = 20;
    const seen = vi.fn((socket: Socket) => socket.end());
    server.on("timeout", seen);
    prepareServer(server, gateway);
    const one = await client(await listening(server));
    one.ask();
    await one.closed;
    expect(seen).toHaveBeenCalledTimes(1);
  });

  it("does not keep open what rests, nor what is slower than server.timeout", async () => {
    const { gateway } = world();
    const server = createServer((req, res) => void (req.url === "/" && res.end("ok")));
    server.keepAliveTimeout = 20;
    server.timeout = 30;
    prepareServer(server, gateway);
    const port = await listening(server);
    const resting = await client(port);
    resting.ask();
    await resting.closed;
    expect(resting.text).toContain("200 OK");
    const slow = await client(port);
    slow.socket.write("GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
    await slow.closed;
    expect(slow.text).toBe("");
  });

  it("is counted when its first bytes were never answered", async () => {
    const { gateway, events, listen } = world();
    listen("request:lost");
    const server = createServer((_req, res) => res.end("ok"));
    prepareServer(server, gateway);
    const one = await client(await listening(server));
    one.ask();
    await one.answers(1);
    one.socket.end("GET / HT");
    await one.closed;
    await vi.waitFor(() => expect(events).toHaveLength(1));
    expect(events[0]?.[1]).toEqual({ restedMs: expect.any(Number) });
  });
});

describe("answers", () => {
  async function answer(
    behind: NonNullable<GatewayOptions["behind"]>,
    listener: Parameters<typeof createServer>[1] & object,
    times = 1,
    more = "",
  ) {
    const made = world(behind);
    made.listen("answer:oversized");
    made.listen("answer:short");
    made.listen("upgrade:stripped");
    const server = createServer(listener);
    prepareServer(server, made.gateway);
    const one = await client(await listening(server));
    for (let turn = 1; turn <= times; turn += 1) {
      one.ask(more);
      await one.answers(turn);
    }
    return { ...made, one };
  }

  it("whose heads a front cannot take are told, once for the largest field", async () => {
    const { events, warnings } = await answer(
      "nginx",
      (_req, res) => {
        res.setHeader("content-security-policy", "x".repeat(4_200));
        res.end("ok");
      },
      2,
    );
    await vi.waitFor(() => expect(events).toHaveLength(2));
    const facts = { front: "nginx", bytesMax: 4_096, field: "content-security-policy" };
    expect(events[0]?.[1]).toMatchObject({ ...facts, fieldBytes: 4_225 });
    expect(warnings).toEqual([
      expect.stringMatching(/nginx takes 4_096: its client gets 502; .* content-security-policy/),
    ]);
  });

  it("are told for each limit of each front, and not below them", async () => {
    const listener = (bytes: number) => (_req: unknown, res: ServerResponse) =>
      void res.writeHead(200, { "x-large": "x".repeat(bytes) }).end();
    expect((await answer("apache", listener(8_100))).warnings).toEqual([]);
    expect((await answer("apache", listener(8_300))).warnings).toHaveLength(1);
    expect((await answer(["haproxy", "cloudflare"], listener(15_000))).warnings).toEqual([]);
    const raised = { front: "nginx", responseHeadBytesMax: 16_384 } as const;
    expect((await answer(raised, listener(8_300))).warnings).toEqual([]);
    expect((await answer(raised, listener(16_400))).warnings).toHaveLength(1);
  });

  it("that are shorter than they say are cut, and told", async () => {
    const { events, one } = await answer("aws-alb", (_req, res) => {
      res.setHeader("content-length", 10);
      res.end("half");
    });
    await one.closed;
    expect(events).toEqual([["answer:short", { path: "/", announced: 10, missing: 6 }]]);
  });

  it("with interim answers, without bodies, and after others are left alone", async () => {
    let turn = 0;
    const { events, one } = await answer(
      "aws-alb",
      (_req, res) => {
        turn += 1;
        if (turn === 1) res.writeEarlyHints({ link: "</a.css>; rel=preload" });
        if (turn === 2) res.writeHead(304, { "content-length": 5 }).end();
        else res.writeHead(200, { "content-length": 5 }).end("whole");
      },
      0,
    );
    for (const expected of [2, 3, 4]) {
      one.ask();
      await one.answers(expected);
    }
    one.socket.write("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    await one.answers(5);
    one.ask();
    one.ask();
    await one.answers(7);
    expect(events).toEqual([]);
  });

  it("to a WebSocket handshake without Upgrade tell who has removed it, once", async () => {
    const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const made = await answer("nginx", (_req, res) => res.writeHead(400).end(), 2, key);
    expect(made.events.map(([name]) => name)).toEqual(["upgrade:stripped", "upgrade:stripped"]);
    expect(made.warnings).toEqual([expect.stringContaining("without Upgrade")]);
  });

  it("take the server out of Envoy's balancing while it drains", async () => {
    const { gateway } = world("envoy");
    const server = createServer((_req, res) => res.writeHead(200, { "x-own": "1" }).end("ok"));
    prepareServer(server, gateway);
    const one = await client(await listening(server));
    one.ask();
    await one.answers(1);
    expect(one.text).not.toContain("x-envoy-immediate-health-check-fail");
    await gateway.drain();
    one.ask();
    await one.answers(2);
    expect(one.text).toContain("x-envoy-immediate-health-check-fail: true");
  });

  it("are whole over TLS as well", async () => {
    const { gateway, events, listen } = world("aws-alb");
    listen("answer:short");
    const { key, cert } = testCertificates().valid;
    const server = createSecureServer({ key, cert }, (_req, res) => res.end("ok"));
    prepareServer(server, gateway);
    const port = await listening(server as unknown as Server);
    const secure = new SecureAgent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve, reject) => {
        const asked = get({ port, host: "127.0.0.1", agent: secure }, (res) => {
          res.resume().once("end", resolve);
        });
        asked.once("error", reject);
      });
    }
    secure.destroy();
    expect(events).toEqual([]);
  });
});
