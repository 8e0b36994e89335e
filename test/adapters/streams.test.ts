/**
 * Long bodies, both ways: what has come is passed on before the rest exists, silence is bounded,
 * parts stay parts, and nobody is sent more than it takes.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, request as requestHttp } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type UpstreamOptions } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { accept, respond } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { begin, http2Client } from "./http2-client.js";
import { HTTP2_SERVERS } from "./http2-servers.js";
import { answerOf, exchange, get, rawClient } from "./raw-client.js";
import { listening, PROXY_SERVERS } from "./servers.js";
import { gate, inWorld } from "./world.js";

const EVENTS =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n";
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  it("an event passes before the next one exists, and the head before the first", async () => {
    const [sawHead, sawFirst] = [gate(), gate()];
    const script = accept()
      .readHead()
      .send(`${EVENTS}\r\n`)
      .waitFor(sawHead.opened)
      .send(chunk("data: one\n\n"))
      .waitFor(sawFirst.opened)
      .send(`${chunk("data: two\n\n")}0\r\n\r\n`);
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(get("/events", { accept: "text/event-stream" }));
      await client.until("\r\n\r\n");
      sawHead.open();
      await client.until("data: one");
      expect(client.received().toString()).not.toContain("data: two");
      sawFirst.open();
      await client.over;
      const answer = answerOf(client.received());
      expect(answer).toMatchObject({ status: 200, complete: true });
      expect(answer.text).toBe("data: one\n\ndata: two\n\n");
    });
  });

  it("a part of a body stays that part", async () => {
    const fields = {
      "content-range": "bytes 2-4/10",
      "accept-ranges": "bytes",
      etag: '"v1"',
    };
    const script = accept()
      .readHead()
      .send(respond(206, "cde", fields));
    await inWorld(serve, { scripts: [script] }, async ({ port, upstream }) => {
      const asked = { range: "bytes=2-4", "if-range": '"v1"' };
      const answer = await exchange(port, get("/file", asked));
      expect(answer).toMatchObject({ status: 206, text: "cde", complete: true });
      for (const [name, value] of Object.entries(fields)) expect(answer.field(name)).toBe(value);
      expect(upstream.requests()[0]?.header("range")).toBe("bytes=2-4");
      expect(upstream.requests()[0]?.header("if-range")).toBe('"v1"');
    });
  });

  it("a stream that falls silent is cut by idleMs, and named", async () => {
    const script = accept()
      .readHead()
      .send(`${EVENTS}\r\n${chunk("data: one\n\n")}`)
      .hang();
    const settings = { timeouts: { idleMs: 150 } };
    await inWorld(serve, { scripts: [script], settings }, async ({ port, gateway }) => {
      const ended = new Promise((resolve) => gateway.on("call:end", resolve));
      const answer = await exchange(port, get("/events"));
      expect(answer).toMatchObject({ status: 200, text: "data: one\n\n", complete: false });
      expect(await ended).toMatchObject({ clientEnd: "cut" });
    });
  });
});

describe.each(Object.entries(HTTP2_SERVERS))("through %s", (_name, serve) => {
  it("an event passes before the next one exists", async () => {
    const saw = gate();
    const script = accept()
      .readHead()
      .send(`${EVENTS}\r\n${chunk("data: one\n\n")}`)
      .waitFor(saw.opened)
      .send("0\r\n\r\n");
    await inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const session = await http2Client(`http://127.0.0.1:${port}`);
      const asked = begin(session, {});
      const [first] = (await once(asked.stream, "data")) as [Buffer];
      expect(String(first)).toBe("data: one\n\n");
      saw.open();
      expect(await asked.over).toMatchObject({ complete: true });
      session.destroy();
    });
  });
});

describe("an upload", () => {
  it("moves at the upstream's speed; what it does not take stays with the client", async () => {
    const arrived = held<IncomingMessage>();
    // It reads nothing until it is told.
    const upstream = await listening((req, res) => {
      arrived.resolve(req);
      req.once("end", () => res.end("done"));
    });
    cleanUps.push(() => void upstream.close());
    const port = await proxyTo({ targets: `http://127.0.0.1:${upstream.port}`, retry: false });
    const size = 33_554_432;
    const asked = requestHttp({ port, method: "PUT", headers: { "content-length": size } });
    const answered = once(asked, "response") as Promise<[IncomingMessage]>;
    let taken = 0;
    const part = Buffer.alloc(65_536);
    const pump = (): void => {
      if (taken === size) asked.end();
      else {
        asked.write(part, () => {
          taken += part.length;
          pump();
        });
      }
    };
    pump();
    const req = await arrived.promise;
    for (let before = -1, quiet = 0; quiet < 100; before = taken) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      quiet = taken === before ? quiet + 1 : 0;
    }
    // The systems' buffers of four sockets take some of it; the rest is held back.
    expect(taken).toBeLessThan(size / 2);
    let received = 0;
    req.on("data", (bytes: Buffer) => {
      received += bytes.length;
    });
    const [res] = await answered;
    expect(res.statusCode).toBe(200);
    expect(received).toBe(size);
    res.resume();
  });
});

async function proxyTo(app: UpstreamOptions): Promise<number> {
  const gateway = createGateway({ name: "edge", upstreams: { app } });
  const server = createServer(nodeProxy(gateway.upstream("app")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
    gateway.close();
  });
  return (server.address() as AddressInfo).port;
}

function held<Value>() {
  let resolve = (_value: Value): void => {};
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
