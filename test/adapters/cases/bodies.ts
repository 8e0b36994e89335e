/**
 * Messages and their bodies, both ways: framing, size, speed, interim answers, trailers.
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { answerOf, exchange, get, rawClient, request } from "../raw-client.js";
import { gate, inWorld } from "../world.js";
import type { Cases } from "./case.js";

const PLAIN = accept().readHead().send(ok("hello"));
const MEBIBYTE = 1_048_576;

export const BODIES: Cases = {
  "a GET is sent with its path and query as they came": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      const answer = await exchange(port, get("/a%20b/ü?q=1&r=%2F&r".replace("ü", "%C3%BC")));
      expect(answer).toMatchObject({ status: 200, text: "hello", complete: true });
      expect(upstream.heads()[0]).toMatch(/^GET \/a%20b\/%C3%BC\?q=1&r=%2F&r HTTP\/1\.1\r\n/);
      expect(upstream.requests()[0]?.header("content-length")).toBeUndefined();
      expect(upstream.requests()[0]?.header("transfer-encoding")).toBeUndefined();
    }),

  "a plain success says nothing about the gateway": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.all("proxy-status")).toEqual([]);
      expect(answer.all("server-timing")).toEqual([]);
    }),

  "HEAD has the fields of the answer and no body": (serve) =>
    inWorld(
      serve,
      { scripts: [accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")] },
      async ({ port, upstream }) => {
        const answer = await exchange(port, request("HEAD", "/"));
        expect(answer).toMatchObject({ status: 200, text: "" });
        expect(answer.field("content-length")).toBe("5");
        expect(upstream.requests()[0]?.method).toBe("HEAD");
      },
    ),

  "204 has no body and no length": (serve) =>
    inWorld(serve, { scripts: [accept().readHead().send(respond(204))] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer).toMatchObject({ status: 204, text: "" });
      expect(answer.all("content-length")).toEqual([]);
      expect(answer.all("transfer-encoding")).toEqual([]);
    }),

  "304 has its fields and no body": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send(respond(304, "", { etag: '"v1"' })),
        ],
      },
      async ({ port, upstream }) => {
        const answer = await exchange(port, get("/", { "if-none-match": '"v1"' }));
        expect(answer).toMatchObject({ status: 304, text: "" });
        expect(answer.field("etag")).toBe('"v1"');
        expect(upstream.requests()[0]?.header("if-none-match")).toBe('"v1"');
      },
    ),

  "a POST with a length arrives with that length": (serve) =>
    inWorld(
      serve,
      { scripts: [accept().readHead().readBody().send(ok("done"))] },
      async ({ port, upstream }) => {
        const answer = await exchange(
          port,
          request("POST", "/", { "content-length": "5", "content-type": "text/x-own" }, "12345"),
        );
        expect(answer).toMatchObject({ status: 200, text: "done" });
        expect(upstream.bodies()[0]?.toString()).toBe("12345");
        expect(upstream.requests()[0]?.header("content-length")).toBe("5");
        expect(upstream.requests()[0]?.header("transfer-encoding")).toBeUndefined();
        expect(upstream.requests()[0]?.header("content-type")).toBe("text/x-own");
      },
    ),

  "a body with a length that comes slowly is announced with that length, not chunked": (serve) => {
    const head = gate();
    const script = accept()
      .readHead()
      .waitFor(() => head.open())
      .readBody()
      .send(ok("done"));
    return inWorld(serve, { scripts: [script] }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(request("POST", "/", { "content-length": "10" }, "12345"));
      await head.opened;
      client.write("67890");
      await client.over;
      expect(answerOf(client.received())).toMatchObject({ status: 200, text: "done" });
      expect(upstream.bodies()[0]?.toString()).toBe("1234567890");
      expect(upstream.requests()[0]?.header("content-length")).toBe("10");
    });
  },

  "a chunked POST arrives whole": (serve) =>
    inWorld(
      serve,
      { scripts: [accept().readHead().readBody().send(ok("done"))] },
      async ({ port, upstream }) => {
        const chunks = "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n";
        const fields = { "transfer-encoding": "chunked" };
        const answer = await exchange(port, request("POST", "/", fields, chunks));
        expect(answer).toMatchObject({ status: 200, text: "done" });
        expect(upstream.bodies()[0]?.toString()).toBe("abcdefg");
      },
    ),

  "a large POST streams through": (serve) =>
    inWorld(
      serve,
      { scripts: [accept().readHead().readBody().send(ok("done"))] },
      async ({ port, upstream }) => {
        const body = Buffer.alloc(5 * MEBIBYTE, "0123456789abcdef");
        const client = await rawClient(port);
        client.write(request("POST", "/", { "content-length": String(body.byteLength) }));
        client.write(body);
        await client.over;
        expect(answerOf(client.received())).toMatchObject({ status: 200, text: "done" });
        expect(upstream.bodies()[0]?.equals(body)).toBe(true);
      },
    ),

  "a POST without a body has none": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      await exchange(port, request("POST", "/", { "content-length": "0" }));
      expect(upstream.requests()[0]?.header("transfer-encoding")).toBeUndefined();
    }),

  "a large answer moves at the client's speed and is not kept in memory": (serve) => {
    const body = Buffer.alloc(20 * MEBIBYTE, "0123456789abcdef");
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.byteLength}\r\n\r\n`;
    const script = accept().readHead().send(head).send(body);
    return inWorld(serve, { scripts: [script] }, async ({ port, server }) => {
      const connected = once(server, "connection") as Promise<[Socket]>;
      const client = await rawClient(port);
      client.socket.pause();
      client.write(get("/"));
      const [socket] = await connected;
      // What the systems' buffers take is out of sight; what lies in the process is not.
      let most = 0;
      for (let before = -1, quiet = 0; quiet < 200; ) {
        await new Promise(setImmediate);
        most = Math.max(most, socket.writableLength);
        const passed = socket.bytesWritten + socket.writableLength;
        quiet = passed > 0 && passed === before ? quiet + 1 : 0;
        before = passed;
      }
      expect(most).toBeLessThan(MEBIBYTE);
      client.socket.resume();
      await client.over;
      const answer = answerOf(client.received());
      expect(answer.complete).toBe(true);
      expect(answer.body.equals(body)).toBe(true);
    });
  },

  "a chunked answer keeps its trailers": (serve) => {
    const fields = "transfer-encoding: chunked\r\ntrailer: x-checksum\r\n";
    const script = accept()
      .readHead()
      .send(`HTTP/1.1 200 OK\r\n${fields}\r\n3\r\nabc\r\n`)
      .send("2\r\nde\r\n0\r\nx-checksum: 42\r\n\r\n");
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const answer = await exchange(port, get("/", { te: "trailers" }));
      expect(answer).toMatchObject({ status: 200, text: "abcde", complete: true });
      expect(answer.trailers).toEqual([["x-checksum", "42"]]);
      expect(answer.field("trailer")).toBe("x-checksum");
    });
  },

  "early hints come before the answer": (serve) => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
    const seen = gate();
    const script = accept().readHead().send(hints).waitFor(seen.opened).send(ok("page"));
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(get("/"));
      await client.until("\r\n\r\n");
      expect(client.received().toString()).toMatch(/^HTTP\/1\.1 103 Early Hints\r\n/);
      seen.open();
      await client.over;
      const answer = answerOf(client.received());
      expect(answer).toMatchObject({ status: 200, text: "page" });
      expect(answer.interim).toHaveLength(1);
      expect(answer.interim[0]).toContain("link: </a.css>; rel=preload");
    });
  },

  "an answer that comes before the upload is over reaches the client": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send(respond(413, "too much", { connection: "close" }))
            .close(),
        ],
      },
      async ({ port }) => {
        const client = await rawClient(port);
        client.write(request("POST", "/", { "content-length": "1000000" }, "a beginning"));
        await client.until("too much");
        expect(answerOf(client.received())).toMatchObject({ status: 413, text: "too much" });
        client.socket.destroy();
      },
    ),

  "requests that were sent together are answered in their order": (serve) => {
    const second = gate();
    const scripts = [
      accept()
        .readHead()
        .readBody()
        .waitFor(second.opened)
        .send((last) => ok(`got ${last?.body}`)),
      accept()
        .readHead()
        .send(ok("second"))
        .waitFor(() => second.open()),
    ];
    return inWorld(serve, { scripts }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      const first = { connection: "keep-alive", "content-length": "3" };
      client.write(request("POST", "/1", first, "abc") + get("/2"));
      await client.over;
      const all = client.received().toString();
      expect(all).toMatch(/^HTTP\/1\.1 200 .*got abcHTTP\/1\.1 200 .*second$/s);
      expect(upstream.requests().map(({ path }) => path)).toEqual(["/1", "/2"]);
    });
  },
};
