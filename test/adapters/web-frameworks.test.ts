/**
 * Frameworks without an adapter of their own, with the glue that the documentation gives: handlers
 * of Requests through `webProxy`, and those with Node's objects at hand through `expressProxy`.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import type { Upstream } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { gatewayFetch } from "good-gateway/fetch";
import { accept, ok, respond } from "good-gateway/testing";
import { webProxy } from "good-gateway/web";
import { fromNodeHandler, H3, type NodeMiddleware, toNodeHandler } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import Koa2 from "koa2";
import { describe, expect, it } from "vitest";
import { exchange, get, rawClient, request } from "./raw-client.js";
import { listeningServer, type ProxyServer } from "./servers.js";
import { inWorld } from "./world.js";

type Make = (upstream: Upstream) => Server;

const koa =
  (Framework: typeof Koa): Make =>
  (upstream) => {
    const proxy = expressProxy(upstream);
    const app = new Framework();
    app.use((ctx) => {
      // The proxy answers by itself; the middleware before this one wait for it.
      ctx.respond = false;
      return new Promise<void>((resolve, reject) => {
        ctx.res.once("close", resolve);
        proxy(ctx.req, ctx.res, reject);
      });
    });
    return createServer(app.callback());
  };

const FRAMEWORKS: Readonly<Record<string, Make>> = {
  Hono: (upstream) => {
    const proxy = webProxy<[HttpBindings]>(upstream, {
      client: (_request, { incoming }) => ({ address: incoming.socket.remoteAddress }),
    });
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.all("*", (c) => proxy(c.req.raw, c.env));
    return createAdaptorServer({ fetch: app.fetch }) as Server;
  },
  h3: (upstream) => {
    const proxy = webProxy<[string | undefined]>(upstream, {
      client: (_request, address) => ({ address }),
    });
    const app = new H3();
    app.all("/**", (event) => proxy(event.req, event.req.ip));
    return createServer(toNodeHandler(app) as Listener);
  },
  "h3, with Node's objects": (upstream) => {
    const app = new H3();
    app.all("/**", fromNodeHandler(expressProxy(upstream) as NodeMiddleware));
    return createServer(toNodeHandler(app) as Listener);
  },
  "Koa 3": koa(Koa),
  "Koa 2": koa(Koa2),
};
type Listener = (req: IncomingMessage, res: ServerResponse) => void;

const CHUNKED = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
const BIG = Buffer.alloc(5_000_000, "the big body ");
const digest = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

describe.each(Object.entries(FRAMEWORKS))("%s", (_name, make) => {
  const serve: ProxyServer = (upstream) => listeningServer(make(upstream));

  it("passes a request and its answer", () => {
    const fields = { "set-cookie": ["a=1", "b=2"], "x-own": "1", connection: "close" };
    return inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send(respond(201, "made", fields)),
        ],
      },
      async ({ port, upstream }) => {
        const answer = await exchange(port, get("/orders/7?full=1", { cookie: "c=3" }));
        expect(answer).toMatchObject({ status: 201, text: "made", complete: true });
        expect(answer.all("set-cookie")).toEqual(["a=1", "b=2"]);
        expect(answer.field("x-own")).toBe("1");
        const [received] = upstream.requests();
        expect(received?.path).toBe("/orders/7?full=1");
        expect(received?.header("cookie")).toBe("c=3");
        expect(received?.header("x-forwarded-for")).toMatch(/127\.0\.0\.1$/);
      },
    );
  });

  it("streams large bodies both ways, byte for byte", () => {
    const script = accept().readHead().readBody().send(ok(BIG.toString()));
    return inWorld(serve, { scripts: [script] }, async ({ port, upstream }) => {
      const head = request("POST", "/", { "content-length": String(BIG.byteLength) });
      const answer = await exchange(port, Buffer.concat([Buffer.from(head), BIG]));
      expect([answer.status, answer.complete]).toEqual([200, true]);
      expect(digest(answer.body)).toBe(digest(BIG));
      expect(digest(upstream.bodies()[0] ?? Buffer.alloc(0))).toBe(digest(BIG));
      expect(upstream.requests()).toHaveLength(1);
    });
  });

  it("cuts what breaks", () => {
    const script = accept().readHead().send(`${CHUNKED}3\r\nabc\r\n`).wait(500).close();
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(get("/"));
      await client.over;
      const received = client.received().toString();
      expect(received).toContain("abc");
      expect(received).not.toMatch(/0\r\n\r\n$/);
    });
  });

  it("answers HEAD, 304 and failures", () => {
    const script = accept()
      .readHead()
      .send("HTTP/1.1 200 OK\r\ncontent-length: 500\r\nconnection: close\r\n\r\n");
    const same = accept().readHead().send('HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n');
    return inWorld(serve, { scripts: [script, same.readHead().close()] }, async ({ port }) => {
      const head = await exchange(port, request("HEAD", "/"));
      expect([head.status, head.field("content-length"), head.text]).toEqual([200, "500", ""]);
      expect((await exchange(port, get("/"))).status).toBe(304);
      const failed = await exchange(port, get("/"));
      expect(failed).toMatchObject({ status: 502, complete: true });
      expect(failed.field("proxy-status")).toMatch(/^edge; error=/);
    });
  });

  it("ends the call upstream when the client leaves", () => {
    const scripts = [accept().readHead().hang()];
    return inWorld(serve, { scripts }, async ({ port, gateway, upstream }) => {
      const ended = new Promise((resolve) => gateway.on("call:end", resolve));
      const client = await rawClient(port);
      client.write(get("/"));
      while (upstream.requests().length === 0) await new Promise(setImmediate);
      client.socket.destroy();
      expect(await ended).toMatchObject({ clientEnd: "aborted", code: "client_closed_request" });
    });
  });
});

// Koa writes into the errors that reach it, outside of every try.
it.each([
  ["Koa 3", Koa],
  ["Koa 2", Koa2],
])(
  "a failed fetch of a route of %s has its status, and ends no process",
  async (_name, Framework) => {
    const serve: ProxyServer = (upstream) => {
      const call = gatewayFetch(upstream);
      const app = new Framework();
      app.silent = true;
      app.use(async (ctx) => {
        ctx.body = await (await call("/")).text();
      });
      return listeningServer(createServer(app.callback()));
    };
    await inWorld(serve, { scripts: null }, async ({ port }) => {
      expect((await exchange(port, get("/"))).status).toBe(502);
    });
  },
);
