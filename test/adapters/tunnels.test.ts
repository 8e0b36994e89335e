/**
 * Upgrades byte by byte, through every way that there is: handshakes that fail have their names,
 * and wherever either side ends, in order or by a reset, no socket is left on the other.
 */
import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, createServer as createTcp, type Socket } from "node:net";
import {
  accessLog,
  createGateway,
  type Gateway,
  installShutdown,
  type UpstreamOptions,
} from "good-gateway";
import { fullBacklog } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { eventually, limiter } from "../gallery/tools/world.js";
import { answerOf, type RawClient, rawClient, request } from "./raw-client.js";
import { type Serve, TUNNEL_SERVERS } from "./tunnel-servers.js";

const SWITCH =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/** Two frames: a text of one fragment, and a part of a longer one. */
const FRAMES = "\x81\x05hello\x02\x7e\x01\x00";
const ASK = request("GET", "/chat", {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
});

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface World {
  readonly gateway: Gateway<"app">;
  readonly server: Server;
  readonly port: number;
  /** Connections to the application that stand. */
  readonly sockets: ReadonlySet<Socket>;
}

/** What the application does with a handshake that is there. */
type Act = (socket: Socket) => void;

async function application(act: Act): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createTcp((socket) => {
    let text = "";
    let asked = false;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (asked || !text.includes("\r\n\r\n")) return;
      asked = true;
      act(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

async function world(
  serve: Serve,
  act: Act,
  options: Partial<UpstreamOptions> = {},
): Promise<World> {
  const app = await application(act);
  const targets = `http://127.0.0.1:${app.port}`;
  const timeouts = { connectMs: 300, responseMs: 2_000, idleMs: 60_000, ...options.timeouts };
  const upstream = { targets, retry: false, breaker: false, ...options, timeouts } as const;
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: upstream },
    onWarning: () => {},
  });
  cleanUps.push(() => gateway.close());
  const server = await serve(gateway);
  if (!server.listening)
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { gateway, server, port: (server.address() as AddressInfo).port, sockets: app.sockets };
}

const switches: Act = (socket) => void socket.write(SWITCH + FRAMES, "latin1");

async function opened({ port }: World): Promise<RawClient> {
  const client = await rawClient(port);
  client.write(ASK);
  await client.until("hello");
  return client;
}

const connections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_, count) => resolve(count)));

/** Nothing is under way, and on neither side stands a connection. */
async function isQuiet({ gateway, server, sockets }: World): Promise<void> {
  const pending = (): number => gateway.upstream("app").targets[0]?.pending ?? 0;
  await eventually("no exchange is under way", () => pending() === 0);
  await eventually("no connection to the application stands", () => sockets.size === 0);
  await eventually(
    "no connection of a client stands",
    async () => (await connections(server)) === 0,
  );
}

const FAILED = { error: "http_upgrade_failed", status: 502 };

describe.each(Object.entries(TUNNEL_SERVERS))("through %s", (_name, serve) => {
  it.each<[string, string, typeof FAILED]>([
    ["switches to what nobody asked for", SWITCH.replace("websocket", "chat"), FAILED],
    ["switches to nothing", SWITCH.replace("Upgrade: websocket\r\n", ""), FAILED],
    ["answers no HTTP", "SSH-2.0-x\r\n\r\n", { error: "http_protocol_error", status: 502 }],
    ["hangs up", "", { error: "connection_terminated", status: 502 }],
    [
      "hangs up within the head",
      SWITCH.slice(0, 40),
      { error: "http_response_incomplete", status: 502 },
    ],
  ])("an application that %s has failed by name", async (_what, bytes, expected) => {
    const ground = await world(serve, (socket) => void socket.end(bytes, "latin1"));
    const client = await rawClient(ground.port);
    client.write(ASK);
    await client.over;
    const answer = answerOf(client.received());
    expect(answer.status).toBe(expected.status);
    expect(answer.field("proxy-status")).toContain(`edge; error=${expected.error}`);
    await isQuiet(ground);
  });

  it("a refusal passes as it is", async () => {
    const refusal =
      "HTTP/1.1 403 Not You\r\nContent-Type: text/x\r\nContent-Length: 2\r\nX-Why: 7\r\n\r\nno";
    const ground = await world(serve, (socket) => void socket.write(refusal));
    const client = await rawClient(ground.port);
    client.write(ASK);
    await client.over;
    const answer = answerOf(client.received());
    expect([answer.status, answer.text, answer.complete]).toEqual([403, "no", true]);
    expect([answer.field("x-why"), answer.field("content-type")]).toEqual(["7", "text/x"]);
    await isQuiet(ground);
  });

  it("a connection that cannot be made is a timeout of connecting", async () => {
    const deaf = await fullBacklog();
    cleanUps.push(() => deaf.close());
    const ground = await world(serve, switches, { targets: deaf.origin });
    const client = await rawClient(ground.port);
    client.write(ASK);
    await client.over;
    const answer = answerOf(client.received());
    expect(answer.status).toBe(504);
    expect(answer.field("proxy-status")).toContain("edge; error=connection_timeout");
    await isQuiet(ground);
  });

  it("an answer that does not come is a timeout of the answer", async () => {
    const ground = await world(serve, () => {}, { timeouts: { responseMs: 150 } });
    const client = await rawClient(ground.port);
    client.write(ASK);
    await client.over;
    expect(answerOf(client.received()).status).toBe(504);
    await isQuiet(ground);
  });

  it("silence ends both sides, and is nobody's failure", async () => {
    const ground = await world(serve, switches, {
      timeouts: { idleMs: 50, tunnelIdleMs: 150 },
      breaker: { consecutiveFailures: 2 },
    });
    const [ends, levels] = [[] as unknown[], [] as string[]];
    const level = (name: string) => () => void levels.push(name);
    const logger = { info: level("info"), warn: level("warn"), error: level("error") };
    accessLog(ground.gateway, logger);
    ground.gateway.on("call:end", ({ code, blame }) => void ends.push([code, blame]));
    const clients = [await opened(ground), await opened(ground), await opened(ground)];
    for (const client of clients) await client.over;
    await isQuiet(ground);
    expect(ends).toEqual(Array(3).fill(["tunnel_idle", "none"]));
    expect(levels).toEqual(["info", "info", "info"]);
    expect(ground.gateway.diagnose("app").findings.filter(({ code }) => code)).toEqual([]);
    expect(ground.gateway.upstream("app").targets[0]?.breaker).toBe("closed");
  });

  it("more than upgradesMax are refused, and who leaves makes room", async () => {
    const ground = await world(serve, switches, { limits: { upgradesMax: 1 } });
    const first = await opened(ground);
    const second = await rawClient(ground.port);
    second.write(ASK);
    await second.over;
    expect(answerOf(second.received()).status).toBe(503);
    first.socket.destroy();
    await isQuiet(ground);
    (await opened(ground)).socket.destroy();
    await isQuiet(ground);
  });

  it("a drain cuts both sides of those that stay", async () => {
    const ground = await world(serve, switches);
    const options = { signals: false, upgradeTimeoutMs: 100, drainTimeoutMs: 5_000 } as const;
    const shutdown = installShutdown(ground.server, ground.gateway, options);
    const client = await opened(ground);
    const report = await shutdown.shutdown("test");
    await client.over;
    expect(report.upgrades).toEqual({ finished: 0, cut: 1 });
    await eventually("no connection to the application stands", () => ground.sockets.size === 0);
  });

  it("a drain lets the application say goodbye first", async () => {
    const goodbye = "\x88\x02\x03\xe9";
    const ground = await world(serve, switches);
    const options = { signals: false, upgradeTimeoutMs: 4_000, drainTimeoutMs: 5_000 } as const;
    const shutdown = installShutdown(ground.server, ground.gateway, options);
    ground.gateway.on("lifecycle:change", ({ to }) => {
      if (to === "draining") for (const socket of ground.sockets) socket.end(goodbye, "latin1");
    });
    const client = await opened(ground);
    const report = await shutdown.shutdown("test");
    await client.over;
    expect(client.received().toString("latin1")).toContain(FRAMES + goodbye);
    expect(report.upgrades).toEqual({ finished: 1, cut: 0 });
  });

  const everywhere = (text: string, step: number): readonly number[] =>
    Array.from({ length: Math.ceil((text.length + 1) / step) }, (_, index) => index * step);

  it.each<[string, (socket: Socket) => void]>([
    ["a reset", (socket) => socket.resetAndDestroy()],
    ["an end", (socket) => socket.destroy()],
    ["half an end", (socket) => socket.end()],
  ])("%s of the application after any byte leaves nothing behind", async (_how, end) => {
    const bytes = SWITCH + FRAMES;
    const lengths = [...everywhere(bytes, 3)];
    const ground = await world(serve, (socket) => {
      const length = lengths.pop() ?? 0;
      if (length === 0) end(socket);
      else socket.write(bytes.slice(0, length), "latin1", () => setImmediate(end, socket));
    });
    const limit = limiter(16);
    const asked = lengths.map(() =>
      limit(async () => {
        const client = await rawClient(ground.port);
        client.write(ASK);
        await client.over;
        return client.received().toString("latin1");
      }),
    );
    for (const text of await Promise.all(asked)) {
      // Nothing, an answer of ours, or what the application had sent, and nothing else.
      const own = /^(?:HTTP\/1\.1 502 |$)/.test(text);
      const [, behind = null] = text.split("\r\n\r\n");
      expect(own || (behind !== null && FRAMES.startsWith(behind))).toBe(true);
    }
    await isQuiet(ground);
  });

  it.each<[string, (socket: Socket) => void]>([
    ["a reset", (socket) => socket.resetAndDestroy()],
    ["an end", (socket) => socket.destroy()],
    ["half an end", (socket) => socket.end()],
  ])("%s of the client after any byte leaves nothing behind", async (_how, end) => {
    const bytes = ASK + FRAMES;
    const ground = await world(serve, switches);
    const limit = limiter(16);
    const asked = everywhere(bytes, 5).map((length) =>
      limit(async () => {
        const client = await rawClient(ground.port);
        client.write(Buffer.from(bytes.slice(0, length), "latin1"));
        await new Promise((resolve) => setImmediate(resolve));
        end(client.socket);
        await client.over;
      }),
    );
    await Promise.all(asked);
    await isQuiet(ground);
  });
});
