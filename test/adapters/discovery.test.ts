// Targets that a source tells of, through a whole gateway.
import { getEventListeners } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type DiscoverTools, dns, type TargetInput } from "good-gateway";
import { virtualClock } from "good-gateway/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type DnsServer, dnsServer } from "../tools/dns-server.js";

const servers: Server[] = [];

async function play(name: string): Promise<string> {
  const server = createServer((req, res) => {
    if (req.url === "/slow") setTimeout(() => res.end(name), 50);
    else res.end(name);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Every signal that is listened to from now on. */
function watchedSignals(): readonly AbortSignal[] {
  const seen = new Set<AbortSignal>();
  const signals: AbortSignal[] = [];
  const add = EventTarget.prototype.addEventListener;
  vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation(function noted(
    this: EventTarget,
    ...given: Parameters<typeof add>
  ) {
    if (this instanceof AbortSignal && !seen.has(this)) signals.push(this);
    if (this instanceof AbortSignal) seen.add(this);
    return add.apply(this, given);
  });
  return signals;
}

type List = readonly (string | TargetInput)[];

/** A source that the test feeds: with lists, or with an error. */
function fed() {
  const waiting: (List | Error)[] = [];
  let wake = (): void => {};
  const state = { starts: 0, stopped: false };
  return {
    state,
    feed(list: List | Error): void {
      waiting.push(list);
      wake();
    },
    async *discover(signal: AbortSignal) {
      state.starts += 1;
      signal.addEventListener("abort", () => {
        state.stopped = true;
      });
      for (;;) {
        const next = waiting.shift();
        if (next instanceof Error) throw next;
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe("a source of targets", () => {
  it("adds, weighs and removes; a call that came first waits for the first list", async () => {
    const [a, b] = [await play("a"), await play("b")];
    const source = fed();
    const { discover } = source;
    const gateway = createGateway({ upstreams: { orders: { discover } } });
    const orders = gateway.upstream("orders");
    const textOf = async (path: string): Promise<string> => {
      const outcome = await orders.send({ path });
      return outcome.kind === "success" ? outcome.response.body.text() : outcome.failure.code;
    };
    const told: string[] = [];
    gateway.on("target:add", ({ target }) => told.push(`+ ${target}`));
    gateway.on("target:remove", ({ target }) => told.push(`- ${target}`));
    const early = textOf("/slow");
    await turns();
    source.feed([a]);
    expect(await early).toBe("a");

    const running = textOf("/slow");
    await turns();
    source.feed([{ url: b, weight: 3 }]);
    await turns();
    expect(await textOf("/")).toBe("b");
    expect(await running).toBe("a");
    expect(told).toEqual([`+ ${a}`, `+ ${b}`, `- ${a}`]);
    expect(orders.targets).toMatchObject([{ target: b, weight: 3 }]);

    source.feed([{ url: b, weight: 2 }]);
    await turns();
    expect(orders.targets).toMatchObject([{ target: b, weight: 2 }]);
    source.feed([]);
    await turns();
    expect(await textOf("/")).toBe("no_healthy_target");
    expect(orders.targets).toHaveLength(0);
    gateway.close();
    await turns();
    expect(source.state.stopped).toBe(true);
  });

  it("that fails leaves the last list, tells of it and is started again later", async () => {
    const a = await play("a");
    const clock = virtualClock();
    const source = fed();
    const { discover } = source;
    const gateway = createGateway({ upstreams: { orders: { discover } } }, { clock });
    const orders = gateway.upstream("orders");
    const failed: unknown[] = [];
    gateway.on("discovery:fail", ({ cause, failures, targets }) => {
      failed.push([String(cause), failures, targets]);
    });
    source.feed([a]);
    await turns();
    source.feed(new Error("the API server is away"));
    await turns();
    expect(failed).toEqual([["Error: the API server is away", 1, 1]]);
    expect(orders.targets).toMatchObject([{ target: a }]);
    expect(source.state.starts).toBe(1);
    await clock.advance(1_000);
    expect(source.state.starts).toBe(2);
    source.feed(["not an address"]);
    await turns();
    expect(failed[1]).toMatchObject([expect.stringContaining("not an address"), 2, 1]);
    expect(orders.targets).toHaveLength(1);
    gateway.close();
  });

  it("leaves no listener behind, however often it fails and whatever it gives", async () => {
    const signals = watchedSignals();
    const clock = virtualClock();
    const most: number[] = [];
    let starts = 0;
    async function* discover(signal: AbortSignal, { sleep }: DiscoverTools) {
      starts += 1;
      signal.addEventListener("abort", () => {});
      for (let list = 0; list < 20; list += 1) {
        yield ["http://127.0.0.1:9"];
        await sleep(1_000);
      }
      most.push(Math.max(...signals.map((one) => getEventListeners(one, "abort").length)));
      throw new Error("fails after a while");
    }
    const gateway = createGateway({ upstreams: { orders: { discover } } }, { clock });
    for (let step = 0; step < 200; step += 1) {
      await clock.advance(1_000);
      await turns();
    }
    expect(starts).toBeGreaterThan(5);
    expect(most.slice(1)).toEqual(most.slice(1).fill(most[0] as number));
    gateway.close();
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it("leaves targets alone that came by other ways", async () => {
    const source = fed();
    const { discover } = source;
    const gateway = createGateway({
      upstreams: { orders: { targets: "http://127.0.0.1:9", discover } },
    });
    const names = (): readonly string[] =>
      gateway.upstream("orders").targets.map(({ target }) => target);
    source.feed(["http://127.0.0.1:10"]);
    await turns();
    expect(names()).toEqual(["http://127.0.0.1:9", "http://127.0.0.1:10"]);
    source.feed([]);
    await turns();
    expect(names()).toEqual(["http://127.0.0.1:9"]);
    gateway.close();
  });

  it("a call does not wait for it longer than its deadline", async () => {
    const { discover } = fed();
    const timeouts = { totalMs: 60 };
    const gateway = createGateway({ upstreams: { orders: { discover, timeouts } } });
    const outcome = await gateway.upstream("orders").send({ path: "/" });
    expect(outcome).toMatchObject({ failure: { code: "deadline_exceeded" } });
    gateway.close();
  });
});

describe("dns", () => {
  it("leads to the addresses of a name under that name, and keeps them when it fails", async () => {
    const hosts: (string | undefined)[] = [];
    const server = createServer((req, res) => {
      hosts.push(req.headers.host);
      res.end("found");
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const names = await dnsServer();
    names.records.set("orders.test", [{ type: "A", data: "127.0.0.1", ttl: 1 }]);
    const discover = dns({
      url: `http://orders.test:${port}`,
      servers: [names.at],
      intervalMsMin: 10,
      intervalMsMax: 20,
    });
    const gateway = createGateway({ upstreams: { orders: { discover } } });
    const failed = new Promise((resolve) => gateway.once("discovery:fail", resolve));
    const orders = gateway.upstream("orders");
    expect(await orders.send({ path: "/" })).toMatchObject({ kind: "success" });
    names.failure = 2;
    expect(await failed).toMatchObject({ upstream: "orders", targets: 1 });
    expect(await orders.send({ path: "/" })).toMatchObject({ kind: "success" });
    expect(hosts).toEqual([`orders.test:${port}`, `orders.test:${port}`]);
    gateway.close();
    names.close();
  });

  it("moves new calls when the name moves, and drops none that has begun", async () => {
    const server = createServer((req, res) => {
      const answer = (): void => void res.end(req.socket.localAddress);
      if (req.url === "/slow") held.push(answer);
      else answer();
    });
    const held: (() => void)[] = [];
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address() as AddressInfo;
    const names = await dnsServer();
    const point = (data: string): void =>
      void names.records.set("orders.test", [{ type: "A", data, ttl: 1 }]);
    point("127.0.0.1");
    const times = { intervalMsMin: 10, intervalMsMax: 20 };
    const discover = dns({ url: `http://orders.test:${port}`, servers: [names.at], ...times });
    const gateway = createGateway({ upstreams: { orders: { discover, retry: false } } });
    const orders = gateway.upstream("orders");
    const post = async (path: string): Promise<string> => {
      const outcome = await orders.send({ method: "POST", path });
      return outcome.kind === "success" ? outcome.response.body.text() : outcome.failure.code;
    };
    const slow = post("/slow");
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));

    const gone = new Promise<void>((resolve) => gateway.once("target:remove", () => resolve()));
    point("127.0.0.2");
    let last = await post("/");
    while (last !== "127.0.0.2") {
      // Whatever moment it comes at, each one is answered well.
      expect(last).toBe("127.0.0.1");
      last = await post("/");
    }
    expect(orders.targets).toMatchObject([{ target: `http://127.0.0.2:${port}` }]);
    for (const answer of held) answer();
    expect(await slow).toBe("127.0.0.1");
    await gone;
    gateway.close();
    names.close();
  });
});

describe("discovery that has never answered", () => {
  it.each([
    ["names that there is no such name", (): void => {}, "dns_name_not_found"],
    [
      "names a name server that fails",
      (server: DnsServer): void => {
        server.failure = 2;
      },
      "dns_error",
    ],
  ] as const)("%s, until it has once", async (_what, prepare, code) => {
    const server = await dnsServer();
    prepare(server);
    const discover = dns({ url: "http://orders.test", servers: [server.at] });
    const gateway = createGateway({ upstreams: { app: { discover } }, onWarning: () => {} });
    const told = await gateway.upstream("app").send({ method: "POST", path: "/" });
    expect(told).toMatchObject({ kind: "no_response", failure: { code } });
    await gateway.close();
    server.close();
  });

  it("is told as before where it says nothing of a name", async () => {
    const source = fed();
    const gateway = createGateway({
      upstreams: { app: { discover: source.discover } },
      onWarning: () => {},
    });
    const ask = () => gateway.upstream("app").send({ method: "GET", path: "/" });
    source.feed(new Error("the registry is away"));
    expect(await ask()).toMatchObject({ failure: { code: "no_healthy_target" } });
    await gateway.close();
  });
});
