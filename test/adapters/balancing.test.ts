// Who gets a call, through whole gateways and servers.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Balancer, createGateway, GatewayOptionsError } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterEach, describe, expect, it } from "vitest";

const servers: Server[] = [];

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const named = (name: string): Promise<string> =>
  listen((_req, res) => {
    res.setHeader("set-cookie", "own=1");
    res.end(name);
  });

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

describe("a sticky cookie", () => {
  it("leads a client back, beside cookies of the target, and on when that is away", async () => {
    const urls = [await named("a"), await named("b"), await named("c")];
    const balance = { policy: "round_robin", sticky: { cookie: "at", secure: false } } as const;
    const gateway = createGateway({ upstreams: { orders: { targets: urls, balance } } });
    const proxy = await listen(nodeProxy(gateway.upstream("orders")));
    const get = async (cookie: string): Promise<readonly [string, string | null]> => {
      const response = await fetch(proxy, cookie === "" ? {} : { headers: { cookie } });
      const set = response.headers.getSetCookie();
      expect(set).toContain("own=1");
      return [await response.text(), set.find((one) => one.startsWith("at=")) ?? null];
    };

    const [first, set] = await get("");
    expect(set).toMatch(/^at=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/);
    const cookie = (set ?? "").split(";")[0] ?? "";
    for (let call = 0; call < 6; call += 1)
      expect(await get(`x=y; ${cookie}`)).toEqual([first, null]);
    const url = urls[["a", "b", "c"].indexOf(first)] ?? "";
    await gateway.upstream("orders").targets.remove(url);
    const [second, again] = await get(cookie);
    expect(second).not.toBe(first);
    expect((again ?? "").split(";")[0]).not.toBe(cookie);
    expect(await get((again ?? "").split(";")[0] ?? "")).toEqual([second, null]);
    gateway.close();
  });
});

describe("hashing by a field", () => {
  it("keeps a user at one target, and spreads the users", async () => {
    const targets = [await named("a"), await named("b"), await named("c")];
    const balance = { policy: "hash", key: { header: "X-User" } } as const;
    const gateway = createGateway({ upstreams: { orders: { targets, balance } } });
    const of = async (user: number): Promise<string> => {
      const headers = { "x-user": `user ${user}` };
      const outcome = await gateway.upstream("orders").send({ path: "/", headers });
      return outcome.kind === "success" ? outcome.response.body.text() : outcome.failure.code;
    };
    const owners = new Set<string>();
    for (let user = 0; user < 20; user += 1) {
      const owner = await of(user);
      owners.add(owner);
      expect(await of(user)).toBe(owner);
    }
    expect([...owners].sort()).toEqual(["a", "b", "c"]);
    gateway.close();
  });
});

describe("a balancer of the user", () => {
  const textOf = async (balance: Balancer, targets: readonly string[]): Promise<string> => {
    const gateway = createGateway({ upstreams: { orders: { targets, balance } } });
    const outcome = await gateway.upstream("orders").send({ path: "/" });
    gateway.close();
    return outcome.kind === "success" ? outcome.response.body.text() : outcome.failure.code;
  };

  it("chooses, and is described by its name", async () => {
    const targets = [await named("a"), await named("b")];
    const last: Balancer = {
      name: "last",
      over: (all, { accepts }) => ({ pick: () => all.findLast((one) => accepts(one)) ?? null }),
    };
    expect(await textOf(last, targets)).toBe("b");
    const gateway = createGateway({ upstreams: { orders: { targets, balance: last } } });
    const pick = gateway
      .upstream("orders")
      .describe()
      .find(({ role }) => role === "pick_target");
    expect(pick?.settings).toMatchObject({ balancer: "last" });
  });

  it("that finds none is helped, and one that throws is our side's fault", async () => {
    const targets = [await named("a")];
    const none: Balancer = { name: "none", over: () => ({ pick: () => null }) };
    expect(await textOf(none, targets)).toBe("a");
    const broken: Balancer = {
      name: "broken",
      over: () => ({
        pick() {
          throw new Error("a bug");
        },
      }),
    };
    expect(await textOf(broken, targets)).toBe("proxy_internal_error");
  });
});

describe("a source of targets that is none", () => {
  it("is refused with what to write", () => {
    const discover = "http://orders:8080" as never;
    expect(() => createGateway({ upstreams: { orders: { discover } } })).toThrow(
      GatewayOptionsError,
    );
    expect(() => createGateway({ upstreams: { orders: { discover } } })).toThrow(
      'did you mean dns("http://orders:8080")?',
    );
  });
});
