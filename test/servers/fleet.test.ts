/** Fleets over a real Redis with each client, and over node:cluster. */
import { fileURLToPath } from "node:url";
import { createGateway, type Gateway, type GatewayEvents } from "good-gateway";
import { fleet, type IoRedisPublisher, redisBus } from "good-gateway/fleet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { endProcesses, startProcess } from "./tools/processes.js";
import { describeWith } from "./tools/programs.js";
import { CLIENTS, type RedisClient, type RedisServer, redisServer } from "./tools/redis.js";

const PRIMARY = fileURLToPath(new URL("./fleet-primary.mjs", import.meta.url));
const LONG_MS = 120_000;

const closing: (() => void)[] = [];
afterEach(endProcesses);
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function member(name: string, path: string) {
  const { client, close } = (CLIENTS[name] as (path: string) => RedisClient)(path);
  const bus = redisBus(client as unknown as IoRedisPublisher);
  const gateway = createGateway({ name: "edge", fleet: fleet({ name: "edge", bus }) });
  const buses: GatewayEvents["fleet:bus"][] = [];
  gateway.on("fleet:bus", (change) => buses.push(change));
  closing.push(() => {
    gateway.close();
    close();
  });
  return { gateway, buses };
}

const others = (gateway: Gateway) => gateway.snapshot().fleet?.others.length;

describeWith(["redis-server"], "a fleet over Redis", () => {
  let server: RedisServer;
  beforeEach(() => {
    server = redisServer();
  });
  afterEach(async () => {
    server.thaw();
    await server.remove();
  });

  it("knows its members over all clients, and again after the server was killed", async () => {
    const members = Object.keys(CLIENTS).map((name) => member(name, server.path));
    const seen = () => members.map(({ gateway }) => others(gateway));
    // It is absent at the start.
    await expect
      .poll(() => members.map(({ buses }) => buses.length > 0))
      .toEqual([true, true, true]);
    await server.start();
    await expect.poll(seen).toEqual([2, 2, 2]);
    await server.kill();
    await expect.poll(seen).toEqual([0, 0, 0]);
    await server.start();
    await expect.poll(seen).toEqual([2, 2, 2]);
    expect(members.map(({ buses }) => buses.at(-1)?.up)).toEqual([true, true, true]);
  }, 60_000);

  it("is alone while the server is frozen, and says so", async () => {
    await server.start();
    const members = Object.keys(CLIENTS).map((name) => member(name, server.path));
    const seen = () => members.map(({ gateway }) => others(gateway));
    await expect.poll(seen).toEqual([2, 2, 2]);
    server.freeze();
    await expect.poll(seen).toEqual([0, 0, 0]);
    expect(members.map(({ buses }) => buses.at(-1)?.up)).toEqual([false, false, false]);
    server.thaw();
    await expect.poll(seen).toEqual([2, 2, 2]);
  }, 60_000);
});

describe("a fleet of workers", { timeout: LONG_MS }, () => {
  it("knows its members, those that are killed and those that come instead", async () => {
    await buildQuick();
    const primary = startProcess(process.execPath, [PRIMARY]);
    await primary.line("all know 3 others");
    await primary.line("one was killed");
    await primary.line("all know 3 others again");
    expect(await primary.stop()).toBe("SIGTERM");
  });
});
