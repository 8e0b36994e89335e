/**
 * What is particular to Fastify: prefixes, hooks, encapsulation, parsers, failed fetches of routes.
 */
import { once } from "node:events";
import { connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { createGunzip, gzipSync } from "node:zlib";
import cors from "@fastify/cors";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import { createGateway, GatewayError, type ProxyOptions, type Upstream } from "good-gateway";
import { fastifyProxy } from "good-gateway/fastify";
import { gatewayFetch } from "good-gateway/fetch";
import { accept, ok, respond } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { exchange, get, rawClient, request } from "./raw-client.js";
import type { ProxyServer } from "./servers.js";
import { gate, inWorld } from "./world.js";

const PLAIN = accept().readHead().send(ok("hello"));
const READS = accept().readHead().readBody().send(ok("done"));

type Prepare = (app: FastifyInstance, upstream: Upstream, options: ProxyOptions) => unknown;

/** A Fastify that the test prepares. */
function fastify(prepare: Prepare, settings: FastifyServerOptions = {}): ProxyServer {
  return async (upstream, options) => {
    const app = Fastify({ forceCloseConnections: true, ...settings });
    await prepare(app, upstream, options);
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return { server: app.server, port, close: () => app.close() };
  };
}

describe("a prefix", () => {
  const mounted = fastify((app, upstream) =>
    app.register(fastifyProxy, { upstream, prefix: "/shop/v1" }),
  );

  it.each([
    ["/shop/v1/orders/7?full=1", "/orders/7?full=1"],
    ["/shop/v1?full=1", "/?full=1"],
    ["/shop/v1", "/"],
    ["/shop/v1/", "/"],
    ["/shop/v1//a", "//a"],
    ["/sho%70/v1/a%2Fb", "/a%2Fb"],
    ["http://shop.example/shop/v1/a", "/a"],
  ])("%s is sent as %s", async (asked, sent) => {
    await inWorld(mounted, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      expect((await exchange(port, get(asked))).status).toBe(200);
      expect(upstream.requests()[0]?.path).toBe(sent);
    });
  });

  it("leaves other paths to the application", async () => {
    await inWorld(mounted, { scripts: [] }, async ({ port }) => {
      const answer = await exchange(port, get("/shop/v10"));
      expect(answer.status).toBe(404);
      expect(answer.all("proxy-status")).toEqual([]);
    });
  });

  it("may have parameters, and stands behind those of the scopes around it", async () => {
    const nested = fastify((app, upstream) =>
      app.register(
        async (scope) => {
          await scope.register(fastifyProxy, { upstream, prefix: "/:tenant/orders" });
        },
        { prefix: "/api" },
      ),
    );
    await inWorld(nested, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      await exchange(port, get("/api/blue/orders/7"));
      expect(upstream.requests()[0]?.path).toBe("/7");
    });
  });

  it("that is not given leaves the path as it came", async () => {
    const nested = fastify((app, upstream) =>
      app.register(async (scope) => scope.register(fastifyProxy, { upstream }), { prefix: "/api" }),
    );
    await inWorld(nested, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      await exchange(port, get("/api/orders/7"));
      expect(upstream.requests()[0]?.path).toBe("/api/orders/7");
    });
  });

  it("is taken off before rewritePath has the last word", async () => {
    const serve = fastify((app, upstream, options) =>
      app.register(fastifyProxy, { upstream, prefix: "/shop", ...options }),
    );
    const options = { rewritePath: (path: string) => `/v2${path}` };
    await inWorld(serve, { scripts: [PLAIN], options }, async ({ port, upstream }) => {
      await exchange(port, get("/shop/a"));
      expect(upstream.requests()[0]?.path).toBe("/v2/a");
    });
  });

  // It has a route for OPTIONS of all paths, and answers them unless it is told otherwise.
  it.each([
    [{}, 204, ["GET /a"]],
    [{ preflightContinue: true }, 200, ["OPTIONS /", "OPTIONS /a?b=1", "OPTIONS /a/b", "GET /a"]],
  ])("is not needed beside @fastify/cors with %o", async (settings, status, sent) => {
    const serve = fastify(async (app, upstream) => {
      await app.register(cors, { origin: "https://shop.example", ...settings });
      await app.register(fastifyProxy, { upstream });
    });
    const script = PLAIN.readHead().send(ok("2")).readHead().send(ok("3")).readHead().send(ok("4"));
    const scripts = [status === 200 ? script : PLAIN];
    await inWorld(serve, { scripts }, async ({ port, upstream }) => {
      const origin = { origin: "https://shop.example" };
      const preflight = { ...origin, "access-control-request-method": "PUT" };
      for (const path of ["/", "/a?b=1", "/a/b"]) {
        expect((await exchange(port, request("OPTIONS", path, preflight))).status).toBe(status);
      }
      expect((await exchange(port, get("/a", origin))).status).toBe(200);
      expect(upstream.heads().map((head) => head.split(" HTTP")[0])).toEqual(sent);
    });
  });

  it("of its own serves each of several upstreams", async () => {
    const serve = fastify(async (app, upstream) => {
      await app.register(fastifyProxy, { upstream, prefix: "/a" });
      await app.register(fastifyProxy, { upstream, prefix: "/b", diagnostics: "none" });
    });
    await inWorld(serve, { scripts: null }, async ({ port }) => {
      expect((await exchange(port, get("/a/1"))).all("proxy-status")).toHaveLength(1);
      expect((await exchange(port, get("/b/1"))).all("proxy-status")).toHaveLength(0);
    });
  });
});

describe("hooks", () => {
  it("run before the upstream is asked, and what they set goes with the answer", async () => {
    const serve = fastify((app, upstream) => {
      app.addHook("onRequest", async (_request, reply) => {
        reply.header("access-control-allow-origin", "*").header("vary", "Origin");
        reply.header("set-cookie", "session=1");
      });
      app.addHook("preHandler", async ({ headers }, reply) => {
        if (headers.authorization === undefined) await reply.code(401).send("who are you?");
      });
      return app.register(fastifyProxy, { upstream });
    });
    const fields = { "set-cookie": ["a=1", "b=2"], vary: "Accept" };
    const script = accept().readHead().send(ok("hello", fields));
    await inWorld(serve, { scripts: [script] }, async ({ port, upstream }) => {
      expect((await exchange(port, get("/"))).status).toBe(401);
      expect(upstream.connections()).toBe(0);
      const answer = await exchange(port, get("/", { authorization: "Bearer x" }));
      expect(answer).toMatchObject({ status: 200, text: "hello" });
      expect(answer.all("set-cookie")).toEqual(["session=1", "a=1", "b=2"]);
      expect(answer.field("vary")).toBe("Origin, Accept");
      expect(answer.field("access-control-allow-origin")).toBe("*");
    });
  });

  it("onResponse and onSend are told of all answers, onError of nothing", async () => {
    const told: string[] = [];
    const seen = gate();
    const serve = fastify((app, upstream, options) => {
      app.addHook("onSend", async ({ url }, reply, payload) => {
        told.push(`onSend ${url} ${reply.statusCode}`);
        return payload;
      });
      app.addHook("onError", async ({ url }) => void told.push(`onError ${url}`));
      app.addHook("onResponse", async ({ url }, reply) => {
        told.push(`onResponse ${url} ${reply.statusCode}`);
        if (url === "/fails") seen.open();
      });
      return app.register(fastifyProxy, { upstream, ...options });
    });
    const scripts = [accept().readHead().send(respond(201, "made")).readHead().close()];
    await inWorld(serve, { scripts }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(get("/works", { connection: "keep-alive" }));
      await client.until("made");
      client.write(get("/fails"));
      await client.over;
      await seen.opened;
      expect(client.received().toString()).toContain("connection_terminated");
      expect(told).toEqual([
        "onSend /works 201",
        "onResponse /works 201",
        "onSend /fails 502",
        "onResponse /fails 502",
      ]);
    });
  });

  it("onSend may change the answer to a failure", async () => {
    const serve = fastify((app, upstream) => {
      app.addHook("onSend", async (_request, reply, payload) => {
        reply.header("x-company", "1");
        return (payload as Buffer).toString().replace('"title"', '"headline"');
      });
      return app.register(fastifyProxy, { upstream });
    });
    await inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer).toMatchObject({ status: 502, complete: true });
      expect(answer.field("x-company")).toBe("1");
      expect(JSON.parse(answer.text)).toHaveProperty("headline");
    });
  });

  it("preParsing may put another stream in place of the request", async () => {
    const serve = fastify((app, upstream) => {
      app.addHook("preParsing", async ({ headers, raw }, _reply, payload) => {
        delete raw.headers["content-encoding"];
        return headers["content-encoding"] === "gzip" ? payload : payload.pipe(createGunzip());
      });
      return app.register(fastifyProxy, { upstream });
    });
    await inWorld(serve, { scripts: [READS] }, async ({ port, upstream }) => {
      const body = gzipSync("inflated");
      const fields = {
        "content-type": "text/plain",
        "content-encoding": "gzip",
        "content-length": String(body.byteLength),
      };
      await exchange(port, Buffer.concat([Buffer.from(request("POST", "/", fields)), body]));
      expect(upstream.bodies()[0]?.toString()).toBe("inflated");
      expect(upstream.requests()[0]?.header("content-encoding")).toBeUndefined();
    });
  });
});

describe("bodies", () => {
  it("stream, whatever bodyLimit and the parsers of the application say", async () => {
    const serve = fastify(
      (app, upstream) => {
        app.addContentTypeParser("image/x-own", (_request, _payload, done) =>
          done(new Error("no")),
        );
        return app.register(fastifyProxy, { upstream });
      },
      { bodyLimit: 10 },
    );
    for (const type of ["application/json", "image/x-own", "text/plain", "x/y; a=b"]) {
      await inWorld(serve, { scripts: [READS] }, async ({ port, upstream }) => {
        const fields = { "content-type": type, "content-length": "20" };
        const answer = await exchange(port, request("POST", "/", fields, "{ not JSON, not 10 }"));
        expect(answer.status, type).toBe(200);
        expect(upstream.bodies()[0]?.toString()).toBe("{ not JSON, not 10 }");
        expect(upstream.requests()[0]?.header("content-type")).toBe(type);
      });
    }
  });

  it("of other routes are parsed as before", async () => {
    const serve = fastify(async (app, upstream) => {
      await app.register(fastifyProxy, { upstream, prefix: "/shop" });
      app.post("/own", async ({ body }) => ({ got: body }));
    });
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      const fields = { "content-type": "application/json", "content-length": "7" };
      const answer = await exchange(port, request("POST", "/own", fields, '{"a":1}'));
      expect(JSON.parse(answer.text)).toEqual({ got: { a: 1 } });
    });
  });
});

describe("a failed fetch of a route", () => {
  const failed = () =>
    new GatewayError("fetch failed", { code: "breaker_open", retryAfterMs: 7_000 }, 0);
  const problem = { status: 503, code: "breaker_open", retryAfter: 7 };

  it("is answered with the problem, without Proxy-Status", async () => {
    const serve = fastify(async (app, upstream) => {
      await app.register(fastifyProxy, { upstream, prefix: "/shop" });
      app.get("/route", async () => {
        throw failed();
      });
    });
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      const answer = await exchange(port, get("/route", { "x-request-id": "req-7" }));
      expect(answer).toMatchObject({ status: 503, complete: true });
      expect(answer.field("content-type")).toBe("application/problem+json");
      expect(answer.field("retry-after")).toBe("7");
      expect(answer.all("proxy-status")).toEqual([]);
      expect(JSON.parse(answer.text)).toMatchObject({ ...problem, requestId: "req-7" });
    });
  });

  it("is the failure that gatewayFetch has thrown", async () => {
    const serve = fastify(async (app, upstream) => {
      await app.register(fastifyProxy, { upstream, prefix: "/shop" });
      const orders = gatewayFetch(upstream);
      app.get("/route", async () => (await orders("/orders")).json());
    });
    await inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, get("/route"));
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "connection_refused", attempts: 1 });
    });
  });

  it("is answered in earlier routes, in scopes below, and where it was wrapped", async () => {
    const serve = fastify(async (app, upstream) => {
      app.get("/before", () => {
        throw failed();
      });
      await app.register(fastifyProxy, { upstream, prefix: "/shop" });
      await app.register(async (scope) => {
        scope.get("/below", async () => {
          throw new Error("no orders", { cause: failed() });
        });
      });
    });
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      expect(JSON.parse((await exchange(port, get("/before"))).text)).toMatchObject(problem);
      expect(JSON.parse((await exchange(port, get("/below"))).text)).toMatchObject(problem);
    });
  });

  it.each(["before", "after"])("goes to an error handler that was set %s", async (when) => {
    const serve = fastify(
      async (app, upstream) => {
        const setHandler = () =>
          app.setErrorHandler(async (error, _request, reply) => {
            if (error instanceof GatewayError) return reply.code(418).send({ mine: error.code });
            throw error;
          });
        if (when === "before") setHandler();
        await app.register(fastifyProxy, { upstream, prefix: "/a" });
        await app.register(fastifyProxy, { upstream, prefix: "/b" });
        if (when === "after") setHandler();
        app.get("/route", async () => {
          throw failed();
        });
      },
      { allowErrorHandlerOverride: false },
    );
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      const answer = await exchange(port, get("/route"));
      expect(answer).toMatchObject({ status: 418, text: '{"mine":"breaker_open"}' });
    });
  });

  it("that an error handler passes on is answered with the problem", async () => {
    const serve = fastify(async (app, upstream) => {
      app.setErrorHandler(async (error) => {
        throw error;
      });
      await app.register(fastifyProxy, { upstream, prefix: "/shop" });
      app.get("/route", async () => {
        throw failed();
      });
    });
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      expect(JSON.parse((await exchange(port, get("/route"))).text)).toMatchObject(problem);
    });
  });

  it("is nothing that other errors are", async () => {
    const serve = fastify(async (app, upstream) => {
      await app.register(fastifyProxy, { upstream, prefix: "/shop" });
      app.get("/broken", async () => {
        throw new Error("own fault");
      });
      app.get("/wrapped", async () => {
        throw Object.assign(new Error("no order", { cause: failed() }), { statusCode: 404 });
      });
    });
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      const broken = await exchange(port, get("/broken"));
      expect(broken.status).toBe(500);
      expect(JSON.parse(broken.text)).toMatchObject({ message: "own fault" });
      expect((await exchange(port, get("/wrapped"))).status).toBe(404);
    });
  });
});

it("inject shows answers and failures without a socket of the client", async () => {
  let app: FastifyInstance = Fastify();
  const serve = fastify((instance, upstream) => {
    app = instance;
    return instance.register(fastifyProxy, { upstream });
  });
  await inWorld(serve, { scripts: [READS] }, async ({ upstream }) => {
    const answer = await app.inject({ method: "POST", url: "/a", payload: { a: 1 } });
    expect(answer).toMatchObject({ statusCode: 200, body: "done" });
    expect(upstream.bodies()[0]?.toString()).toBe('{"a":1}');
  });
  await inWorld(serve, { scripts: null }, async () => {
    const answer = await app.inject("/a");
    expect(answer.statusCode).toBe(502);
    expect(answer.headers["proxy-status"]).toContain("connection_refused");
  });
});

describe("other servers of Fastify", () => {
  it("one of HTTP/2 gets answers and failures", async () => {
    const serve = fastify((app, upstream) => app.register(fastifyProxy, { upstream }), {
      http2: true,
    } as object);
    const ask = async (port: number) => {
      const session = connect(`http://127.0.0.1:${port}`);
      const stream = session.request({ ":path": "/a", ":method": "POST" });
      stream.end("sent");
      const [head] = await once(stream, "response");
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      session.close();
      return { status: head[":status"], text: Buffer.concat(chunks).toString() };
    };
    await inWorld(serve, { scripts: [READS] }, async ({ port, upstream }) => {
      expect(await ask(port)).toEqual({ status: 200, text: "done" });
      expect(upstream.bodies()[0]?.toString()).toBe("sent");
      expect(upstream.requests()[0]?.header("host")).toBe(`127.0.0.1:${port}`);
    });
    await inWorld(serve, { scripts: null }, async ({ port }) => {
      expect((await ask(port)).status).toBe(502);
    });
  });

  it("one with a time limit for handlers answers by itself, and the late answer goes", async () => {
    const asked = gate();
    const late = gate();
    const serve = fastify((app, upstream) => app.register(fastifyProxy, { upstream }), {
      handlerTimeout: 50,
    });
    const script = accept()
      .readHead()
      .waitFor(() => {
        asked.open();
        return late.opened;
      })
      .send(ok("too late"));
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(get("/"));
      await client.over;
      expect(client.received().toString()).toMatch(/^HTTP\/1\.1 503 .*FST_ERR_HANDLER_TIMEOUT/s);
      late.open();
    });
  });
});

it("a typo in an option is told when the plugin is registered", async () => {
  const gateway = createGateway({ upstreams: { app: { targets: "http://127.0.0.1:1" } } });
  const options = { upstream: gateway.upstream("app"), diagnostic: "full" };
  const app = Fastify();
  await expect(async () => app.register(fastifyProxy, options)).rejects.toThrow(/diagnostics/);
  const other = Fastify();
  const wrong = { upstream: "app" as never };
  await expect(async () => other.register(fastifyProxy, wrong)).rejects.toThrow(TypeError);
  gateway.close();
});
