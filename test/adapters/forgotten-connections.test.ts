/**
 * A firewall or a NAT between forgets connections at rest, without a word to either side. What is
 * sent on one of them is lost in silence, or answered by a reset; a new connection works.
 */
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createGateway, type UpstreamOptions } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { afterEach, describe, expect, it } from "vitest";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/**
 * An application behind a NAT; `forget` lets the connections that stand fall silent, or resets them
 * as soon as something is sent.
 */
async function world(options: Partial<UpstreamOptions> = {}) {
  const executed: string[] = [];
  const app = createHttp((req, res) => {
    executed.push(`${req.method} ${req.url}`);
    setTimeout(() => res.end("ok"), 20);
  });
  app.keepAliveTimeout = 60_000;
  const port = await listening(app);
  let epoch = 0;
  let resets = false;
  const sockets = new Set<Socket>();
  const nat = createServer((socket) => {
    const mine = epoch;
    const behind = connect(port, "127.0.0.1");
    for (const side of [socket, behind]) {
      sockets.add(side);
      side.on("error", () => {}).once("close", () => sockets.delete(side));
    }
    socket.on("data", (chunk) => {
      if (mine === epoch) behind.write(chunk);
      else if (resets) socket.resetAndDestroy();
    });
    behind.on("data", (chunk) => mine === epoch && socket.write(chunk));
    socket.once("close", () => behind.destroy());
  });
  const targets = `http://127.0.0.1:${await listening(nat)}`;
  const gateway = createGateway({
    upstreams: { app: { targets, timeouts: { responseMs: 400, totalMs: 5_000 }, ...options } },
    onWarning: () => {},
  });
  const codes: (string | null)[] = [];
  gateway.on("attempt:end", ({ attempt }) => void codes.push(attempt.code));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  cleanUps.push(() => gateway.close());
  return {
    upstream: gateway.upstream("app"),
    executed,
    codes,
    connections: () => sockets.size / 2,
    forget(how: "silent" | "reset" = "silent") {
      epoch += 1;
      resets = how === "reset";
      codes.length = 0;
      executed.length = 0;
    },
  };
}

type World = Awaited<ReturnType<typeof world>>;
type Ask = (method: string) => Promise<number>;

const DOORS: Readonly<Record<string, (world: World) => Promise<Ask>>> = {
  async nodeProxy({ upstream }) {
    const port = await listening(createHttp(nodeProxy(upstream)));
    return async (method) => {
      const answer = await fetch(`http://127.0.0.1:${port}/x`, { method });
      await answer.arrayBuffer();
      return answer.status;
    };
  },
  async gatewayFetch({ upstream }) {
    const ask = gatewayFetch(upstream);
    return async (method) => {
      const answer = await ask("/x", { method }).catch((error) => error);
      if (answer instanceof Response) await answer.arrayBuffer();
      return answer.status;
    };
  },
};

async function filled(door: (world: World) => Promise<Ask>, how?: "silent" | "reset") {
  const ground = await world();
  const ask = await door(ground);
  const all = await Promise.all(Array.from({ length: 5 }, () => ask("GET")));
  expect(all).toEqual([200, 200, 200, 200, 200]);
  ground.forget(how);
  return { ...ground, ask };
}

describe.each(Object.entries(DOORS))("connections that a NAT has forgotten, %s", (_name, door) => {
  it("cost one attempt: its repeat takes a new one, and the others are closed", async () => {
    const { ask, codes, executed, connections } = await filled(door);
    expect(await ask("GET")).toBe(200);
    expect(codes).toEqual(["http_response_timeout", null]);
    expect([await ask("POST"), await ask("GET")]).toEqual([200, 200]);
    expect(codes).toEqual(["http_response_timeout", null, null, null]);
    expect(executed).toEqual(["GET /x", "POST /x", "GET /x"]);
    expect(connections()).toBeLessThanOrEqual(2);
  });

  it("cost a POST that cannot be repeated, and no other one", async () => {
    const { ask, executed } = await filled(door);
    expect(await ask("POST")).toBe(504);
    expect([await ask("POST"), await ask("POST")]).toEqual([200, 200]);
    expect(executed).toEqual(["POST /x", "POST /x"]);
  });

  it("cost a POST that cannot be repeated, and no other one, where they are reset", async () => {
    const { ask, executed } = await filled(door, "reset");
    expect(await ask("POST")).toBe(502);
    expect([await ask("POST"), await ask("POST"), await ask("GET")]).toEqual([200, 200, 200]);
    expect(executed).toEqual(["POST /x", "POST /x", "GET /x"]);
  });
});
