/**
 * Responses that a middleware has wrapped: what compresses, what keeps back, and what throws. The
 * proxy writes to them as a plain pipe would, and what they do ends no more than their own answer.
 */
import { EventEmitter, once } from "node:events";
import type { ServerResponse } from "node:http";
import { constants, gunzipSync } from "node:zlib";
import compression from "compression";
import express, { type RequestHandler } from "express";
import { expressProxy } from "good-gateway/express";
import { accept, ok, type Script } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { answerOf, exchange, get, rawClient } from "./raw-client.js";
import { listening, type ProxyServer } from "./servers.js";
import { gate, inWorld } from "./world.js";

const CHUNKED = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n";

/** Express with a middleware in front of the proxy. */
function behind(middleware: RequestHandler): ProxyServer {
  return (upstream, options) =>
    listening(express().use(middleware, expressProxy(upstream, options)));
}

/** A response that is wrapped before the proxy gets it. */
function wrapping(wrap: (res: ServerResponse) => void): ProxyServer {
  return behind((_req, res, next) => {
    wrap(res);
    next();
  });
}

/** All that came on a connection of one request; nothing where that was cut at once. */
async function received(port: number, asked: string): Promise<string> {
  const client = await rawClient(port);
  client.write(asked);
  await client.over;
  return client.received().toString("latin1");
}

/** What has come so far of an answer that was compressed. */
function inflated(bytes: Buffer): string {
  if (!bytes.includes("\r\n\r\n")) return "";
  const { body } = answerOf(bytes);
  return gunzipSync(body, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

function chunksOf(count: number, bytes: number): Script {
  const chunk = `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;
  return accept().readHead().send(`${CHUNKED}\r\n`).send(chunk.repeat(count)).send("0\r\n\r\n");
}

describe("a response with a stream of its own in between", () => {
  it("is listened to for its drain once, and goes on with each", async () => {
    const buffer = new EventEmitter();
    const got: Buffer[] = [];
    let most = 0;
    const serve = wrapping((res) => {
      const { on } = res;
      res.on = function (this: ServerResponse, event: string, listener: () => void) {
        if (event !== "drain") return on.call(this, event, listener);
        buffer.on(event, listener);
        most = Math.max(most, buffer.listenerCount("drain"));
        return this;
      } as ServerResponse["on"];
      res.write = ((chunk: Buffer) => {
        got.push(chunk);
        setImmediate(() => buffer.emit("drain"));
        return false;
      }) as ServerResponse["write"];
    });
    await inWorld(serve, { scripts: [chunksOf(50, 16_384)] }, async ({ port }) => {
      expect((await exchange(port, get("/"))).status).toBe(200);
      expect(Buffer.concat(got).byteLength).toBe(50 * 16_384);
      expect(got.length).toBeGreaterThan(5);
      expect(most).toBe(1);
    });
  });

  it("that says nothing of being full is not waited for", async () => {
    const serve = wrapping((res) => {
      const { write } = res;
      res.write = ((chunk: Buffer) => {
        write.call(res, chunk, "utf8");
      }) as unknown as ServerResponse["write"];
    });
    await inWorld(serve, { scripts: [chunksOf(20, 16_384)] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer).toMatchObject({ status: 200, complete: true });
      expect(answer.body.byteLength).toBe(20 * 16_384);
    });
  });
});

describe("compression()", () => {
  const compressed = behind(compression({ filter: () => true }));
  const asked = get("/", { "accept-encoding": "gzip" });

  it("compresses an answer of any size, whole", async () => {
    const head = `${CHUNKED}content-type: text/plain\r\n\r\n`;
    const chunk = `4000\r\n${"y".repeat(16_384)}\r\n`;
    const script = accept().readHead().send(head).send(chunk.repeat(60)).send("0\r\n\r\n");
    await inWorld(compressed, { scripts: [script] }, async ({ port }) => {
      const answer = await exchange(port, asked);
      expect(answer).toMatchObject({ status: 200, complete: true });
      expect(answer.field("content-encoding")).toBe("gzip");
      expect(gunzipSync(answer.body).toString()).toBe("y".repeat(60 * 16_384));
    });
  });

  it.each([
    ["an event stream", "content-type: text/event-stream; charset=utf-8\r\n"],
    ["lines of JSON", "content-type: application/x-ndjson\r\n"],
    ["what says so itself", "content-type: text/plain\r\nx-accel-buffering: no\r\n"],
  ])("hands on each part of %s as it comes", async (_what, fields) => {
    const seen = gate();
    const script = accept()
      .readHead()
      .send(`${CHUNKED}${fields}cache-control: no-cache\r\n\r\n`)
      .send("9\r\ndata: 1\n\n\r\n")
      .waitFor(() => seen.opened)
      .send("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    await inWorld(compressed, { scripts: [script] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(asked);
      while (!inflated(client.received()).includes("data: 1")) await once(client.socket, "data");
      seen.open();
      await client.over;
      expect(inflated(client.received())).toBe("data: 1\n\ndata: 2\n\n");
    });
  });

  it("cuts what breaks", async () => {
    const script = accept()
      .readHead()
      .send(`${CHUNKED}content-type: text/plain\r\n\r\n4000\r\n${"y".repeat(16_384)}\r\n`)
      .reset();
    await inWorld(compressed, { scripts: [script] }, async ({ port }) => {
      expect(await received(port, asked)).not.toMatch(/0\r\n\r\n$/);
    });
  });
});

describe("a response whose wrapper throws", () => {
  const boom = (): never => {
    throw new Error("no session");
  };

  it.each([
    ["write", chunksOf(40, 16_384)],
    ["end", chunksOf(40, 16_384)],
    ["writeHead", chunksOf(40, 16_384)],
    [
      "writeHead",
      accept()
        .readHead()
        .send(ok("small", { connection: "close" })),
    ],
    [
      "end",
      accept()
        .readHead()
        .send(ok("small", { connection: "close" })),
    ],
  ] as const)("in %s ends its own connection, and the next is served", async (method, script) => {
    let first = true;
    const serve = wrapping((res) => {
      if (first) Object.assign(res, { [method]: boom });
      first = false;
    });
    const scripts = [script, accept().readHead().send(ok("next"))];
    await inWorld(serve, { scripts }, async ({ port }) => {
      expect(await received(port, get("/"))).not.toMatch(/0\r\n\r\n$|small$/);
      expect(await exchange(port, get("/"))).toMatchObject({ status: 200, text: "next" });
    });
  });
});
