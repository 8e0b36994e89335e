/**
 * Hooks that run with the answer of an upstream: those of the plugins that people use, and those
 * that take the body, replace it, change the head, or fail.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable, Transform } from "node:stream";
import { gunzipSync } from "node:zlib";
import compress from "@fastify/compress";
import cookie from "@fastify/cookie";
import cors from "@fastify/cors";
import etag from "@fastify/etag";
import session from "@fastify/session";
import Fastify, { type FastifyInstance } from "fastify";
import { fastifyProxy } from "good-gateway/fastify";
import { accept, ok, respond } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { ask2 } from "./http2-client.js";
import { exchange, get, rawClient, request } from "./raw-client.js";
import type { ProxyServer } from "./servers.js";
import { inWorld } from "./world.js";

const CHUNKED = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n";
const PLAIN = accept()
  .readHead()
  .send(ok("hello", { "content-type": "text/plain" }));
const BIG = Buffer.alloc(4_000_000, "big body ");

function fastify(prepare: (app: FastifyInstance) => unknown, settings: object = {}): ProxyServer {
  return async (upstream, options) => {
    const app = Fastify({ ...settings });
    await prepare(app);
    await app.register(fastifyProxy, { upstream, ...options });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const close = async (): Promise<void> => {
      (app.server as { closeAllConnections?: () => void }).closeAllConnections?.();
      await app.close();
    };
    return { server: app.server, port, close };
  };
}

type Hook = Parameters<typeof hooked>[0];
function hooked(
  hook: (
    payload: Readable | undefined,
    reply: { header(n: string, v: string): unknown },
  ) => unknown,
): ProxyServer {
  return fastify((app) => {
    app.addHook("onSend", async (_request, reply, payload) =>
      hook(payload as Readable | undefined, reply),
    );
  });
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Gives nothing before its end, as what compresses does. */
class HoldingBack extends Transform {
  override _transform(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

describe("plugins", () => {
  it("cookies, sessions and CORS go with the answer, beside what the upstream sets", async () => {
    const serve = fastify(async (app) => {
      await app.register(cookie);
      await app.register(session, {
        secret: "a secret that is long enough for it, is it not",
        cookie: { secure: false },
      });
      await app.register(cors, { origin: [/shop/] });
      app.addHook("onRequest", async (asked, reply) => {
        (asked.session as unknown as Record<string, unknown>)["user"] = "seven";
        (reply as unknown as { setCookie(n: string, v: string): void }).setCookie("own", "1");
      });
    });
    const fields = { "set-cookie": ["up=1", "up=2"], vary: "Accept", "x-a": ["1", "2"] };
    await inWorld(
      serve,
      { scripts: [accept().readHead().send(ok("hello", fields))] },
      async (w) => {
        const answer = await exchange(w.port, get("/", { origin: "https://shop.example" }));
        expect(answer).toMatchObject({ status: 200, text: "hello", complete: true });
        const names = answer.all("set-cookie").map((one) => one.split("=")[0]);
        expect(names.sort()).toEqual(["own", "sessionId", "up", "up"]);
        expect(answer.field("access-control-allow-origin")).toBe("https://shop.example");
        expect(answer.field("vary")).toBe("Origin, Accept");
        expect(answer.all("x-a")).toEqual(["1", "2"]);
        expect(answer.field("content-length")).toBe("5");
      },
    );
  });

  it.each([["before"], ["after"]])("compression that is registered %s compresses", async (when) => {
    const serve: ProxyServer = async (upstream, options) => {
      const app = Fastify();
      if (when === "before") await app.register(compress, { threshold: 0 });
      app.addHook("onSend", async (_request, reply, payload) => {
        reply.header("x-late", "1");
        return payload;
      });
      await app.register(fastifyProxy, { upstream, ...options });
      if (when === "after")
        app.addHook("onSend", async (_r, reply) => void reply.header("x-l", "1"));
      await app.listen({ host: "127.0.0.1", port: 0 });
      const { port } = app.server.address() as AddressInfo;
      return { server: app.server, port, close: () => app.close() };
    };
    const head = { "content-type": "text/plain", connection: "close" };
    const script = accept().readHead().send(ok(BIG.toString(), head));
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const answer = await exchange(port, get("/", { "accept-encoding": "gzip" }));
      expect(answer).toMatchObject({ status: 200, complete: true });
      expect(answer.field("x-late")).toBe("1");
      if (when === "after") expect(answer.field("x-l")).toBe("1");
      const zipped = answer.field("content-encoding") === "gzip";
      expect(zipped).toBe(when === "before");
      expect((zipped ? gunzipSync(answer.body) : answer.body).equals(BIG)).toBe(true);
    });
  });

  it("a body that breaks while it is compressed is cut", async () => {
    const serve = fastify((app) => app.register(compress, { threshold: 0 }));
    const script = accept()
      .readHead()
      .send(`${CHUNKED}content-type: text/plain\r\n\r\n`)
      .send(`f4240\r\n${"x".repeat(1_000_000)}\r\n`)
      .reset();
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(get("/", { "accept-encoding": "gzip" }));
      await client.over;
      expect(client.received().toString("latin1")).not.toMatch(/0\r\n\r\n$/);
    });
  });

  it("an ETag plugin leaves a stream as it is", async () => {
    const serve = fastify((app) => app.register(etag));
    await inWorld(serve, { scripts: [PLAIN] }, async ({ port }) => {
      expect(await exchange(port, get("/"))).toMatchObject({ status: 200, text: "hello" });
    });
  });
});

describe("a hook", () => {
  it("sees a stream, and the answer of whatever size arrives as it was sent", async () => {
    const seen: unknown[] = [];
    const serve = hooked((payload, reply) => {
      seen.push(typeof payload?.pipe);
      reply.header("x-own", "1");
      return payload;
    });
    const script = accept()
      .readHead()
      .send(ok("", { "x-empty": "1" }))
      .readHead()
      .send(respond(302, "small", { location: "/a" }))
      .readHead()
      .send(ok(BIG.toString()));
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      for (const [status, body] of [
        [200, ""],
        [302, "small"],
        [200, BIG.toString()],
      ] as const) {
        const answer = await exchange(port, get("/"));
        expect(answer.status).toBe(status);
        expect(answer.complete).toBe(true);
        expect(answer.text === body).toBe(true);
        expect(answer.field("x-own")).toBe("1");
        expect(answer.field("content-length")).toBe(String(Buffer.byteLength(body)));
        expect(answer.all("content-type")).toEqual([]);
      }
      expect(seen).toEqual(["function", "function", "function"]);
    });
  });

  it("keeps HEAD, 204 and 304 as they are", async () => {
    const serve = hooked((payload, reply) => {
      reply.header("x-own", "1");
      return payload;
    });
    const scripts = [
      accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 500\r\nx-a: 1\r\n\r\n"),
      accept()
        .readHead()
        .send("HTTP/1.1 204 No Content\r\n\r\n")
        .readHead()
        .send('HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n'),
    ];
    await inWorld(serve, { scripts }, async ({ port }) => {
      const head = await exchange(port, request("HEAD", "/"));
      expect([head.status, head.field("content-length"), head.text]).toEqual([200, "500", ""]);
      expect([head.field("x-own"), head.field("x-a")]).toEqual(["1", "1"]);
      const none = await exchange(port, get("/"));
      expect([none.status, none.text, none.field("x-own")]).toEqual([204, "", "1"]);
      const same = await exchange(port, get("/"));
      expect([same.status, same.text, same.field("etag")]).toEqual([304, "", '"a"']);
      expect(same.all("content-type")).toEqual([]);
    });
  });

  it.each<[string, Hook, string]>([
    ["a text", async (payload) => (await text(payload as Readable)).toUpperCase(), "HELLO"],
    ["bytes that come from elsewhere", () => Buffer.from("own"), "own"],
    ["another stream", (payload) => payload?.pipe(new PassThrough()), "hello"],
  ])("may put %s in place of the body", async (_what, hook, sent) => {
    const script = PLAIN.readHead().send(ok("again"));
    await inWorld(hooked(hook), { scripts: [script] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer).toMatchObject({ status: 200, text: sent, complete: true });
      // The upstream's connection is free, whoever has taken its answer.
      expect((await exchange(port, get("/"))).status).toBe(200);
    });
  });

  it("may look at the parts of the body on their way", async () => {
    let bytes = 0;
    const serve = hooked((payload) => {
      payload?.on("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
      });
      return payload;
    });
    const script = accept().readHead().send(ok(BIG.toString()));
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.complete && answer.body.equals(BIG)).toBe(true);
      expect(bytes).toBe(BIG.byteLength);
    });
  });

  it("that changes the status is heard", async () => {
    const serve = fastify((app) => {
      app.addHook("onSend", async (_request, reply, payload) => {
        reply.code(418);
        return payload;
      });
    });
    await inWorld(serve, { scripts: [PLAIN] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(get("/"));
      await client.over;
      expect(client.received().toString()).toMatch(
        /^HTTP\/1\.1 418 I'm a Teapot\r\n[\s\S]*hello$/i,
      );
    });
  });

  it("that fails is answered by the application, without the upstream's fields", async () => {
    const serve = fastify((app) => {
      let failed = false;
      app.addHook("onSend", async (_request, _reply, payload) => {
        if (!failed) {
          failed = true;
          throw new Error("no session");
        }
        return payload;
      });
    });
    const script = accept()
      .readHead()
      .send(ok("hello", { "content-encoding": "br", "x-up": "1" }))
      .readHead()
      .send(ok("next"));
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer).toMatchObject({ status: 500, complete: true });
      expect([...answer.all("content-encoding"), ...answer.all("x-up")]).toEqual([]);
      expect(JSON.parse(answer.text)).toMatchObject({ message: "no session" });
      expect(await exchange(port, get("/"))).toMatchObject({ status: 200, text: "next" });
    });
  });

  it("makes no broken body whole, and sees the failure of one that has not begun", async () => {
    const statuses: number[] = [];
    const serve = fastify((app) => {
      app.addHook("onSend", async ({ url }, reply, payload) => {
        statuses.push(reply.statusCode);
        reply.header("x-own", "1");
        // Long enough for the upstream to break off meanwhile.
        if (url === "/late") await new Promise((resolve) => setTimeout(resolve, 200));
        return payload;
      });
    });
    const scripts = [
      accept().readHead().send(`${CHUNKED}x-up: 1\r\n\r\n3\r\nabc\r\n`).wait(50).close(),
      accept().readHead().send(`${CHUNKED}x-up: 1\r\n\r\n`).close(),
      accept().readHead().send(`${CHUNKED}x-up: 1\r\n\r\n3\r\nabc\r\n`).wait(20).close(),
      accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nab").wait(20).close(),
    ];
    await inWorld(serve, { scripts }, async ({ port }) => {
      const cut = await exchange(port, get("/"));
      expect(cut).toMatchObject({ status: 200, text: "abc", complete: false });
      for (let time = 0; time < 3; time += 1) {
        const failed = await exchange(port, get("/late"));
        expect(failed).toMatchObject({ status: 502, complete: true });
        expect(failed.field("x-own")).toBe("1");
        expect(failed.all("x-up")).toEqual([]);
      }
      expect(statuses).toEqual([200, 200, 502, 200, 502, 200, 502]);
    });
  });

  it("that makes a 204 of the answer takes its body, its length and its trailers", async () => {
    const serve = fastify((app) => {
      app.addHook("onSend", async (_request, reply, payload) => {
        reply.code(204);
        return payload;
      });
    });
    const head = `${CHUNKED}trailer: x-sum\r\n\r\n`;
    const script = PLAIN.readHead().send(`${head}2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n`);
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      for (let left = 2; left > 0; left -= 1) {
        const answer = await exchange(port, get("/"));
        expect(answer).toMatchObject({ status: 204, text: "", complete: true });
        expect([...answer.all("content-length"), ...answer.all("trailer")]).toEqual([]);
      }
    });
  });

  it("cannot end the process by a pipe: what breaks fails, or is cut", async () => {
    const serve = fastify((app) => {
      app.addHook("onSend", async ({ url }, _reply, payload) => {
        const stream = payload as Readable | undefined;
        if (typeof stream?.pipe !== "function") return payload;
        return stream.pipe(url === "/whole" ? new PassThrough() : new HoldingBack());
      });
    });
    const scripts = [
      accept().readHead().send(`${CHUNKED}\r\n3\r\nabc\r\n`).wait(50).close(),
      accept().readHead().send(`${CHUNKED}x-up: 1\r\n\r\n3\r\nabc\r\n`).wait(50).close(),
    ];
    await inWorld(serve, { scripts }, async ({ port }) => {
      const cut = await exchange(port, get("/whole"));
      expect(cut).toMatchObject({ status: 200, text: "abc", complete: false });
      const failed = await exchange(port, get("/held"));
      expect(failed).toMatchObject({ status: 502, complete: true });
      expect(failed.all("x-up")).toEqual([]);
    });
  });

  it("that puts a stream of another length in place of the body has it sent whole", async () => {
    const serve = hooked((payload) =>
      typeof payload?.pipe === "function" ? Readable.from(["longer than ", "before"]) : payload,
    );
    await inWorld(serve, { scripts: [PLAIN] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer).toMatchObject({ status: 200, text: "longer than before", complete: true });
    });
  });

  it("that compresses a body that breaks says nothing of its coding in the failure", async () => {
    const serve = fastify((app) => app.register(compress, { threshold: 1 }));
    const head = `${CHUNKED}content-type: text/plain\r\n\r\n`;
    const scripts = [accept().readHead().send(`${head}3\r\nabc\r\n`).wait(50).close()];
    await inWorld(serve, { scripts }, async ({ port }) => {
      const answer = await exchange(port, get("/", { "accept-encoding": "gzip" }));
      expect(answer).toMatchObject({ status: 502, complete: true });
      const plain = answer.field("content-encoding") === "gzip" ? gunzipSync(answer.body) : "";
      expect(JSON.parse(String(plain))).toMatchObject({ status: 502 });
    });
  });

  it("leaves trailers to the answer", async () => {
    const serve = hooked((payload) => payload);
    const head = `${CHUNKED}trailer: x-sum\r\n\r\n`;
    const script = accept().readHead().send(head).send("2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n");
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer).toMatchObject({ status: 200, text: "ok", trailers: [["x-sum", "7"]] });
      expect(answer.field("trailer")).toBe("x-sum");
    });
  });

  it("runs in the context of its own request", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const serve = fastify((app) => {
      app.addHook("onRequest", (asked, _reply, done) => storage.run(asked.url, done));
      app.addHook("onSend", async (_request, _reply, payload) => {
        seen.push(storage.getStore());
        return payload;
      });
    });
    const script = PLAIN.readHead().send(ok("two"));
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      await exchange(port, get("/one"));
      await exchange(port, get("/two"));
      expect(seen).toEqual(["/one", "/two"]);
    });
  });

  it("runs for clients of HTTP/2, where a field comes once", async () => {
    const serve: ProxyServer = fastify(
      (app) => {
        app.addHook("onSend", async (_request, reply, payload) => {
          reply.header("x-own", "1");
          return payload;
        });
      },
      { http2: true },
    );
    const twice = { "x-content-type-options": ["nosniff", "nosniff"], age: ["1", "2"] };
    await inWorld(serve, { scripts: [accept().readHead().send(ok("hello", twice))] }, async (w) => {
      const answer = await ask2(`http://127.0.0.1:${w.port}`);
      expect(answer).toMatchObject({ status: 200, text: "hello", complete: true });
      expect(answer.headers).toMatchObject({ "x-own": "1", age: "1" });
    });
  });
});
