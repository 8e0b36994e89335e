/**
 * What is particular to Express: parsed bodies, mounts, fields set by other middleware, and failed
 * fetches of routes.
 */
import { gzipSync } from "node:zlib";
import express5 from "express";
import express4 from "express4";
import { createGateway, type FailureCode, GatewayError, type ProxyOptions } from "good-gateway";
import { expressErrorHandler, expressProxy } from "good-gateway/express";
import { gatewayFetch } from "good-gateway/fetch";
import { accept, ok, refusingPort } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { type Answer, exchange, get, request } from "./raw-client.js";
import { listening, type ProxyServer } from "./servers.js";
import { inWorld } from "./world.js";

type Express = typeof express5;
type Application = ReturnType<Express>;

const READS = accept().readHead().readBody().send(ok("done"));

function post(type: string, body: string | Buffer, more: Readonly<Record<string, string>> = {}) {
  const length = String(Buffer.byteLength(body));
  const head = request("POST", "/", { "content-type": type, "content-length": length, ...more });
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

describe.each([
  ["Express 5", express5],
  ["Express 4", express4],
])("%s", (_name, express) => {
  describe("a body that a parser has read", () => {
    const behind =
      (...parsers: readonly ReturnType<Express["json"]>[]): ProxyServer =>
      (upstream, options) => {
        const app = express();
        for (const parser of parsers) app.use(parser);
        return listening(app.use(expressProxy(upstream, options)));
      };

    it.each([
      ["JSON", "application/json", '{"a":[1,"ü"],"__proto__":{"constructor":1}}'],
      ["a form", "application/x-www-form-urlencoded", "a=1&b=x+y"],
      ["text", "text/plain", "plain ü"],
      ["bytes", "application/octet-stream", "\0bytes"],
      ["JSON without a byte", "application/json", ""],
    ])("%s is sent again, with its length", async (_what, type, sent) => {
      const { json, urlencoded, text, raw } = express;
      const serve = behind(json(), urlencoded({ extended: true }), text(), raw());
      await inWorld(serve, { scripts: [READS] }, async ({ port, upstream }) => {
        const answer = await exchange(port, post(type, sent));
        expect(answer).toMatchObject({ status: 200, text: "done" });
        expect(upstream.bodies()[0]?.toString()).toBe(sent);
        const head = upstream.requests()[0];
        expect(head?.header("content-length")).toBe(String(Buffer.byteLength(sent)));
        expect(head?.header("transfer-encoding")).toBeUndefined();
        expect(head?.header("content-type")).toBe(type);
      });
    });

    it("is sent byte for byte where rawBody has kept it", async () => {
      const keeping = express.json({
        verify: (req, _res, bytes) => void Object.assign(req, { rawBody: bytes }),
      });
      await inWorld(behind(keeping), { scripts: [READS] }, async ({ port, upstream }) => {
        await exchange(port, post("application/json", '{ "a": 1.0 }'));
        expect(upstream.bodies()[0]?.toString()).toBe('{ "a": 1.0 }');
      });
    });

    it.each([
      ["an integer beyond 2^53", "application/json", '{"id":12345678901234567890}'],
      ["white space that a signature counts", "application/json", '{"a": 1}'],
      ["a name twice", "application/json", '{"a":1,"a":2}'],
      ["names in brackets", "application/x-www-form-urlencoded", "a[]=1&a[]=2"],
      ["text that is no UTF-8", "text/plain", Buffer.from("café", "latin1")],
      ["text that ends within a letter", "text/plain", Buffer.from([0xf0, 0x9f, 0x98])],
    ])("with %s is refused, and the answer says what to do", async (_what, type, sent) => {
      const { json, urlencoded, text } = express;
      const serve = behind(json(), urlencoded({ extended: true }), text());
      const told: string[] = [];
      const onFailure: ProxyOptions["onFailure"] = ({ details }) => told.push(details ?? "");
      const world = { scripts: [], options: { onFailure } };
      await inWorld(serve, world, async ({ port, upstream }) => {
        const answer = await exchange(port, post(type, sent));
        expect(answer.status).toBe(500);
        expect(told).toEqual([expect.stringContaining("verify: (req, res, bytes)")]);
        expect(JSON.parse(answer.text)).toMatchObject({ code: "proxy_configuration_error" });
        expect(upstream.connections()).toBe(0);
      });
    });

    it("in chunks without a byte is sent without one", async () => {
      const serve = behind(express.json());
      await inWorld(serve, { scripts: [READS] }, async ({ port, upstream }) => {
        const fields = { "content-type": "application/json", "transfer-encoding": "chunked" };
        await exchange(port, request("POST", "/", fields, "0\r\n\r\n"));
        expect(upstream.bodies()[0]).toHaveLength(0);
      });
    });

    it("of bytes that came compressed is sent without its coding", async () => {
      await inWorld(behind(express.raw()), { scripts: [READS] }, async ({ port, upstream }) => {
        const coding = { "content-encoding": "gzip" };
        await exchange(port, post("application/octet-stream", gzipSync("inflated"), coding));
        expect(upstream.bodies()[0]?.toString()).toBe("inflated");
        expect(upstream.requests()[0]?.header("content-encoding")).toBeUndefined();
      });
    });

    it("of JSON that came compressed is refused, since no length proves it", async () => {
      await inWorld(behind(express.json()), { scripts: [] }, async ({ port }) => {
        const coding = { "content-encoding": "gzip" };
        const answer = await exchange(port, post("application/json", gzipSync("{}"), coding));
        expect(answer.status).toBe(500);
      });
    });

    it("streams on, with its coding, where no parser was interested", async () => {
      const serve = behind(express.json(), express.urlencoded({ extended: false }));
      await inWorld(serve, { scripts: [READS] }, async ({ port, upstream }) => {
        const zipped = gzipSync("an image");
        await exchange(port, post("image/x-own", zipped, { "content-encoding": "gzip" }));
        expect(upstream.bodies()[0]?.equals(zipped)).toBe(true);
        expect(upstream.requests()[0]?.header("content-encoding")).toBe("gzip");
      });
    });

    it("that cannot be sent again is refused and not sent empty", async () => {
      const swallow = ((req, _res, next) => {
        req.resume();
        req.once("end", next);
      }) as ReturnType<Express["json"]>;
      await inWorld(behind(swallow), { scripts: [] }, async ({ port, upstream }) => {
        const answer = await exchange(port, post("multipart/form-data; boundary=x", "--x--"));
        expect(answer.status).toBe(500);
        expect(JSON.parse(answer.text)).toMatchObject({ code: "proxy_configuration_error" });
        expect(upstream.connections()).toBe(0);
      });
    });

    it("is sent again with a further attempt", async () => {
      const serve = behind(express.json());
      const scripts = [accept().readHead().readBody().reset(), READS];
      const settings = { retry: { attemptsMax: 2 } };
      await inWorld(serve, { scripts, settings }, async ({ port, upstream }) => {
        const answer = await exchange(
          port,
          post("application/json", '{"a":1}', { "idempotency-key": "k1" }),
        );
        expect(answer.status).toBe(200);
        expect(upstream.bodies().map(String)).toEqual(['{"a":1}', '{"a":1}']);
      });
    });
  });

  describe("a mount", () => {
    const mounted: ProxyServer = (upstream) =>
      listening(express().use("/shop", expressProxy(upstream)));

    it.each([
      ["/shop/orders/7?full=1", "/orders/7?full=1"],
      ["/shop?full=1", "/?full=1"],
      ["/shop", "/"],
      ["/shop/a%2Fb", "/a%2Fb"],
    ])("%s is sent as %s", async (asked, sent) => {
      await inWorld(mounted, { scripts: [READS] }, async ({ port, upstream }) => {
        await exchange(port, get(asked));
        expect(upstream.requests()[0]?.path).toBe(sent);
      });
    });

    it("leaves other paths to the application", async () => {
      await inWorld(mounted, { scripts: [] }, async ({ port }) => {
        const answer = await exchange(port, get("/other"));
        expect(answer.status).toBe(404);
        expect(answer.all("proxy-status")).toEqual([]);
      });
    });
  });

  it("fields of other middleware stay on answers and on failures", async () => {
    const serve: ProxyServer = (upstream) => {
      const app = express();
      app.use((_req, res, next) => {
        res.vary("Origin").cookie("session", "1").set("Access-Control-Allow-Origin", "*");
        next();
      });
      return listening(app.use(expressProxy(upstream)));
    };
    const fields = { "set-cookie": ["a=1", "b=2"], vary: "Accept" };
    await inWorld(serve, { scripts: [accept().readHead().send(ok("", fields))] }, async (world) => {
      const answer = await exchange(world.port, get("/"));
      expect(answer.all("set-cookie")).toEqual(["session=1; Path=/", "a=1", "b=2"]);
      expect(answer.field("vary")).toBe("Origin, Accept");
      expect(answer.field("access-control-allow-origin")).toBe("*");
    });
    await inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(502);
      expect(answer.field("access-control-allow-origin")).toBe("*");
      expect(answer.field("vary")).toBe("Origin");
    });
  });

  describe("a failed fetch of a route", () => {
    const failing = (error: unknown, options?: Parameters<typeof expressErrorHandler>[1]) =>
      askApp((app, gateway) => {
        app.get("/", (_req, _res, next) => next(error));
        app.use(expressErrorHandler(gateway, options));
        // Express 4 and 5 print errors that reach their last handler, except in tests.
        app.set("env", "test");
      });

    /** An application with a gateway, and its answer to one request. */
    async function askApp(
      prepare: (app: Application, gateway: ReturnType<typeof gatewayOf>) => void,
      fields: Readonly<Record<string, string>> = {},
    ): Promise<Answer> {
      const gateway = gatewayOf();
      const app = express();
      prepare(app, gateway);
      const server = await listening(app);
      try {
        return await exchange(server.port, get("/", fields));
      } finally {
        await server.close();
        gateway.close();
      }
    }

    it.each([
      ["connection_refused", 502],
      ["breaker_open", 503],
      ["http_response_timeout", 504],
    ] as const)("%s becomes %i, in the form of a problem", async (code, status) => {
      const answer = await failing(failed(code));
      expect(answer.status).toBe(status);
      expect(answer.field("content-type")).toBe("application/problem+json");
      expect(JSON.parse(answer.text)).toMatchObject({ status, code, attempts: 1 });
      expect(answer.all("retry-after")).toHaveLength(status === 503 ? 1 : 0);
    });

    it("is the failure that gatewayFetch has thrown", async () => {
      const answer = await askApp((app, gateway) => {
        const orders = gatewayFetch(gateway.upstream("app"));
        app.get("/", (_req, _res, next) => void orders("/orders").catch(next));
        app.use(expressErrorHandler(gateway));
      });
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "connection_refused", attempts: 1 });
    });

    // RFC 9209 §2: an origin does not generate the field.
    it("has no Proxy-Status, since this is no proxy", async () => {
      const answer = await failing(failed("connection_refused"));
      expect(answer.all("proxy-status")).toEqual([]);
    });

    it("tells nothing where diagnostics are off", async () => {
      const answer = await failing(failed("connection_refused"), { diagnostics: "none" });
      expect(answer.text).not.toContain("connection_refused");
    });

    it("is found within the error that a route has made of it", async () => {
      const cause = new Error("inner", { cause: failed("connection_refused") });
      expect((await failing(new Error("no orders", { cause }))).status).toBe(502);
    });

    it("is not what an error is about that names a status of its own", async () => {
      const cause = failed("connection_refused");
      const error = Object.assign(new Error("no such order", { cause }), { status: 404 });
      const answer = await failing(error);
      expect(answer.status).toBe(404);
      expect(answer.text).not.toContain("connection_refused");
    });

    it("is what an error is about that has copied its status, at any depth", async () => {
      const cause = failed("breaker_open");
      const { status, statusCode, code } = cause;
      const inner = Object.assign(new Error("Network Error", { cause }), { status, code });
      const answer = await failing(
        Object.assign(new Error("no", { cause: inner }), { statusCode }),
      );
      expect(answer.status).toBe(503);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "breaker_open" });
    });

    it("is not what its own error is about, once another status was assigned to it", async () => {
      const answer = await failing(Object.assign(failed("connection_refused"), { status: 404 }));
      expect(answer.status).toBe(404);
      expect(answer.text).not.toContain("connection_refused");
    });

    it("is not looked for without end", async () => {
      const circle = new Error("round");
      circle.cause = circle;
      expect((await failing(circle)).status).toBe(500);
    });

    it.each([["an error"], [undefined], [null]])("is not what %o is", async (error) => {
      const answer = await failing(error);
      expect([404, 500]).toContain(answer.status);
    });

    it("comes in the form that the client accepts, with the id that it gave", async () => {
      const fields = { accept: "text/html", "x-request-id": "req-7" };
      const answer = await askApp((app, gateway) => {
        app.get("/", (_req, _res, next) => next(failed("connection_refused")));
        app.use(expressErrorHandler(gateway));
      }, fields);
      expect(answer.field("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.field("x-request-id")).toBe("req-7");
    });

    it("after the head of an answer cuts the connection", async () => {
      const answer = await askApp((app, gateway) => {
        app.set("env", "test");
        app.get("/", (_req, res, next) => {
          res.set("content-length", "100").write("half");
          next(failed("connection_refused"));
        });
        app.use(expressErrorHandler(gateway));
      });
      expect(answer).toMatchObject({ status: 200, text: "half", complete: false });
    });
  });

  it("a typo in an option is told when the middleware is made", () => {
    const gateway = gatewayOf();
    const options = { rewritepath: (path: string) => path } as object;
    expect(() => expressProxy(gateway.upstream("app"), options)).toThrow(/rewritePath/);
    expect(() => expressProxy("app" as never)).toThrow(TypeError);
    expect(() => expressErrorHandler({} as never)).toThrow(TypeError);
    gateway.close();
  });
});

const REFUSES = `http://127.0.0.1:${await refusingPort()}`;

function gatewayOf() {
  return createGateway({ upstreams: { app: { targets: REFUSES, retry: false } } });
}

function failed(code: FailureCode): GatewayError {
  return new GatewayError("fetch failed", { code }, 1);
}
