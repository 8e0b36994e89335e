/**
 * A mount and the path of a target: what is asked for below the one is sent below the other, and a
 * slash that nobody has written is not there.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import express5 from "express";
import express4 from "express4";
import Fastify from "fastify";
import { createGateway, type Upstream } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { fastifyProxy } from "good-gateway/fastify";
import { afterEach, expect, it } from "vitest";
import { exchange, get } from "./raw-client.js";
import { listening, type RunningServer } from "./servers.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** The paths that an upstream at a path is asked for. */
async function asked(
  path: string,
  serve: (upstream: Upstream) => Promise<RunningServer>,
  targets: readonly string[],
): Promise<readonly string[]> {
  const upstream = await listening((req, res) => void res.end(req.url));
  cleanUps.push(() => upstream.close());
  const target = `http://127.0.0.1:${upstream.port}${path}`;
  const gateway = createGateway({ upstreams: { app: { targets: target } } });
  cleanUps.push(() => gateway.close());
  const server = await serve(gateway.upstream("app"));
  cleanUps.push(() => server.close());
  const texts: string[] = [];
  for (const one of targets) texts.push((await exchange(server.port, get(one))).text);
  return texts;
}

const MOUNT = "/orders";
const ASKED = [
  ...["/orders", "/orders?page=2", "/orders/", "/orders/?page=2", "/orders/7"],
  ...["/orders?", "http://shop.example/orders/7?x"],
];
const BELOW = [...["/v1", "/v1?page=2", "/v1/", "/v1/?page=2", "/v1/7", "/v1?", "/v1/7?x"]];
const AT_ROOT = ["/", "/?page=2", "/", "/?page=2", "/7", "/?", "/7?x"];

const SERVERS: Record<string, (upstream: Upstream) => Promise<RunningServer>> = {
  "Express 5": (upstream) => listening(express5().use(MOUNT, expressProxy(upstream))),
  "Express 4": (upstream) => listening(express4().use(MOUNT, expressProxy(upstream))),
  "a router of Express": (upstream) => {
    const router = express5.Router().use("/", expressProxy(upstream));
    return listening(express5().use(MOUNT, router));
  },
  "a parameter in Express": (upstream) =>
    listening(express5().use("/:name", expressProxy(upstream))),
  "Fastify 5": (upstream) => fastify(upstream, MOUNT),
  "a parameter in Fastify": (upstream) => fastify(upstream, "/:name"),
  // h3 cuts the mount off and keeps the whole in originalUrl; nothing may be left.
  "glue that cuts": (upstream) => {
    const proxy = expressProxy(upstream);
    return listening((req: IncomingMessage, res: ServerResponse) => {
      const { url = "" } = req;
      Object.assign(req, { originalUrl: url });
      req.url = url.replace(/^(?:http:\/\/shop\.example)?\/orders/, "");
      proxy(req, res, () => {});
    });
  },
  // connect puts a slash there, as Express does, and has no baseUrl.
  "glue like connect": (upstream) => {
    const proxy = expressProxy(upstream);
    return listening((req: IncomingMessage, res: ServerResponse) => {
      const { url = "" } = req;
      Object.assign(req, { originalUrl: url });
      const rest = url.replace(/^(?:http:\/\/shop\.example)?\/orders/, "");
      req.url = rest.startsWith("/") ? rest : `/${rest}`;
      proxy(req, res, () => {});
    });
  },
};

async function fastify(upstream: Upstream, prefix: string): Promise<RunningServer> {
  const app = Fastify({ forceCloseConnections: true });
  await app.register(fastifyProxy, { upstream, prefix });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as { readonly port: number };
  return { server: app.server, port, close: () => app.close() };
}

it.each(Object.entries(SERVERS))(
  "through %s no slash is added to the target's path",
  async (...args) => {
    expect(await asked("/v1", args[1], ASKED)).toEqual(BELOW);
  },
);

it.each(Object.entries(SERVERS))(
  "through %s a target without a path has its root",
  async (...args) => {
    expect(await asked("", args[1], ASKED)).toEqual(AT_ROOT);
  },
);

it("a path that middleware has rewritten keeps its slash", async () => {
  const rewriting = (upstream: Upstream): Promise<RunningServer> => {
    const app = express5();
    app.use((req, _res, next) => {
      req.url = "/";
      next();
    });
    return listening(app.use(expressProxy(upstream)));
  };
  expect(await asked("/v1", rewriting, ["/anything"])).toEqual(["/v1/"]);
});

it("rewritePath sees a path, and has the last word on the slash", async () => {
  const seen: string[] = [];
  const rewritePath = (path: string): string => {
    seen.push(path);
    return path === "/?keep" ? path : `/x${path}`;
  };
  const serve = (upstream: Upstream): Promise<RunningServer> =>
    listening(express5().use(MOUNT, expressProxy(upstream, { rewritePath })));
  expect(await asked("/v1", serve, ["/orders", "/orders?keep"])).toEqual(["/v1/x/", "/v1?keep"]);
  expect(seen).toEqual(["/", "/?keep"]);
});
