/**
 * What operators switch by hand, from code and over HTTP: each with what the targets saw of it.
 * The command line is in unit/cli/control.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { controlHandler, createGateway, startAdmin } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";

const TOKEN = "a-token-of-this-test";
const servers: Server[] = [];
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function play(name: string, status = () => 200): Promise<string> {
  const server = createServer((_req, res) => {
    res.statusCode = status();
    res.end(name);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function world() {
  const [a, b] = [await play("a"), await play("b")];
  const gateway = createGateway({
    upstreams: { orders: { targets: [a, b], balance: "round_robin" } },
  });
  const admin = await startAdmin(gateway, {
    port: 0,
    handlers: [controlHandler(gateway, { token: TOKEN })],
  });
  closing.push(() => gateway.close());
  const orders = gateway.upstream("orders");
  const ask = async (body: unknown, more: RequestInit = {}) => {
    const response = await fetch(`${admin.url}/control`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...more,
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  /** Who answers so many calls. */
  const answers = async (count: number): Promise<string> => {
    let all = "";
    for (let call = 0; call < count; call += 1) {
      const outcome = await orders.send({ path: "/" });
      if (outcome.kind === "no_response") all += `[${outcome.failure.code}]`;
      else all += await outcome.response.body.text();
    }
    return all;
  };
  return { a, b, gateway, admin, orders, ask, answers };
}

describe("a target that is disabled from code", () => {
  it("stays with all that is known of it, and so does one that drains", async () => {
    const { a, orders, answers, gateway } = await world();
    const told: string[] = [];
    gateway.on("target:disable", ({ target }) => told.push(`disable ${target}`));
    gateway.on("target:enable", ({ target }) => told.push(`enable ${target}`));
    gateway.on("target:add", ({ target }) => told.push(`add ${target}`));
    await answers(4);
    const before = gateway.snapshot().upstreams[0]?.targets[0]?.breaker?.counted;
    expect(before).toBe(2);
    await orders.targets.disable(a);
    expect(await answers(4)).toBe("bbbb");
    expect(orders.targets[0]).toMatchObject({ standing: "disabled", disabled: true });
    expect(orders.state).toBe("healthy");
    orders.targets.enable(a);
    expect([...(await answers(4))].sort().join("")).toBe("aabb");
    expect(gateway.snapshot().upstreams[0]?.targets[0]?.breaker?.counted).toBe(4);
    orders.targets.enable(a);
    expect(told).toEqual([`disable ${a}`, `enable ${a}`]);
  });

  it("is kept although it was draining", async () => {
    const { a, orders } = await world();
    void orders.targets.drain(a);
    await orders.targets.disable(a);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(orders.targets.map(({ target }) => target)).toContain(a);
    await orders.targets.remove(a);
    expect(orders.targets).toHaveLength(1);
  });
});

describe("controlHandler", () => {
  it("disables, enables, weighs, opens and closes", async () => {
    const { a, b, ask, answers, orders } = await world();
    const at = { upstream: "orders", target: a };
    const disabled = await ask({ action: "disable", ...at });
    expect(disabled.status).toBe(200);
    expect(disabled.body).toMatchObject({ upstream: "orders", targets: [{ disabled: true }, {}] });
    expect(await answers(3)).toBe("bbb");
    await ask({ action: "enable", ...at });
    await ask({ action: "weight", ...at, weight: 3 });
    expect(orders.targets[0]?.weight).toBe(3);
    await ask({ action: "open-breaker", ...at, forMs: 60_000 });
    expect(await answers(3)).toBe("bbb");
    await ask({ action: "close-breaker", ...at });
    expect(await answers(8)).toContain("a");
    await ask({ action: "start-maintenance", upstream: "orders" });
    expect(await answers(1)).toBe("[maintenance]");
    await ask({ action: "end-maintenance", upstream: "orders" });
    await ask({ action: "drain", upstream: "orders", target: b });
    expect(await answers(2)).toBe("aa");
  });

  it.each([
    ["no token", { headers: { "content-type": "application/json" } }, 401],
    ["a wrong token", { headers: { authorization: "Bearer a-token-of-this-tesT" } }, 401],
    ["a GET", { method: "GET", body: null }, 405],
    [
      "what a form of another site could send",
      { headers: { authorization: `Bearer ${TOKEN}`, "content-type": "text/plain" } },
      415,
    ],
  ] as const)("does nothing for %s", async (_what, more, status) => {
    const { a, ask, orders } = await world();
    const told = await ask({ action: "disable", upstream: "orders", target: a }, more);
    expect(told.status).toBe(status);
    expect(orders.targets.some(({ disabled }) => disabled)).toBe(false);
  });

  it.each([
    ["{", "the body is not JSON"],
    ["[]", "the body is no object"],
    [{ action: "disabel", upstream: "orders" }, 'did you mean "disable"?'],
    [{ action: "disable", upstream: "order" }, "orders"],
    [{ action: "disable", upstream: "orders" }, "target: is missing"],
    [{ action: "disable", upstream: "orders", target: "http://10.9.9.9" }, "is no target"],
    [{ action: "show", upstream: "orders", traget: "x" }, 'did you mean "target"?'],
    [{ action: "start-maintenance", upstream: "orders", path: "x" }, 'did you mean "/x"?'],
    [{ action: "start-maintenance", upstream: "orders", retryAfterMs: -1 }, "retryAfterMs: -1"],
  ])("tells what is wrong with %j", async (body, problem) => {
    const { ask, orders } = await world();
    const told = await ask(body);
    expect([told.status, String(told.body["problem"])]).toEqual([
      400,
      expect.stringContaining(problem),
    ]);
    expect(orders.maintenance).toEqual([]);
  });

  it("reads no more than a command can have", async () => {
    const { ask } = await world();
    expect((await ask(JSON.stringify({ action: "x".repeat(9_000) }))).status).toBe(413);
  });

  it("is answered under names of its own only, and hands on what is not its own", async () => {
    const { admin, gateway } = await world();
    expect((await fetch(`${admin.url}/other`)).status).toBe(404);
    const handler = controlHandler(gateway, { token: TOKEN, path: "/switch" });
    const server = createServer((req, res) => handler(req, res));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { get } = await import("node:http");
    const status = await new Promise((resolve) => {
      const headers = { host: "evil.example", authorization: `Bearer ${TOKEN}` };
      get({ port, path: "/switch", headers }, (res) => resolve(res.resume().statusCode));
    });
    expect(status).toBe(403);
  });

  it.each([
    [{}, "token: missing"],
    [{ token: "short" }, "token: is shorter than 16"],
    [{ token: TOKEN, path: "x" }, "path:"],
    [{ token: TOKEN, host: "x" }, "host: unknown option"],
    [{ token: TOKEN, hosts: "x" }, "hosts:"],
  ])("refuses %j", (options, message) => {
    const gateway = createGateway({});
    expect(() => controlHandler(gateway, options as never)).toThrow(message);
    gateway.close();
  });
});
