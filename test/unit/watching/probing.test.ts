// Probes of a whole gateway against real servers: when they begin and end, and what they change.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type Gateway, type GatewayEvents } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";

interface Instance {
  readonly url: string;
  status: number;
  probes: number;
  calls: number;
  close(): Promise<void>;
  listen(): Promise<void>;
}

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function instance(): Promise<Instance> {
  let server: Server;
  let port = 0;
  const made: Instance = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    status: 200,
    probes: 0,
    calls: 0,
    async listen() {
      server = createServer((req, res) => {
        if (req.url === "/healthz") made.probes += 1;
        else made.calls += 1;
        res.writeHead(made.status).end();
      });
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      port = (server.address() as AddressInfo).port;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await made.listen();
  closing.push(() => made.close());
  return made;
}

function next<Name extends keyof GatewayEvents>(
  gateway: Gateway,
  name: Name,
  wanted: (event: GatewayEvents[Name]) => boolean,
): Promise<GatewayEvents[Name]> {
  return new Promise((resolve) => {
    const off = gateway.on(name, (event) => {
      if (!wanted(event)) return;
      off();
      resolve(event);
    });
  });
}

const PROBE = { path: "/healthz", intervalMs: 400, timeoutMs: 5_000 } as const;

describe("probes", () => {
  it("begin when the upstream is used, take a target out, and let it come back", async () => {
    const [one, other] = [await instance(), await instance()];
    const gateway = createGateway({
      upstreams: { app: { targets: [one.url, other.url], probe: PROBE } },
    });
    closing.push(() => gateway.close());
    const app = gateway.upstream("app");
    expect(one.probes).toBe(0);
    const first = next(gateway, "probe:end", ({ target }) => target === one.url);
    await app.send({ method: "GET", path: "/" });
    expect(await first).toMatchObject({ passed: true, wrong: null });

    one.status = 500;
    const down = next(gateway, "target:health", ({ target }) => target === one.url);
    expect(await down).toMatchObject({ from: "healthy", to: "unhealthy", reason: "probe_failed" });
    const calls = one.calls;
    for (let count = 0; count < 10; count += 1) await app.send({ method: "GET", path: "/" });
    expect(one.calls).toBe(calls);
    expect(app.targets.map(({ health }) => health)).toEqual(["unhealthy", "healthy"]);

    one.status = 200;
    const up = next(gateway, "target:health", ({ target }) => target === one.url);
    expect(await up).toMatchObject({ to: "healthy", reason: null });
  });

  it("end with the gateway", async () => {
    const one = await instance();
    const gateway = createGateway({ upstreams: { app: { targets: one.url, probe: PROBE } } });
    const ended = next(gateway, "probe:end", () => true);
    await gateway.upstream("app").send({ method: "GET", path: "/" });
    await ended;
    gateway.close();
    const { probes } = one;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(one.probes).toBe(probes);
  });
});

describe("without probes", () => {
  it("a target that cannot be connected to is tried by TCP until it can", async () => {
    const one = await instance();
    const gateway = createGateway({
      upstreams: { app: { targets: one.url, retry: false, breaker: { openMs: 600_000 } } },
    });
    closing.push(() => gateway.close());
    const app = gateway.upstream("app");
    const get = async () => (await app.send({ method: "GET", path: "/" })).kind;
    expect(await get()).toBe("success");
    await one.close();
    while (app.targets[0]?.breaker !== "open") await get();
    expect(await get()).toBe("no_response");
    await one.listen();
    let last = await get();
    while (last !== "success") {
      await new Promise((resolve) => setTimeout(resolve, 50));
      last = await get();
    }
    expect(app.targets[0]?.breaker).not.toBe("open");
  });
});
