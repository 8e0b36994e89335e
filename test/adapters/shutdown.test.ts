/** `installShutdown` on real sockets: every kind of server, and what a client of each sees. */
import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2Server,
} from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Server as NetServer } from "node:net";
import express from "express";
import express4 from "express4";
import Fastify from "fastify";
import {
  createGateway,
  type Gateway,
  installShutdown,
  type Shutdown,
  type ShutdownOptions,
  type ShutdownServer,
} from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { accept, ok, scriptedUpstream, testCertificates } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { rawClient } from "./raw-client.js";

const QUICK = { signals: false, drainTimeoutMs: 5_000, idleCloseMs: 60_000 } as const;
/** RFC 9113 §7. */
const CANCEL = 8;
const KEPT = "GET /quick HTTP/1.1\r\nhost: h\r\n\r\n";

const shutdowns: Shutdown[] = [];
const servers: NetServer[] = [];
afterEach(async () => {
  for (const one of shutdowns.splice(0)) {
    const over = one.shutdown();
    one.force();
    await over;
  }
  for (const server of servers.splice(0)) server.close();
});

function install(
  server: ShutdownServer | readonly ShutdownServer[],
  options: ShutdownOptions = {},
  gateway: Gateway = createGateway({}),
): Shutdown {
  const shutdown = installShutdown(server, gateway, { ...QUICK, ...options });
  shutdowns.push(shutdown);
  return shutdown;
}

async function listen<S extends NetServer>(server: S): Promise<S> {
  servers.push(server);
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return server;
}

const portOf = (server: NetServer): number => (server.address() as AddressInfo).port;

/** Answers `/quick` at once, and everything else when told. */
function held() {
  const waiting: (() => void)[] = [];
  const listener: RequestListener = (req, res) => {
    req.resume();
    if (req.url === "/quick") res.end("quick");
    else waiting.push(() => res.end("late"));
  };
  return { listener, waiting, answer: () => waiting.shift()?.() };
}

async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it did not come: ${what}`);
}

const refused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(false)).once("error", () => resolve(true));
    socket.once("connect", () => socket.destroy());
  });

const APPS: Readonly<Record<string, () => Promise<{ given: ShutdownServer; server: Server }>>> = {
  "node:http": async () => {
    const server = await listen(createServer((_req, res) => res.end("fine")));
    return { given: server, server };
  },
  "Express 5": async () => {
    const app = express().use((_req, res) => void res.send("fine"));
    const server = await listen(createServer(app));
    return { given: server, server };
  },
  "Express 4": async () => {
    const app = express4().use((_req: IncomingMessage, res: ServerResponse) => res.end("fine"));
    const server = await listen(createServer(app));
    return { given: server, server };
  },
  "Fastify 5": async () => {
    const app = Fastify();
    app.get("/*", async () => "fine");
    await app.listen({ host: "127.0.0.1", port: 0 });
    return { given: app, server: app.server };
  },
};

describe.each(Object.entries(APPS))("%s", (_name, start) => {
  it("serves a kept connection once more, says that it closes, and loses nothing", async () => {
    const { given, server } = await start();
    const port = portOf(server);
    const before = server.listenerCount("request");
    const shutdown = install(given);
    const client = await rawClient(port);
    client.write(KEPT);
    await client.until("fine");
    expect(client.received().toString()).not.toMatch(/^connection: close/im);
    const over = shutdown.shutdown("deploy");
    await eventually("the listener is closed", () => !server.listening);
    expect(await refused(port)).toBe(true);
    expect(shutdown.phase).toBe("draining");
    client.write(
      KEPT.replace("GET", "POST").replace("\r\n\r\n", "\r\ncontent-length: 2\r\n\r\nhi"),
    );
    expect(await client.over).toBe("end");
    expect(client.received().toString()).toMatch(/^connection: close/im);
    const answers = client
      .received()
      .toString()
      .match(/HTTP\/1\.1 \d+/g);
    expect(answers).toEqual([
      "HTTP/1.1 200",
      _name === "Fastify 5" ? "HTTP/1.1 404" : "HTTP/1.1 200",
    ]);
    expect(await over).toMatchObject({ reason: "deploy", finished: 1, cut: 0, forced: false });
    expect(server.listenerCount("request")).toBe(before);
  });
});

describe("a server of node:http", () => {
  it("gives answers that are under way, with Connection: close, and takes none back", async () => {
    const { listener, answer, waiting } = held();
    const server = await listen(createServer(listener));
    const shutdown = install(server);
    const client = await rawClient(portOf(server));
    client.write(KEPT.replace("/quick", "/slow"));
    await eventually("it is asked", () => waiting.length === 1);
    const over = shutdown.shutdown();
    await eventually("the listener is closed", () => !server.listening);
    answer();
    expect(await client.over).toBe("end");
    expect(client.received().toString()).toMatch(/connection: close[\s\S]*late$/i);
    expect(await over).toMatchObject({ requests: { finished: 1, cut: 0 } });
  });

  it("answers what was pipelined, and only the last answer closes", async () => {
    const { listener, answer, waiting } = held();
    const server = await listen(createServer(listener));
    const shutdown = install(server);
    const client = await rawClient(portOf(server));
    client.write(KEPT.replace("/quick", "/slow"));
    await eventually("it is asked", () => waiting.length === 1);
    const over = shutdown.shutdown();
    await eventually("the listener is closed", () => !server.listening);
    client.write(KEPT.replace("/quick", "/slow"));
    await eventually("it is asked twice", () => waiting.length === 2);
    answer();
    answer();
    expect(await client.over).toBe("end");
    const text = client.received().toString();
    expect(text.match(/^connection: .*$/gim)).toEqual([
      "Connection: keep-alive",
      "Connection: close",
    ]);
    expect(text.match(/late/g)).toHaveLength(2);
    expect((await over).finished).toBe(2);
  });

  it("closes a connection at rest, but not one whose request is half here", async () => {
    const server = await listen(createServer((_req, res) => res.end("fine")));
    const shutdown = install(server, { idleCloseMs: 150 });
    const idle = await rawClient(portOf(server));
    idle.write(KEPT);
    await idle.until("fine");
    const slow = await rawClient(portOf(server));
    const timer = setInterval(() => slow.write("x: y\r\n"), 20);
    slow.write("GET /quick HTTP/1.1\r\nhost: h\r\n");
    const over = shutdown.shutdown();
    expect(await idle.over).toBe("end");
    clearInterval(timer);
    slow.write("\r\n");
    await slow.until("fine");
    expect(await slow.over).toBe("end");
    expect(await over).toMatchObject({ finished: 1, cut: 0, idleClosed: 1 });
  });

  it("lets the last bytes go out to a slow client", async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, "x");
    const server = await listen(createServer((_req, res) => res.end(body)));
    const shutdown = install(server);
    const answer = await new Promise<IncomingMessage>((resolve) => {
      httpRequest({ port: portOf(server), host: "127.0.0.1", path: "/" }, resolve).end();
    });
    const over = shutdown.shutdown();
    let bytes = 0;
    for await (const chunk of answer) {
      bytes += (chunk as Buffer).length;
      if (bytes < 2_000_000) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(bytes).toBe(body.length);
    expect(await over).toMatchObject({ finished: 1, cut: 0 });
  });

  it("cuts what has had its time, and says so", async () => {
    const { listener, waiting } = held();
    const server = await listen(createServer(listener));
    const shutdown = install(server, { drainTimeoutMs: 400 });
    const client = await rawClient(portOf(server));
    client.write(KEPT.replace("/quick", "/slow"));
    await eventually("it is asked", () => waiting.length === 1);
    const report = await shutdown.shutdown();
    expect(report).toMatchObject({ finished: 0, cut: 1, requests: { finished: 0, cut: 1 } });
    await client.over;
    expect(client.received().toString()).toBe("");
  });

  it("gives event streams and upgraded connections a time of their own", async () => {
    const server = createServer((req, res) => {
      if (req.url === "/quick") return void res.end("quick");
      res.writeHead(200, ["content-type", "text/event-stream"]);
      res.write("data: 1\n\n");
    });
    server.on("upgrade", (_req, socket) => {
      socket.on("error", () => {});
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      );
    });
    await listen(server);
    const shutdown = install(server, { streamTimeoutMs: 100, upgradeTimeoutMs: 100 });
    const stream = await rawClient(portOf(server));
    stream.write("GET /events HTTP/1.1\r\nhost: h\r\n\r\n");
    await stream.until("data: 1");
    const tunnel = await rawClient(portOf(server));
    tunnel.write(
      "GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    await tunnel.until("101 Switching");
    const report = await shutdown.shutdown();
    await Promise.all([stream.over, tunnel.over]);
    expect(report).toMatchObject({
      finished: 0,
      cut: 2,
      eventStreams: { finished: 0, cut: 1 },
      upgrades: { finished: 0, cut: 1 },
    });
  });

  it("answers new connections with 503 and Retry-After where that is wanted", async () => {
    const { listener, answer, waiting } = held();
    let asked = 0;
    const server = await listen(
      createServer((req, res) => {
        asked += 1;
        listener(req, res);
      }),
    );
    const emit = server.emit;
    const shutdown = install(server, { newConnections: "answer" });
    const old = await rawClient(portOf(server));
    old.write(KEPT.replace("/quick", "/slow"));
    await eventually("it is asked", () => waiting.length === 1);
    const over = shutdown.shutdown();
    await eventually("it drains", () => server.emit !== emit);
    const late = await rawClient(portOf(server));
    late.write(KEPT);
    await late.over;
    expect(late.received().toString()).toMatch(/^HTTP\/1\.1 503 .*\r\n[\s\S]*retry-after: 2\r\n/);
    expect(late.received().toString()).toMatch(/connection: close/i);
    answer();
    await old.until("late");
    expect(await over).toMatchObject({ finished: 1, cut: 0, refused: 1 });
    expect(asked).toBe(1);
    expect(server.emit).toBe(emit);
    expect(server.listening).toBe(false);
  });

  it("changes nothing of how Node treats upgrades that nobody listens to", async () => {
    const server = await listen(createServer((_req, res) => res.end("no upgrade")));
    const shutdown = install(server);
    const client = await rawClient(portOf(server));
    client.write("GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    await client.until("no upgrade");
    expect(server.listenerCount("upgrade")).toBe(0);
    const listener = (): void => {};
    server.on("upgrade", listener);
    expect(server.listenerCount("upgrade")).toBe(2);
    server.off("upgrade", listener);
    expect(server.listenerCount("upgrade")).toBe(0);
    shutdown.uninstall();
    expect(server.listenerCount("newListener")).toBe(0);
    client.socket.destroy();
  });

  it("can be installed once for a server, and again when it was taken back", async () => {
    const server = await listen(createServer());
    const shutdown = install(server);
    expect(() => install(server)).toThrow("installed for this server already");
    shutdown.uninstall();
    install(server);
    expect(() => install({} as ShutdownServer)).toThrow("expected a server of node:http");
  });
});

describe("a gateway", () => {
  it("answers calls that are cut with 503 draining, and tells each step", async () => {
    const upstream = await scriptedUpstream([accept().readHead().hang()]);
    const gateway = createGateway({
      name: "edge",
      upstreams: { app: { targets: upstream.origin } },
    });
    const server = await listen(createServer(nodeProxy(gateway.upstream("app"))));
    const steps: string[] = [];
    gateway.on("lifecycle:change", ({ to, reason }) => steps.push(`${to} ${reason}`));
    let told: unknown = null;
    gateway.on("shutdown:end", ({ report }) => {
      told = report;
    });
    const shutdown = install(server, { drainTimeoutMs: 600 }, gateway);
    const client = await rawClient(portOf(server));
    client.write(KEPT);
    await eventually("the upstream is asked", () => upstream.heads().length === 1);
    const report = await shutdown.shutdown("SIGTERM");
    await client.over;
    const text = client.received().toString();
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(text).toContain("edge; error=proxy_internal_response");
    expect(text).toContain("code=draining");
    expect(text).toMatch(/retry-after: 2/i);
    expect(report.calls).toEqual({ finished: 0, cut: 1 });
    expect(told).toEqual(report);
    expect(steps).toEqual(["lame_duck SIGTERM", "draining SIGTERM", "closed SIGTERM"]);
    await upstream.close();
  });

  it("serves calls of routes that are under way while it drains", async () => {
    const upstream = await scriptedUpstream([accept().readHead().send(ok("fine")).close()]);
    const gateway = createGateway({ upstreams: { app: { targets: upstream.origin } } });
    let go = (): void => {};
    const server = await listen(
      createServer(async (_req, res) => {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        const outcome = await gateway.upstream("app").send({ path: "/" });
        res.end(outcome.kind === "success" ? await outcome.response.body.text() : "lost");
      }),
    );
    const shutdown = install(server, {}, gateway);
    const client = await rawClient(portOf(server));
    client.write(KEPT);
    const asked = go;
    await eventually("it is asked", () => go !== asked);
    const over = shutdown.shutdown();
    await eventually("the listener is closed", () => !server.listening);
    go();
    await client.until("fine");
    expect(await over).toMatchObject({ finished: 1, cut: 0, calls: { finished: 1, cut: 0 } });
    await upstream.close();
  });
});

describe("Fastify", () => {
  it("is closed with its own close, after the last request and before onDrained", async () => {
    const app = Fastify();
    const order: string[] = [];
    let answer = (): void => {};
    app.get("/slow", async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      order.push("answered");
      return "late";
    });
    app.addHook("onClose", async () => void order.push("onClose"));
    await app.listen({ host: "127.0.0.1", port: 0 });
    const shutdown = install(app, { onDrained: () => void order.push("onDrained") });
    const client = await rawClient(portOf(app.server));
    client.write(KEPT.replace("/quick", "/slow"));
    const asked = answer;
    await eventually("it is asked", () => answer !== asked);
    const over = shutdown.shutdown();
    await eventually("the listener is closed", () => !app.server.listening);
    answer();
    expect(await over).toMatchObject({ finished: 1, cut: 0 });
    expect(order).toEqual(["answered", "onClose", "onDrained"]);
  });
});

describe("a server of node:https", () => {
  it("serves a kept connection once more, and closes one at rest", async () => {
    const { selfSigned } = testCertificates();
    const server = await listen(createHttpsServer(selfSigned, (_req, res) => res.end("fine")));
    const { Agent, request } = await import("node:https");
    const shutdown = install(server, { idleCloseMs: 200 });
    const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
    const ask = (agent: InstanceType<typeof Agent> | undefined): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const options = { port: portOf(server), host: "127.0.0.1", rejectUnauthorized: false };
        const req = request({ ...options, agent }, (res) => {
          res.resume().once("end", () => resolve(res.headers.connection));
        });
        req.on("error", reject).end();
      });
    for (const agent of agents) expect(await ask(agent)).toBe("keep-alive");
    const port = portOf(server);
    const over = shutdown.shutdown();
    await eventually("the listener is closed", () => !server.listening);
    const kept = Object.values(agents[0]?.freeSockets ?? {})[0]?.[0];
    server.address = () => ({ port, address: "127.0.0.1", family: "IPv4" });
    expect(await ask(agents[0])).toBe("close");
    await eventually("its socket is closed", () => kept?.destroyed === true);
    expect(await over).toMatchObject({ finished: 1, cut: 0, idleClosed: 1 });
  });
});

describe("a server of node:http2", () => {
  async function world() {
    const waiting: ServerResponse[] = [];
    const server: Http2Server = createHttp2Server((req, res) => {
      if (req.url === "/quick") res.end("quick");
      else waiting.push(res as unknown as ServerResponse);
    });
    await listen(server);
    const session = connectHttp2(`http://127.0.0.1:${portOf(server)}`);
    session.on("error", () => {});
    const ask = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":path": path });
        let text = "";
        stream.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        stream.on("error", reject);
        stream.on("close", () => resolve(stream.rstCode === CANCEL ? "cut" : text));
      });
    return { server, session, waiting, ask };
  }

  it("announces the end with GOAWAY, and gives the answers that are under way", async () => {
    const { server, session, waiting, ask } = await world();
    const shutdown = install(server);
    expect(await ask("/quick")).toBe("quick");
    const answer = ask("/slow");
    await eventually("it is asked", () => waiting.length === 1);
    const goaway = once(session, "goaway");
    const over = shutdown.shutdown();
    await goaway;
    waiting[0]?.end("late");
    expect(await answer).toBe("late");
    expect(await over).toMatchObject({ finished: 1, cut: 0 });
    expect(session.closed).toBe(true);
  });

  it("closes a session at rest, and cuts streams that have had their time", async () => {
    const { server, session, waiting, ask } = await world();
    const shutdown = install(server, { drainTimeoutMs: 500 });
    const answer = ask("/slow");
    await eventually("it is asked", () => waiting.length === 1);
    const report = await shutdown.shutdown();
    expect(await answer).toBe("cut");
    expect(report).toMatchObject({ finished: 0, cut: 1 });
    await eventually("the session is over", () => session.destroyed);
  });
});
