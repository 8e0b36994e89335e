/**
 * What is left behind: after a mix of faults nothing is pending, connected, listening or ticking,
 * and a process that has used the gateway ends by itself.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { fileURLToPath } from "node:url";
import { createGateway, type Gateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { accept, ok, type Script, scriptedUpstream } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { collectGarbage } from "./adapters/fetch-world.js";
import { ask } from "./gallery/tools/raw-client.js";
import { eventually, TIMEOUTS } from "./gallery/tools/world.js";

/** One connection each, then again from the first; what the clients meet is a matter of chance. */
const MIX: readonly Script[] = [
  accept().readHead().readBody().send(ok("fine")).again(),
  accept().close(),
  accept().reset(),
  accept().readHead().reset(),
  accept().readHead().hang(),
  accept().readHead().send("garbage\r\n\r\n").hang(),
  accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello").wait(20).reset(),
  accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello").hang(),
  accept().readHead().readBody().send(ok("fine")).wait(10).close(),
  accept().readHead().send("HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno").hang(),
];
const CALLS = 60;

function mixedGateway(origin: string): Gateway<"app"> {
  return createGateway({
    name: "edge",
    upstreams: {
      app: {
        targets: origin,
        timeouts: { ...TIMEOUTS, totalMs: 1_500 },
        breaker: { consecutiveFailures: 8, openMs: 20 },
        bulkhead: { concurrencyMax: 10, queueMax: 10, queueMs: 200 },
      },
    },
    onWarning: () => {},
  });
}

async function mixedUpstream() {
  return scriptedUpstream(Array.from({ length: 20 }, () => MIX).flat(), { loop: true });
}

function counted(gateway: Gateway<"app">) {
  const [target] = gateway.upstream("app").targets;
  return { pending: target?.pending, ...target?.connections };
}

const NOTHING = { pending: 0, open: 0, idle: 0, waiting: 0 };

/** What keeps this process alive, by kind. */
function resources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe("after a mix of faults", () => {
  it("a proxy has nothing pending, no connection and no timer left", async () => {
    const upstream = await mixedUpstream();
    const before = resources();
    const gateway = mixedGateway(upstream.origin);
    const server = createServer(nodeProxy(gateway.upstream("app")));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const leaving = Array.from({ length: CALLS / 3 }, async (_, index) => {
      const socket = connect({ port, host: "127.0.0.1" }).on("error", () => {});
      socket.write("POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nhel");
      await new Promise((resolve) => setTimeout(resolve, index * 10));
      socket.destroy();
    });
    const calls = Array.from({ length: CALLS }, (_, index) =>
      ask(port, index % 2 === 0 ? {} : { method: "POST", body: "hello" }),
    );
    const received = await Promise.all(calls);
    await Promise.all(leaving);
    expect(received.filter(({ ending }) => ending === "hung" || ending === "invalid")).toEqual([]);
    // There was something to leak from.
    const endings = new Set(received.map(({ ending, status }) => `${ending} ${status}`));
    expect(endings.size).toBeGreaterThan(2);
    await eventually("nothing is pending", () => counted(gateway).pending === 0);
    gateway.close();
    await eventually("no connection is open", () => counted(gateway).open === 0);
    expect(counted(gateway)).toEqual(NOTHING);
    server.closeAllConnections();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    await upstream.close();
    await eventually("no timer and no socket is left", () => {
      const now = resources();
      const more = (kind: string): boolean => (now[kind] ?? 0) > (before[kind] ?? 0);
      return !more("Timeout") && !more("TCPSocketWrap") && !more("Immediate");
    });
  });

  it("connections of clients that live on have no listener more than before", async () => {
    const upstream = await mixedUpstream();
    const gateway = mixedGateway(upstream.origin);
    const listeners: Record<string, number>[] = [];
    const proxy = nodeProxy(gateway.upstream("app"));
    const server = createServer((req, res) => {
      const { socket } = req;
      const counts = socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]);
      listeners.push(Object.fromEntries(counts) as Record<string, number>);
      proxy(req, res);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: "127.0.0.1" }).on("error", () => {});
    client.resume();
    const closed = once(client, "close");
    for (let turn = 0; turn < 12 && !client.destroyed; turn += 1) {
      const answered = once(client, "data");
      // HEAD has no body that could be cut, so the connection lives on whatever fails.
      client.write("HEAD /x HTTP/1.1\r\nhost: h\r\n\r\n");
      await Promise.race([answered, closed]);
    }
    expect(listeners.length).toBeGreaterThan(5);
    expect(listeners.at(-1)).toEqual(listeners[1]);
    client.destroy();
    gateway.close();
    server.closeAllConnections();
    server.close();
    await upstream.close();
  });

  it("one signal that many calls share has no listener left", async () => {
    const upstream = await mixedUpstream();
    const gateway = mixedGateway(upstream.origin);
    const { signal, counts } = watchedSignal();
    const app = gateway.upstream("app");
    const fetch = gatewayFetch(app);
    const calls = Array.from({ length: CALLS }, async (_, index) => {
      if (index % 2 === 0) {
        const outcome = await app.send({ path: "/x", signal });
        if (outcome.kind !== "no_response") await outcome.response.body.text().catch(() => "");
      } else {
        const response = await fetch("/x", { signal }).catch(() => null);
        await response?.text().catch(() => "");
      }
    });
    await Promise.all(calls);
    await eventually("no listener is left", () => {
      // An answer can be aborted until it was read, which only its collection tells for certain.
      collectGarbage();
      return counts.added === counts.removed;
    });
    expect(counts.added).toBeGreaterThan(0);
    gateway.close();
    await eventually("no connection is open", () => counted(gateway).open === 0);
    await upstream.close();
  });

  it("calls whose signal aborts are over at once, and leave nothing", async () => {
    const upstream = await scriptedUpstream([accept().readHead().hang()], { loop: true });
    const gateway = mixedGateway(upstream.origin);
    const app = gateway.upstream("app");
    const controller = new AbortController();
    const calls = Array.from({ length: 8 }, () =>
      app.send({ path: "/x", signal: controller.signal }),
    );
    await eventually("all are under way", () => upstream.heads().length === 8);
    controller.abort();
    const codes = (await Promise.all(calls)).map((outcome) =>
      outcome.kind === "no_response" ? outcome.failure.code : outcome.kind,
    );
    expect(new Set(codes)).toEqual(new Set(["client_closed_request"]));
    await eventually("nothing is pending", () => counted(gateway).pending === 0);
    await eventually("no connection is open", () => counted(gateway).open === 0);
    await upstream.close();
    gateway.close();
  });
});

/** A signal that counts its listeners, as the test may not ask Node's own how many it has. */
function watchedSignal() {
  const { signal } = new AbortController();
  const counts = { added: 0, removed: 0 };
  const live = new Set<unknown>();
  const add = signal.addEventListener.bind(signal) as (...args: unknown[]) => void;
  const remove = signal.removeEventListener.bind(signal) as (...args: unknown[]) => void;
  Object.assign(signal, {
    addEventListener: (...args: unknown[]) => {
      if (!live.has(args[1])) counts.added += 1;
      live.add(args[1]);
      add(...args);
    },
    removeEventListener: (...args: unknown[]) => {
      if (live.delete(args[1])) counts.removed += 1;
      remove(...args);
    },
  });
  return { signal, counts };
}

describe("a process that has used the gateway", () => {
  const ENDS_MS = 10_000;
  const INDEX = new URL("../src/index.ts", import.meta.url).href;
  /** Its event loop must run empty; whoever has to be killed has kept something. */
  const run = async (code: string): Promise<number | null> => {
    const source = new URL("../src/", import.meta.url);
    const url = (file: string): string => JSON.stringify(new URL(file, source).href);
    const script = `
      const { createGateway } = await import(${url("index.ts")});
      const { nodeProxy } = await import(${url("adapters/node.ts")});
      const { gatewayFetch } = await import(${url("adapters/fetch.ts")});
      const { createServer } = await import("node:http");
      const upstream = createServer((req, res) => {
        if (req.url === "/cut") res.write("hello", () => res.destroy());
        else res.end("fine");
      });
      await new Promise((resolve) => upstream.listen(0, "127.0.0.1", resolve));
      const gateway = createGateway({
        upstreams: { app: { targets: "http://127.0.0.1:" + upstream.address().port } },
      });
      ${code}`;
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", script],
      {
        cwd: fileURLToPath(new URL("../", import.meta.url)),
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    const timer = setTimeout(() => child.kill("SIGKILL"), ENDS_MS);
    const [status] = (await once(child, "exit")) as [number | null];
    clearTimeout(timer);
    return status;
  };

  it("ends by itself after close(), whatever it has done before", async () => {
    const status = await run(`
      const app = gateway.upstream("app");
      for (const path of ["/", "/cut", "/"]) {
        const outcome = await app.send({ path });
        if (outcome.kind !== "no_response") await outcome.response.body.text().catch(() => {});
      }
      await (await gatewayFetch(app)("/")).text();
      const proxy = createServer(nodeProxy(app));
      await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
      await (await fetch("http://127.0.0.1:" + proxy.address().port + "/")).text();
      gateway.close();
      proxy.close();
      proxy.closeAllConnections();
      upstream.close();
    `);
    expect(status).toBe(0);
  });

  it("ends by itself after a drain", async () => {
    const status = await run(`
      await (await gatewayFetch(gateway.upstream("app"))("/")).text();
      await gateway.drain();
      gateway.close();
      upstream.close();
    `);
    expect(status).toBe(0);
  });

  it("ends by itself after a shutdown, with clients that keep their connections", async () => {
    const status = await run(`
      const { installShutdown } = await import(${JSON.stringify(INDEX)});
      const proxy = createServer(nodeProxy(gateway.upstream("app")));
      const shutdown = installShutdown(proxy, gateway, { drainTimeoutMs: 400 });
      await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
      const { Agent, get } = await import("node:http");
      const agent = new Agent({ keepAlive: true });
      const { port } = proxy.address();
      await new Promise((resolve) =>
        get({ port, host: "127.0.0.1", agent }, (res) => res.resume().once("end", resolve)));
      await shutdown.shutdown();
      if (process.listenerCount("SIGTERM") > 0) process.exitCode = 2;
      upstream.close();
    `);
    expect(status).toBe(0);
  });

  it("ends by itself when its calls are over, even without close()", async () => {
    const status = await run(`
      await (await gatewayFetch(gateway.upstream("app"))("/")).text();
      upstream.close();
      upstream.closeAllConnections();
    `);
    expect(status).toBe(0);
  });
});
