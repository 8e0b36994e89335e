/**
 * Answers of HTTP/2 that are whole, whatever follows them: the end of the connection, an upload
 * that nobody reads any more, or a client that has all of it and leaves.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createServer2 } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { createGateway, type Gateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterEach, describe, expect, it } from "vitest";
import { data, type Fields, frame, head, type RawServer, rawServer } from "./http2/raw-http2.js";
import { eventually } from "./tools/world.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Answer = (stream: number, socket: Socket) => readonly Buffer[];

const OK: Fields = [[":status", "200"]];
const CANCEL = 8;
const RESET = (stream: number): Buffer => frame(3, 0, stream, Buffer.alloc(4));
/** GOAWAY behind the first stream, with INTERNAL_ERROR. */
const FATAL = frame(7, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 2]));

async function upstreamOf(answer: Answer, uploadBytes = 0) {
  const server: RawServer = await rawServer(answer, uploadBytes);
  cleanUps.push(() => server.close());
  return { server, ...gatewayTo(server.port) };
}

function gatewayTo(port: number, connectionsMax = 4) {
  const app = {
    limits: { connectionsMax },
    targets: `http://127.0.0.1:${port}`,
    allowH2: "h2c",
    retry: false,
    // A timeout would name what happened too late, and by another name.
    timeouts: { connectMs: 15_000, responseMs: 15_000, idleMs: 15_000, totalMs: 15_000 },
  } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  cleanUps.push(() => gateway.close());
  return { gateway, upstream: gateway.upstream("app") };
}

/** A connection of a client, and what tells that the proxy has noticed its end. */
async function served(
  gateway: Gateway<"app">,
): Promise<{ client: Socket; left: Promise<unknown> }> {
  const server = createServer(nodeProxy(gateway.upstream("app")));
  const left = once(server, "connection").then(([socket]) => once(socket as Socket, "close"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => {});
  cleanUps.push(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return { client, left };
}

describe("a whole answer with a fatal GOAWAY in the same packet", () => {
  const parts = Array.from({ length: 4 }, (_, at) => String(at).repeat(16_000));
  const whole: Answer = (stream) => [
    head(stream, OK),
    ...parts.map((text, at) => data(stream, text, at === parts.length - 1)),
    FATAL,
  ];

  it("arrives", async () => {
    const { upstream } = await upstreamOf(whole);
    const outcome = await upstream.send({ path: "/" });
    if (outcome.kind !== "success") throw new Error(outcome.kind);
    expect(await outcome.response.body.text()).toBe(parts.join(""));
  });

  it("arrives although it is read when the connection is long gone", async () => {
    const { upstream } = await upstreamOf(whole);
    const outcome = await upstream.send({ path: "/" });
    if (outcome.kind !== "success") throw new Error(outcome.kind);
    await eventually("it is gone", () => upstream.targets[0]?.connections.open === 0);
    expect(await outcome.response.body.text()).toBe(parts.join(""));
  });

  it("is no whole one where its end is missing", async () => {
    const { upstream } = await upstreamOf((stream) => [
      head(stream, OK),
      data(stream, "a", false),
      FATAL,
    ]);
    const outcome = await upstream.send({ path: "/" });
    if (outcome.kind !== "success") throw new Error(outcome.kind);
    await expect(outcome.response.body.text()).rejects.toThrow();
  });
});

it("a client that has all bytes and leaves before the end of the stream is served", async () => {
  let end = (): void => {};
  const fields: Fields = [...OK, ["content-length", "5"]];
  const { gateway } = await upstreamOf((stream, socket) => {
    end = () => void socket.write(data(stream, ""));
    return [head(stream, fields), data(stream, "hello", false)];
  });
  const { client, left } = await served(gateway);
  const ended = new Promise<object>((resolve) => {
    gateway.once("call:end", ({ code, clientEnd, bytesOut }) => {
      resolve({ code, clientEnd, bytesOut });
    });
  });
  client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  let text = "";
  client.setEncoding("latin1").on("data", (part: string) => {
    text += part;
    if (text.endsWith("hello")) client.destroy();
  });
  await left;
  end();
  expect(await ended).toEqual({ code: null, clientEnd: "complete", bytesOut: 5 });
});

describe("an early answer to an upload that goes on", () => {
  const endless = (): Readable =>
    Readable.from(
      (async function* () {
        for (;;) {
          await new Promise((done) => setTimeout(done, 2));
          yield Buffer.alloc(1_000);
        }
      })(),
    );

  it("is no reason to reset a stream that the upstream itself will reset", async () => {
    const { server, upstream } = await upstreamOf((stream, socket) => {
      setImmediate(() => socket.write(RESET(stream)));
      return [head(stream, OK), data(stream, "early")];
    }, 1_000);
    for (let call = 0; call < 20; call += 1) {
      const body = endless();
      const outcome = await upstream.send({ method: "POST", path: "/", body });
      if (outcome.kind !== "success") throw new Error(outcome.kind);
      expect(await outcome.response.body.text()).toBe("early");
      await eventually("the upload is stopped", () => body.destroyed);
    }
    await eventually("all streams are over", () => upstream.targets[0]?.connections.idle === 1);
    expect(server.resets).toEqual([]);
  });

  it.each([1, 4])(
    "is no attack to a server that counts resets, by %i connections",
    async (most) => {
      const server = createServer2();
      server.on("stream", (stream) => {
        stream.on("error", () => {});
        // One that has read nothing is reset by Node itself.
        stream.once("data", () => {
          stream.pause();
          stream.respond({ ":status": 200 });
          stream.end("early");
        });
      });
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      cleanUps.push(() => void server.close());
      const { upstream } = gatewayTo((server.address() as AddressInfo).port, most);
      // Node's server takes a thousand in a row, and goes away then.
      let left = 1_300;
      const answers = new Map<string, number>();
      const ask = async (): Promise<void> => {
        while (left-- > 0) {
          const body = endless();
          const outcome = await upstream.send({ method: "POST", path: "/", body });
          const came =
            outcome.kind === "success" ? await outcome.response.body.text() : outcome.failure.code;
          answers.set(came, (answers.get(came) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 20 }, ask));
      expect([...answers]).toEqual([["early", 1_300]]);
    },
    60_000,
  );

  it("is followed by CANCEL where the upstream leaves the stream open", async () => {
    const { server, upstream } = await upstreamOf((stream) => [head(stream, OK, true)], 1_000);
    const outcome = await upstream.send({ method: "POST", path: "/", body: endless() });
    expect(outcome.kind).toBe("success");
    await eventually("the stream is over", () => upstream.targets[0]?.connections.idle === 1);
    await eventually("it was told", () => server.resets.length > 0);
    expect(server.resets).toEqual([CANCEL]);
  });
});

// undici#5524
it("a POST goes over the connection on which another answer is still coming", async () => {
  const { server, upstream } = await upstreamOf((stream) =>
    stream === 1 ? [head(stream, OK), data(stream, "event", false)] : [head(stream, OK, true)],
  );
  const stream = await upstream.send({ path: "/events" });
  expect(stream.kind).toBe("success");
  const posted = await upstream.send({ method: "POST", path: "/", body: "a".repeat(1_000) });
  expect(posted.kind).toBe("success");
  expect(upstream.targets[0]?.connections.open).toBe(1);
  expect(server.resets).toEqual([]);
  if (stream.kind === "success") await stream.response.discard();
});
