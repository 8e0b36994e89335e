/** `good-gateway control` against a gateway that serves its handler. */
import { PassThrough } from "node:stream";
import { controlHandler, createGateway, startAdmin } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "../../../../src/cli/commands.js";

const TOKEN = "a-token-of-this-test";
const A = "http://127.0.0.1:9";
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function world() {
  const gateway = createGateway({
    upstreams: { orders: { targets: [A, "http://127.0.0.1:19"], probe: false } },
  });
  const handlers = [controlHandler(gateway, { token: TOKEN })];
  const admin = await startAdmin(gateway, { port: 0, handlers });
  closing.push(() => gateway.close());
  const ask = async (args: readonly string[], env: Record<string, string>) => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const code = await runCommand(["control", ...args], { stdin, stdout, stderr, env });
    return { code, out: String(stdout.read() ?? ""), err: String(stderr.read() ?? "") };
  };
  const cli = (...args: string[]) => ask([admin.url, ...args], { GOOD_GATEWAY_TOKEN: TOKEN });
  return { a: A, gateway, orders: gateway.upstream("orders"), admin, ask, cli };
}

describe("good-gateway control", () => {
  it("switches, and shows what came of it", async () => {
    const { a, cli, orders } = await world();
    const disabled = await cli("disable", "orders", a);
    expect([disabled.code, disabled.err]).toEqual([0, ""]);
    expect(disabled.out).toContain(`${a} · disabled`);
    expect(orders.targets[0]?.disabled).toBe(true);
    expect((await cli("enable", "orders", a, "--json")).out).toContain('"standing":"well"');
    await cli("open-breaker", "orders", a, "--for", "60");
    expect(orders.targets[0]?.breaker).toBe("open");
    const on = await cli("start-maintenance", "orders", "--path", "/a/*", "--retry-after", "5");
    expect(on.out).toContain("maintenance is on for /a/*");
    expect(orders.maintenance).toEqual([{ path: "/a/*", retryAfterMs: 5_000 }]);
  });

  it("ends with 1 for what is wrong, and with 2 where it could not ask", async () => {
    const { cli } = await world();
    const wrong = await cli("disable", "orders", "http://10.9.9.9");
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("is no target")]);
    expect((await cli("disable")).code).toBe(2);
    expect((await cli("weight", "orders", "x", "--weight", "much")).err).toContain("--weight");
  });

  it("says what is missing", async () => {
    const { admin, ask, cli } = await world();
    expect((await ask([admin.url, "show", "orders"], {})).err).toContain("GOOD_GATEWAY_TOKEN");
    const wrong = await ask([admin.url, "show", "orders"], { GOOD_GATEWAY_TOKEN: "x" });
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("answers 401")]);
    expect((await cli("--help")).out).toContain("start-maintenance");
    const dead = await ask(["http://127.0.0.1:9", "show", "orders"], { GOOD_GATEWAY_TOKEN: TOKEN });
    expect([dead.code, dead.err]).toEqual([2, expect.stringContaining("cannot be asked")]);
  });
});
