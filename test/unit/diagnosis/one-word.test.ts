/**
 * One word for a target and one blame for what it does, wherever they are shown: the answer's
 * Proxy-Status, the record, the verdict, the snapshot, the page, `watch` and the doctor.
 */
import { createServer, get, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startAdmin } from "../../../src/adapters/admin.js";
import { nodeProxy } from "../../../src/adapters/node.js";
import { runDoctor } from "../../../src/cli/doctor/command.js";
import { systemWorld } from "../../../src/cli/doctor/world/world.js";
import { explain } from "../../../src/cli/explain/explain.js";
import { terminal } from "../../../src/cli/terminal/terminal.js";
import { printSnapshot } from "../../../src/cli/watch/print-snapshot.js";
import { dashboard } from "../../../src/dashboard/dashboard.js";
import type { Report } from "../../../src/diagnosis/diagnosis-report.js";
import { createGateway } from "../../../src/gateway/gateway.js";
import type { Gateway } from "../../../src/gateway/gateway-handle.js";
import { refusingPort, testCertificates } from "../../../src/testing/index.js";

const certificates = testCertificates();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(server: Server): Promise<number> {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const plain = async (listener: RequestListener) =>
  `http://127.0.0.1:${await serve(createServer(listener))}`;
const secured = async (pair: { cert: string; key: string }) =>
  `https://localhost:${await serve(createTlsServer(pair, (_, res) => res.end()))}`;

interface Answer {
  readonly status: number;
  readonly said: string;
}

function ask(port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ port, path, agent: false }, (res) => {
      res.resume();
      const said = String(res.headers["proxy-status"] ?? "");
      res.once("end", () => resolve({ status: res.statusCode ?? 0, said }));
    }).once("error", reject);
  });
}

/** A gateway in front of these targets, and a server of its own. */
async function behind(targets: readonly string[]) {
  const gateway = createGateway({
    onWarning: () => {},
    upstreams: { app: { targets, retry: false, timeouts: { responseMs: 100 } } },
  });
  closers.push(() => gateway.close());
  const blames: (string | null)[] = [];
  gateway.on("call:end", ({ blame }) => void blames.push(blame));
  const port = await serve(createServer(nodeProxy(gateway.upstream("app"))));
  return { gateway, port, blames };
}

function watched(gateway: Gateway): string {
  const lines: string[] = [];
  printSnapshot(
    gateway.snapshot(),
    terminal({ write: (text: string) => lines.push(text), columns: 100 }, {}),
  );
  return lines.join("");
}

/** What the page shows of the upstream. */
async function shown(gateway: Gateway) {
  const admin = await startAdmin(gateway, { port: 0, handlers: [dashboard(gateway)] });
  closers.push(() => admin.close());
  const answer = await fetch(`${admin.url}/state.json`);
  const { snapshot } = (await answer.json()) as { snapshot: ReturnType<Gateway["snapshot"]> };
  return snapshot.upstreams[0];
}

async function doctor(url: string): Promise<Report["verdict"]> {
  const out: string[] = [];
  await runDoctor(
    ["--json", "--timeout", "500", "--idle", "50", url],
    {
      stdin: (async function* () {})(),
      stdout: { write: (text: string) => void out.push(text) },
      stderr: { write: () => {} },
      env: {},
    },
    { ...systemWorld, run: async () => null },
  );
  return (JSON.parse(out.join(""))[0] as Report).verdict;
}

const STATES = [
  [
    "refuses connections",
    "out",
    "upstream",
    async () => `http://127.0.0.1:${await refusingPort()}`,
  ],
  ["has an expired certificate", "out", "upstream", () => secured(certificates.expired)],
  ["is of an unknown authority", "failing", "proxy", () => secured(certificates.selfSigned)],
  ["answers only 500", "in_doubt", "upstream", () => plain((_, res) => res.writeHead(500).end())],
  ["resets every connection", "in_doubt", "upstream", () => plain((req) => req.socket.destroy())],
  ["is silent", "in_doubt", "upstream", () => plain(() => {})],
] as const;

describe("a target that is not well", () => {
  it.each([404, 401])(
    "alone of three rejects all by %i: refusing, in every place",
    async (status) => {
      const well = () => plain((_, res) => res.end("fine"));
      const odd = await plain((_, res) => res.writeHead(status).end());
      const { gateway, port } = await behind([await well(), odd, await well()]);
      // In turn, so that chance has little to say; each gets a third at first.
      for (let call = 0; call < 200; call += 1) await ask(port, "/");
      const [upstream] = gateway.snapshot().upstreams;
      expect(upstream?.targets.map(({ standing }) => standing)).toEqual([
        "well",
        "refusing",
        "well",
      ]);
      const { verdict } = gateway.diagnose("app");
      expect(verdict).toMatchObject({ well: false, blame: "upstream", confidence: "likely" });
      expect(verdict.title).toContain(odd);
      expect(watched(gateway)).toContain("refusing");
      expect((await shown(gateway))?.targets[1]?.standing).toBe("refusing");
    },
  );

  it.each(STATES)("%s: %s, at fault: %s, in every place", async (_, standing, blame, made) => {
    const url = await made();
    const { gateway, port, blames } = await behind([url]);
    const said: string[] = [];
    for (let call = 0; call < 8; call += 1) said.push((await ask(port, "/")).said);
    const [upstream] = gateway.snapshot().upstreams;
    const [target] = upstream?.targets ?? [];
    expect(target?.standing).toBe(standing);
    expect(upstream?.verdict).toMatchObject({ well: false, blame });
    expect(upstream?.verdict.confidence).not.toBe("certain");
    for (const one of said) expect(one).toContain(`blame=${blame} `);
    expect(new Set(blames)).toEqual(new Set([blame]));
    expect(watched(gateway)).toContain(`${url} · ${standing} ·`);
    expect(watched(gateway)).toContain(`at fault: ${blame}`);
    expect(await shown(gateway)).toMatchObject({ targets: [{ standing }], verdict: { blame } });
    expect((await doctor(`${url}/`)).blame).toBe(blame);
  });
});

describe("a target that is well", () => {
  it("is that everywhere, and nobody is at fault", async () => {
    const { gateway, port } = await behind([await plain((_, res) => res.end())]);
    for (let call = 0; call < 8; call += 1) expect((await ask(port, "/")).status).toBe(200);
    const [upstream] = gateway.snapshot().upstreams;
    expect(upstream?.verdict).toMatchObject({ well: true, blame: null });
    expect(upstream?.targets[0]?.standing).toBe("well");
    expect(watched(gateway)).toContain("· well ·");
  });

  it("stays well once its failures are over", async () => {
    let broken = true;
    const url = await plain((_, res) => res.writeHead(broken ? 500 : 200).end());
    const { gateway, port } = await behind([url]);
    for (let call = 0; call < 2; call += 1) await ask(port, "/");
    expect(gateway.snapshot().upstreams[0]).toMatchObject({
      verdict: { well: false },
      targets: [{ standing: "failing" }],
    });
    broken = false;
    await ask(port, "/other");
    await ask(port, "/");
    expect(gateway.snapshot().upstreams[0]).toMatchObject({
      verdict: { well: true, confidence: "likely" },
      targets: [{ standing: "well" }],
    });
  });
});

describe("one bad instance of three", () => {
  it("is named although it is hardly ever asked", async () => {
    const good = () => plain((_, res) => res.end());
    const bad = await plain((_, res) => res.writeHead(500).end());
    const { gateway, port } = await behind([await good(), bad, await good()]);
    for (let call = 0; call < 200; call += 1) await ask(port, `/orders/${call}`);
    const [upstream] = gateway.snapshot().upstreams;
    expect(upstream?.targets[1]?.standing).not.toBe("well");
    expect(upstream?.verdict).toMatchObject({ well: false, blame: "upstream" });
    expect(upstream?.verdict.title).toContain(bad);
  });
});

describe("one route that fails", () => {
  it("is named in every place, and the upstream is not", async () => {
    const url = await plain((req, res) => {
      res.writeHead(req.url?.startsWith("/boom") === true ? 500 : 200).end();
    });
    const { gateway, port } = await behind([url]);
    const told: (string | null)[] = [];
    gateway.on("call:end", ({ details }) => void told.push(details));
    let refused = "";
    const until = performance.now() + 10_000;
    while (!refused.includes("breaker_open") && performance.now() < until) {
      refused = (await ask(port, "/boom/17")).said;
      expect((await ask(port, "/orders")).status).toBe(200);
    }
    expect(refused).toContain("code=breaker_open blame=upstream scope=route ");
    expect(told).toContain("route=GET /boom/:id");
    const [first] = explain(`Proxy-Status: ${refused}`).explanations;
    expect(first?.meaning).toContain("Only the route of this call is refused");
    const [logged] = explain(
      '{"code":"breaker_open","details":"route=GET /boom/:id"}',
    ).explanations;
    expect(logged?.meaning).toContain("Only GET /boom/:id is refused");
    // It is tried each second and not refused until that has failed. Both are read at once.
    const look = () => [gateway.snapshot().upstreams[0], watched(gateway)] as const;
    let [upstream, page] = look();
    while (!page.includes("· refused ·") && performance.now() < until) {
      await ask(port, "/boom/17");
      [upstream, page] = look();
    }
    expect(upstream).toMatchObject({
      state: "healthy",
      targets: [{ standing: "route_failing", breaker: { routes: [{ standing: "refused" }] } }],
    });
    expect(upstream?.verdict.well).toBe(false);
    expect(upstream?.verdict.confidence).not.toBe("certain");
    expect(upstream?.verdict.title).toMatch(/boom\/:id.*an upstream that answers all else/);
    expect(page).toContain("GET /boom/:id · refused ·");
  });
});
