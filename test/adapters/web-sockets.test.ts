/**
 * WebSockets through the gateway, with the client and the server of `ws`: what they send passes
 * untouched, and however either side ends, nothing is left behind and nothing crashes.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createGateway, type Gateway, type UpstreamOptions } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { eventually } from "../gallery/tools/world.js";
import { type Serve, TUNNEL_SERVERS } from "./tunnel-servers.js";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

async function listening(server: Server): Promise<number> {
  if (!server.listening)
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Echo {
  readonly port: number;
  /** Sockets of the connections that stand. */
  readonly sockets: Set<Socket>;
  /** Close codes that the application saw. */
  readonly codes: number[];
}

/** An application that sends back what it is sent; `deny` is not let in. */
async function echo(): Promise<Echo> {
  const server = createServer((_req, res) => void res.end("plain"));
  const webSockets = new WebSocketServer({
    server,
    verifyClient: ({ req }: { readonly req: IncomingMessage }) => req.url !== "/deny",
  });
  const sockets = new Set<Socket>();
  const codes: number[] = [];
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  webSockets.on("connection", (client) => {
    client.on("error", () => {});
    client.on("close", (code) => void codes.push(code));
    client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
  });
  return { port: await listening(server), sockets, codes };
}

interface World {
  readonly gateway: Gateway<"app">;
  readonly app: Echo;
  readonly server: Server;
  readonly url: string;
}

async function world(
  serve: Serve = TUNNEL_SERVERS["node"] as Serve,
  options: Partial<UpstreamOptions> = {},
): Promise<World> {
  const app = await echo();
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { targets: `http://127.0.0.1:${app.port}`, ...options } },
    onWarning: () => {},
  });
  cleanUps.push(() => gateway.close());
  const server = await serve(gateway);
  return { gateway, app, server, url: `ws://127.0.0.1:${await listening(server)}` };
}

async function opened(url: string): Promise<WebSocket> {
  const client = new WebSocket(url);
  client.on("error", () => {});
  await once(client, "open");
  return client;
}

/** Nothing is under way, and no connection stands. */
async function isQuiet({ gateway, app }: World): Promise<void> {
  const pending = (): number => gateway.upstream("app").targets[0]?.pending ?? 0;
  await eventually("no exchange is under way", () => pending() === 0);
  await eventually("no connection to the application stands", () => app.sockets.size === 0);
}

const rawSocket = (client: WebSocket): Socket => (client as unknown as { _socket: Socket })._socket;

describe.each(Object.entries(TUNNEL_SERVERS))("a WebSocket through %s", (_name, serve) => {
  it("takes messages of any size and in fragments, both ways, untouched", async () => {
    const ground = await world(serve);
    const client = await opened(ground.url);
    const received: Buffer[] = [];
    client.on("message", (data) => void received.push(data as Buffer));
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 3_000_000];
    const sent = sizes.map((size) => Buffer.alloc(size, "x"));
    for (const data of sent) client.send(data);
    client.send("frag", { fin: false });
    client.send("", { fin: false });
    client.ping("between two fragments");
    client.send("mented", { fin: true });
    await eventually("all came back", () => received.length === sent.length + 1);
    expect(received.map(({ byteLength }) => byteLength)).toEqual([...sizes, "fragmented".length]);
    expect(received.at(-1)?.toString()).toBe("fragmented");
    client.close(4_001, "bye");
    const [code] = await once(client, "close");
    expect(code).toBe(4_001);
    await isQuiet(ground);
    expect(ground.app.codes).toEqual([4_001]);
  });

  it("that is refused gets the application's own answer", async () => {
    const ground = await world(serve);
    const client = new WebSocket(`${ground.url}/deny`);
    client.on("error", () => {});
    const [, answer] = await once(client, "unexpected-response");
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["proxy-status"]).toContain("received-status=401");
    client.terminate();
    await isQuiet(ground);
  });
});

describe("a WebSocket that ends", () => {
  it.each([
    ["by the client's reset", (client: WebSocket) => rawSocket(client).resetAndDestroy()],
    ["by the client's end", (client: WebSocket) => client.terminate()],
    ["by its half", (client: WebSocket) => rawSocket(client).end()],
  ])("%s leaves nothing behind", async (_how, end) => {
    const ground = await world();
    const client = await opened(ground.url);
    end(client);
    await isQuiet(ground);
  });

  it.each([
    ["a reset", (socket: Socket) => socket.resetAndDestroy()],
    ["an end", (socket: Socket) => socket.destroy()],
    ["half an end", (socket: Socket) => socket.end()],
  ])("by the application with %s ends the client's side", async (_how, end) => {
    const ground = await world();
    const client = await opened(ground.url);
    const closed = once(client, "close");
    for (const socket of ground.app.sockets) end(socket);
    const [code] = await closed;
    expect(code).toBe(1_006);
    await isQuiet(ground);
  });

  it("by a reset while much is on its way does no harm to others", async () => {
    const ground = await world();
    const [stays, ...leave] = await Promise.all(
      Array.from({ length: 8 }, () => opened(ground.url)),
    );
    for (const client of leave) {
      for (let turn = 0; turn < 8; turn += 1) client.send(Buffer.alloc(200_000));
      setImmediate(() => rawSocket(client).resetAndDestroy());
    }
    const answered = once(stays as WebSocket, "message");
    stays?.send("still here");
    expect(String((await answered)[0])).toBe("still here");
    stays?.terminate();
    await isQuiet(ground);
  });

  it("by silence is cut on both sides after the idle bound", async () => {
    const ground = await world(undefined, { timeouts: { tunnelIdleMs: 150 } });
    const client = await opened(ground.url);
    const [code] = await once(client, "close");
    expect(code).toBe(1_006);
    await isQuiet(ground);
  });
});

describe("an upgrade to an application that", () => {
  it("is down is answered with its name", async () => {
    const ground = await world(undefined, { targets: "http://127.0.0.1:1", retry: false });
    const client = new WebSocket(ground.url);
    client.on("error", () => {});
    const [, answer] = await once(client, "unexpected-response");
    expect(answer.statusCode).toBe(502);
    expect(answer.headers["proxy-status"]).toContain("connection_refused");
    client.terminate();
  });
});
