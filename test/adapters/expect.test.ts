/**
 * `Expect: 100-continue` from end to end: the upstream decides, the client hears exactly that, and
 * the body waits with the client until it is wanted.
 */
import { once } from "node:events";
import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import express from "express";
import { continueOnDemand, createGateway } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { nodeProxy } from "good-gateway/node";
import { accept, ok, respond } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { begin, http2Client } from "./http2-client.js";
import { HTTP2_SERVERS } from "./http2-servers.js";
import { answerOf, rawClient, request } from "./raw-client.js";
import { listening, PROXY_SERVERS, type ProxyServer } from "./servers.js";
import { inWorld } from "./world.js";

const GO_ON = "HTTP/1.1 100 Continue\r\n\r\n";
const TOO_LARGE = respond(413, "too large", { "x-limit": "4" });

/** A long wait is a test that fails by its own limit; the short one is the limit that is tested. */
const PATIENT = { timeouts: { continueMs: 15_000, totalMs: 20_000 } } as const;
const HASTY = { timeouts: { continueMs: 50 } } as const;

const onNode: ProxyServer = async (upstream, options) => {
  const proxy = nodeProxy(upstream, options);
  const running = await listening(proxy);
  running.server.on("checkContinue", proxy.checkContinue);
  return running;
};

const onDemand = (serve: ProxyServer): ProxyServer => {
  return async (upstream, options) => {
    const running = await serve(upstream, options);
    continueOnDemand(running.server);
    return running;
  };
};

const SERVERS: readonly (readonly [string, ProxyServer])[] = [
  ["checkContinue of node:http", onNode],
  ...Object.entries(PROXY_SERVERS).map(
    ([name, serve]) => [`continueOnDemand of ${name}`, onDemand(serve)] as const,
  ),
];

const asks = (fields: Readonly<Record<string, string>>, method = "POST"): string =>
  request(method, "/", { connection: "keep-alive", expect: "100-continue", ...fields });

const FIVE = { "content-length": "5" };
const CHUNKED = { "transfer-encoding": "chunked" };

describe.each(SERVERS)("with %s", (_name, serve) => {
  it.each([
    ["of a known length", FIVE, "hello"],
    ["in chunks", CHUNKED, "5\r\nhello\r\n0\r\n\r\n"],
  ])("a body %s is sent when the upstream wants it, and not before", async (_of, fields, body) => {
    const script = accept().readHead().send(GO_ON).readBody().send(ok("stored")).hang();
    const world = { scripts: [script], settings: PATIENT };
    await inWorld(serve, world, async ({ port, upstream, gateway }) => {
      const client = await rawClient(port);
      client.write(asks(fields));
      await client.until(GO_ON);
      expect(upstream.requests()[0]?.header("expect")).toBe("100-continue");
      client.write(body);
      await client.until("stored");
      expect(upstream.bodies()[0]?.toString()).toBe("hello");
      const [name, value] = Object.entries(fields)[0] ?? ["", ""];
      expect(upstream.requests()[0]?.header(name)).toBe(value);
      expect(answerOf(client.received())).toMatchObject({ status: 200, text: "stored" });
      expect(answerOf(client.received()).interim).toHaveLength(1);
      await expect.poll(() => gateway.upstream("app").targets[0]?.pending).toBe(0);
      client.socket.end();
    });
  });

  it("a final answer comes in place of the body, and both connections close", async () => {
    const scripts = [
      accept().readHead().send(TOO_LARGE).hang(),
      accept().readHead().send(ok("next")).close(),
    ];
    await inWorld(serve, { scripts, settings: PATIENT }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      // RFC 9110 §10.1.1: what would come next on either connection cannot be told from a body.
      expect(await client.over).toBe("end");
      const answer = answerOf(client.received());
      expect(answer).toMatchObject({ status: 413, text: "too large", interim: [] });
      expect(answer.field("x-limit")).toBe("4");
      expect(answer.field("connection")).toBe("close");
      await expect.poll(() => upstream.openConnections()).toBe(0);
      const other = await rawClient(port);
      other.write(request("GET", "/"));
      await other.until("next");
      expect(upstream.bodies()).toEqual([]);
    });
  });

  it("an upstream that is silent gets the body after continueMs", async () => {
    const scripts = [accept().readHead().readBody().send(ok("stored")).close()];
    await inWorld(serve, { scripts, settings: HASTY }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.until(GO_ON);
      client.write("hello");
      await client.until("stored");
      expect(upstream.requests()[0]?.header("expect")).toBe("100-continue");
    });
  });

  it("a client that does not wait is served all the same", async () => {
    const scripts = [accept().readHead().send(GO_ON).readBody().send(ok("stored")).close()];
    await inWorld(serve, { scripts, settings: PATIENT }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(`${asks(FIVE)}hello`);
      await client.until("stored");
      expect(upstream.bodies()[0]?.toString()).toBe("hello");
    });
  });

  it("a client keeps its body when nobody can take it", async () => {
    await inWorld(serve, { scripts: null, settings: PATIENT }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.until("connection_refused");
      expect(client.received().toString("latin1")).not.toContain("100 Continue");
    });
  });
});

describe("an upstream that is asked", () => {
  it("of HTTP/1.0 gets the body after continueMs", async () => {
    const answer = "HTTP/1.0 200 OK\r\ncontent-length: 6\r\n\r\nstored";
    const scripts = [accept().readHead().readBody().send(answer).close()];
    await inWorld(onNode, { scripts, settings: HASTY }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.until(GO_ON);
      client.write("hello");
      await client.until("stored");
      expect(upstream.bodies()[0]?.toString()).toBe("hello");
    });
  });

  it("keeps its connection for the next request when it got the whole body", async () => {
    const once = (text: string) => accept().readHead().send(GO_ON).readBody().send(ok(text));
    const first = once("first");
    const script = first.readHead().send(GO_ON).readBody().send(ok("second")).readHead();
    const world = { scripts: [script.send(ok("third")).hang()], settings: PATIENT };
    await inWorld(onNode, world, async ({ port, upstream }) => {
      const client = await rawClient(port);
      for (const text of ["first", "second"]) {
        client.write(asks(FIVE));
        await client.until(GO_ON);
        client.write("hello");
        await client.until(text);
      }
      client.write(request("GET", "/"));
      await client.until("third");
      expect(upstream.connections()).toBe(1);
      expect(upstream.bodies().map(String)).toEqual(["hello", "hello"]);
      expect(upstream.requests()[2]?.header("expect")).toBeUndefined();
    });
  });

  it("may answer other interim statuses first, and more than one 100", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    const script = accept().readHead().send(`${hints}${GO_ON}${GO_ON}`).readBody().send(ok("done"));
    await inWorld(onNode, { scripts: [script.close()], settings: PATIENT }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.until(GO_ON);
      client.write("hello");
      await client.until("done");
      const { interim } = answerOf(client.received());
      expect(interim.map((head) => head.slice(9, 12))).toEqual(["103", "100"]);
    });
  });

  it("that refuses leaves the body whole for another one, however large it is", async () => {
    const scripts = [
      accept().readHead().send(respond(503, "busy")).hang(),
      accept().readHead().send(GO_ON).readBody().send(ok("stored")).close(),
    ];
    const settings = { ...PATIENT, retry: { attemptsMax: 2 } };
    await inWorld(onNode, { scripts, settings }, async ({ port, upstream }) => {
      const body = Buffer.alloc(1_048_576, "0123456789");
      const client = await rawClient(port);
      client.write(asks({ "content-length": String(body.length) }, "PUT"));
      await client.until(GO_ON);
      client.write(body);
      await client.until("stored");
      expect(upstream.bodies()[0]?.equals(body)).toBe(true);
      expect(answerOf(client.received())).toMatchObject({ status: 200, text: "stored" });
    });
  });

  it("and knows no expectations is asked again without, whatever the method", async () => {
    const scripts = [
      accept().readHead().send(respond(417)).hang(),
      accept().readHead().readBody().send(ok("stored")).close(),
    ];
    const settings = { ...PATIENT, retry: {} };
    await inWorld(onNode, { scripts, settings }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.until(GO_ON);
      client.write("hello");
      await client.until("stored");
      const asked = upstream.requests().map((one) => one.header("expect"));
      expect(asked).toEqual(["100-continue", undefined]);
    });
  });

  it("and says 417 is heard by the client where nothing is repeated", async () => {
    const scripts = [accept().readHead().send(respond(417)).hang()];
    await inWorld(onNode, { scripts, settings: PATIENT }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.over;
      const answer = answerOf(client.received());
      expect(answer.status).toBe(417);
      expect(answer.field("proxy-status")).toContain("code=received_expectation_failed");
    });
  });

  it("hears nothing of a body whose client has left, and is let go", async () => {
    const scripts = [accept().readHead().hang()];
    const world = { scripts, settings: PATIENT };
    await inWorld(onNode, world, async ({ port, upstream, gateway }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await expect.poll(() => upstream.requests().length).toBe(1);
      client.socket.destroy();
      await expect.poll(() => upstream.openConnections()).toBe(0);
      expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
    });
  });

  it("and dies is a failure with its name, and the body stays with the client", async () => {
    const scripts = [accept().readHead().reset()];
    await inWorld(onNode, { scripts, settings: PATIENT }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.until("connection_terminated_while_sending");
      expect(client.received().toString("latin1")).not.toContain("100 Continue");
    });
  });

  it("is not asked with continueMs: 0; the client is told to go on at once", async () => {
    const scripts = [accept().readHead().readBody().send(ok("stored")).close()];
    const settings = { timeouts: { continueMs: 0 } };
    await inWorld(onNode, { scripts, settings }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(asks(FIVE));
      await client.until(GO_ON);
      client.write("hello");
      await client.until("stored");
      expect(upstream.requests()[0]?.header("expect")).toBeUndefined();
    });
  });
});

describe("continueOnDemand", () => {
  it("tells a client to go on when another route reads its body", async () => {
    const app = express();
    const gateway = createGateway({ upstreams: { app: { targets: "http://127.0.0.1:1" } } });
    app.post("/own", express.text(), (req, res) => void res.send(`got ${req.body}`));
    app.use("/proxied", expressProxy(gateway.upstream("app")));
    const running = await listening(app);
    const stop = continueOnDemand(running.server);
    const client = await rawClient(running.port);
    const fields = { expect: "100-continue", "content-type": "text/plain", ...FIVE };
    client.write(request("POST", "/own", fields));
    await client.until(GO_ON);
    client.write("hello");
    await client.until("got hello");
    // A body that nobody wants is read to its end by Express before it says so.
    const lost = await rawClient(running.port);
    lost.write(request("POST", "/nowhere", fields));
    await lost.until(GO_ON);
    lost.write("hello");
    await lost.until("404 Not Found");
    stop();
    expect(running.server.listenerCount("checkContinue")).toBe(0);
    gateway.close();
    await running.close();
  });
});

describe.each(Object.entries(HTTP2_SERVERS))("clients of HTTP/2 at %s", (_name, serve) => {
  it("are told by the upstream to go on, or get its answer instead", async () => {
    const scripts = [
      accept().readHead().send(GO_ON).readBody().send(ok("stored")).close(),
      accept().readHead().send(TOO_LARGE).hang(),
    ];
    await inWorld(onDemand(serve), { scripts, settings: PATIENT }, async ({ port }) => {
      const session = await http2Client(`http://127.0.0.1:${port}`);
      const fields = { ":method": "POST", ":path": "/", expect: "100-continue" };
      const first = begin(session, fields, null);
      await once(first.stream, "continue");
      first.stream.end("hello");
      expect(await first.over).toMatchObject({ status: 200, text: "stored" });
      const second = begin(session, fields, null);
      let told = false;
      second.stream.once("continue", () => {
        told = true;
      });
      expect(await second.over).toMatchObject({ status: 413, text: "too large" });
      expect(told).toBe(false);
      session.destroy();
    });
  });
});

describe("an upstream of HTTP/2", () => {
  async function upstream2(refuses: boolean) {
    const bodies: string[] = [];
    const seen: unknown[] = [];
    // Node listens for `checkContinue` only where somebody listens for requests.
    const server = createHttp2(() => {});
    const reply = (stream: ServerHttp2Stream, status: number, text: string): void => {
      stream.respond({ ":status": status });
      stream.end(text);
    };
    server.on("checkContinue", ({ stream, headers }) => {
      seen.push(headers["content-length"]);
      if (refuses) {
        reply(stream, 413, "too large");
        return;
      }
      stream.additionalHeaders({ ":status": 100 });
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
      stream.on("end", () => {
        bodies.push(Buffer.concat(chunks).toString());
        reply(stream, 200, "stored");
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { origin, bodies, seen, close: () => server.close() };
  }

  it.each([
    [false, "stored"],
    [true, "too large"],
  ])("is asked in its own way (refuses: %s)", async (refuses, text) => {
    const upstream = await upstream2(refuses);
    const app = { targets: upstream.origin, allowH2: "h2c", ...PATIENT } as const;
    const gateway = createGateway({ upstreams: { app } });
    const running = await onNode(gateway.upstream("app"), {});
    const client = await rawClient(running.port);
    client.write(asks(FIVE));
    if (!refuses) {
      await client.until(GO_ON);
      client.write("hello");
    }
    await client.until(text);
    expect(upstream.seen).toEqual(["5"]);
    expect(upstream.bodies).toEqual(refuses ? [] : ["hello"]);
    expect(client.received().toString("latin1").includes("100 Continue")).toBe(!refuses);
    client.socket.destroy();
    await running.close();
    await expect.poll(() => gateway.upstream("app").targets[0]?.pending).toBe(0);
    gateway.close();
    upstream.close();
  });
});
