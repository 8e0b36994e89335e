/** The guards against overload as a gateway has them: their options, their place, their state. */
import { describe, expect, it } from "vitest";
import { ADAPTIVE_LIMIT, SHED, THROTTLE } from "../../../src/catalog/overload-defaults.js";
import { createGateway } from "../../../src/gateway/gateway.js";
import { normaliseGateway } from "../../../src/options/normalise.js";
import type { GatewayOptions, UpstreamOptions } from "../../../src/options/options.js";
import { isGatewayOptionsError } from "../../../src/options/options-error.js";
import { refusingPort } from "../../../src/testing/index.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const TARGET = "http://10.0.0.1:8080";

function gatewayOf(upstream: Partial<UpstreamOptions>, options: Partial<GatewayOptions> = {}) {
  const upstreams = { orders: { targets: TARGET, ...upstream } };
  return createGateway({ ...options, upstreams }, { clock: virtualClock() });
}

function problemOf(options: object): string {
  try {
    normaliseGateway({ upstreams: { orders: { targets: TARGET } }, ...options } as GatewayOptions);
  } catch (error) {
    if (isGatewayOptionsError(error)) return error.problems.join("\n");
    throw error;
  }
  return "";
}

describe("the guards against overload", () => {
  it("are off unless they are asked for, but for the bulkhead", () => {
    const orders = gatewayOf({}).upstream("orders");
    const off = orders.describe().filter(({ settings }) => settings["enabled"] === false);
    expect(off.map(({ role }) => role)).toEqual(
      expect.arrayContaining(["priority", "load_shed", "pace", "throttle"]),
    );
    expect(orders.overload).toEqual({
      bulkhead: {
        running: 0,
        waiting: 0,
        places: 1_000,
        stressed: false,
        streams: { running: 0, places: 1_000 },
        callers: null,
      },
      adaptiveLimit: null,
      throttle: null,
      pace: null,
      shed: null,
      refused: {},
    });
  });

  it("are described with the values in force", () => {
    const gateway = gatewayOf(
      { adaptiveLimit: true, throttle: { windowMs: 10_000 }, priority: { header: "x-priority" } },
      { shed: true },
    );
    const orders = gateway.upstream("orders");
    const settings = new Map(orders.describe().map((one) => [one.role, one.settings]));
    const { concurrencyMin, concurrencyStart, latencyTolerance } = ADAPTIVE_LIMIT;
    expect(settings.get("bulkhead")?.["adaptiveLimit"]).toEqual({
      ...{ concurrencyMin, concurrencyStart, latencyTolerance },
    });
    expect(settings.get("load_shed")).toEqual({ eventLoopDelayMs: SHED.eventLoopDelayMs });
    const { requestsPerAccept, refusedMax } = THROTTLE;
    expect(settings.get("throttle")).toEqual({ requestsPerAccept, refusedMax, windowMs: 10_000 });
    expect(settings.get("priority")).toEqual({ header: "x-priority" });
    expect(orders.overload).toMatchObject({
      bulkhead: { places: 20 },
      adaptiveLimit: { limit: 20, baselineMs: null },
      throttle: { refusedShare: 0 },
      shed: { eventLoopDelayMs: 0, pressure: 0 },
    });
    expect(JSON.parse(JSON.stringify(orders.overload))).toEqual(orders.overload);
  });

  it("a rule of the defaults counts for upstreams without their own, a function included", () => {
    const rule = () => "SHEDDABLE" as const;
    const { upstreams } = normaliseGateway({
      defaults: { priority: rule, throttle: true },
      upstreams: {
        orders: { targets: TARGET },
        search: { targets: TARGET, priority: false, throttle: false },
      },
    });
    expect(upstreams["orders"]).toMatchObject({ priority: rule, throttle: { windowMs: 30_000 } });
    expect(upstreams["search"]).toMatchObject({ priority: false, throttle: false });
    expect(() => createGateway({ defaults: { priority: rule } })).not.toThrow();
  });

  it("a refusal for want of places is told and counted", async () => {
    const port = await refusingPort();
    const gateway = createGateway({
      upstreams: {
        orders: {
          targets: `http://127.0.0.1:${port}`,
          bulkhead: { concurrencyMax: 1, queueMax: 0 },
        },
      },
    });
    const told: string[] = [];
    gateway.on("call:refused", ({ upstream, call, failure }) => {
      told.push(`${upstream} ${call.priority} ${failure.code}`);
    });
    const orders = gateway.upstream("orders");
    const [, refused] = await Promise.all([
      orders.send({ path: "/" }),
      orders.send({ path: "/" }, { priority: "SHEDDABLE" }),
    ]);
    expect(refused).toMatchObject({ failure: { code: "bulkhead_full" } });
    expect(told).toEqual(["orders SHEDDABLE bulkhead_full"]);
    expect(orders.overload.refused).toMatchObject({ bulkhead_full: { SHEDDABLE: 1 } });
    gateway.close();
  });

  it("a priority that is none is told to who writes it", async () => {
    const orders = gatewayOf({}).upstream("orders");
    const wrong = { priority: "HIGH" as "CRITICAL" };
    await expect(orders.send({ path: "/" }, wrong)).rejects.toThrow(
      'priority: "HIGH" is not a priority; write one of SHEDDABLE, SHEDDABLE_PLUS, CRITICAL',
    );
  });

  it.each([
    [{ shed: "100ms" }, "shed: "],
    [{ shed: { eventLoopDelayMs: 0 } }, "shed.eventLoopDelayMs: 0 is not a finite number"],
    [{ shed: { maxEventLoopDelay: 9 } }, 'did you mean "eventLoopDelayMs"?'],
    [{ underPressure: true }, 'did you mean "shed"?'],
    [{ defaults: { throttle: { k: 3 } } }, 'did you mean "requestsPerAccept"?'],
    [{ defaults: { throttle: { requestsPerAccept: 0.5 } } }, "at least 1"],
    [{ defaults: { throttle: { refusedMax: 1 } } }, "some calls must be sent"],
    [{ defaults: { priority: "x-priority" } }, 'did you mean { header: "x-priority" }?'],
    [{ defaults: { priority: { header: "not a name" } } }, "is not the name of a field"],
    [{ defaults: { priority: { field: "x" } } }, "defaults.priority.field: unknown option"],
    [{ defaults: { criticality: "x" } }, 'did you mean "priority"?'],
  ])("%j is told by name", (options, problem) => {
    expect(problemOf(options)).toContain(problem);
  });
});
