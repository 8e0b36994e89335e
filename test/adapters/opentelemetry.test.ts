/**
 * Traces and metrics through OpenTelemetry's own SDK, and what upstreams are sent of them on real
 * sockets.
 */
import {
  type Context,
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { type Gateway, metricsHandler } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { openTelemetry } from "good-gateway/opentelemetry";
import { accept, ok, refusingPort } from "good-gateway/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { afterwards, play, type Settings, worldOf } from "./fetch-world.js";
import { exchange, get, request } from "./raw-client.js";
import { listening } from "./servers.js";

const CALLER = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLERS_SPAN = "00f067aa0ba902b7";
const TRACEPARENT = `00-${CALLER}-${CALLERS_SPAN}-01`;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
afterAll(() => {
  context.disable();
  propagation.disable();
});

/** A gateway that is traced, behind a server; the spans as they end. */
async function traced(targets: string, settings: Settings = {}) {
  const world = worldOf(targets, { retry: { attemptsMax: 2 }, ...settings });
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const stop = openTelemetry(world.gateway, { tracerProvider: provider, meterProvider: false });
  afterwards(() => provider.shutdown());
  const server = await listening(nodeProxy(world.orders));
  afterwards(() => server.close());
  return { ...world, port: server.port, provider, stop, spans: () => exporter.getFinishedSpans() };
}

function over(gateway: Pick<Gateway, "on">, count = 1): Promise<void> {
  let ended = 0;
  return new Promise((resolve) => {
    gateway.on("call:end", () => {
      ended += 1;
      if (ended === count) resolve();
    });
  });
}

const isCall = ({ kind }: ReadableSpan) => kind === SpanKind.INTERNAL;
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;

/** Values of a field in a message as it was on the wire. */
function sent(heads: readonly string[], name: string): readonly (string | undefined)[] {
  const field = new RegExp(`^${name}: (.*?)\\r?$`, "im");
  return heads.map((head) => field.exec(head)?.[1]);
}

describe("traces", () => {
  it("a span for the call, one below it for each attempt, which sends its own", async () => {
    const upstream = await play([
      accept().readHead().close(),
      accept().readHead().send(ok("hello")).close(),
    ]);
    const { gateway, port, spans } = await traced(upstream.origin);
    const ended = over(gateway);
    const fields = { traceparent: TRACEPARENT, tracestate: "vendor=1" };
    const answer = await exchange(port, get("/stock/7?key=secret", fields));
    await ended;
    expect(answer.status).toBe(200);
    const [call] = spans().filter(isCall);
    const attempts = spans().filter((span) => !isCall(span));
    expect([call?.name, attempts.map(({ name }) => name)]).toEqual(["GET orders", ["GET", "GET"]]);
    expect(new Set(spans().map((span) => span.spanContext().traceId))).toEqual(new Set([CALLER]));
    expect(call?.parentSpanContext?.spanId).toBe(CALLERS_SPAN);
    expect(attempts.map((span) => span.parentSpanContext?.spanId)).toEqual([
      idOf(call),
      idOf(call),
    ]);
    const heads = upstream.heads();
    expect(sent(heads, "traceparent")).toEqual(
      attempts.map((span) => `00-${CALLER}-${idOf(span)}-01`),
    );
    expect(sent(heads, "tracestate")).toEqual(["vendor=1", "vendor=1"]);
  });

  it("attributes are those of the conventions, errors our names; no query", async () => {
    const upstream = await play([
      accept().readHead().close(),
      accept().readHead().send(ok("hello")).close(),
    ]);
    const { gateway, port, spans } = await traced(upstream.origin);
    const ended = over(gateway);
    await exchange(port, get("/stock/7?key=secret"));
    await ended;
    const [first, second] = spans().filter((span) => !isCall(span));
    const [call] = spans().filter(isCall);
    const server = new URL(upstream.origin);
    expect(first?.attributes).toMatchObject({
      "http.request.method": "GET",
      "server.address": server.hostname,
      "server.port": Number(server.port),
      "url.full": `${upstream.origin}/stock/7`,
      "error.type": "connection_terminated",
      "good_gateway.upstream": "orders",
      "good_gateway.blame": "upstream",
    });
    expect(first?.attributes).not.toHaveProperty("http.response.status_code");
    expect(first?.attributes).not.toHaveProperty("http.request.resend_count");
    expect(first?.status.code).toBe(SpanStatusCode.ERROR);
    expect(second?.attributes).toMatchObject({
      "http.response.status_code": 200,
      "http.request.resend_count": 1,
    });
    expect(second?.status.code).toBe(SpanStatusCode.UNSET);
    expect(call?.attributes).toMatchObject({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "url.path": "/stock/7",
      "good_gateway.attempts": 2,
      "good_gateway.answered_by": "upstream",
    });
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain("secret");
  });

  it("a call that got no connection has its attempts, too, and is an error", async () => {
    const { gateway, port, spans } = await traced(`http://127.0.0.1:${await refusingPort()}`, {
      retry: false,
    });
    const ended = over(gateway);
    expect((await exchange(port, request("PROPFIND", "/tea"))).status).toBe(502);
    await ended;
    const [attempt] = spans().filter((span) => !isCall(span));
    const [call] = spans().filter(isCall);
    expect(attempt?.attributes["error.type"]).toBe("connection_refused");
    expect(call?.attributes["error.type"]).toBe("connection_refused");
    expect(call?.status.code).toBe(SpanStatusCode.ERROR);
    expect([attempt?.name, call?.name]).toEqual(["HTTP", "HTTP orders"]);
    expect(call?.attributes).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "PROPFIND",
    });
  });

  it("lies within the span of the code that fetches, and within its time", async () => {
    const upstream = await play([accept().readHead().send(ok("hello")).close()]);
    const { gateway, orders, provider, spans } = await traced(upstream.origin);
    const ordersFetch = gatewayFetch(orders);
    const ended = over(gateway);
    const outer = provider.getTracer("app").startSpan("outer");
    const within: Context = trace.setSpan(context.active(), outer);
    await context.with(within, async () => (await ordersFetch("/a")).text());
    await ended;
    const [call] = spans().filter(isCall);
    const [attempt] = spans().filter((span) => !isCall(span));
    expect(call?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
    expect(attempt?.parentSpanContext?.spanId).toBe(idOf(call));
    const { traceId } = outer.spanContext();
    expect(sent(upstream.heads(), "traceparent")).toEqual([`00-${traceId}-${idOf(attempt)}-01`]);
    const ns = ([seconds, rest]: readonly [number, number]) =>
      BigInt(seconds) * 10n ** 9n + BigInt(rest);
    expect(ns(attempt?.startTime ?? [0, 0])).toBeGreaterThanOrEqual(
      ns(call?.startTime ?? [9e9, 0]),
    );
    expect(ns(attempt?.endTime ?? [9e9, 0])).toBeLessThanOrEqual(ns(call?.endTime ?? [0, 0]));
  });

  it("stopped, nothing is traced and the caller's own context passes as it came", async () => {
    const upstream = await play([accept().readHead().send(ok("hello")).close()]);
    const { gateway, port, spans, stop } = await traced(upstream.origin);
    expect(() => openTelemetry(gateway)).toThrow("traced already");
    stop();
    await exchange(port, get("/", { traceparent: TRACEPARENT }));
    expect(sent(upstream.heads(), "traceparent")).toEqual([TRACEPARENT]);
    expect(spans()).toEqual([]);
  });

  it("a tracer that throws breaks no call", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const upstream = await play([accept().readHead().send(ok("hello")).close()]);
    const { gateway, orders } = worldOf(upstream.origin);
    const startSpan = (): never => {
      throw new Error("sampler");
    };
    const tracer = { startSpan, startActiveSpan: startSpan };
    openTelemetry(gateway, { tracerProvider: { getTracer: () => tracer }, meterProvider: false });
    expect((await gatewayFetch(orders)("/a")).status).toBe(200);
    expect(String(warn.mock.calls[0]?.[0])).toContain("sampler");
  });

  it("says what is wrong with an option", () => {
    const { gateway } = worldOf("http://127.0.0.1:9");
    expect(() => openTelemetry(gateway, { tracer: 1 } as object)).toThrow("tracer: unknown option");
  });
});

describe("metrics", () => {
  it("the duration of client requests, and all that the handler tells", async () => {
    const upstream = await play([
      accept().readHead().close(),
      accept().readHead().send(ok("hello")).close(),
    ]);
    const { gateway, orders } = worldOf(upstream.origin, { retry: { attemptsMax: 2 } });
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    afterwards(() => provider.shutdown());
    openTelemetry(gateway, { tracerProvider: false, meterProvider: provider });
    const ended = over(gateway);
    await (await gatewayFetch(orders)("/a")).text();
    await ended;
    await provider.forceFlush();
    const found = exporter
      .getMetrics()
      .flatMap((one) => one.scopeMetrics.flatMap((s) => s.metrics));
    const named = (name: string) => found.find(({ descriptor }) => descriptor.name === name);
    const duration = named("http.client.request.duration");
    expect(duration?.descriptor.unit).toBe("s");
    const points = duration?.dataPoints as DataPoint<Histogram>[];
    expect(points[0]?.value.buckets.boundaries).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]);
    const { hostname, port } = new URL(upstream.origin);
    const both = {
      "http.request.method": "GET",
      "server.address": hostname,
      "server.port": Number(port),
      "good_gateway.upstream": "orders",
    };
    expect(points.map(({ attributes }) => attributes)).toEqual([
      { ...both, "error.type": "connection_terminated" },
      { ...both, "http.response.status_code": 200 },
    ]);
    expect(named("good_gateway.repeats")?.dataPoints).toMatchObject([
      { attributes: { upstream: "orders" }, value: 1 },
    ]);
    const told = found.map(({ descriptor: { name, unit }, ...data }) =>
      prometheusName(name, unit, "isMonotonic" in data && data.isMonotonic === true),
    );
    const scraped = await scrape(gateway);
    const counted = [...scraped.matchAll(/^(good_gateway_\w+?)(?:_bucket|_sum|_count)?(?:\{| )/gm)];
    const names = new Set(counted.map(([, name = ""]) => name));
    names.delete("good_gateway_attempt_duration_seconds");
    expect([...names].filter((name) => !told.includes(name))).toEqual([]);
  });
});

/** As OpenTelemetry's exporters for Prometheus write a name. */
function prometheusName(name: string, unit: string, counter: boolean): string {
  const suffix = { s: "_seconds", By: "_bytes" }[unit] ?? "";
  return `${name.replaceAll(".", "_")}${suffix}${counter ? "_total" : ""}`;
}

async function scrape(gateway: Gateway): Promise<string> {
  const server = await listening(metricsHandler(gateway, { hosts: "any" }));
  afterwards(() => server.close());
  return (await exchange(server.port, get("/"))).text;
}
