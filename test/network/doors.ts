/**
 * The ways through a gateway that the lab tries, each with clients and targets of its own.
 */
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gatewayFetch } from "../../src/adapters/fetch.js";
import { nodeProxy } from "../../src/adapters/node.js";
import { createGateway } from "../../src/gateway/gateway.js";
import { TIMEOUTS } from "./limits.js";

export interface Told {
  /** 0 where the client got none. */
  readonly status: number;
  /** The answer of a target was read to its end. */
  readonly whole: boolean;
  readonly code: string | null;
  readonly blame: string | null;
  readonly attempts: number;
  /** What the client and the record tell differently; "" for nothing. */
  readonly problem: string;
}

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer | null;
  /** Over which the body is sent. */
  readonly uploadMs: number;
}

export interface OpenDoor {
  ask(ask: Ask): Promise<Told>;
  close(): Promise<void>;
}

export interface DoorSettings {
  /** `10.12.1.5`, or a name. */
  readonly hosts: readonly string[];
  /** Added to each port, by host. */
  readonly ports: readonly number[];
  readonly totalMs: number | undefined;
  readonly ca: string;
  readonly socketPath: string;
}

export interface DoorKind {
  readonly name: string;
  readonly methods: readonly ("GET" | "POST")[];
  open(settings: DoorSettings): Promise<OpenDoor>;
}

interface Answer {
  readonly status: number;
  readonly whole: boolean;
  readonly code: string | null;
}

type Client = ((ask: Ask) => Promise<Answer>) & { close?(): void };

const BOTH = ["GET", "POST"] as const;
const PORTS = { http: 80, h2c: 81, https: 443 } as const;
/** A client outlasts every limit of the gateway. */
/** Makes requests larger than a packet; each byte is one with HPACK, too. */
const FILL = "~".repeat(2_000);
const CLIENT_MS = 40_000;

export const DOORS: readonly DoorKind[] = [
  { name: "nodeProxy", methods: BOTH, open: (settings) => proxy(settings, "http", plain) },
  { name: "HTTP/2", methods: BOTH, open: (settings) => proxy(settings, "h2c", plain) },
  { name: "TLS", methods: BOTH, open: (settings) => proxy(settings, "https", plain) },
  { name: "WebSocket", methods: ["GET"], open: (settings) => proxy(settings, "http", upgraded) },
  { name: "gatewayFetch", methods: BOTH, open: fetching },
];

function gatewayFor(settings: DoorSettings, scheme: keyof typeof PORTS) {
  const { hosts, ports, totalMs = TIMEOUTS.totalMs, ca } = settings;
  const targets = hosts.map((host, at) => {
    const port = PORTS[scheme] + (ports[at] ?? 0);
    if (scheme !== "https") return `http://${host}:${port}`;
    return { url: `https://${host}:${port}`, tls: { ca, servername: "far.test" } };
  });
  const gateway = createGateway({
    name: "edge",
    onWarning: () => {},
    upstreams: {
      app: {
        ...{ targets, timeouts: { ...TIMEOUTS, totalMs } },
        ...(scheme === "h2c" ? { allowH2: "h2c" as const } : {}),
      },
    },
  });
  const records = new Map<string, Omit<Told, "status" | "whole" | "problem">>();
  gateway.on("call:end", ({ path, code, blame, attempts }) => {
    records.set(path, { code, blame, attempts: attempts.length });
  });
  /** The record follows the end of the answer. */
  const recordOf = async (path: string) => {
    for (let wait = 0; wait < 200 && !records.has(path); wait += 1) await sleep(10);
    return records.get(path) ?? { code: "no record", blame: null, attempts: 0 };
  };
  return { gateway, recordOf };
}

async function told(answer: Answer, record: Omit<Told, "status" | "whole" | "problem">) {
  const differs =
    (answer.whole && record.code !== null) ||
    (answer.code !== null && answer.code !== record.code) ||
    (answer.status >= 500 && answer.code === null);
  const problem = differs ? `client ${JSON.stringify(answer)}, record ${record.code}` : "";
  return { status: answer.status, whole: answer.whole, ...record, problem };
}

async function proxy(
  settings: DoorSettings,
  scheme: keyof typeof PORTS,
  client: (to: { socketPath: string }) => Client,
): Promise<OpenDoor> {
  const { gateway, recordOf } = gatewayFor(settings, scheme);
  const listener = nodeProxy(gateway.upstream("app"));
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  server.on("upgrade", listener.upgrade);
  server.listen(settings.socketPath);
  await once(server, "listening");
  const send = client({ socketPath: settings.socketPath });
  return {
    ask: async (ask) => told(await send(ask), await recordOf(ask.path)),
    async close() {
      send.close?.();
      await gateway.close();
      server.close().closeAllConnections();
    },
  };
}

async function fetching(settings: DoorSettings): Promise<OpenDoor> {
  const { gateway, recordOf } = gatewayFor(settings, "http");
  const ask = gatewayFetch(gateway.upstream("app"));
  return {
    async ask({ method, path, body, uploadMs }) {
      let status = 0;
      const init =
        body === null || uploadMs === 0
          ? { method, body, headers: { "x-fill": FILL } }
          : { method, body: ReadableStream.from(pieces(body, uploadMs)), duplex: "half" as const };
      const answer = await ask(path, init as RequestInit)
        .then(async (response) => {
          status = response.status;
          await response.arrayBuffer();
          return { status, whole: status === 200, code: null };
        })
        .catch((error) => ({
          status,
          whole: false,
          code: error.code ?? error.cause?.code ?? String(error),
        }));
      const record = await recordOf(path);
      return told(answer, record);
    },
    close: async () => gateway.close(),
  };
}

export async function* pieces(body: Buffer, overMs: number): AsyncGenerator<Buffer> {
  const count = 50;
  for (let piece = 0; piece < count; piece += 1) {
    if (overMs > 0) await sleep(overMs / count);
    const [from, to] = [piece, piece + 1].map((at) => Math.floor((body.length * at) / count));
    yield body.subarray(from, to);
  }
}

/** A client with connections of its own, which it keeps. */
export function plain(to: { readonly socketPath?: string; readonly port?: number }): Client {
  const agent = new Agent({ keepAlive: true });
  const client: Client = ({ method, path, body, uploadMs }) =>
    new Promise((resolve) => {
      const length = body === null ? {} : { "content-length": body.length };
      const headers = { ...length, "x-fill": FILL };
      const asked = request({ ...to, method, path, headers, agent }, (answer) => {
        const status = answer.statusCode ?? 0;
        const code = codeIn(answer.headers["proxy-status"]);
        const end = (whole: boolean) => resolve({ status, whole: whole && status === 200, code });
        answer.on("error", () => {}).resume();
        answer.once("end", () => end(true)).once("close", () => end(answer.complete));
      });
      asked.setTimeout(CLIENT_MS, () => asked.destroy(new Error("the client gave up")));
      asked.once("error", () => resolve({ status: 0, whole: false, code: null }));
      if (body === null) return void asked.end();
      void (async () => {
        for await (const piece of pieces(body, uploadMs)) asked.write(piece);
        asked.end();
      })();
    });
  return Object.assign(client, { close: () => agent.destroy() });
}

/** Counts as whole when what it says comes back. */
function upgraded(to: { readonly socketPath: string }): Client {
  const headers = {
    ...{ connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
    ...{ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "x-fill": FILL },
  };
  return ({ path }) =>
    new Promise((resolve) => {
      const asked = request({ ...to, path, headers, agent: false }, (answer) => {
        answer.resume();
        const status = answer.statusCode ?? 0;
        resolve({ status, whole: false, code: codeIn(answer.headers["proxy-status"]) });
      });
      asked.once("upgrade", (_answer, socket) => {
        const hello = Buffer.alloc(12_000, "w");
        let back = 0;
        socket.on("error", () => {}).write(hello);
        socket.on("data", (data: Buffer) => {
          back += data.length;
          if (back === hello.length) socket.end();
        });
        const isWhole = () => back === hello.length;
        socket.once("close", () => resolve({ status: 101, whole: isWhole(), code: null }));
      });
      asked.once("error", () => resolve({ status: 0, whole: false, code: null })).end();
    });
}

function codeIn(field: unknown): string | null {
  return /(?<![\w-])code=(\w+)/.exec(String(field ?? ""))?.[1] ?? null;
}
