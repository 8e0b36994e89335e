/**
 * Upstreams that are asked with HTTP/2, by a proxy whose clients speak it, too.
 */
import { once } from "node:events";
import {
  type ClientHttp2Session,
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createTls1 } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import { createGateway, type Gateway, type UpstreamOptions } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { accept, ok, scriptedUpstream, testCertificates, virtualClock } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../gallery/tools/world.js";
import { begin, frame, http2Client } from "./http2-client.js";

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface Upstream {
  readonly origin: string;
  readonly sessions: readonly ServerHttp2Session[];
}

interface Ends {
  readonly client: ClientHttp2Session;
  readonly gateway: Gateway<"app">;
}

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

async function listening(server: Server | Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function watched(server: Http2Server, scheme: string): Promise<Upstream> {
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => void sessions.push(session));
  cleanUps.push(() => {
    for (const session of sessions) session.destroy();
  });
  return { origin: `${scheme}://127.0.0.1:${await listening(server)}`, sessions };
}

/** An upstream that knows HTTP/2 only, without TLS. */
function h2c(onStream: OnStream, settings = {}): Promise<Upstream> {
  const server = createServer({ settings });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    onStream(stream, headers);
  });
  return watched(server, "http");
}

async function through(origin: string, settings: Partial<UpstreamOptions> = {}): Promise<Ends> {
  const app = { targets: origin, allowH2: "h2c", retry: false, ...settings } as UpstreamOptions;
  const gateway = createGateway({ name: "edge", upstreams: { app } });
  cleanUps.push(() => gateway.close());
  const server = createServer(nodeProxy(gateway.upstream("app")));
  const client = await http2Client(`http://127.0.0.1:${await listening(server)}`);
  cleanUps.push(() => client.destroy());
  return { client, gateway };
}

const answer = (stream: ServerHttp2Stream, text: string): void => {
  stream.respond({ ":status": 200 });
  stream.end(text);
};

describe("an upstream of HTTP/2", () => {
  it("gets a request of HTTP/2, and many calls share one connection", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const { origin, sessions } = await h2c((stream, headers) => {
      seen.push(headers);
      answer(stream, "hello");
    });
    const { client, gateway } = await through(origin);
    const ask = () => begin(client, { ":path": "/a?b=1", cookie: ["a=1", "b=2"] }).over;
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    for (const one of answers) expect(one).toMatchObject({ status: 200, text: "hello", code: 0 });
    expect(sessions).toHaveLength(1);
    const [first] = seen;
    expect(first).toMatchObject({
      ":method": "GET",
      ":path": "/a?b=1",
      ":scheme": "http",
      ":authority": "shop.example",
      cookie: "a=1; b=2",
    });
    for (const name of ["host", "connection", "te", "transfer-encoding"]) {
      expect(first).not.toHaveProperty(name);
    }
    expect(gateway.upstream("app").targets[0]?.connections).toMatchObject({ open: 1, idle: 1 });
  });

  it("is asked over a new connection when the old one has its age", async () => {
    const { origin, sessions } = await h2c((stream) => answer(stream, "hello"));
    const limits = { connectionAgeMsMax: 1_000 };
    const clock = virtualClock();
    const app = { targets: origin, allowH2: "h2c", limits } as const;
    const gateway = createGateway({ upstreams: { app } }, { clock });
    cleanUps.push(() => gateway.close());
    const ask = gatewayFetch(gateway.upstream("app"));
    const texts = async () => (await ask("/")).text();
    expect([await texts(), await texts(), sessions.length]).toEqual(["hello", "hello", 1]);
    await clock.advance(1_001);
    expect([await texts(), sessions.length]).toEqual(["hello", 2]);
    await eventually("the old one is closed", () => sessions[0]?.destroyed === true);
  });

  it.each([
    ["full", "h2c"],
    ["code", null],
  ] as const)("is named by Proxy-Status with %s diagnostics: %s", async (diagnostics, spoken) => {
    const { origin } = await h2c((stream) => answer(stream, "hello"));
    const app = { targets: origin, allowH2: "h2c", retry: false } as const;
    const gateway = createGateway({ name: "edge", upstreams: { app } });
    cleanUps.push(() => gateway.close());
    const proxy = nodeProxy(gateway.upstream("app"), { diagnostics });
    const client = await http2Client(`http://127.0.0.1:${await listening(createServer(proxy))}`);
    cleanUps.push(() => client.destroy());
    const { headers } = await begin(client, { ":path": "/" }).over;
    const field = String(headers["proxy-status"] ?? "");
    expect(/next-protocol=([^;]+)/.exec(field)?.[1] ?? null).toBe(spoken);
  });

  it("with one connection takes calls at once, as many as the target allows", async () => {
    let waiting: ServerHttp2Stream[] = [];
    const { origin, sessions } = await h2c((stream) => {
      waiting.push(stream);
      if (waiting.length < 8) return;
      for (const one of waiting) answer(one, "together");
      waiting = [];
    });
    const { client } = await through(origin, { limits: { connectionsMax: 1 } });
    // The eighth ends the wait of all, so none of them may wait for another's end.
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => begin(client, { ":path": "/" }).over),
    );
    for (const one of answers) expect(one).toMatchObject({ status: 200, text: "together" });
    expect(sessions).toHaveLength(1);
  });

  it("that knows nothing else is probed over HTTP/2, and taken out when it says so", async () => {
    let status = 200;
    const { origin } = await h2c((stream, headers) => {
      stream.respond({ ":status": headers[":path"] === "/healthz" ? status : 200 });
      stream.end("hello");
    });
    const probe = { path: "/healthz", intervalMs: 20, timeoutMs: 5_000, fall: 1, rise: 1 };
    const { client, gateway } = await through(origin, { probe });
    const passed: boolean[] = [];
    const seen = (wanted: boolean): Promise<void> =>
      new Promise((resolve) => {
        const stop = gateway.on("probe:end", (event) => {
          passed.push(event.passed);
          if (event.passed !== wanted) return;
          stop();
          resolve();
        });
      });
    const first = seen(true);
    expect(await begin(client, { ":path": "/" }).over).toMatchObject({ status: 200 });
    await first;
    status = 503;
    await seen(false);
    expect(passed).toContain(true);
    expect(passed).toContain(false);
  });

  it("gets no more streams at once than it allows; the others wait", async () => {
    let now = 0;
    let most = 0;
    const settings = { maxConcurrentStreams: 2 };
    const { origin, sessions } = await h2c((stream) => {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        answer(stream, "hello");
      }, 5);
    }, settings);
    const { client } = await through(origin, { limits: { connectionsMax: 1 }, bulkhead: false });
    const answers = await Promise.all(Array.from({ length: 9 }, () => begin(client, {}).over));
    expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(200));
    expect(most).toBe(2);
    expect(sessions).toHaveLength(1);
  });

  it("gives its trailers, and an answer that is nothing but trailers stays one frame", async () => {
    const { origin } = await h2c((stream, { ":path": path }) => {
      if (path === "/only") {
        stream.respond({ ":status": 200, "grpc-status": "5" }, { endStream: true });
        return;
      }
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "42" }));
      stream.end("abc");
    });
    const { client } = await through(origin);
    expect(await begin(client, {}).over).toMatchObject({
      text: "abc",
      trailers: { "x-sum": "42" },
      complete: true,
    });
    const asked = begin(client, { ":path": "/only" });
    const [headers, flags] = (await once(asked.stream, "response")) as [object, number];
    expect(headers).toMatchObject({ "grpc-status": "5" });
    expect(flags & constants.NGHTTP2_FLAG_END_STREAM).not.toBe(0);
    expect(await asked.over).toMatchObject({ text: "", complete: true });
  });

  it("gives interim answers, before its head", async () => {
    const { origin } = await h2c((stream) => {
      stream.additionalHeaders({ ":status": 103, link: "</a.css>" });
      answer(stream, "page");
    });
    const { client } = await through(origin);
    const { interim, text } = await begin(client, {}).over;
    expect(interim[0]).toMatchObject({ ":status": 103, link: "</a.css>" });
    expect(text).toBe("page");
  });

  it.each([constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_NO_ERROR])(
    "that resets its stream in the body, with code %i, cuts the answer",
    async (code) => {
      const { origin } = await h2c((stream) => {
        // A server of Node that has no trailers to send ends a stream before it resets it.
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.write("abc");
        setTimeout(() => stream.close(code), 30);
      });
      const { client } = await through(origin);
      const { status, complete, code: got } = await begin(client, {}).over;
      expect({ status, complete, got }).toEqual({
        status: 200,
        complete: false,
        got: constants.NGHTTP2_INTERNAL_ERROR,
      });
    },
  );

  it("that goes away before a request is asked again, whatever the method", async () => {
    const { origin, connections } = await frames((socket, connection, stream) => {
      // RFC 9113 §6.8: the last stream that was taken is none at all.
      if (connection === 1) socket.write(frame(7, 0, 0, Buffer.alloc(8)));
      else socket.write(frame(1, 5, stream, Buffer.from([0x88])));
    });
    const { client, gateway } = await through(origin, { retry: { attemptsMax: 2 } });
    const codes: unknown[] = [];
    gateway.on("attempt:end", ({ attempt }) => void codes.push(attempt.code));
    const { status } = await begin(client, { ":method": "POST" }, "body").over;
    expect(status).toBe(200);
    expect(codes).toEqual(["stream_refused", null]);
    expect(connections()).toBe(2);
  });

  it("that goes away and stays connected is left when its last stream is over", async () => {
    const { origin } = await h2c((stream) => {
      stream.session?.goaway();
      answer(stream, "hello");
    });
    const { client, gateway } = await through(origin);
    for (let turn = 0; turn < 3; turn += 1) await begin(client, {}).over;
    const open = (): number => gateway.upstream("app").targets[0]?.connections.open ?? 0;
    await eventually("no connection is left", () => open() === 0);
  });

  it("that dies is named by how far the exchange got", async () => {
    const { origin, sessions } = await h2c(() => sessions[0]?.destroy());
    const { client } = await through(origin);
    const { status, text } = await begin(client, {}).over;
    expect(status).toBe(502);
    expect(JSON.parse(text).code).toBe("connection_terminated");
  });

  it("hears of a client that leaves", async () => {
    const left = deferred<number>();
    const { origin } = await h2c((stream) => {
      stream.respond({ ":status": 200 });
      stream.write("abc");
      stream.once("close", () => left.resolve(stream.rstCode));
    });
    const { client } = await through(origin);
    const asked = begin(client, {});
    await once(asked.stream, "data");
    asked.stream.close(constants.NGHTTP2_CANCEL);
    expect(await left.promise).toBe(constants.NGHTTP2_CANCEL);
  });

  it("takes an upload at its own speed; what it does not take stays with the client", async () => {
    const held = deferred<ServerHttp2Stream>();
    const { origin } = await h2c((stream) => {
      stream.pause();
      held.resolve(stream);
    });
    const { client, gateway } = await through(origin, { retry: false });
    const body = Buffer.alloc(8_388_608, "0123456789abcdef");
    const asked = begin(client, { ":method": "POST" }, null);
    let taken = 0;
    const part = 65_536;
    const pump = (at: number): void => {
      if (at === body.length) asked.stream.end();
      else {
        asked.stream.write(body.subarray(at, at + part), () => {
          taken += part;
          pump(at + part);
        });
      }
    };
    pump(0);
    const stream = await held.promise;
    for (let before = -1, quiet = 0; quiet < 100; before = taken) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      quiet = taken === before ? quiet + 1 : 0;
    }
    // Windows of both connections and the buffers between them, and no more.
    expect(taken).toBeLessThan(2_097_152);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
    stream.on("end", () => answer(stream, "done"));
    stream.resume();
    expect(await asked.over).toMatchObject({ status: 200, text: "done" });
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
    expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
  });

  it("is asked by gatewayFetch, too", async () => {
    const { origin } = await h2c((stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
      stream.on("end", () => answer(stream, `${headers[":method"]} ${Buffer.concat(chunks)}`));
    });
    const { gateway } = await through(origin);
    const response = await gatewayFetch(gateway.upstream("app"))("/", { method: "PUT", body: "x" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("PUT x");
  });

  it("is found out when it speaks HTTP/1.1 only, before anything is sent", async () => {
    const upstream = await scriptedUpstream([accept().readHead().send(ok("hello"))]);
    const { client } = await through(upstream.origin);
    const { status, text } = await begin(client, {}).over;
    expect(status).toBe(502);
    expect(JSON.parse(text).code).toBe("http_protocol_error");
    await upstream.close();
  });

  it("that refuses connections is named so for all who wait", async () => {
    const { origin } = await h2c(() => {});
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
    const { client } = await through(origin);
    const answers = await Promise.all([begin(client, {}).over, begin(client, {}).over]);
    const codes = answers.map(({ text }) => JSON.parse(text).code);
    expect(codes).toEqual(["connection_refused", "connection_refused"]);
  });
});

describe("an upstream with TLS", () => {
  const { ca, valid } = testCertificates();
  const secure = (origin: string): Partial<UpstreamOptions> => ({
    allowH2: true,
    targets: { url: origin, tls: { ca } },
  });

  it("is asked with HTTP/2 where it agrees", async () => {
    const server = createSecureServer({ ...valid, allowHTTP1: true }, (req, res) => {
      res.end(req.httpVersion);
    });
    const { origin } = await watched(server as unknown as Http2Server, "https");
    const { client } = await through(origin, secure(origin));
    expect(await begin(client, {}).over).toMatchObject({ status: 200, text: "2.0" });
  });

  it("is asked with HTTP/1.1 where it does not, over the connection that was opened", async () => {
    let connections = 0;
    const server = createTls1(valid, (req, res) => void res.end(req.httpVersion));
    server.on("secureConnection", () => {
      connections += 1;
    });
    const origin = `https://127.0.0.1:${await listening(server)}`;
    cleanUps.push(() => server.closeAllConnections());
    const { client } = await through(origin, secure(origin));
    expect(await begin(client, {}).over).toMatchObject({ status: 200, text: "1.1" });
    expect(await begin(client, {}).over).toMatchObject({ status: 200, text: "1.1" });
    expect(connections).toBe(1);
  });

  it("is bounded as configured where it does not, on that connection, too", async () => {
    const server = createTls1(valid, (_req, res) => {
      res.setHeader("x-large", "a".repeat(4_096));
      res.end("never seen");
    });
    const origin = `https://127.0.0.1:${await listening(server)}`;
    cleanUps.push(() => server.closeAllConnections());
    const limits = { responseHeaderSectionBytesMax: 2_048 };
    const { client } = await through(origin, { ...secure(origin), limits });
    expect(await begin(client, {}).over).toMatchObject({ status: 502 });
  });
});

function deferred<Value>() {
  let resolve = (_value: Value): void => {};
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

type OnHead = (socket: Socket, connection: number, stream: number) => void;

/** An upstream that answers heads of requests with frames of its own. */
async function frames(onHead: OnHead): Promise<{ origin: string; connections(): number }> {
  let count = 0;
  const server = createTcp((socket) => {
    count += 1;
    const connection = count;
    let held = Buffer.alloc(0);
    let greeted = false;
    socket.on("error", () => {});
    cleanUps.push(() => socket.destroy());
    socket.write(frame(4, 0, 0, Buffer.alloc(0)));
    socket.on("data", (chunk) => {
      held = Buffer.concat([held, chunk]);
      if (!greeted) held = held.subarray(PREFACE_BYTES);
      greeted = true;
      for (let size = sizeOf(held); held.length >= size; size = sizeOf(held)) {
        if (held[3] === 1) onHead(socket, connection, held.readUInt32BE(5));
        held = held.subarray(size);
      }
    });
  });
  const origin = `http://127.0.0.1:${await listening(server)}`;
  return { origin, connections: () => count };
}

const PREFACE_BYTES = 24;

/** Of the first frame; more than there is for one whose head is not complete. */
function sizeOf(bytes: Buffer): number {
  return bytes.length < 9 ? Infinity : 9 + bytes.readUIntBE(0, 3);
}
