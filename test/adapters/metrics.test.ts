/**
 * The metrics of a running gateway: over HTTP, in a registry of prom-client or of its successor,
 * and under the names that were promised.
 */
import { Registry as NewRegistry } from "@prometheus-io/client";
import express from "express";
import { type Gateway, metricsHandler, registerMetrics } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { accept, ok } from "good-gateway/testing";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { afterwards, play, worldOf } from "./fetch-world.js";
import { exchange, get, request } from "./raw-client.js";
import { listening } from "./servers.js";

/** Dashboards and alerts are made of these. A change here is a change of the public contract. */
const PROMISED = [
  "good_gateway_calls_total counter upstream,status,answered_by",
  "good_gateway_failures_total counter upstream,code,blame,status",
  "good_gateway_call_duration_seconds histogram upstream",
  "good_gateway_call_queue_seconds histogram upstream",
  "good_gateway_attempts_total counter upstream,target,result",
  "good_gateway_attempt_duration_seconds histogram upstream,target",
  "good_gateway_repeats_total counter upstream",
  "good_gateway_repeats_stopped_total counter upstream,reason",
  "good_gateway_detours_total counter upstream,kind,to",
  "good_gateway_calls_refused_total counter upstream,code,priority",
  "good_gateway_request_body_bytes_total counter upstream",
  "good_gateway_response_body_bytes_total counter upstream",
  "good_gateway_breaker_changes_total counter upstream,target,to",
  "good_gateway_target_health_changes_total counter upstream,target,to",
  "good_gateway_probes_total counter upstream,target,passed",
  "good_gateway_incidents_total counter upstream,target",
  "good_gateway_shutdown_work_total counter kind,result",
  "good_gateway_stalls_saved_total counter upstream",
  "good_gateway_chaos_attempts_total counter upstream,failure",
  "good_gateway_series_overflow_total counter metric",
  "good_gateway_rate_limit_requests_total counter limit,tier,result",
  "good_gateway_rate_limit_store_up gauge limit",
  "good_gateway_rate_limit_keys gauge limit",
  "good_gateway_quota_waiting gauge upstream",
  "good_gateway_fleet_members gauge fleet",
  "good_gateway_fleet_bus_up gauge fleet",
  "good_gateway_calls_active gauge ",
  "good_gateway_lifecycle_state gauge state",
  "good_gateway_ready gauge ",
  "good_gateway_event_loop_delay_seconds gauge ",
  "good_gateway_load_shed_pressure gauge ",
  "good_gateway_incidents_open gauge upstream,target",
  "good_gateway_upstream_state gauge upstream,state",
  "good_gateway_upstream_maintenance gauge upstream",
  "good_gateway_target_disabled gauge upstream,target",
  "good_gateway_target_share gauge upstream,target",
  "good_gateway_bulkhead_places gauge upstream,kind",
  "good_gateway_adaptive_limit gauge upstream",
  "good_gateway_pace_hold_seconds gauge upstream",
  "good_gateway_pace_waiting gauge upstream",
  "good_gateway_target_pending gauge upstream,target",
  "good_gateway_target_health gauge upstream,target,state",
  "good_gateway_breaker_state gauge upstream,target,state",
  "good_gateway_suspect_routes gauge upstream,target,standing",
  "good_gateway_connections gauge upstream,target,kind",
];

/** A gateway behind Express, with its metrics beside it; the first attempt is lost. */
async function served() {
  const upstream = await play([
    accept().readHead().close(),
    accept().readHead().send(ok("hello")).again(),
  ]);
  const world = worldOf(upstream.origin, { retry: { attemptsMax: 2 } });
  const app = express()
    .use(metricsHandler(world.gateway, { path: "/metrics", hosts: ["shop.example"] }))
    .use(expressProxy(world.orders));
  const server = await listening(app);
  afterwards(() => server.close());
  return { ...world, upstream, port: server.port };
}

const callsOver = (gateway: Pick<Gateway, "on">, count: number) =>
  new Promise<void>((resolve) => {
    let over = 0;
    gateway.on("call:end", () => {
      over += 1;
      if (over === count) resolve();
    });
  });

describe("metricsHandler", () => {
  it("answers with what was counted, and with the states of this moment", async () => {
    const { gateway, port, upstream } = await served();
    const over = callsOver(gateway, 2);
    await exchange(port, get("/a"));
    await exchange(port, get("/b"));
    await over;
    const answer = await exchange(port, get("/metrics?x"));
    expect(answer.field("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.field("cache-control")).toBe("no-store");
    const lines = answer.text.split("\n");
    const lost = `target="${upstream.origin}",result="connection_terminated"`;
    const { origin } = upstream;
    expect(lines).toEqual(
      expect.arrayContaining([
        'good_gateway_calls_total{upstream="orders",status="200",answered_by="upstream"} 2',
        `good_gateway_attempts_total{upstream="orders",target="${origin}",result="ok"} 2`,
        `good_gateway_attempts_total{upstream="orders",${lost}} 1`,
        'good_gateway_repeats_total{upstream="orders"} 1',
        'good_gateway_response_body_bytes_total{upstream="orders"} 10',
        'good_gateway_call_duration_seconds_count{upstream="orders"} 2',
        'good_gateway_call_duration_seconds_bucket{upstream="orders",le="+Inf"} 2',
        'good_gateway_lifecycle_state{state="running"} 1',
        `good_gateway_breaker_state{upstream="orders",target="${origin}",state="open"} 0`,
        'good_gateway_upstream_state{upstream="orders",state="healthy"} 1',
        "good_gateway_calls_active 0",
      ]),
    );
  });

  it("speaks OpenMetrics with who asks for it, and answers GET and HEAD only", async () => {
    const { port } = await served();
    const open = await exchange(port, get("/metrics", { accept: "application/openmetrics-text" }));
    expect(open.field("content-type")).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(open.text).toMatch(/# EOF\n$/);
    const head = await exchange(port, request("HEAD", "/metrics"));
    expect([head.status, head.text]).toEqual([200, ""]);
    const post = await exchange(port, request("POST", "/metrics"));
    expect([post.status, post.field("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("alone on its path it needs no option, and says what is wrong with one", async () => {
    const { gateway } = await served();
    const server = await listening(metricsHandler(gateway));
    afterwards(() => server.close());
    expect((await exchange(server.port, get("/any", { host: "10.0.0.5" }))).text).toContain(
      "good_gateway_ready 1",
    );
    const asked = (host: string) => exchange(server.port, get("/any", { host }));
    expect((await asked("evil.example")).status).toBe(403);
    expect((await asked("evil.example")).text).not.toContain("good_gateway");
    expect((await asked("orders:9090")).status).toBe(200);
    const named = await listening(metricsHandler(gateway, { hosts: ["shop.example"] }));
    afterwards(() => named.close());
    expect((await exchange(named.port, get("/", { host: "shop.example" }))).status).toBe(200);
    expect(() => metricsHandler(gateway, { hosts: "shop" } as object)).toThrow('hosts: "shop"');
    expect(() => metricsHandler(gateway, { path: "metrics" })).toThrow('path: "metrics"');
    expect(() => metricsHandler(gateway, { url: "/" } as object)).toThrow("url: unknown option");
  });

  it("has the names, types and labels that were promised", async () => {
    const { gateway, port } = await served();
    const registry = new Registry();
    registerMetrics(gateway, registry);
    const told = registry.getMetricsAsArray().map((metric) => {
      const { name, type, labelNames } = metric as unknown as Record<string, string | string[]>;
      return `${String(name)} ${String(type)} ${(labelNames as string[]).join(",")}`;
    });
    expect(told).toEqual(PROMISED);
    const { text } = await exchange(port, get("/metrics"));
    const types = [...text.matchAll(/^# TYPE (\S+ \S+)$/gm)].map(([, line]) => line);
    expect(types).toEqual(PROMISED.map((line) => line.split(" ").slice(0, 2).join(" ")));
  });
});

describe("registerMetrics", () => {
  it.each([
    ["prom-client", Registry, Registry.PROMETHEUS_CONTENT_TYPE],
    ["prom-client", Registry, Registry.OPENMETRICS_CONTENT_TYPE],
    ["@prometheus-io/client", NewRegistry, NewRegistry.PROMETHEUS_CONTENT_TYPE],
    ["@prometheus-io/client", NewRegistry, NewRegistry.OPENMETRICS_CONTENT_TYPE],
  ] as const)(
    "in a registry of %s is what the handler tells (%#)",
    async (_name, Registry, type) => {
      const { gateway, port } = await served();
      const over = callsOver(gateway, 1);
      await exchange(port, get("/a"));
      await over;
      const registry = new Registry();
      registry.setContentType(type as never);
      const remove = registerMetrics(gateway, registry);
      const accepted = type.startsWith("text/") ? "text/plain" : "application/openmetrics-text";
      const { text } = await exchange(port, get("/metrics", { accept: accepted }));
      // What differs is how a bound and a blank line are written.
      const plain = (one: string) =>
        one
          .replace(/le="(\d+)\.0"/g, 'le="$1"')
          .split("\n")
          .filter((line) => line !== "")
          .sort();
      const quick = (lines: readonly string[]) =>
        lines.filter((line) => !/good_gateway_connections/.test(line));
      expect(quick(plain(await registry.metrics()))).toEqual(quick(plain(text)));
      remove();
      expect(registry.getMetricsAsArray()).toEqual([]);
    },
  );

  it("says so when it is given no registry", async () => {
    const { gateway } = await served();
    expect(() => registerMetrics(gateway, {} as never)).toThrow("expected a registry");
  });
});
