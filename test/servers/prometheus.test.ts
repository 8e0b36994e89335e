/**
 * Alerts and dashboard against Prometheus' own tool: what a running gateway tells in peace and in
 * each kind of trouble is recorded, played to the rules, and the right alerts fire.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { createGateway, installShutdown, metricsHandler } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith, programPath } from "./tools/programs.js";

const repo = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const RULES = repo("deploy/prometheus/alerts.yml");
const DASHBOARD = repo("deploy/grafana/good-gateway.json");
const RECORD_MS = 60_000;

/** Values of all series at one moment. */
type Scrape = ReadonlyMap<string, number>;
const scrapes: Record<string, Scrape> = {};
let exposition = "";

const closing: (() => unknown)[] = [];
const folder = mkdtempSync(join(tmpdir(), "good-gateway-"));
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(folder, { recursive: true });
});

async function serve(listener: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closing.push(() => stop(server));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function compute(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function promtool(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(programPath("promtool") as string, args, { input });
  return { status, text: `${stdout}${stderr}` };
}

function read(text: string): Scrape {
  const lines = [...text.matchAll(/^([a-z_]+(?:\{.*\})?) (\S+)$/gm)];
  return new Map(lines.map(([, series = "", value]) => [series, Number(value)]));
}

/** Runs a gateway into every kind of trouble, and notes what it tells. */
async function record(): Promise<void> {
  const slow = await serve((req, res) => {
    if (req.url === "/hang") return;
    setTimeout(() => res.end("late"), req.url === "/slow" ? 3_000 : 0);
  });
  const fragile = await serve((_, res) => void res.end("fine"));
  const gateway = createGateway({
    upstreams: {
      fragile: {
        targets: fragile.origin,
        retry: { attemptsMax: 2, budgetRatio: 0.01, budgetFloorPerSecond: 0 },
        breaker: { consecutiveFailures: 5, openMs: 60_000 },
      },
      steady: { targets: slow.origin },
    },
    // The delay of the event loop is measured for the sake of shedding.
    shed: {},
    onWarning: () => {},
  });
  closing.push(() => gateway.close());
  const toFragile = nodeProxy(gateway.upstream("fragile"));
  const toSteady = nodeProxy(gateway.upstream("steady"));
  const front = await serve((req, res) => (req.url === "/f" ? toFragile : toSteady)(req, res));
  const metrics = await serve(metricsHandler(gateway));
  const ask = async (path: string) => (await fetch(front.origin + path)).text();
  const scrape = async (name: string) => {
    exposition = await (await fetch(metrics.origin)).text();
    scrapes[name] = read(exposition);
    return scrapes[name];
  };

  for (let call = 0; call < 30; call += 1) await Promise.all([ask("/f"), ask("/s")]);
  await scrape("peace");
  await Promise.all([ask("/slow"), ...Array.from({ length: 30 }, () => ask("/s"))]);
  await scrape("slow");
  await stop(fragile.server);
  for (let call = 0; call < 20; call += 1) await ask("/f");
  await wait(300);
  await scrape("crash");
  for (let attempt = 0; attempt < 10; attempt += 1) {
    void ask("/s");
    await wait(50);
    compute(800);
    await wait(25);
    const late = (await scrape("stall")).get("good_gateway_event_loop_delay_seconds") ?? 0;
    if (late > 0.2) break;
  }
  await wait(1_500);
  await scrape("before drain");
  const { port } = new URL(front.origin);
  const client = connect(Number(port), "127.0.0.1").on("error", () => {});
  client.write("GET /hang HTTP/1.1\r\nhost: h\r\n\r\n");
  await wait(200);
  const shutdown = installShutdown(front.server, gateway, {
    signals: false,
    processManagers: false,
    drainTimeoutMs: 1_000,
  });
  const over = shutdown.shutdown("test");
  await wait(300);
  await scrape("drain");
  await over;
  await scrape("cut");
}

/** Ten minutes as before; then counters grow in each minute by what happened between the two. */
function played(before: Scrape, after: Scrape) {
  const types = new Map(
    [...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]),
  );
  return [...after].map(([series, now]) => {
    const [, name = "", rest = "{}"] = /^([a-z_]+)(\{.*\})?$/.exec(series) ?? [];
    const labels = rest.slice(1, -1);
    const told = `${name}{job="app",instance="app:9090"${labels === "" ? "" : `,${labels}`}}`;
    const was = before.get(series);
    const grows = types.get(name) !== "gauge";
    const step = grows ? now - (was ?? 0) : 0;
    const calm = was === undefined ? "_x10" : `${was}+0x9`;
    return { series: told, values: `${calm} ${now}+${step}x29` };
  });
}

const fires = (alert: string) => ({
  expr: `count(ALERTS{alertname="${alert}", alertstate="firing"}) > bool 0`,
  eval_time: "38m",
  exp_samples: [{ labels: "{}", value: 1 }],
});

const CASES: readonly (readonly [from: string, to: string, alerts: readonly string[]])[] = [
  ["peace", "slow", ["GoodGatewaySlow"]],
  [
    "slow",
    "crash",
    [
      "GoodGatewayUpstreamCrashed",
      "GoodGatewayUpstreamCrashLoop",
      "GoodGatewayErrors",
      "GoodGatewayUpstreamDown",
      "GoodGatewayBreakerOpen",
      "GoodGatewayBudgetExhausted",
    ],
  ],
  ["crash", "stall", ["GoodGatewayEventLoopStalled"]],
  ["before drain", "drain", ["GoodGatewayDrainSlow"]],
  ["drain", "cut", ["GoodGatewayDrainCut"]],
];

describeWith(["promtool"], "alerts for Prometheus", () => {
  beforeAll(record, RECORD_MS);

  it("the rules are rules", () => {
    expect(promtool(["check", "rules", RULES])).toMatchObject({ status: 0 });
  });

  it("what the handler tells passes Prometheus' own check of metrics", () => {
    expect(promtool(["check", "metrics"], exposition)).toEqual({ status: 0, text: "" });
  });

  it("in peace nothing fires, and each trouble fires its alert", () => {
    const peace = scrapes["peace"] as Scrape;
    const quiet = { expr: "ALERTS", eval_time: "38m", exp_samples: [] };
    const tests = [
      { input_series: played(peace, peace), promql_expr_test: [quiet] },
      ...CASES.map(([from, to, alerts]) => ({
        input_series: played(scrapes[from] as Scrape, scrapes[to] as Scrape),
        promql_expr_test: alerts.map(fires),
      })),
    ].map((test) => ({ interval: "1m", ...test }));
    const file = join(folder, "alerts.test.yml");
    writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: "1m", tests }));
    const { status, text } = promtool(["test", "rules", file]);
    expect(text).toContain("SUCCESS");
    expect(status).toBe(0);
  });

  it("every alert has a case in which it fires", () => {
    const names = [...readFileSync(RULES, "utf8").matchAll(/- alert: (\w+)/g)].map(
      ([, name]) => name,
    );
    expect(names.sort()).toEqual(CASES.flatMap(([, , alerts]) => alerts).sort());
  });

  it("every expression of the dashboard is one that Prometheus understands", () => {
    const text = readFileSync(DASHBOARD, "utf8");
    const { panels } = JSON.parse(text) as {
      readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(exprs.length).toBeGreaterThan(20);
    const rules = exprs.map((expr, place) => ({
      record: `panel:${place}`,
      expr: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$\w+/g, ".*"),
    }));
    const file = join(folder, "panels.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
    const { status, text: told } = promtool(["check", "rules", file]);
    expect(told).toContain("SUCCESS");
    expect(status).toBe(0);
  });
});
