/** Fastify's own ways with a registration: hooks, parameters, and upgrades below a prefix. */
import { once } from "node:events";
import { createServer, request as requestHttp } from "node:http";
import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import { createGateway } from "good-gateway";
import { type FastifyProxyOptions, fastifyProxy } from "good-gateway/fastify";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { afterEach, expect, it } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { eventually } from "../gallery/tools/world.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Answers with what it was asked; a WebSocket gets its path, and then its own words. */
async function upstream() {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    res.end(`${req.method} ${req.url}`);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, req) => {
    asked.push(`upgrade ${req.url}`);
    socket.send(String(req.url));
    socket.on("message", (text) => socket.send(String(text)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, asked, tunnels: () => sockets.clients.size };
}

// It looks at the upgrades of all servers of its process, and leaves them to others.
throughGateway(
  createGateway({ upstreams: { other: { targets: "http://127.0.0.1:9" } } }).upstream("other"),
);

type Given = Omit<FastifyProxyOptions, "upstream">;

async function serving(
  options: Given | readonly Given[],
  prepare: (app: FastifyInstance) => void = () => {},
) {
  const { origin, asked, tunnels } = await upstream();
  const gateway = createGateway({ upstreams: { app: { targets: origin } } });
  cleanUps.push(() => gateway.close());
  const app = Fastify({ forceCloseConnections: true });
  prepare(app);
  for (const one of [options].flat()) {
    await app.register(fastifyProxy, { upstream: gateway.upstream("app"), ...one });
  }
  await app.listen({ host: "127.0.0.1", port: 0 });
  cleanUps.push(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  return { app, asked, tunnels, port, url: `http://127.0.0.1:${port}` };
}

/** The messages of a WebSocket that says one word, or the status that refuses it. */
async function socketTo(url: string, headers = {}): Promise<readonly string[] | number> {
  const socket = new WebSocket(url.replace("http", "ws"), { headers });
  const messages: string[] = [];
  return await new Promise((resolve, reject) => {
    socket.on("unexpected-response", (_req, res) => {
      res.resume();
      resolve(res.statusCode ?? 0);
    });
    socket.on("error", reject);
    socket.on("message", (text) => {
      messages.push(String(text));
      if (messages.length === 1) socket.send("hello");
      else {
        socket.close();
        resolve(messages);
      }
    });
  });
}

it("methods, constraints, settings and hooks belong to one registration", async () => {
  const seen: string[] = [];
  const { url, asked, port } = await serving([
    {
      prefix: "/shop",
      httpMethods: ["GET", "POST"],
      constraints: { host: "shop.example" },
      config: { area: "shop" } as object,
      preHandler: async (request, reply) => {
        const { config } = request.routeOptions;
        seen.push((config as unknown as { readonly area: string }).area);
        if (request.headers["x-key"] === undefined) await reply.code(401).send("no key");
      },
    },
    { prefix: "/open" },
  ]);
  const ask = (method: string, path: string, headers = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const req = requestHttp({ port, method, path, headers, agent: false }, (res) => {
        res.resume();
        resolve(res.statusCode ?? 0);
      });
      req.on("error", reject).end();
    });
  const host = "shop.example";
  expect(await ask("GET", "/shop/a", { host, "x-key": "1" })).toBe(200);
  expect(await ask("GET", "/shop/a", { host })).toBe(401);
  expect(await ask("DELETE", "/shop/a", { host, "x-key": "1" })).toBe(404);
  expect(await ask("GET", "/shop/a", { "x-key": "1" })).toBe(404);
  expect((await fetch(`${url}/open/b`, { method: "DELETE" })).status).toBe(200);
  expect(seen).toEqual(["shop", "shop"]);
  expect(asked).toEqual(["GET /a", "DELETE /b"]);
});

it("each hook of a registration runs, in Fastify's order", async () => {
  const ran: string[] = [];
  const mark = (name: string) => async () => void ran.push(name);
  const { url } = await serving({
    onRequest: mark("onRequest"),
    preParsing: mark("preParsing"),
    preValidation: mark("preValidation"),
    preHandler: mark("preHandler"),
    onSend: mark("onSend"),
  });
  expect(await (await fetch(`${url}/a`)).text()).toBe("GET /a");
  expect(ran).toEqual(["onRequest", "preParsing", "preValidation", "preHandler", "onSend"]);
});

it("a rewriting is given the parameters of the prefix, and may take its time", async () => {
  const { url } = await serving({
    prefix: "/tenants/:tenant",
    rewritePath: async (path, _req, { params }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return `/${(params as { readonly tenant: string }).tenant}${path}`;
    },
  });
  expect(await (await fetch(`${url}/tenants/blue/orders?x=1`)).text()).toBe("GET /blue/orders?x=1");
});

it("a rewriting that rejects, or gives no path, fails its own request", async () => {
  const { url, asked } = await serving({
    rewritePath: async (path) => (path === "/none" ? (1 as never) : Promise.reject(new Error("x"))),
  });
  expect((await fetch(`${url}/none`)).status).toBe(500);
  expect((await fetch(`${url}/other`)).status).toBe(500);
  expect(asked).toEqual([]);
});

it("upgrades below a prefix pass the hooks of the application first", async () => {
  const hooks: string[] = [];
  const { url, asked } = await serving(
    [
      {
        prefix: "/chat/:room",
        websocket: true,
        rewritePath: (path, _req, { params }) =>
          `/${(params as { readonly room: string }).room}${path}`,
        preHandler: async () => void hooks.push("preHandler"),
      },
      { prefix: "/live", websocket: true },
      { prefix: "/plain" },
    ],
    (app) => {
      app.addHook("onRequest", async (request, reply) => {
        await new Promise((resolve) => setImmediate(resolve));
        hooks.push("onRequest");
        if (request.headers["x-key"] === undefined) await reply.code(401).send("no key");
      });
    },
  );
  const key = { "x-key": "1" };
  expect(await socketTo(`${url}/chat/red/now?x=1`)).toBe(401);
  expect([...hooks, ...asked]).toEqual(["onRequest"]);
  expect(await socketTo(`${url}/chat/red/now?x=1`, key)).toEqual(["/red/now?x=1", "hello"]);
  expect(hooks).toEqual(["onRequest", "onRequest", "preHandler"]);
  expect(await socketTo(`${url}/live`, key)).toEqual(["/", "hello"]);
  // Served as if no upgrade had been asked for: by a proxy without them, and by nobody.
  expect(await socketTo(`${url}/plain/a`, key)).toBe(200);
  expect(await socketTo(`${url}/nowhere`, key)).toBe(404);
  expect(await (await fetch(`${url}/chat/red/now`, { headers: key })).text()).toBe("GET /red/now");
});

it("upgrades of others on the same server stay theirs", async () => {
  const { app, url } = await serving({ prefix: "/live", websocket: true });
  const own = new WebSocketServer({ noServer: true });
  app.server.on("upgrade", (req, socket, head) => {
    if (req.url !== "/own") return;
    own.handleUpgrade(req, socket, head, (one) => {
      one.send("mine");
      one.on("message", (text) => one.send(String(text)));
    });
  });
  expect(await socketTo(`${url}/own`)).toEqual(["mine", "hello"]);
  expect(await socketTo(`${url}/live/a`)).toEqual(["/a", "hello"]);
});

it("a client that leaves while hooks run, and an application that closes, are over", async () => {
  let release = (): void => {};
  let entered = false;
  const waiting = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { app, url, asked, tunnels } = await serving({
    prefix: "/live",
    websocket: true,
    preHandler: async () => {
      entered = true;
      await waiting;
    },
  });
  const socket = new WebSocket(`${url.replace("http", "ws")}/live/a`);
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await eventually("the hook runs", () => entered);
  socket.terminate();
  await closed;
  release();
  // Nobody reads the socket while hooks run, so that it is found out with the handshake.
  await eventually("the upstream was left, too", () => asked.length === 1 && tunnels() === 0);
  const second = new WebSocket(`${url.replace("http", "ws")}/live/b`);
  await once(second, "open");
  const ended = once(second, "close");
  const before = app.server.listenerCount("upgrade");
  await app.close();
  await ended;
  expect(app.server.listenerCount("upgrade")).toBe(before - 1);
});
