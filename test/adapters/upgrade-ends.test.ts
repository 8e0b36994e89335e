/**
 * How handshakes and tunnels end: a client that leaves ends the handshake, a refusal arrives whole
 * however large it is, and each direction of a tunnel has an end of its own.
 */
import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcp, type Socket } from "node:net";
import { createGateway, type Gateway, type UpstreamOptions } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../gallery/tools/world.js";
import { answerOf } from "./raw-client.js";
import { type Serve, TUNNEL_SERVERS } from "./tunnel-servers.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const ASK =
  "GET /chat HTTP/1.1\r\nhost: a.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";

/** What the application does when the head of a handshake is there; it may read on. */
type Act = (socket: Socket) => void;

interface World {
  readonly gateway: Gateway<"app">;
  readonly server: Server;
  readonly port: number;
  /** Connections to the application that stand. */
  readonly sockets: ReadonlySet<Socket>;
  asked: number;
}

const MIB = 1_048_576;

async function world(act: Act, options: Partial<UpstreamOptions> = {}): Promise<World> {
  const sockets = new Set<Socket>();
  const app = createTcp({ allowHalfOpen: true }, (socket) => {
    let text = "";
    sockets.add(socket.on("error", () => {}));
    socket.once("close", () => sockets.delete(socket));
    socket.on("end", () => {
      if (!text.includes("\r\n\r\n")) socket.end();
    });
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      socket.off("data", onData);
      ground.asked += 1;
      const before = socket.listenerCount("end");
      act(socket);
      if (socket.listenerCount("end") === before) socket.on("end", () => void socket.end());
    };
    socket.on("data", onData);
  });
  await new Promise<void>((done) => void app.listen(0, "127.0.0.1", done));
  const targets = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  const upstreams = { app: { targets, retry: false, ...options } } as const;
  const gateway = createGateway({ name: "edge", upstreams, onWarning: () => {} });
  const server = await (TUNNEL_SERVERS["node"] as Serve)(gateway);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    for (const one of [app, server]) one.close();
    server.closeAllConnections();
    return gateway.close();
  });
  const { port } = server.address() as AddressInfo;
  const ground: World = { gateway, server, port, sockets, asked: 0 };
  return ground;
}

async function dial({ port }: World, allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen });
  cleanUps.push(() => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function isQuiet({ gateway, server, sockets }: World): Promise<void> {
  const pending = () => gateway.upstream("app").targets[0]?.pending ?? 0;
  await eventually("no exchange is under way", () => pending() === 0);
  await eventually("no connection to the application stands", () => sockets.size === 0);
  const open = () => new Promise<number>((done) => server.getConnections((_, n) => done(n)));
  await eventually("no connection of a client stands", async () => (await open()) === 0);
}

async function everything(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => void parts.push(part));
  await once(socket, "close");
  return Buffer.concat(parts);
}

describe("a client that leaves before the answer", () => {
  it.each<[string, (socket: Socket) => void]>([
    ["in order", (socket) => socket.end()],
    ["with bytes for the tunnel", (socket) => socket.end("\x81\x05hello")],
    ["by a reset", (socket) => socket.resetAndDestroy()],
  ])("%s ends the handshake of the application", async (_how, leave) => {
    const ground = await world((socket) => void socket.resume());
    const socket = await dial(ground);
    socket.write(ASK);
    await eventually("the application is asked", () => ground.asked === 1);
    leave(socket);
    await isQuiet(ground);
    // It tells nothing of the target.
    expect(ground.gateway.upstream("app").targets[0]?.breaker).toBe("closed");
  });

  it("while it is not admitted asks nothing", async () => {
    let admit = (): void => {};
    const { nodeProxy } = await import("good-gateway/node");
    const { createServer } = await import("node:http");
    const ground = await world(() => {});
    const proxy = nodeProxy(ground.gateway.upstream("app"), {
      admit: () =>
        new Promise<undefined>((done) => {
          admit = () => done(undefined);
        }),
    });
    const server = createServer(proxy).on("upgrade", proxy.upgrade);
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    cleanUps.push(() => server.close());
    const socket = await dial({ ...ground, port: (server.address() as AddressInfo).port });
    socket.write(ASK);
    socket.end();
    await once(socket, "close");
    admit();
    await isQuiet(ground);
    expect(ground.asked).toBe(0);
  });
});

describe("a refusal", () => {
  const refusal = (status: string, body: Buffer, framing: string): Buffer =>
    Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${framing}\r\n\r\n`), body]);

  it.each([0, 1, 65_483, 65_484, 65_485, 65_536, MIB, 5 * MIB])(
    "of %i bytes arrives whole, however it is framed",
    async (size) => {
      const body = Buffer.alloc(size, "0123456789");
      const chunk = `${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      const chunks = size === 0 ? "0\r\n\r\n" : chunk;
      const answers = [
        refusal("401 Unauthorized", body, `content-length: ${size}`),
        refusal("401 Unauthorized", Buffer.from(chunks), "transfer-encoding: chunked"),
        refusal("401 Unauthorized", body, "connection: close"),
        refusal("200 OK", body, `content-length: ${size}`),
      ];
      const left = [...answers];
      const ground = await world((socket) => void socket.end(left.shift() as Buffer));
      for (const _answer of answers) {
        const socket = await dial(ground);
        // It has begun with its frames, and goes on while it is refused.
        socket.write(`${ASK}\x81\x05hello`);
        const received = await everything(socket);
        const answer = answerOf(received);
        expect([answer.body.length, answer.complete]).toEqual([size, true]);
        expect(answer.body.equals(body)).toBe(true);
      }
      await isQuiet(ground);
    },
    20_000,
  );

  it("comes at the client's pace, and is not held in memory", async () => {
    let sent = 0;
    const ground = await world((socket) => {
      const part = Buffer.alloc(65_536);
      socket.write(`HTTP/1.1 403 No\r\ncontent-length: ${400 * part.length}\r\n\r\n`);
      const more = (): void => {
        while (sent < 400 && socket.writable) {
          sent += 1;
          if (!socket.write(part)) return void socket.once("drain", more);
        }
      };
      more();
    });
    const socket = await dial(ground);
    socket.pause();
    socket.write(ASK);
    let before = -1;
    await eventually("nothing moves any more", async () => {
      const same = sent > 0 && sent === before;
      before = sent;
      await new Promise((done) => setTimeout(done, 100));
      return same;
    });
    expect(sent).toBeLessThan(400);
    socket.resume();
    expect((await everything(socket)).length).toBeGreaterThan(399 * 65_536);
    await isQuiet(ground);
  });

  it("is lost to nobody who goes on sending", async () => {
    const body = Buffer.alloc(2 * MIB, "x");
    const ground = await world((socket) => {
      socket.end(refusal("401 No", body, `content-length: ${body.length}`));
    });
    const socket = await dial(ground);
    socket.write(ASK);
    const noise = setInterval(() => socket.write(Buffer.alloc(1_000)), 1);
    const received = await everything(socket);
    clearInterval(noise);
    expect(answerOf(received).body.length).toBe(body.length);
    await isQuiet(ground);
  });
});

describe("a switch", () => {
  it.each(["Content-Length: 5", "Transfer-Encoding: chunked"])(
    "has no framing, whatever the application says: %s",
    async (field) => {
      const ground = await world((socket) => {
        socket.write(`${SWITCH}${field}\r\nX-A: 1\r\n\r\nhello`);
        socket.resume();
      });
      const socket = await dial(ground);
      socket.write(ASK);
      let text = "";
      socket.on("data", (part) => {
        text += part.toString("latin1");
      });
      await eventually("it is here", () => text.endsWith("\r\n\r\nhello"));
      expect(text).toMatch(/^HTTP\/1\.1 101 .*x-a: 1/is);
      expect(text).not.toMatch(/content-length|transfer-encoding/i);
      socket.destroy();
      await isQuiet(ground);
    },
  );

  it("carries what both sides sent with it, in order, behind a kept connection", async () => {
    const ground = await world((socket) => {
      socket.write(`${SWITCH}\r\nfirst `);
      socket.on("data", (part) => void socket.write(part));
      socket.on("end", () => void socket.end());
    });
    const socket = await dial(ground);
    const early = Buffer.alloc(300_000, "abc");
    socket.write(ASK);
    socket.write(early);
    socket.end(" last");
    const text = (await everything(socket)).toString("latin1");
    if (text !== "") expect(text.slice(text.indexOf("\r\n\r\n") + 4)).toBe(`first ${early} last`);
    await isQuiet(ground);
  });
});

describe("in a tunnel", () => {
  const open = async (ground: World): Promise<Socket> => {
    const socket = await dial(ground, true);
    socket.write(ASK);
    const [head] = await once(socket, "data");
    expect(String(head)).toContain(" 101 ");
    return socket;
  };

  it("a client that has ended still gets what the application sends", async () => {
    const body = Buffer.alloc(3 * MIB, "y");
    const ground = await world((socket) => {
      socket.write(`${SWITCH}\r\n`);
      socket.resume().on("end", () => void socket.end(body));
    });
    const socket = await open(ground);
    socket.end("question");
    expect((await everything(socket)).length).toBe(body.length);
    await isQuiet(ground);
  });

  it("an application that has ended still gets what the client sends", async () => {
    let received = 0;
    const ground = await world((socket) => {
      socket.write(`${SWITCH}\r\n`, () => socket.end());
      socket.on("data", (part) => {
        received += part.length;
      });
    });
    const socket = await open(ground);
    socket.resume();
    await once(socket, "end");
    socket.end(Buffer.alloc(3 * MIB, "z"));
    await isQuiet(ground);
    expect(received).toBe(3 * MIB);
  });

  it("an end that comes before a slow client has read all cuts nothing", async () => {
    const body = Buffer.alloc(8 * MIB, "w");
    const ground = await world((socket) => {
      socket.write(`${SWITCH}\r\n`);
      socket.resume().on("end", () => void socket.end(body));
    });
    const socket = await open(ground);
    socket.end();
    socket.pause();
    await new Promise((done) => setTimeout(done, 300));
    const all = everything(socket);
    socket.resume();
    expect((await all).length).toBe(body.length);
    await isQuiet(ground);
  });

  it("one side that only ends is closed after the silence that is allowed", async () => {
    const ground = await world(
      (socket) => {
        socket.write(`${SWITCH}\r\n`);
        socket.resume();
      },
      { timeouts: { idleMs: 200 } },
    );
    const socket = await open(ground);
    socket.end();
    await isQuiet(ground);
  });
});
