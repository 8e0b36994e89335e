/**
 * Upgrades with a body, and upgrades that are not offered, RFC 9110 §7.8: what the application saw
 * of a request is all of it and only that, whatever it asked to be upgraded to.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createSecure } from "node:https";
import { type AddressInfo, connect, createServer as createTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import express from "express";
import { createGateway, type Gateway, type UpstreamOptions } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { nodeProxy, type ProxyOptions } from "good-gateway/node";
import { testCertificates } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../gallery/tools/world.js";
import { HPM_VERSIONS, type Hpm } from "./hpm-versions.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listening(server: { listen: Server["listen"]; address: Server["address"] }) {
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly upgrade: string | undefined;
  readonly length: number;
  readonly digest: string;
}

interface Application {
  readonly port: number;
  readonly seen: Seen[];
  readonly sockets: Set<Socket>;
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * An application that reads every request to its end; one that asks for `tcp` or `websocket` is
 * then switched, and told what its body was, and gets back what it sends.
 */
async function application(): Promise<Application> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  // A server without an `upgrade` listener reads bodies of upgrades as those of other requests.
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => void parts.push(part));
    req.on("end", () => {
      const body = Buffer.concat(parts);
      const { method = "", url: path = "", headers } = req;
      const { upgrade } = headers;
      seen.push({ method, path, upgrade, length: body.length, digest: digestOf(body) });
      if (upgrade === undefined) {
        res.end(`served ${body.length}`);
        return;
      }
      const { socket } = req;
      const head = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}`;
      res.detachSocket(socket);
      for (const event of ["data", "end"]) socket.removeAllListeners(event);
      socket.write(`${head}\r\n\r\nstarted with ${body.length};`);
      socket.on("data", (part) => void socket.write(part));
      socket.on("end", () => void socket.end("bye"));
    });
    req.on("error", () => {});
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: await listening(server), seen, sockets };
}

interface World {
  readonly app: Application;
  readonly gateway: Gateway<"app">;
  readonly port: number;
  readonly server: Server;
}

type Door = (gateway: Gateway<"app">, options: ProxyOptions) => Server;

const { key, cert } = testCertificates().valid;

const DOORS: Readonly<Record<string, Door>> = {
  "node:http": (gateway, options) => {
    const proxy = nodeProxy(gateway.upstream("app"), options);
    return createServer(proxy).on("upgrade", proxy.upgrade);
  },
  "node:https": (gateway, options) => {
    const proxy = nodeProxy(gateway.upstream("app"), options);
    return createSecure({ key, cert } as ServerOptions, proxy).on("upgrade", proxy.upgrade);
  },
  express: (gateway, options) => {
    const upstream = gateway.upstream("app");
    const app = express().use(expressProxy(upstream));
    return createServer(app).on("upgrade", nodeProxy(upstream, options).upgrade);
  },
  ...Object.fromEntries(HPM_VERSIONS.map(([name, hpm]) => [name, throughHpm(hpm)])),
};

function throughHpm({ createProxyMiddleware }: Hpm): Door {
  return (gateway, { rewritePath, ...options }) => {
    // Version 4 would keep its connections.
    const own = { agent: false, ...(rewritePath && { pathRewrite: rewritePath }) };
    const proxy = createProxyMiddleware(throughGateway(gateway.upstream("app"), own, options));
    return createServer((req, res) => void proxy(req, res)).on("upgrade", proxy.upgrade);
  };
}

async function world(
  door: Door,
  options: ProxyOptions = {},
  settings: Partial<UpstreamOptions> = {},
): Promise<World> {
  const app = await application();
  const targets = `http://127.0.0.1:${app.port}`;
  const upstreams = { app: { targets, retry: false, ...settings } } as const;
  const gateway = createGateway({ name: "edge", upstreams, onWarning: () => {} });
  cleanUps.push(() => gateway.close());
  const server = door(gateway, options);
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { app, gateway, port: await listening(server), server };
}

interface Client {
  readonly socket: Socket;
  received(): string;
  until(text: string): Promise<void>;
  readonly over: Promise<unknown>;
}

async function client({ port, server }: World): Promise<Client> {
  const secure = "setSecureContext" in server;
  const socket = secure
    ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
    : connect(port, "127.0.0.1");
  await once(socket, secure ? "secureConnect" : "connect");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const over = new Promise((done) => void socket.once("close", done));
  const until = (wanted: string) =>
    eventually(`"${wanted}" has come`, () => {
      if (socket.destroyed && !text.includes(wanted)) throw new Error(`ended with ${text}`);
      return text.includes(wanted);
    });
  return { socket, received: () => text, until, over };
}

function head(upgrade: string, fields: readonly string[] = [], path = "/x"): string {
  const lines = [`POST ${path} HTTP/1.1`, "host: a.example", "connection: upgrade"];
  return `${[...lines, `upgrade: ${upgrade}`, ...fields].join("\r\n")}\r\n\r\n`;
}

function chunked(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)};x="y"\r\n`), part, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\nx-sum: 1\r\n\r\n")]);
}

const bytesOf = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));

async function isQuiet({ app, gateway, server }: World): Promise<void> {
  const pending = () => gateway.upstream("app").targets[0]?.pending ?? 0;
  await eventually("no exchange is under way", () => pending() === 0);
  await eventually(
    "no connection of a client stands",
    async () => (await new Promise((done) => server.getConnections((_, n) => done(n)))) === 0,
  );
  gateway.close();
  await eventually("no connection to the application stands", () => app.sockets.size === 0);
}

const NEXT = "GET /next HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";
const SIZES = [1, 11, 16_384, 65_535, 65_536, 65_537, 1_048_576];

describe.each(Object.entries(DOORS))("through %s", (_name, door) => {
  it.each(SIZES)("a body of %i bytes with an upgrade to h2c is served whole", async (size) => {
    const ground = await world(door);
    const body = bytesOf(size);
    const wanted = { length: size, digest: digestOf(body), upgrade: undefined };
    const ways: readonly (readonly [string[], Buffer])[] = [
      [[`content-length: ${size}`], body],
      [["transfer-encoding: chunked"], chunked(body, 4_000)],
    ];
    for (const [fields, bytes] of ways) {
      const asked = await client(ground);
      asked.socket.write(Buffer.concat([Buffer.from(head("h2c", fields)), bytes]));
      await asked.until(`served ${size}`);
      asked.socket.destroy();
    }
    expect(ground.app.seen).toEqual([
      expect.objectContaining(wanted),
      expect.objectContaining(wanted),
    ]);
    await isQuiet(ground);
  });

  it.each(SIZES)("a body of %i bytes comes before the tunnel", async (size) => {
    const ground = await world(door);
    const body = bytesOf(size);
    const ways: readonly (readonly [string[], Buffer])[] = [
      [[`content-length: ${size}`], body],
      [["transfer-encoding: chunked"], chunked(body, 3_999)],
    ];
    for (const [fields, bytes] of ways) {
      const asked = await client(ground);
      // What is meant for the tunnel comes with the same bytes as the end of the body.
      asked.socket.write(
        Buffer.concat([Buffer.from(head("tcp", fields)), bytes, Buffer.from("early")]),
      );
      await asked.until(`started with ${size};early`);
      asked.socket.end("late");
      await asked.over;
      expect(asked.received()).toMatch(/^HTTP\/1\.1 101 .*;earlylatebye$/s);
    }
    const wanted = { length: size, digest: digestOf(body), upgrade: "tcp" };
    expect(ground.app.seen).toEqual([
      expect.objectContaining(wanted),
      expect.objectContaining(wanted),
    ]);
    await isQuiet(ground);
  });

  it("a body that comes byte by byte has the same end", async () => {
    const ground = await world(door);
    for (const upgrade of ["tcp", "h2c"]) {
      const asked = await client(ground);
      const start = Buffer.from(head(upgrade, ["transfer-encoding: chunked"]));
      for (const byte of Buffer.concat([start, chunked(bytesOf(20), 7)])) {
        asked.socket.write(Buffer.from([byte]));
        await new Promise((done) => setImmediate(done));
      }
      await asked.until(upgrade === "tcp" ? "started with 20;" : "served 20");
      asked.socket.destroy();
    }
    const digest = digestOf(bytesOf(20));
    expect(ground.app.seen.map((one) => one.digest)).toEqual([digest, digest]);
    await isQuiet(ground);
  });

  it("who waits for 100 Continue gets it once, before a switch or an answer", async () => {
    const ground = await world(door);
    for (const [upgrade, end] of [
      ["tcp", "started with 5;"],
      ["h2c", "served 5"],
    ] as const) {
      const asked = await client(ground);
      asked.socket.write(head(upgrade, ["content-length: 5", "expect: 100-continue"]));
      await asked.until("HTTP/1.1 100 Continue\r\n\r\n");
      asked.socket.write("hello");
      await asked.until(end);
      expect(asked.received().split("100 Continue").length).toBe(2);
      asked.socket.destroy();
    }
    await isQuiet(ground);
  });

  it("the connection goes on after an upgrade that is ignored", async () => {
    const ground = await world(door);
    const asked = await client(ground);
    const warnings: string[] = [];
    const warned = ({ name }: Error) => void warnings.push(name);
    process.on("warning", warned);
    cleanUps.push(() => process.off("warning", warned));
    const get = head("h2c", ["http2-settings: AAMAAABkAAQAoAAAAAIAAAAA"]).replace("POST", "GET");
    for (let round = 1; round <= 12; round += 1) {
      asked.socket.write(get);
      await eventually("it is answered", () => asked.received().split("served 0").length > round);
    }
    asked.socket.write(get + get + NEXT);
    await asked.over;
    expect(asked.received().split("served 0").length).toBe(16);
    expect(warnings).not.toContain("MaxListenersExceededWarning");
    expect(ground.app.seen.every(({ upgrade }) => upgrade === undefined)).toBe(true);
    await isQuiet(ground);
  });
});

describe.each(Object.entries(DOORS))("what is offered through %s", (_name, door) => {
  it.each([
    ["foo, websocket", {}, "websocket"],
    ["WebSocket", {}, "WebSocket"],
    ["tcp, foo/2", { upgrades: ["foo"] }, "foo/2"],
    ["foo/2, foo/3", { upgrades: ["foo/3"] }, "foo/3"],
    ["h2c, foo", {}, undefined],
    ["tcp", { upgrades: ["websocket"] }, undefined],
    ["websocket", { upgrades: [] }, undefined],
    ["TLS/1.2", {}, undefined],
  ])("of %s with %o the application is asked for %s", async (upgrade, options, wanted) => {
    const ground = await world(door, options);
    const asked = await client(ground);
    asked.socket.write(head(upgrade, ["content-length: 2"]).replace("/x", "/y"));
    asked.socket.write("ab");
    await asked.until(wanted === undefined ? "served 2" : "started with 2;");
    expect(ground.app.seen).toEqual([expect.objectContaining({ upgrade: wanted, length: 2 })]);
    asked.socket.destroy();
    await isQuiet(ground);
  });

  it("HTTP/1.0 has no upgrades", async () => {
    const ground = await world(door);
    const asked = await client(ground);
    const fields = "host: a.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n";
    asked.socket.write(`GET / HTTP/1.0\r\n${fields}\r\n`);
    await asked.until("served 0");
    await asked.over;
    expect(ground.app.seen[0]?.upgrade).toBe(undefined);
    await isQuiet(ground);
  });

  it("a switch that nobody asked for opens no tunnel", async () => {
    const sockets = new Set<Socket>();
    const app = createTcp((socket) => {
      sockets.add(socket.on("error", () => {}));
      socket.once("close", () => sockets.delete(socket));
      socket.once("data", () => {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPAST",
        );
      });
    });
    cleanUps.push(() => app.close());
    const targets = `http://127.0.0.1:${await listening(app as unknown as Server)}`;
    const gateway = createGateway({ upstreams: { app: { targets, retry: false } } });
    cleanUps.push(() => gateway.close());
    const server = door(gateway, {});
    cleanUps.push(() => server.close());
    const port = await listening(server);
    for (const upgrade of ["h2c", "h2c, websocket"]) {
      const asked = await client({ port, server } as World);
      asked.socket.write(head(upgrade, ["content-length: 2"]));
      asked.socket.write("ab");
      await asked.until("HTTP/1.1 502 ");
      expect(asked.received()).not.toContain("PAST");
      asked.socket.destroy();
    }
    await eventually("no connection to the application stands", () => sockets.size === 0);
  });
});

describe("a server", () => {
  it("that serves upgrades alone refuses the others", async () => {
    const ground = await world((gateway, options) =>
      createServer().on("upgrade", nodeProxy(gateway.upstream("app"), options).upgrade),
    );
    const asked = await client(ground);
    asked.socket.write(`${head("h2c", ["content-length: 2"])}ab`);
    await asked.over;
    expect(asked.received()).toMatch(/^HTTP\/1\.1 400 .*connection: close/is);
    expect(ground.app.seen).toEqual([]);
    await isQuiet(ground);
  });

  it("what guards the requests of a server guards those whose upgrade is ignored", async () => {
    const ground = await world((gateway, options) => {
      const proxy = nodeProxy(gateway.upstream("app"), options);
      const guarded = createServer((req, res) => {
        if (req.url === "/secret") res.writeHead(403).end("no");
        else proxy(req, res);
      });
      return guarded.on("upgrade", proxy.upgrade);
    });
    const asked = await client(ground);
    asked.socket.write(`${head("h2c", ["content-length: 2"], "/secret")}ab${NEXT}`);
    await asked.until("HTTP/1.1 403 ");
    await asked.over;
    expect(ground.app.seen.map(({ path }) => path)).not.toContain("/secret");
    await isQuiet(ground);
  });
});

describe.each(Object.entries(DOORS))("a body that breaks, through %s", (_name, door) => {
  it.each([
    ["a size that is none", "zz\r\n"],
    ["a size behind a space", " 5\r\nhello\r\n0\r\n\r\n"],
    ["a size with a bare line feed", "5\nhello\r\n0\r\n\r\n"],
    ["a size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
    ["a size that is too large", "ffffffffffffffffffff\r\nhello\r\n0\r\n\r\n"],
    ["a chunk that is longer than it says", "5\r\nhello!\r\n0\r\n\r\n"],
    ["a trailer that is no field", "0\r\nGET / HTTP/1.1\r\n\r\n"],
    ["an extension without an end", `5;${"x".repeat(20_000)}`],
  ])("by %s is refused, and opens no tunnel", async (_what, body) => {
    // Node 26 reads such bodies itself and says nothing of an error; the client is then too slow.
    const ground = await world(door, {}, { timeouts: { clientMs: 300 } });
    const asked = await client(ground);
    asked.socket.write(head("tcp", ["transfer-encoding: chunked"]) + body);
    await asked.over;
    expect(asked.received()).toMatch(/^HTTP\/1\.1 40[08] /);
    expect(ground.app.seen).toEqual([]);
    await isQuiet(ground);
  });

  it("because the client leaves ends the call", async () => {
    const ground = await world(door);
    for (const upgrade of ["tcp", "h2c"]) {
      const asked = await client(ground);
      asked.socket.write(`${head(upgrade, ["content-length: 100"])}some`);
      await eventually("it is under way", () => ground.app.sockets.size > 0);
      asked.socket.end();
      await asked.over;
      await eventually(
        "it is over",
        () => ground.gateway.upstream("app").targets[0]?.pending === 0,
      );
    }
    expect(ground.app.seen).toEqual([]);
    await isQuiet(ground);
  });
});
