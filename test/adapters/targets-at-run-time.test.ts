// Targets that come and go, on real sockets: no call is lost, nothing is left behind.
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, GatewayOptionsError } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { afterEach, describe, expect, it } from "vitest";

interface Played {
  readonly url: string;
  /** Answers that are held back: those of `/slow`. */
  readonly held: ServerResponse[];
  readonly paths: string[];
  readonly hosts: (string | undefined)[];
  open(): Promise<number>;
}

const servers: Server[] = [];

async function play(name: string): Promise<Played> {
  const held: ServerResponse[] = [];
  const paths: string[] = [];
  const hosts: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    paths.push(req.url ?? "");
    hosts.push(req.headers.host);
    if (req.url?.endsWith("/slow") === true) held.push(res);
    else res.end(name);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const open = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  return { url: `http://127.0.0.1:${port}`, held, paths, hosts, open };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Waits for something that comes by itself. */
async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await happened())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function textOf(sending: ReturnType<ReturnType<typeof gatewayOf>["send"]>): Promise<string> {
  const outcome = await sending;
  if (outcome.kind !== "success") throw new Error(outcome.failure.code);
  return outcome.response.body.text();
}

const gatewayOf = (targets: readonly string[]) => {
  const gateway = createGateway({ upstreams: { orders: { targets, balance: "round_robin" } } });
  return gateway.upstream("orders");
};

describe("a target that is removed", () => {
  it("ends what it has begun, gets nothing more, and its connections go", async () => {
    const [a, b] = [await play("a"), await play("b")];
    const gateway = createGateway({ upstreams: { orders: { targets: [a.url, b.url] } } });
    const orders = gateway.upstream("orders");
    const told: unknown[] = [];
    gateway.on("target:remove", (event) => told.push(event));
    for (let call = 0; call < 8; call += 1) await textOf(orders.send({ path: "/" }));
    const slow = [orders.send({ path: "/slow" }), orders.send({ path: "/slow" })];
    await until(() => a.held.length + b.held.length === 2);
    const [going, staying] = a.held.length > 0 ? [a, b] : [b, a];
    const begun = going.held.length;

    const removed = orders.targets.remove(going.url);
    expect(told).toEqual([{ upstream: "orders", target: going.url, pending: begun }]);
    expect(orders.targets.map(({ target }) => target)).toEqual([staying.url]);
    // Those at rest are closed; those in use are not.
    await until(async () => (await going.open()) === begun);
    const before = going.paths.length;
    for (let call = 0; call < 8; call += 1) await textOf(orders.send({ path: "/" }));
    expect(going.paths).toHaveLength(before);
    for (const res of [...a.held, ...b.held]) res.end("late");
    expect(await Promise.all(slow.map(textOf))).toEqual(["late", "late"]);
    await removed;
    await until(async () => (await going.open()) === 0);
    gateway.close();
  });
});

describe("a target that drains", () => {
  it("is seen while it drains, and removed when it is empty", async () => {
    const [a, b] = [await play("a"), await play("b")];
    const orders = gatewayOf([a.url, b.url]);
    const slow = orders.send({ path: "/slow" });
    await until(() => a.held.length + b.held.length === 1);
    const going = a.held.length === 1 ? a : b;
    const drained = orders.targets.drain(going.url);
    expect(orders.targets.find(({ target }) => target === going.url)).toMatchObject({
      draining: true,
      pending: 1,
    });
    const other = going === a ? "b" : "a";
    for (let call = 0; call < 4; call += 1) {
      expect(await textOf(orders.send({ path: "/" }))).toBe(other);
    }
    going.held[0]?.end("late");
    expect(await textOf(slow)).toBe("late");
    await drained;
    expect(orders.targets).toHaveLength(1);
  });

  it("is taken back by adding it, and then stays", async () => {
    const a = await play("a");
    const orders = gatewayOf([a.url]);
    const slow = orders.send({ path: "/slow" });
    await until(() => a.held.length === 1);
    const drained = orders.targets.drain(a.url);
    orders.targets.add(a.url);
    expect(await textOf(orders.send({ path: "/" }))).toBe("a");
    a.held[0]?.end("late");
    expect(await textOf(slow)).toBe("late");
    await drained;
    expect(orders.targets).toMatchObject([{ target: a.url, draining: false }]);
  });
});

describe("a target that is added", () => {
  it("gets calls at once, by its weight, which can change", async () => {
    const [a, b] = [await play("a"), await play("b")];
    const orders = gatewayOf([a.url]);
    orders.targets.add({ url: b.url, weight: 3 });
    const answers = async (): Promise<string> => {
      const all: string[] = [];
      for (let call = 0; call < 8; call += 1) all.push(await textOf(orders.send({ path: "/" })));
      return all.sort().join("");
    };
    expect(await answers()).toBe("aabbbbbb");
    orders.targets.setWeight(b.url, 1);
    expect(await answers()).toBe("aaaabbbb");
  });

  it("may be named where its address is a number", async () => {
    const a = await play("a");
    const orders = gatewayOf(["http://127.0.0.1:9"]);
    await orders.targets.remove("http://127.0.0.1:9");
    orders.targets.add({ url: a.url, host: "orders.internal" });
    expect(await textOf(orders.send({ path: "/" }))).toBe("a");
    expect(a.hosts).toEqual(["orders.internal"]);
  });

  it("is checked like one in the options", async () => {
    const orders = gatewayOf(["http://127.0.0.1:9"]);
    expect(() => orders.targets.add("127.0.0.1:10")).toThrow(GatewayOptionsError);
    expect(() => orders.targets.add("http://127.0.0.1:9")).toThrow("is given twice");
    await expect(orders.targets.remove("http://127.0.0.1:99")).rejects.toThrow("did you mean");
    expect(() => orders.targets.setWeight("http://127.0.0.1:9", 0)).toThrow("not a number above 0");
    expect(JSON.parse(JSON.stringify(orders.targets))).toHaveLength(1);
    expect(Object.keys(orders.targets)).toEqual(["0"]);
  });
});

describe("gatewayFetch of a gateway", () => {
  it("finds targets with a path prefix, and follows those that come and go", async () => {
    const [a, b] = [await play("a"), await play("b")];
    const gateway = createGateway({
      upstreams: { one: { targets: `${a.url}/one` }, two: { targets: `${a.url}/two` } },
    });
    const seen: string[] = [];
    gateway.on("call:outcome", ({ upstream }) => seen.push(upstream));
    const fetch = gatewayFetch(gateway);
    const get = async (url: string): Promise<string> => (await fetch(url)).text();
    await get(`${a.url}/one/x`);
    await get(`${a.url}/two/x`);
    await get(`${b.url}/x`);
    gateway.upstream("one").targets.add(`${b.url}/deep`);
    // Of two targets either could be asked.
    await gateway.upstream("one").targets.remove(`${a.url}/one`);
    await get(`${b.url}/deep/x`);
    await gateway.upstream("one").targets.remove(`${b.url}/deep`);
    await get(`${b.url}/deep/x`);
    expect(seen).toEqual(["one", "two", b.url, "one", b.url]);
    expect(a.paths).toEqual(["/one/x", "/two/x"]);
    expect(b.paths).toEqual(["/x", "/deep/x", "/deep/x"]);
    gateway.close();
  });
});
