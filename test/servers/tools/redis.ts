/**
 * A real Redis for tests, on a socket in a folder of its own, and the clients that people have.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IoRedisClient, NodeRedisClient } from "good-gateway/rate-limit";
import { type Process, startProcess } from "./processes.js";
import { programPath } from "./programs.js";

export interface RedisServer {
  readonly path: string;
  start(): Promise<void>;
  /** Nothing of it is left. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  remove(): Promise<void>;
}

export function redisServer(): RedisServer {
  const folder = mkdtempSync(join(tmpdir(), "good-gateway-redis-"));
  const path = join(folder, "redis.sock");
  let running: Process | null = null;
  const made: RedisServer = {
    path,
    async start() {
      const args = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder];
      running = startProcess(programPath("redis-server") as string, args);
      await running.line("eady to accept connections");
    },
    async kill() {
      await running?.stop("SIGKILL");
      running = null;
    },
    freeze: () => void running?.child.kill("SIGSTOP"),
    thaw: () => void running?.child.kill("SIGCONT"),
    async remove() {
      await made.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return made;
}

export interface RedisClient {
  readonly client: IoRedisClient | NodeRedisClient;
  close(): void;
}

// By name, so that the types of the tests do not depend on theirs.
const load = createRequire(import.meta.url);

interface IoClass {
  new (
    path: string,
  ): IoRedisClient & { on(event: string, fn: () => void): unknown; disconnect(): void };
}

function io(name: string, path: string): RedisClient {
  const { Redis } = load(name) as { readonly Redis: IoClass };
  const client = new Redis(path);
  client.on("error", () => {});
  return { client, close: () => client.disconnect() };
}

interface NodeClient extends NodeRedisClient {
  on(event: string, fn: () => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

function node(path: string): RedisClient {
  const { createClient } = load("redis") as {
    createClient(options: object): NodeClient;
  };
  const client = createClient({ socket: { path } });
  client.on("error", () => {});
  client.connect().catch(() => {});
  return { client, close: () => client.destroy() };
}

/** With the defaults of each, which wait for ever. */
export const CLIENTS: Readonly<Record<string, (path: string) => RedisClient>> = {
  redis: node,
  ioredis: (path) => io("ioredis", path),
  iovalkey: (path) => io("iovalkey", path),
};
