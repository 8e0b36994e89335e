// What becomes of options that are right: copies, defaults that fit, nothing that can be changed.

import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import {
  BREAKER,
  BULKHEAD,
  LIMITS,
  PROBE,
  RETRY,
  TIMEOUTS,
} from "../../../src/catalog/defaults.js";
import type { ProbeOptions } from "../../../src/catalog/options/health.js";
import type { RetryOptions } from "../../../src/catalog/options/retry.js";
import { ADAPTIVE_LIMIT } from "../../../src/catalog/overload-defaults.js";
import { normaliseGateway, normaliseUpstream } from "../../../src/options/normalise.js";
import type { GatewayOptions, UpstreamOptions } from "../../../src/options/options.js";
import { LAYER_DEFAULTS } from "../../../src/options/read-layers.js";

const URL_1 = "http://10.0.0.5:8080";
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

function upstreamOf(options: Partial<UpstreamOptions>, defaults?: GatewayOptions["defaults"]) {
  return normaliseUpstream("orders", { targets: URL_1, ...options }, defaults);
}

describe("defaults", () => {
  it("are those of the catalog", () => {
    const { connectLocalMs: _local, ...timeouts } = TIMEOUTS;
    const upstream = upstreamOf({});
    expect(upstream.timeouts).toEqual(timeouts);
    expect(upstream.trustProxyStatus).toBe(false);
    expect(upstream.layers).toEqual(LAYER_DEFAULTS);
    expect(BULKHEAD).toMatchObject(upstream.bulkhead as object);
    expect(Object.keys(upstream.bulkhead)).toHaveLength(7);
    const { unprocessedStatuses, ...numbers } = upstream.retry as Required<RetryOptions>;
    expect(unprocessedStatuses).toEqual([]);
    expect(RETRY).toMatchObject(numbers);
    expect(Object.keys(upstream.retry)).toHaveLength(9);
    expect(BREAKER).toMatchObject(upstream.breaker as object);
    expect(Object.keys(upstream.breaker)).toHaveLength(10);
    expect(upstream.limits).toEqual({
      requestBodyBytesMax: LIMITS.requestBodyBytesMax,
      responseBodyBytesMax: LIMITS.responseBodyBytesMax,
      connectionsMax: LIMITS.connectionsMax,
      connectionAgeMsMax: LIMITS.connectionAgeMsMax,
      upgradesMax: LIMITS.upgradesMax,
      responseHeaderSectionBytesMax: LIMITS.responseHeaderSectionBytesMax,
      responseHeaderBytesMax: LIMITS.responseHeaderBytesMax,
      responseHeadersCountMax: LIMITS.responseHeadersCountMax,
      trailerSectionBytesMax: LIMITS.trailerSectionBytesMax,
      trailerBytesMax: LIMITS.trailerBytesMax,
      clientBytesPerSecondMin: LIMITS.clientBytesPerSecondMin,
    });
  });

  it("of layers may be changed one by one, shared, and switched off", () => {
    const shared = { layers: { attemptHeader: "X-Try", markAnswers: false } };
    expect(upstreamOf({ layers: { deadlineHeader: false } }, shared).layers).toEqual({
      attemptHeader: "x-try",
      deadlineHeader: false,
      sendDeadline: "received",
      markAnswers: false,
      priorityHeader: false,
    });
    expect(upstreamOf({ layers: false }, shared).layers).toBe(false);
    expect(upstreamOf({ layers: {} }, { layers: false }).layers).toMatchObject({
      markAnswers: true,
    });
  });

  it.each([
    [["http://localhost:1"], TIMEOUTS.connectLocalMs],
    [
      ["http://127.0.0.1", "http://127.8.9.1", "http://[::1]", "unix:/run/a"],
      TIMEOUTS.connectLocalMs,
    ],
    [["http://app.localhost"], TIMEOUTS.connectLocalMs],
    [[{ url: "https://orders", socketPath: "/run/a" }], TIMEOUTS.connectLocalMs],
    [["http://127.0.0.1", URL_1], TIMEOUTS.connectMs],
    [["http://localhost.example"], TIMEOUTS.connectMs],
    [["http://127.0.0.1.example"], TIMEOUTS.connectMs],
  ])("wait for connections to %j up to %d ms", (targets, connectMs) => {
    expect(upstreamOf({ targets }).timeouts.connectMs).toBe(connectMs);
  });

  it("do not shorten what was written for local targets", () => {
    const options = { targets: "http://localhost", timeouts: { connectMs: 5_000 } };
    expect(upstreamOf(options).timeouts.connectMs).toBe(5_000);
  });

  it("of what is opted into count where it is written, and it is off elsewhere", () => {
    const { concurrencyMin, concurrencyStart, latencyTolerance } = ADAPTIVE_LIMIT;
    const initial = { concurrencyMin, concurrencyStart, latencyTolerance };
    expect(upstreamOf({}).adaptiveLimit).toBe(false);
    expect(upstreamOf({ adaptiveLimit: false }).adaptiveLimit).toBe(false);
    expect(upstreamOf({ adaptiveLimit: true }).adaptiveLimit).toEqual(initial);
    expect(upstreamOf({ adaptiveLimit: { concurrencyMin: 30 } }).adaptiveLimit).toEqual({
      ...initial,
      concurrencyMin: 30,
      concurrencyStart: 30,
    });
    const few = upstreamOf({ adaptiveLimit: true, bulkhead: { concurrencyMax: 8 } });
    expect(few.adaptiveLimit).toMatchObject({ concurrencyStart: 8 });
  });

  it("shrink to fit what was written", () => {
    const upstream = upstreamOf({
      timeouts: { totalMs: 900, bodyMs: 5_000 },
      retry: { backoffMsMax: 10 },
      breaker: { openMsMax: 500 },
    });
    const { timeouts, retry, breaker, bulkhead } = upstream;
    expect(timeouts).toEqual({
      connectMs: 900,
      responseMs: 900,
      continueMs: 900,
      idleMs: 5_000,
      tunnelIdleMs: 3_600_000,
      clientMs: 20_000,
      totalMs: 900,
      bodyMs: 5_000,
    });
    expect(retry).toMatchObject({ backoffBaseMs: 10, backoffMsMax: 10 });
    expect(breaker).toMatchObject({ openMs: 500, openMsMax: 500 });
    expect(bulkhead).toMatchObject({ queueMs: 900 });
  });

  it("grow to fit what was written, where that harms nobody", () => {
    const { retry, breaker, limits } = upstreamOf({
      retry: { backoffBaseMs: 400 },
      breaker: { openMs: 90_000 },
      bulkhead: { concurrencyMax: 3_000 },
    });
    expect(retry).toMatchObject({ backoffBaseMs: 400, backoffMsMax: 400 });
    expect(breaker).toMatchObject({ openMs: 90_000, openMsMax: 90_000 });
    expect(limits.connectionsMax).toBe(6_000);
  });

  it("leave connections to calls, however many streams there are", () => {
    const { bulkhead, limits } = upstreamOf({});
    expect(bulkhead).toMatchObject({ streamsMax: BULKHEAD.streamsMax });
    expect(limits.connectionsMax).toBe(LIMITS.connectionsMax);
    const streams = (options: object): unknown => {
      const filled = upstreamOf(options);
      return [Object(filled.bulkhead).streamsMax, filled.limits.connectionsMax];
    };
    expect(streams({ bulkhead: { concurrencyMax: 3_000 } })).toEqual([3_000, 6_000]);
    expect(streams({ bulkhead: { streamsMax: 20_000 } })).toEqual([20_000, 21_000]);
    expect(streams({ limits: { connectionsMax: 30 } })).toEqual([15, 30]);
    expect(streams({ limits: { connectionsMax: 1 } })).toEqual([1, 1]);
    const both = { limits: { connectionsMax: 30 }, bulkhead: { streamsMax: 30 } };
    expect(streams(both)).toEqual([30, 30]);
  });

  it("let no more calls in than the connections of all targets can carry", () => {
    const limits = { connectionsMax: 30 };
    const two = [URL_1, "http://10.0.0.6:8080"];
    expect(upstreamOf({ limits }).bulkhead).toMatchObject({ concurrencyMax: 30 });
    expect(upstreamOf({ limits, targets: two }).bulkhead).toMatchObject({ concurrencyMax: 60 });
    // RFC 9113 §5: calls of one connection are its streams.
    const shared = upstreamOf({ limits, allowH2: true }).bulkhead;
    expect(shared).toMatchObject({ concurrencyMax: BULKHEAD.concurrencyMax });
    expect(upstreamOf({ limits, bulkhead: false }).bulkhead).toBe(false);
  });

  it("stand in for what is undefined", () => {
    const options = {
      timeouts: { responseMs: undefined, totalMs: 8_000 },
      retry: undefined,
      trustProxyStatus: undefined,
    } as unknown as Partial<UpstreamOptions>;
    expect(upstreamOf(options)).toEqual(upstreamOf({ timeouts: { totalMs: 8_000 } }));
  });
});

describe("settings for all upstreams", () => {
  const shared = {
    timeouts: { connectMs: 500, totalMs: 8_000 },
    retry: { attemptsMax: 2 },
    breaker: false,
    trustProxyStatus: true,
    required: true,
  } as const;

  it("hold where an upstream says nothing", () => {
    const upstream = upstreamOf({}, shared);
    expect(upstream.timeouts).toMatchObject({ connectMs: 500, responseMs: 8_000, totalMs: 8_000 });
    expect(upstream.retry).toMatchObject({ attemptsMax: 2, backoffBaseMs: RETRY.backoffBaseMs });
    expect(upstream.breaker).toBe(false);
    expect(upstream.trustProxyStatus).toBe(true);
    expect(upstream.required).toBe(true);
  });

  it("give way option by option", () => {
    const own = {
      timeouts: { connectMs: 700 },
      retry: { backoffBaseMs: 5 },
      trustProxyStatus: false,
      required: false,
    };
    const upstream = upstreamOf(own, shared);
    expect(upstream.timeouts).toMatchObject({ connectMs: 700, totalMs: 8_000 });
    expect(upstream.retry).toMatchObject({ attemptsMax: 2, backoffBaseMs: 5 });
    expect(upstream.trustProxyStatus).toBe(false);
    expect(upstream.required).toBe(false);
  });

  it("can be switched off, and on again", () => {
    const { retry, breaker } = upstreamOf({ retry: false, breaker: {} }, shared);
    expect(retry).toBe(false);
    expect(breaker).toMatchObject({ consecutiveFailures: BREAKER.consecutiveFailures });
  });
});

describe("a probe", () => {
  const probeOf = (own: ProbeOptions | false | undefined, shared?: ProbeOptions | false) => {
    const upstream = { targets: URL_1, ...(own === undefined ? {} : { probe: own }) };
    const defaults = shared === undefined ? {} : { probe: shared };
    return normaliseGateway({ upstreams: { orders: upstream }, defaults }).upstreams["orders"]
      ?.probe;
  };

  it("is that of the upstream, else that of all, else a try of connections that fail", () => {
    expect(probeOf({ path: "/own" }, { path: "/all" })).toMatchObject({ path: "/own" });
    expect(probeOf(undefined, { path: "/all" })).toMatchObject({ path: "/all" });
    expect(probeOf(false, { path: "/all" })).toBe(false);
    expect(probeOf(undefined)).toBe("reconnect");
  });

  it("reads statuses, classes and lists of both", () => {
    const statuses = (status: NonNullable<ProbeOptions["expect"]>["status"] & {}) => {
      const probe = probeOf({ path: "/", expect: { status } });
      return typeof probe === "object" ? probe.statuses : null;
    };
    expect(statuses(204)).toEqual([[204, 204]]);
    expect(statuses("3xx")).toEqual([[300, 399]]);
    expect(statuses([200, "4xx"])).toEqual([
      [200, 200],
      [400, 499],
    ]);
  });

  it("copies an expression without its memory", () => {
    const body = /ok/gi;
    const probe = probeOf({ path: "/", expect: { body } });
    expect(probe).toMatchObject({ body: /ok/i });
    expect(probeOf({ tcp: true })).toMatchObject({ path: null });
  });
});

describe("a gateway", () => {
  const upstreams = { orders: { targets: URL_1 } };

  it("is called as the host unless it is named", () => {
    const unnamed = normaliseGateway({ upstreams });
    expect(unnamed).toMatchObject({ named: false, statusPolicy: "rfc9209", warnings: [] });
    expect(unnamed.name).toBe(hostname());
    expect(normaliseGateway({ upstreams, name: "edge 1" })).toMatchObject({
      name: "edge 1",
      named: true,
    });
  });

  it.each(["rfc9209", "nginx", "haproxy", "envoy"] as const)(
    "takes the policy %s",
    (statusPolicy) => {
      expect(normaliseGateway({ upstreams, statusPolicy }).statusPolicy).toBe(statusPolicy);
    },
  );

  it("takes a function as policy and leaves it as it is", () => {
    const statusPolicy = () => 503;
    expect(normaliseGateway({ upstreams, statusPolicy }).statusPolicy).toBe(statusPolicy);
    expect(Object.isFrozen(statusPolicy)).toBe(false);
  });

  it("reads the example of the documentation", () => {
    const gateway = normaliseGateway({
      name: "edge",
      upstreams: {
        orders: {
          targets: [URL_1, { url: "http://10.0.0.6:8080", weight: 2 }],
          timeouts: { connectMs: 1_000, responseMs: 2_000, idleMs: 30_000, totalMs: 8_000 },
          retry: { attemptsMax: 3 },
          probe: { path: "/healthz" },
        },
        search: {
          targets: ["http://10.0.1.7:9200"],
          retry: false,
          bulkhead: { concurrencyMax: 50 },
        },
      },
    });
    expect(Object.keys(gateway.upstreams)).toEqual(["orders", "search"]);
    const { orders, search } = gateway.upstreams;
    expect(orders?.targets.map(({ id, weight }) => [id, weight])).toEqual([
      [URL_1, 1],
      ["http://10.0.0.6:8080", 2],
    ]);
    const { intervalMs, timeoutMs, fall, rise } = PROBE;
    expect(orders?.probe).toEqual({
      ...{ path: "/healthz", initial: "up", intervalMs, timeoutMs, fall, rise },
      ...{ port: null, method: "GET", host: null, headers: {}, requestBody: null },
      ...{ statuses: [[200, 299]], body: null, grpc: null, agent: false, command: null },
      ...{ checks: [], onlyChecks: false },
    });
    expect(search?.probe).toBe("reconnect");
    expect(search).toMatchObject({ name: "search", retry: false });
    expect({ ...BULKHEAD, concurrencyMax: 50 }).toMatchObject(search?.bulkhead as object);
    expect(gateway.warnings).toEqual([]);
  });

  it("keeps apart what a name would otherwise inherit", () => {
    const named = JSON.parse(`{ "__proto__": { "targets": "${URL_1}" } }`) as typeof upstreams;
    const { upstreams: read } = normaliseGateway({ upstreams: named });
    expect(Object.keys(read)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });
});

describe("what is read", () => {
  const given = () => ({
    upstreams: {
      orders: {
        targets: [
          {
            url: "https://orders",
            tls: {
              ca: [Buffer.from(PEM), PEM],
              cert: PEM,
              key: [{ pem: PEM, passphrase: "x" }] as never,
              servername: "inner",
              rejectUnauthorized: true,
            },
          },
        ],
        timeouts: { totalMs: 8_000 },
      },
    },
    defaults: { retry: { attemptsMax: 2 } },
  });

  it("is a copy: the options stay as they were, and may change later", () => {
    const options = given();
    const { upstreams } = normaliseGateway(options);
    expect(options).toEqual(given());
    const [target] = options.upstreams.orders.targets;
    options.upstreams.orders.timeouts.totalMs = 1;
    options.defaults.retry.attemptsMax = 9;
    const ca = target?.tls.ca ?? [];
    (ca.shift() as Buffer).fill(0);
    expect(upstreams).toEqual(normaliseGateway(given()).upstreams);
    expect(upstreams["orders"]?.targets[0]?.tls).toEqual({
      ca: [Buffer.from(PEM), PEM],
      cert: PEM,
      key: [{ pem: PEM, passphrase: "x" }],
      servername: "inner",
      rejectUnauthorized: true,
    });
  });

  it("cannot be changed at any depth, except bytes", () => {
    const thawed: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
      if (!Object.isFrozen(value)) thawed.push(path);
      for (const [key, member] of Object.entries(value)) visit(member, `${path}.${key}`);
    };
    visit(normaliseGateway(given()), "gateway");
    visit(upstreamOf({}), "upstream");
    expect(thawed).toEqual([]);
  });

  it("asks each option once", () => {
    const asked: string[] = [];
    const watch = <Value extends object>(value: Value): Value =>
      new Proxy(value, {
        get(target, name, receiver) {
          asked.push(String(name));
          return Reflect.get(target, name, receiver);
        },
      });
    const timeouts = watch({ connectMs: 500, totalMs: 8_000 });
    normaliseGateway(watch({ name: "edge", upstreams: { orders: { targets: URL_1, timeouts } } }));
    expect(asked.length).toBe(new Set(asked).size);
    expect(asked).toEqual(expect.arrayContaining(["name", "upstreams", "connectMs", "totalMs"]));
  });
});

describe("upstreams with the same values", () => {
  const normalised = (upstreams: GatewayOptions["upstreams"], defaults = {}) =>
    normaliseGateway({ upstreams, defaults } as GatewayOptions).upstreams;
  const targets = "http://127.0.0.1:8080";

  it("share their sections, and have a section of their own for what is their own", () => {
    const { one, two, own } = normalised({
      one: { targets },
      two: { targets },
      own: { targets, timeouts: { totalMs: 90_000 } },
    });
    expect(one?.timeouts).toBe(two?.timeouts);
    expect(one?.retry).toBe(two?.retry);
    expect(own?.breaker).toBe(one?.breaker);
    expect(own?.timeouts).toEqual({ ...one?.timeouts, totalMs: 90_000 });
    expect(Object.isFrozen(own?.timeouts)).toBe(true);
    expect(Object.isFrozen(one?.retry)).toBe(true);
  });

  it("share nothing that depends on where their targets are, or on how many there are", () => {
    const far = "http://orders.internal";
    const { near, away, many } = normalised({
      near: { targets },
      away: { targets: far },
      many: { targets: [`${far}:1`, `${far}:2`] },
    });
    expect(near?.timeouts.connectMs).not.toBe(away?.timeouts.connectMs);
    expect(many?.timeouts).toEqual(away?.timeouts);
  });

  it("do not share what the defaults of another gateway say", () => {
    const short = normalised({ one: { targets } }, { timeouts: { totalMs: 3_000 } });
    const usual = normalised({ one: { targets } });
    expect(short["one"]?.timeouts.totalMs).toBe(3_000);
    expect(usual["one"]?.timeouts.totalMs).not.toBe(3_000);
  });

  it("are warned of what stands in the defaults in every gateway, where it is used", () => {
    const defaults = { timeouts: { responseMs: 60_000, totalMs: 10_000 } };
    const warned = (upstreams: GatewayOptions["upstreams"]) =>
      normaliseGateway({ upstreams, defaults } as GatewayOptions).warnings;
    const first = warned({ one: { targets }, two: { targets } });
    expect(first).toHaveLength(1);
    expect(first[0]).toContain("defaults.timeouts.responseMs");
    expect(warned({ one: { targets } })).toEqual(first);
    expect(warned({ one: { targets, timeouts: { totalMs: 90_000 } } })).toEqual([]);
  });
});
