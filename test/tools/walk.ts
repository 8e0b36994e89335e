/**
 * How far a reader has to walk: the files and named functions of src that run for one warm call at
 * each door, counted by V8. `npm run walk` prints a table; `-- --list nodeProxy` the files and
 * functions of one door.
 */
import { once } from "node:events";
import { request as askHttp, createServer, Agent as HttpAgent, type Server } from "node:http";
import { Session } from "node:inspector/promises";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { createGateway, type Gateway } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { fastifyProxy } from "good-gateway/fastify";
import { gatewayFetch } from "good-gateway/fetch";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { nodeProxy } from "good-gateway/node";
import { gatewayInterceptor } from "good-gateway/undici";
import { createProxyMiddleware } from "http-proxy-middleware";
import { Agent, request } from "undici";

/** Enough that connections are open, and that what is made once has been made. */
const WARM_CALLS = 5;
const SRC = new URL("../../src/", import.meta.url).href;
/** The testing kit of the package is no part of a call. */
const TESTING = `${SRC}testing/`;

interface Walk {
  readonly files: ReadonlySet<string>;
  /** `file: function`, sorted. */
  readonly functions: readonly string[];
}

type Ask = () => Promise<unknown>;
type Open = (gateway: Gateway<"app">, closing: (() => unknown)[], origin: string) => Promise<Ask>;

const DOORS: Readonly<Record<string, Open>> = {
  nodeProxy: async (gateway, closing) =>
    asking(await listening(createServer(nodeProxy(gateway.upstream("app"))), closing)),
  expressProxy: async (gateway, closing) => {
    const app = express().use(expressProxy(gateway.upstream("app")));
    return asking(await listening(createServer(app), closing));
  },
  fastifyProxy: async (gateway, closing) => {
    const app = fastify();
    await app.register(fastifyProxy, { upstream: gateway.upstream("app") });
    closing.push(() => app.close());
    return asking(await app.listen({ host: "127.0.0.1", port: 0 }));
  },
  throughGateway: async (gateway, closing) => {
    const agent = new HttpAgent({ keepAlive: true });
    const proxy = createProxyMiddleware({ ...throughGateway(gateway.upstream("app")), agent });
    closing.push(() => agent.destroy());
    return asking(
      await listening(
        createServer((req, res) => void proxy(req, res)),
        closing,
      ),
    );
  },
  "an upgrade": async (gateway, closing) => {
    const listener = nodeProxy(gateway.upstream("app"));
    const server = createServer(listener).on("upgrade", listener.upgrade);
    return upgrading(await listening(server, closing));
  },
  webProxy: async (gateway) => {
    const path = "good-gateway/web";
    const { webProxy } = (await import(path)) as {
      webProxy(upstream: unknown): (request: Request) => Promise<Response>;
    };
    const proxy = webProxy(gateway.upstream("app"));
    return async () => (await proxy(new Request("http://client.test/"))).text();
  },
  gatewayFetch: async (gateway) => {
    const fetched = gatewayFetch(gateway.upstream("app"));
    return async () => (await fetched("/")).text();
  },
  send: async (gateway) => async () => {
    const outcome = await gateway.upstream("app").send({ path: "/" });
    if (outcome.kind === "success") await outcome.response.body.text();
  },
  gatewayInterceptor: async (gateway, closing, origin) => {
    const dispatcher = new Agent().compose(gatewayInterceptor(gateway));
    closing.push(() => dispatcher.close());
    return async () => (await request(origin, { dispatcher })).body.text();
  },
};

async function walk(open: Open): Promise<Walk | null> {
  const closing: (() => unknown)[] = [];
  const origin = await listening(upstream(), closing);
  const gateway = createGateway({ name: "edge", upstreams: { app: { targets: origin } } });
  closing.push(() => gateway.close());
  try {
    const ask = await open(gateway, closing, origin);
    for (let call = 0; call < WARM_CALLS; call += 1) await ask();
    return await counted(ask);
  } catch (error) {
    // A door that this version does not have.
    const { code } = error as { code?: unknown };
    if (code === "ERR_MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return null;
    throw error;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function counted(ask: Ask): Promise<Walk> {
  const session = new Session();
  session.connect();
  await settled();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await ask();
  await settled();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  await session.post("Profiler.stopPreciseCoverage");
  session.disconnect();
  const own = result.filter(({ url }) => url.startsWith(SRC) && !url.startsWith(TESTING));
  const functions = own.flatMap(({ url, functions: all }) =>
    all
      .filter(({ functionName: name, ranges }) => (ranges[0]?.count ?? 0) > 0 && isOurs(name))
      .map(({ functionName }) => `${url.slice(SRC.length)}: ${functionName}`),
  );
  return { files: new Set(functions.map((one) => one.split(":")[0] as string)), functions };
}

/** The runner adds one of its own to each file. */
function isOurs(name: string): boolean {
  return name !== "" && name !== "__name";
}

/** What follows a call within the turn or two after it is a part of it. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function upstream(): Server {
  return createServer((_req, res) => void res.end("hello")).on("upgrade", (_req, socket) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    socket.on("data", (chunk) => socket.end(chunk)).on("error", () => {});
  });
}

async function listening(server: Server, closing: (() => unknown)[]): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function asking(url: string): Ask {
  return async () => (await fetch(url)).text();
}

function upgrading(url: string): Ask {
  return async () => {
    const asked = askHttp(url, { headers: { connection: "upgrade", upgrade: "websocket" } }).end();
    const [, socket] = await once(asked, "upgrade");
    socket.write("echo");
    socket.resume();
    await once(socket, "close");
  };
}

const every = { files: new Set<string>(), functions: new Set<string>() };
const listed = process.argv[process.argv.indexOf("--list") + 1];
for (const [name, open] of Object.entries(DOORS)) {
  if (process.argv.includes("--list") && name !== listed) continue;
  const walked = await walk(open);
  if (walked === null) continue;
  const { files, functions } = walked;
  for (const one of files) every.files.add(one);
  for (const one of functions) every.functions.add(one);
  if (name === listed) for (const one of functions) console.log(one);
  console.log(`${name.padEnd(20)} ${files.size} files, ${functions.length} functions`);
}
const { files, functions } = every;
if (listed === undefined || !process.argv.includes("--list")) {
  console.log(`${"all of them".padEnd(20)} ${files.size} files, ${functions.size} functions`);
}
