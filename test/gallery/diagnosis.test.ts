/**
 * `gateway.diagnose` over real sockets: each kind of evidence is provoked on the wire, and the
 * verdict must name it; in `/readyz?verbose` and in the events of incidents as well.
 */
import { Agent, createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type Gateway, healthHandler, type Incident } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { nodeProxy } from "good-gateway/node";
import {
  accept,
  ok,
  refusingPort,
  scriptedUpstream,
  silentListener,
  type Timer,
  testCertificates,
  type VirtualClock,
  virtualClock,
} from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { HPM_VERSIONS } from "../adapters/hpm-versions.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await listening(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
}

type Options = Parameters<typeof createGateway>[0];
type Seams = Parameters<typeof createGateway>[1];
type Settings = NonNullable<NonNullable<Options["upstreams"]>[string]>;

/** Without what would hide a failure: repeats, a breaker that opens, an ejection. */
function gatewayTo(
  targets: string | string[],
  settings: Partial<Settings> = {},
  seams: Seams = {},
): Gateway<"app"> {
  const plain = { retry: false, breaker: false, ejection: false, balance: "round_robin" } as const;
  const upstreams = { app: { ...plain, targets, ...settings } as Settings };
  const gateway = createGateway({ name: "edge", upstreams, onWarning: () => {} }, seams);
  closing.push(() => gateway.close());
  return gateway as Gateway<"app">;
}

async function call(gateway: Gateway<"app">, path: string): Promise<void> {
  const outcome = await gateway.upstream("app").send({ path });
  if (outcome.kind === "no_response") return;
  await outcome.response.body.text().catch(() => {});
}

async function calls(gateway: Gateway<"app">, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) await call(gateway, path);
}

/** Lengths of time by hand, over sockets that need the turns of the real event loop. */
function halfVirtual(): VirtualClock {
  const turn = (fn: () => void): Timer => {
    const immediate = setImmediate(fn);
    return { cancel: () => clearImmediate(immediate), pause() {}, refresh() {}, unref() {} };
  };
  return { ...virtualClock(), turn };
}

type Caller = (gateway: Gateway<"app">) => Promise<() => Promise<unknown>>;

/** Ways to call an upstream, each through an engine that keeps connections in its own way. */
const CALLERS: readonly (readonly [string, Caller])[] = [
  ["send", async (gateway) => () => call(gateway, "/")],
  ["nodeProxy", async (gateway) => asked(await serving(nodeProxy(gateway.upstream("app"))))],
  [
    "gatewayFetch",
    async (gateway) => {
      const fetched = gatewayFetch(gateway.upstream("app"));
      return async () => (await fetched("/").catch(() => null))?.text();
    },
  ],
  ...HPM_VERSIONS.map(([name, hpm]) => {
    const caller: Caller = async (gateway) => {
      const agent = new Agent({ keepAlive: true });
      closing.push(() => agent.destroy());
      const through = throughGateway(gateway.upstream("app"));
      const proxy = hpm.createProxyMiddleware({ ...through, agent });
      return asked(await serving((req, res) => void proxy(req, res)));
    };
    return [name, caller] as const;
  }),
];

const asked = (url: string) => async () => (await fetch(url)).text();

const times = (count: number, path: string): string[] => Array<string>(count).fill(path);

describe("the verdict from live evidence", () => {
  it("names the one route that fails while others are answered", async () => {
    const origin = await serving((req, res) => {
      if (req.url?.startsWith("/report/")) req.socket.destroy();
      else res.end("ok");
    });
    const gateway = gatewayTo(origin);
    await calls(gateway, "/a", "/report/1", "/report/2", "/b", "/report/3", "/report/4", "/c");
    const { verdict, pattern } = gateway.diagnose("app");
    expect(verdict).toMatchObject({ well: false, layer: "head", confidence: "likely" });
    expect(verdict.title).toContain("only on /report/:id");
    expect(verdict.evidence).toContain("only on /report/:id; other routes are answered");
    expect(pattern).toMatchObject({
      route: "/report/:id",
      otherRoutesWork: true,
      everWorked: true,
    });
  });

  it("blames the proxy's Host for an upstream that answers 421", async () => {
    const gateway = gatewayTo(await serving((_, res) => res.writeHead(421).end()));
    const ask = asked(await serving(nodeProxy(gateway.upstream("app"))));
    for (let one = 0; one < 3; one += 1) await ask();
    const { verdict } = gateway.diagnose("app");
    expect(verdict).toMatchObject({ well: false, blame: "proxy", cause: "received_misdirected" });
    expect(verdict.next).toContain('host: "target"');
  });

  it("names the one of three targets that fails while the others answer", async () => {
    const good = [await serving((_, res) => res.end()), await serving((_, res) => res.end())];
    const dead = `http://127.0.0.1:${await refusingPort()}`;
    const gateway = gatewayTo([...good, dead]);
    await calls(gateway, ...times(12, "/orders"));
    const { verdict, pattern } = gateway.diagnose("app");
    expect(verdict).toMatchObject({
      cause: "connection_refused_at_one_target",
      layer: "connect",
      blame: "upstream",
      confidence: "likely",
    });
    expect(verdict.evidence).toContain(`only at ${dead}; others of the 3 targets answer`);
    expect(pattern).toMatchObject({ target: dead, targetsFailing: 1, targets: 3 });
  });

  it("tells all targets from one", async () => {
    const slow = [await serving(() => {}), await serving(() => {})];
    const gateway = gatewayTo(slow, { timeouts: { responseMs: 30 } });
    await calls(gateway, ...times(6, "/orders"));
    const { verdict, pattern } = gateway.diagnose("app");
    expect(verdict).toMatchObject({ cause: "http_response_timeout", layer: "head" });
    expect(verdict.evidence).toContain("at all 2 targets");
    expect(pattern).toMatchObject({ target: null, targetsFailing: 2 });
  });

  it.each(CALLERS)(
    "knows the keep-alive race by the rest of its connections (%s)",
    async (_, by) => {
      const clock = halfVirtual();
      const script = accept().readHead().send(ok("hello")).readHead().reset();
      const upstream = await scriptedUpstream([script], { loop: true });
      closing.push(() => upstream.close());
      const gateway = gatewayTo(upstream.origin, {}, { clock });
      const ask = await by(gateway);
      for (let round = 0; round < 4; round += 1) {
        await ask();
        await clock.advance(5_000);
        await ask();
      }
      const { verdict, pattern } = gateway.diagnose("app");
      const facts = { code: "stale_connection", restedMs: 5_000, socketAgeMs: 5_000 };
      expect(pattern).toMatchObject(facts);
      expect(verdict).toMatchObject({
        cause: "keep_alive_race",
        layer: "keep_alive",
        blame: "proxy",
      });
      expect(verdict.evidence).toContain("only on kept connections; new ones work");
      expect(verdict.evidence.join()).toContain("Node's keepAliveTimeout");
      expect(verdict.next).toContain("keepAliveTimeout");
    },
  );

  it("takes an address at which nothing has ever answered for a wrong one", async () => {
    const gateway = gatewayTo(`http://127.0.0.1:${await refusingPort()}`);
    await calls(gateway, ...times(3, "/"));
    const { verdict, pattern } = gateway.diagnose("app");
    expect(verdict).toMatchObject({ cause: "never_worked", blame: "upstream", layer: "connect" });
    expect(pattern?.everWorked).toBe(false);
  });

  it("says since when, once it has worked before", async () => {
    let broken = false;
    const origin = await serving((req, res) => (broken ? req.socket.destroy() : res.end()));
    const gateway = gatewayTo(origin);
    await calls(gateway, "/", "/");
    const from = Date.now();
    broken = true;
    await calls(gateway, ...times(3, "/"));
    const { verdict, pattern } = gateway.diagnose("app");
    expect(pattern).toMatchObject({ everWorked: true, failedInARow: 3 });
    // One moment may be rounded up where the other is rounded down.
    expect(pattern?.nothingSucceedsSince).toBeGreaterThanOrEqual(from - 1);
    expect(verdict.evidence.at(-1)).toMatch(/^nothing has succeeded since 20\d\d-/);
  });

  it("blames name resolution for a name that has no address", async () => {
    const gateway = gatewayTo("http://nothing.invalid:8080");
    await calls(gateway, ...times(3, "/"));
    expect(gateway.diagnose("app").verdict).toMatchObject({ layer: "resolve", blame: "proxy" });
  });

  it("blames TLS for a certificate that nobody trusts", async () => {
    const { cert, key } = testCertificates().selfSigned;
    const script = accept().readHead().send(ok("never"));
    const upstream = await scriptedUpstream([script], { tls: { cert, key }, loop: true });
    closing.push(() => upstream.close());
    const gateway = gatewayTo(upstream.origin);
    await calls(gateway, ...times(3, "/"));
    expect(gateway.diagnose("app").verdict).toMatchObject({ layer: "secure", blame: "proxy" });
  });

  it("blames this process when its own event loop stalls through a handshake", async () => {
    const silent = await silentListener();
    closing.push(() => silent.close());
    const gateway = gatewayTo(`https://127.0.0.1:${silent.port}`, { timeouts: { connectMs: 250 } });
    for (let round = 0; round < 3; round += 1) {
      const over = call(gateway, "/");
      await new Promise((resolve) => setTimeout(resolve, 10));
      const until = performance.now() + 500;
      while (performance.now() < until);
      await over;
    }
    expect(gateway.diagnose("app").verdict).toMatchObject({
      cause: "event_loop_stalled",
      blame: "self",
      layer: "process",
    });
  });
});

describe("the same verdict elsewhere", () => {
  it("is in /readyz?verbose and /healthz?verbose where details are allowed", async () => {
    const dead = `http://127.0.0.1:${await refusingPort()}`;
    const gateway = gatewayTo([await serving((_, res) => res.end()), dead]);
    const [open, shut] = [healthHandler(gateway, { verbose: "always" }), healthHandler(gateway)];
    const [shown, hidden] = [await serving((req, res) => open(req, res)), await serving(shut)];
    const ask = async (url: string) => (await fetch(url)).text();
    expect(await ask(`${shown}/readyz?verbose`)).not.toContain("gateway:diagnosis");
    await calls(gateway, ...times(8, "/orders"));
    const { verdict } = gateway.diagnose("app");
    for (const path of ["/readyz", "/healthz"]) {
      const { checks } = JSON.parse(await ask(`${shown}${path}?verbose`)) as {
        readonly checks: Record<string, readonly Record<string, unknown>[]>;
      };
      const { title, blame, layer, cause, confidence, evidence, next } = verdict;
      expect(checks["gateway:diagnosis"], path).toMatchObject([
        {
          componentId: "app",
          observedValue: "connection_refused_at_one_target",
          status: "warn",
          output: title,
          verdict: { blame, layer, cause, confidence, evidence, next },
        },
      ]);
      for (const url of [`${shown}${path}`, `${hidden}${path}?verbose`]) {
        const text = await ask(url);
        expect(text, url).not.toContain("diagnosis");
        expect(text, url).not.toContain(dead);
      }
    }
    expect(await ask(`${shown}/livez?verbose`)).not.toContain("diagnosis");
  });

  it("is in the events of an incident, at its start and at its end", async () => {
    const clock = halfVirtual();
    const answering = accept().readHead().send(ok("hello"));
    const upstream = await scriptedUpstream([answering.readHead().destroyServer().reset()]);
    closing.push(() => upstream.close());
    const gateway = gatewayTo(upstream.origin, { probe: false }, { clock });
    const told: (readonly [string, Incident])[] = [];
    gateway.on("incident:start", (incident) => told.push(["start", incident]));
    gateway.on("incident:end", (incident) => told.push(["end", incident]));
    await calls(gateway, ...times(5, "/"));
    await clock.advance(1_000);
    const again = await scriptedUpstream([answering.hang()], { port: upstream.port });
    closing.push(() => again.close());
    await call(gateway, "/");
    await clock.advance(5_000);
    expect(told.map(([name]) => name)).toEqual(["start", "end"]);
    const [start, end] = told.map(([, incident]) => incident.verdict);
    expect(start).toMatchObject({ cause: "process_vanished", layer: "process", blame: "upstream" });
    expect(start?.title).toMatch(
      /^The process behind http:\/\/127.0.0.1:\d+ vanished 0\.1 s ago\.$/,
    );
    expect(end?.title).toMatch(/ was gone for 1\.0 s\.$/);
    expect(end?.evidence.join()).toContain("it answers again since");
    expect(gateway.incidents[0]?.verdict).toEqual(end);
  });
});
