/** Fleets over a real Redis with each client, and over node:cluster. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createGateway, type Gateway, type GatewayEvents } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
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

function member(name: string, path: string, targets?: readonly string[]) {
  const { client, close } = (CLIENTS[name] as (path: string) => RedisClient)(path);
  const bus = redisBus(client as unknown as IoRedisPublisher);
  const upstreams = targets === undefined ? {} : { upstreams: { app: { targets } } };
  const own = fleet({ name: "edge", bus, host: name });
  const gateway: Gateway = createGateway({ name: "edge", fleet: own, ...upstreams });
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

describeWith(["redis-server"], "a fleet that shares what it sees", () => {
  it("loses one POST, and then no member sends one to the ill target", async () => {
    const server = redisServer();
    closing.push(() => void server.remove());
    await server.start();
    let isIll = false;
    const came = [0, 0];
    const targets = await Promise.all(
      came.map(async (_, index) => {
        const app = createServer((req, res) => {
          came[index] = (came[index] as number) + 1;
          req.resume();
          res.writeHead(isIll && index === 0 ? 503 : 200).end("fine");
        }).listen(0, "127.0.0.1");
        await once(app, "listening");
        closing.push(() => app.close().closeAllConnections());
        return `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
      }),
    );
    const members = Object.keys(CLIENTS).map((name) => member(name, server.path, targets));
    await expect.poll(() => members.map(({ gateway }) => others(gateway))).toEqual([2, 2, 2]);
    const post = async ({ gateway }: (typeof members)[number]) => {
      const asked = { method: "POST", body: "1" };
      const answer = await gatewayFetch(gateway.upstream("app"))("/", asked);
      await answer.text();
      return answer.status;
    };
    const [first, ...rest] = members as [(typeof members)[number], ...typeof members];
    for (let time = 0; time < 10; time += 1) for (const one of members) await post(one);
    isIll = true;
    const statuses: number[] = [];
    while (!statuses.includes(503)) statuses.push(await post(first));
    const knows = ({ gateway }: (typeof members)[number]) =>
      Object.keys(gateway.snapshot().fleet?.others.find(({ ill }) => ill["app"])?.ill ?? {});
    await expect.poll(() => rest.map(knows)).toEqual([["app"], ["app"]]);
    const [before] = came;
    const answers = [];
    for (let time = 0; time < 20; time += 1) for (const one of rest) answers.push(await post(one));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(came[0]).toBe(before);
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
