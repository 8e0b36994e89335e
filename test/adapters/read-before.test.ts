/**
 * Bodies that something else has touched before the proxy: what is missing its beginning is refused
 * and no byte of it is sent; what stands in its place flows. Compared at the upstream.
 */

import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer as createServer2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { Transform } from "node:stream";
import express5 from "express";
import express4 from "express4";
import Fastify from "fastify";
import type { Upstream } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { fastifyProxy } from "good-gateway/fastify";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { nodeProxy } from "good-gateway/node";
import { accept, ok } from "good-gateway/testing";
import { createProxyMiddleware } from "http-proxy-middleware";
import { describe, expect, it } from "vitest";
import { ask2 } from "./http2-client.js";
import { exchange, request } from "./raw-client.js";
import { listening, type ProxyServer, type RunningServer } from "./servers.js";
import { inWorld } from "./world.js";

/** What comes before the proxy; it calls back when that may begin. */
type Before = (req: IncomingMessage, next: () => void) => void;

type Door = (upstream: Upstream, before: Before) => Promise<RunningServer>;

const DOORS: Readonly<Record<string, Door>> = {
  "node:http": (upstream, before) => {
    const proxy = nodeProxy(upstream);
    return listening((req, res) => before(req, () => proxy(req, res)));
  },
  "Express 5": (upstream, before) => {
    const app = express5().use((req, _res, next) => before(req, next));
    return listening(app.use(expressProxy(upstream)));
  },
  "Express 4": (upstream, before) => {
    const app = express4().use((req, _res, next) => before(req, next));
    return listening(app.use(expressProxy(upstream)));
  },
  "http-proxy-middleware": (upstream, before) => {
    const proxy = createProxyMiddleware(throughGateway(upstream)) as never as RequestListener;
    return listening((req, res) => before(req, () => proxy(req, res)));
  },
  "Fastify 5": async (upstream, before) => {
    const app = Fastify({ forceCloseConnections: true });
    app.addHook("onRequest", (req, _reply, done) => before(req.raw, done));
    await app.register(fastifyProxy, { upstream });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return { server: app.server, port, close: () => app.close() };
  },
};

const BODY = "the beginning and the rest";

function upload(): string {
  return request("PUT", "/file", { "content-length": String(BODY.length) }, BODY);
}

/** The first part is here, and nothing else is asked for. */
const readsBeginning: Before = (req, next) => {
  req.once("data", () => {
    req.pause();
    next();
  });
};
const readsAll: Before = (req, next) => {
  req.resume().once("end", next);
};
const decodes: Before = (req, next) => {
  req.setEncoding("utf8");
  next();
};
const REFUSED: readonly (readonly [string, Before])[] = [
  ["its beginning", readsBeginning],
  ["all of it", readsAll],
  ["it as text", decodes],
];

describe.each(Object.entries(DOORS))("through %s", (name, door) => {
  it.each(REFUSED)("a body is refused of which middleware has read %s", async (_what, before) => {
    const serve: ProxyServer = (upstream) => door(upstream, before);
    // http-proxy-middleware connects first, since its handlers may write a body themselves.
    const scripts = name === "http-proxy-middleware" ? [accept().hang()] : [];
    await inWorld(serve, { scripts }, async ({ port, upstream }) => {
      const answer = await exchange(port, upload());
      expect(answer.status).toBe(500);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "proxy_configuration_error" });
      expect(upstream.heads()).toEqual([]);
    });
  });

  it("a body that is only looked at as it flows arrives whole", async () => {
    let seen = "";
    const watches: Before = (req, next) => {
      req.on("data", (chunk: Buffer) => {
        seen += chunk.toString();
      });
      req.pause();
      next();
    };
    const scripts = [accept().readHead().readBody().send(ok("done"))];
    await inWorld(
      (upstream) => door(upstream, watches),
      { scripts },
      async ({ port, upstream }) => {
        expect((await exchange(port, upload())).status).toBe(200);
        expect(upstream.bodies().map(String)).toEqual([BODY]);
        expect(seen).toBe(BODY);
      },
    );
  });

  it("a body in whose place middleware has put a stream is that stream", async () => {
    if (name === "Fastify 5") return;
    const shouts: Before = (req, next) => {
      const body = new Transform({
        transform: (chunk: Buffer, _encoding, done) => done(null, chunk.toString().toUpperCase()),
      });
      Object.assign(req, { body: req.pipe(body) });
      next();
    };
    const scripts = [accept().readHead().readBody().send(ok("done"))];
    await inWorld(
      (upstream) => door(upstream, shouts),
      { scripts },
      async ({ port, upstream }) => {
        expect((await exchange(port, upload())).status).toBe(200);
        expect(upstream.bodies().map(String)).toEqual([BODY.toUpperCase()]);
      },
    );
  });
});

it.each(REFUSED)(
  "through node:http2 a body is refused of which %s was read",
  async (_what, before) => {
    const serve: ProxyServer = async (upstream) => {
      const proxy = nodeProxy(upstream);
      const server = createServer2((req, res) => {
        before(req as never, () => proxy(req, res));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      return { server: server as never, port, close: async () => void server.close() };
    };
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      const answer = await ask2(`http://127.0.0.1:${port}`, { ":method": "PUT" }, BODY);
      expect(answer.status).toBe(500);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "proxy_configuration_error" });
    });
  },
);
