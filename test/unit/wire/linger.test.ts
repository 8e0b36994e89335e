/**
 * What becomes of an upload that nobody needs any more, and that an upload which is still needed is
 * left alone.
 */
import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { nodeProxy } from "../../../src/adapters/node.js";
import { LIMITS } from "../../../src/catalog/defaults.js";
import { ReplayBody } from "../../../src/core/replay-body.js";
import { createGateway } from "../../../src/index.js";
import { accept, scriptedUpstream, virtualClock } from "../../../src/testing/index.js";
import { lingerForUpload } from "../../../src/wire/linger.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

class FakeRequest extends PassThrough {
  complete = false;
  readonly httpVersionMajor = 1;
  readonly headers: Record<string, string> = { "transfer-encoding": "chunked" };
  readonly socket = {
    destroyed: false,
    destroy(): void {
      this.destroyed = true;
    },
  };
}

const kept = (writableFinished: boolean) =>
  Object.assign(new EventEmitter(), {
    ...{ writableFinished, shouldKeepAlive: true, req: { httpVersionMajor: 1 } },
  });

function lingering(res = kept(true)) {
  const clock = virtualClock();
  const req = new FakeRequest();
  const body = ReplayBody.fromStream(req, {
    keptBytesMax: 0,
    bytesMax: Number.POSITIVE_INFINITY,
    onDemand: null,
  });
  const begin = (): void =>
    lingerForUpload(
      clock,
      req as unknown as IncomingMessage,
      res as unknown as ServerResponse,
      body,
    );
  return { clock, req, res, body, begin };
}

describe("an upload that nobody needs any more", () => {
  it("is read to its end, which leaves the connection and no timer", async () => {
    const { clock, req, begin } = lingering();
    begin();
    req.write(Buffer.alloc(100_000));
    req.complete = true;
    req.end();
    for (let count = 0; count < 5; count += 1) await turn();
    expect(req.readableEnded).toBe(true);
    expect(req.socket.destroyed).toBe(false);
    expect(clock.pending()).toBe(0);
  });

  it("ends its connection when it takes too long", async () => {
    const { clock, req, begin } = lingering();
    begin();
    await clock.advance(LIMITS.lingerMs - 1);
    expect(req.socket.destroyed).toBe(false);
    await clock.advance(1);
    expect(req.socket.destroyed).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  it("ends its connection when it is too large", async () => {
    const { clock, req, begin } = lingering();
    begin();
    const part = Buffer.alloc(LIMITS.lingerBytesMax / 4);
    for (let count = 0; count < 4; count += 1) req.write(part);
    await turn();
    expect(req.socket.destroyed).toBe(false);
    req.write("x");
    await turn();
    expect(req.socket.destroyed).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  it("leaves no timer when the client goes away itself", async () => {
    const { clock, req, begin } = lingering();
    begin();
    req.destroy();
    await turn();
    expect(clock.pending()).toBe(0);
  });

  it("has all the time that its answer takes to be delivered", async () => {
    const res = kept(false);
    const { clock, req, begin } = lingering(res);
    begin();
    await clock.advance(LIMITS.lingerMs * 10);
    expect(req.socket.destroyed).toBe(false);
    res.emit("finish");
    await clock.advance(LIMITS.lingerMs);
    expect(req.socket.destroyed).toBe(true);
  });
});

describe("an upload that is over", () => {
  it("is none of its business", async () => {
    for (const state of ["complete", "ended", "destroyed", "no body"]) {
      const { clock, req, body, res } = lingering();
      if (state === "complete") req.complete = true;
      if (state === "destroyed") req.destroy();
      if (state === "ended") {
        req.end();
        req.resume();
        await turn();
      }
      if (state === "no body") delete req.headers["transfer-encoding"];
      const given = state === "no body" ? null : body;
      const args = [req as unknown as IncomingMessage, res as unknown as ServerResponse] as const;
      lingerForUpload(clock, ...args, given);
      expect(clock.pending(), state).toBe(0);
    }
  });
});

describe("an upstream that answers before it has read everything", () => {
  it("still gets the rest of the upload, for as long as its answer goes on", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
    const upstream = await scriptedUpstream([
      accept().readHead().readBytes(4).send(`${head}one,`).readBytes(5).send("three").again(),
    ]);
    cleanUps.push(() => upstream.close());
    const gateway = createGateway({ upstreams: { app: { targets: upstream.origin } } });
    cleanUps.push(() => gateway.close());
    const server = createServer(nodeProxy(gateway.upstream("app")));
    cleanUps.push(() => server.close());
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as { readonly port: number };
    const client = connect(port, "127.0.0.1");
    cleanUps.push(() => client.destroy());
    let got = "";
    client.setEncoding("latin1").on("data", (text) => {
      // The rest is only sent once the beginning of the answer is here.
      if (!got.includes("one,") && (got + text).includes("one,")) client.write("three");
      got += text;
    });
    const over = new Promise((ended) => client.once("close", ended));
    client.write(
      "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\none,",
    );
    await over;
    expect(got).toMatch(/one,three$/);
    gateway.close();
    await upstream.verify();
  });
});
