// `behind: "auto"`: what is taken for a front, what is set because of it, and what is only told.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createGateway } from "../../../../src/gateway/gateway.js";
import type { GatewayEvents } from "../../../../src/records/events.js";
import { prepareServer } from "../../../../src/server/behind/prepare-server.js";
import { virtualClock } from "../../../../src/testing/virtual-clock.js";

let server: Server;

beforeEach(() => {
  server = createServer((_req, res) => res.end("ok"));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function world(address?: string) {
  const clock = virtualClock();
  const warnings: string[] = [];
  const found: GatewayEvents["front:recognised"][] = [];
  const gateway = createGateway(
    { behind: "auto", onWarning: (message) => warnings.push(message) },
    { clock },
  );
  gateway.on("front:recognised", (event) => found.push(event));
  if (address !== undefined) {
    // As if the connection came from there.
    server.on("connection", (socket) =>
      Object.defineProperty(socket, "remoteAddress", { value: address }),
    );
  }
  prepareServer(server, gateway);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = async (fields: string) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`);
    await once(socket, "data");
    // The answer has ended on the server's side, too, when its next answer comes.
    socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`);
    await once(socket, "data");
    await sleep(20);
    return socket;
  };
  return { clock, warnings, found, ask };
}

const NGINX = "x-real-ip: 198.51.100.1\r\nx-forwarded-for: 198.51.100.1\r\n";
const CLOUDFLARE = "cf-ray: 7d3f2a1b9c8e7f60-FRA\r\ncf-connecting-ip: 198.51.100.1\r\n";

describe("by its fields", () => {
  it.each<[string, string, string, number]>([
    ["nginx", NGINX, "10.0.0.2", 65_000],
    ["envoy", "x-envoy-expected-rq-timeout-ms: 15000\r\n", "::1", 3_720_000],
    ["caddy", "via: 1.1 Caddy\r\n", "127.0.0.1", 125_000],
    ["apache", "x-forwarded-server: a\r\nx-forwarded-host: b\r\n", "127.0.0.1", 3_600_000],
    ["gcp-lb", "via: 1.1 google\r\nx-forwarded-for: 1.2.3.4\r\n", "35.191.2.3", 620_000],
    ["cloudflare", CLOUDFLARE, "172.64.1.2", 930_000],
    [
      "aws-alb",
      "x-amzn-trace-id: Root=1-67891233-abcdef012345678912345678\r\nx-forwarded-port: 443\r\n",
      "::ffff:10.0.3.4",
      65_000,
    ],
  ])("%s is recognised, told once, and outlasted", async (front, fields, address, restMs) => {
    const { ask, found, warnings } = await world(address);
    await ask(fields);
    await ask(fields);
    expect(found).toEqual([expect.objectContaining({ fronts: [front], by: "fields" })]);
    expect(warnings).toEqual([expect.stringContaining(`write behind: "${front}"`)]);
    expect(server.keepAliveTimeout).toBe(restMs);
    expect(server.headersTimeout).toBe(restMs + 1_000);
  });

  it("two are told in their order, and what would be set for them is named", async () => {
    const { ask, found, warnings } = await world("127.0.0.1");
    await ask(NGINX + CLOUDFLARE);
    expect(found[0]?.fronts).toEqual(["nginx", "cloudflare"]);
    expect(warnings[0]).toContain('write behind: ["nginx", "cloudflare"]');
    expect(warnings[0]).toContain("timeouts.totalMs 55_000");
    expect(warnings[0]).toContain("statuses whose bodies arrive");
  });

  it("nobody is recognised from an address where it does not connect from", async () => {
    const { ask, found } = await world("203.0.113.7");
    await ask(NGINX + CLOUDFLARE);
    expect(found).toEqual([]);
    expect(server.keepAliveTimeout).toBe(65_000);
  });

  it("a time that somebody has set is left, and what is believed stays nothing", async () => {
    server.keepAliveTimeout = 7_000;
    const { ask, found } = await world();
    await ask(NGINX);
    expect(server.keepAliveTimeout).toBe(7_000);
    expect(found[0]?.set).toEqual({ headersTimeout: 66_000 });
  });
});

describe("by the age of its connections", () => {
  const FORWARDED = "x-forwarded-for: 198.51.100.1\r\n";

  it.each([
    [60_000, "nginx", "aws-alb"],
    [120_500, "caddy"],
    [600_100, "gcp-lb"],
  ] as const)("three that end after %d ms are %s", async (ageMs, ...fronts) => {
    const { ask, clock, found, warnings } = await world();
    for (let turn = 0; turn < 3; turn += 1) {
      expect(found).toEqual([]);
      const socket = await ask(FORWARDED);
      clock.stall(ageMs);
      if (turn === 1) socket.resetAndDestroy();
      else socket.end();
      await vi.waitFor(() => expect(connections()).toBe(0));
    }
    expect(found).toEqual([expect.objectContaining({ fronts, by: "ages" })]);
    expect(warnings).toHaveLength(1);
  });

  it("clients without a front are none, whenever they leave", async () => {
    const { ask, clock, found } = await world();
    for (let turn = 0; turn < 4; turn += 1) {
      const socket = await ask("");
      clock.stall(60_000);
      socket.end();
      await vi.waitFor(() => expect(connections()).toBe(0));
    }
    expect(found).toEqual([]);
  });
});

describe("a front that outlasts us", () => {
  it("makes our time longer, step by step", async () => {
    const { ask, clock } = await world();
    for (const longer of [125_000, 620_000]) {
      for (let turn = 0; turn < 3; turn += 1) {
        const socket = await ask("x-forwarded-for: 198.51.100.1\r\n");
        const closed = once(socket, "close");
        // What Node does when the keep-alive time is over.
        const [one] = sockets();
        one?.emit("timeout");
        await clock.runTurns(3);
        await closed;
      }
      expect(server.keepAliveTimeout).toBe(longer);
    }
  });
});

const held = new Set<import("node:net").Socket>();

beforeEach(() => {
  held.clear();
  server.on("connection", (socket) => {
    held.add(socket);
    socket.once("close", () => held.delete(socket));
  });
});

function sockets() {
  return [...held];
}

function connections(): number {
  return held.size;
}
