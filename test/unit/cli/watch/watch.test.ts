/** The command `watch`: a running gateway in the terminal, by the dashboard that it serves. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "../../../../src/cli/commands.js";
import { runWatch } from "../../../../src/cli/watch/command.js";
import { dashboard } from "../../../../src/dashboard/dashboard.js";
import { createGateway } from "../../../../src/gateway/gateway.js";
import { virtualClock } from "../../../../src/testing/virtual-clock.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function gatewayPage(): Promise<string> {
  const gateway = createGateway({
    name: "edge",
    upstreams: { orders: { targets: ["http://127.0.0.1:9", "http://127.0.0.2:9"] } },
  });
  closers.push(() => gateway.close());
  return `${await serve(dashboard(gateway, { path: "/_gateway", access: "any" }))}/_gateway`;
}

function world() {
  const out: string[] = [];
  const err: string[] = [];
  const stdin = Object.assign((async function* () {})(), { isTTY: true });
  const stdout = { write: (text: string) => out.push(text), columns: 80 };
  const stderr = { write: (text: string) => err.push(text) };
  return { out, err, world: { stdin, stdout, stderr, env: {} } };
}

describe("good-gateway watch", () => {
  it("shows every upstream with its targets, and ends with 0 when it is ready", async () => {
    const { out, world: here } = world();
    expect(await runCommand(["watch", await gatewayPage(), "--once"], here)).toBe(0);
    expect(out.join("")).toMatch(/^edge · running · ready · 0 calls under way/);
    expect(out.join("")).toMatch(/✔ orders healthy\n {4}http:\/\/127\.0\.0\.1:9 · well/);
  });

  it("gives the snapshot as one line of JSON", async () => {
    const { out, world: here } = world();
    await runCommand(["watch", await gatewayPage(), "--once", "--json"], here);
    expect(JSON.parse(out.join(""))).toMatchObject({ version: 1, name: "edge" });
  });

  it("sends the fields that it was given", async () => {
    let seen: string | undefined;
    const url = await serve((request, response) => {
      seen = request.headers.authorization;
      response.writeHead(401).end();
    });
    const { err, world: here } = world();
    const args = ["watch", url, "--header", "Authorization: Bearer x"];
    expect(await runCommand(args, here)).toBe(2);
    expect(seen).toBe("Bearer x");
    expect(err.join("")).toMatch(/snapshot\.json answers 401/);
  });

  it("finds the dashboard when another page of the server was given, and says where", async () => {
    const page = await gatewayPage();
    const url = await serve(async (request, response) => {
      if (request.url !== "/_gateway/snapshot.json") return void response.end("a shop");
      response.end(await (await fetch(`${page}/snapshot.json`)).text());
    });
    const { out, err, world: here } = world();
    await runCommand(["watch", `${url}/shop`, "--once", "--json"], here);
    expect(JSON.parse(out.join(""))).toMatchObject({ version: 1 });
    expect(err.join("")).toMatch(/\/_gateway\/snapshot\.json is\./);
  });

  it("says where a dashboard is, when it finds none", async () => {
    const url = await serve((_, response) => void response.end("a shop"));
    const { err, world: here } = world();
    expect(await runCommand(["watch", url], here)).toBe(2);
    expect(err.join("")).toMatch(/dashboard\(gateway\)/);
  });

  it.each([
    ["no address", []],
    ["no number", ["http://localhost/", "--every", "often"]],
    ["nobody there", ["http://127.0.0.1:9/"]],
  ])("ends with 2: %s", async (_, args) => {
    const { err, world: here } = world();
    expect(await runCommand(["watch", ...args], here)).toBe(2);
    expect(err.join("")).not.toBe("");
  });

  it("goes on when a gateway that has answered once is away for a moment", async () => {
    let asked = 0;
    const page = await gatewayPage();
    const url = await serve(async (_, response) => {
      asked += 1;
      if (asked === 2) return void response.destroy();
      const answer = await fetch(`${page}/snapshot.json`).catch(() => null);
      response.end((await answer?.text()) ?? "");
    });
    const clock = virtualClock();
    const { out, err, world: here } = world();
    void runWatch([url, "--json"], here, clock);
    while (out.length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await clock.advance(2_000);
    }
    expect(err.join("")).toMatch(/cannot be read/);
    expect(asked).toBeGreaterThanOrEqual(3);
  });
});
