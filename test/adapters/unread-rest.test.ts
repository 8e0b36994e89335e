/**
 * Answers whose exchange is over while a client does not take the rest: the client alone is to
 * blame, has the time that the options give it, and its record says what it did not get.
 */
import { createServer, type Server } from "node:http";
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { type CallRecord, createGateway, type ProxyOptions } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { accept, ok, scriptedUpstream } from "good-gateway/testing";
import { afterEach, expect, it } from "vitest";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const ASK = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

/** A client whose connection takes what it is given when it is let. */
class SlowClient extends Duplex {
  readonly taken: Buffer[] = [];
  #let: (() => void) | null = null;
  #takes = false;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk);
    if (this.#takes) done();
    else this.#let = done;
  }

  letThrough(): void {
    this.#takes = true;
    this.#let?.();
  }
}

async function world(clientMs: number, bytes: number, options: ProxyOptions = {}) {
  const played = await scriptedUpstream([
    accept()
      .readHead()
      .send(ok("x".repeat(bytes)))
      .again(),
  ]);
  const limits = { clientBytesPerSecondMin: 1_000_000_000 };
  const app = { targets: played.origin, timeouts: { clientMs }, limits };
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  const ended = new Promise<CallRecord>((resolve) => gateway.once("call:end", resolve));
  const attempted = new Promise((resolve) => {
    gateway.once("attempt:end", ({ attempt }) => resolve(attempt.code));
  });
  cleanUps.push(async () => {
    gateway.close();
    await played.close();
  });
  return { gateway, ended, attempted, proxy: nodeProxy(gateway.upstream("app"), options) };
}

function slowClient(server: Server): SlowClient {
  const client = new SlowClient();
  client.on("error", () => {});
  server.emit("connection", client);
  client.push(ASK);
  return client;
}

// What is whole before it is sent, and what is more than the response takes at once.
it.each([5, 60_000])("a client that takes nothing of %d bytes is cut", async (bytes) => {
  const { ended, attempted, proxy } = await world(50, bytes);
  const client = slowClient(createServer(proxy));
  expect(await attempted).toBe(null);
  expect(await ended).toMatchObject({
    ...{ code: "client_stalled", blame: "client", clientEnd: "cut", status: 200 },
  });
  expect(client.destroyed).toBe(true);
});

it("a client that takes it late, and in time, has all of it", async () => {
  const { ended, attempted, proxy } = await world(60_000, 60_000);
  const client = slowClient(createServer(proxy));
  expect(await attempted).toBe(null);
  client.letThrough();
  expect(await ended).toMatchObject({ code: null, clientEnd: "complete" });
  expect(Buffer.concat(client.taken).toString()).toContain("x".repeat(60_000));
  expect(client.destroyed).toBe(false);
});

it("a client that leaves with a part unsent has not got all of it", async () => {
  const { ended, attempted, proxy } = await world(60_000, 5);
  const client = slowClient(createServer(proxy));
  expect(await attempted).toBe(null);
  client.destroy();
  expect(await ended).toMatchObject({ code: "client_closed_request", clientEnd: "aborted" });
});

it("a stream of HTTP/2 whose window stays closed is reset", async () => {
  const { ended, attempted, proxy } = await world(50, 60_000);
  const server = createHttp2(proxy);
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const settings = { initialWindowSize: 1_000 };
  const { port } = server.address() as AddressInfo;
  const client = connectHttp2(`http://127.0.0.1:${port}`, { settings });
  cleanUps.push(() => {
    client.destroy();
    server.close();
  });
  const stream = client.request({ ":path": "/x" }).on("error", () => {});
  const over = new Promise((resolve) => stream.once("close", resolve));
  expect(await attempted).toBe(null);
  expect(await ended).toMatchObject({ code: "client_stalled", clientEnd: "cut" });
  await over;
  expect(stream.rstCode).not.toBe(0);
});

it("a client that has all that there is may wait for the rest as long as that takes", async () => {
  const late = new TransformStream({
    transform: async (chunk, to) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      to.enqueue(chunk);
    },
  });
  const { ended, proxy } = await world(20, 5, { transformBody: { stream: () => late } });
  const client = slowClient(createServer(proxy));
  client.letThrough();
  expect(await ended).toMatchObject({ code: null, clientEnd: "complete" });
  expect(Buffer.concat(client.taken).toString()).toContain("xxxxx");
});

it("an answer that waits for those before it on its connection is left alone", async () => {
  const { ended, proxy } = await world(20, 5);
  const server = createServer((req, res) => {
    if (req.url === "/x") proxy(req, res);
    else setTimeout(() => res.end("long"), 300);
  });
  const client = new SlowClient();
  client.letThrough();
  server.emit("connection", client);
  client.push(`${ASK.replace("/x", "/long")}${ASK}`);
  expect(await ended).toMatchObject({ code: null, clientEnd: "complete" });
  expect(Buffer.concat(client.taken).toString()).toMatch(/long.*xxxxx$/s);
});
