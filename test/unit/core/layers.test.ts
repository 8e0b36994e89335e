/** The forms in which layers write the number of an attempt and the time that is left. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LAYERS } from "../../../src/catalog/defaults.js";
import { Call } from "../../../src/core/call.js";
import {
  type LayerSettings,
  layerFields,
  parseAttempt,
  parseDeadlineMs,
  withLayerFields,
} from "../../../src/core/layers.js";
import { LAYER_DEFAULTS } from "../../../src/options/read-layers.js";

const NEVER = Number.POSITIVE_INFINITY;
const ENVOY_DEADLINE = "x-envoy-expected-rq-timeout-ms";

describe("what is read", () => {
  it.each([
    ["x-envoy-attempt-count", "3", 3],
    ["grpc-previous-rpc-attempts", "2", 3],
    ["x-request-attempt", "1", 1],
    ["x-envoy-attempt-count", "0", 1],
    ["x-envoy-attempt-count", "-1", 1],
    ["x-envoy-attempt-count", "2.5", 1],
    ["x-envoy-attempt-count", "1e3", 1],
    ["x-envoy-attempt-count", "99999", 1],
    ["x-envoy-attempt-count", "", 1],
  ])("%s: %s is attempt %i", (name, value, attempt) => {
    expect(parseAttempt(name, value)).toBe(attempt);
  });

  it.each([
    [ENVOY_DEADLINE, "1500", 1_500],
    [ENVOY_DEADLINE, "0", NEVER],
    ["x-request-timeout-ms", "0", 0],
    ["x-request-timeout-ms", "12.5", 12.5],
    ["x-request-timeout-ms", "-5", NEVER],
    ["x-request-timeout-ms", "2s", NEVER],
    ["grpc-timeout", "2S", 2_000],
    ["grpc-timeout", "1H", 3_600_000],
    ["grpc-timeout", "5M", 300_000],
    ["grpc-timeout", "250m", 250],
    ["grpc-timeout", "500u", 0.5],
    ["grpc-timeout", "100", NEVER],
    ["grpc-timeout", "123456789S", NEVER],
  ])("%s: %s are %d ms", (name, value, ms) => {
    expect(parseDeadlineMs(name, value)).toBeCloseTo(ms, 6);
  });

  it("no text makes a number that is none", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(ENVOY_DEADLINE, "grpc-timeout", "x-request-timeout-ms"),
        fc.string(),
        (name, text) => {
          expect(parseDeadlineMs(name, text)).toBeGreaterThanOrEqual(0);
          const attempt = parseAttempt("x-envoy-attempt-count", text);
          expect(Number.isInteger(attempt) && attempt >= 1).toBe(true);
          expect(attempt).toBeLessThanOrEqual(LAYERS.attemptsMax);
        },
      ),
    );
  });
});

describe("what is sent", () => {
  const NOW = { now: () => 1_000 };
  const fields = (
    settings: Partial<LayerSettings>,
    attempt: number,
    change: (call: Call) => void = () => {},
    waitsMs = NEVER,
  ) => {
    const call = new Call({} as never, 1_000, "id", null);
    change(call);
    return layerFields({ ...LAYER_DEFAULTS, ...settings }, call, attempt, waitsMs, NOW);
  };
  const withDeadline = (leftMs: number) => (call: Call) => {
    call.callerDeadline = 1_000 + leftMs;
    call.deadline = call.callerDeadline;
  };

  it("a first attempt without a caller's deadline is sent with nothing", () => {
    expect(fields({}, 1)).toBeNull();
  });

  it("a repeat says its number, counted through the layers", () => {
    expect(fields({}, 2)).toEqual(["x-envoy-attempt-count", "2"]);
    const second = (call: Call) => {
      call.callerAttempt = 2;
    };
    expect(fields({}, 1, second)).toEqual(["x-envoy-attempt-count", "2"]);
    expect(fields({}, 3, second)).toEqual(["x-envoy-attempt-count", "4"]);
  });

  it("gRPC's name counts what was before", () => {
    const attemptHeader = "grpc-previous-rpc-attempts";
    expect(fields({ attemptHeader }, 2)).toEqual([attemptHeader, "1"]);
  });

  it("time that is left is the sooner of the call's and the attempt's", () => {
    expect(fields({}, 1, withDeadline(800))).toEqual([ENVOY_DEADLINE, "800"]);
    expect(fields({}, 1, withDeadline(800), 300)).toEqual([ENVOY_DEADLINE, "300"]);
    const grpc = { deadlineHeader: "grpc-timeout" };
    expect(fields(grpc, 1, withDeadline(800.9))).toEqual(["grpc-timeout", "800m"]);
  });

  it("less than a millisecond is one, since 0 would mean for ever", () => {
    expect(fields({}, 1, withDeadline(0.4))).toEqual([ENVOY_DEADLINE, "1"]);
  });

  it("our own deadline is told where that is asked for", () => {
    const own = (call: Call) => {
      call.deadline = 31_000;
    };
    expect(fields({}, 1, own, 10_000)).toBeNull();
    expect(fields({ sendDeadline: "always" }, 1, own, 10_000)).toEqual([ENVOY_DEADLINE, "10000"]);
    expect(fields({ sendDeadline: "always" }, 1)).toBeNull();
  });

  it("false sends none of that kind", () => {
    expect(fields({ attemptHeader: false }, 2)).toBeNull();
    expect(fields({ deadlineHeader: false }, 2, withDeadline(5))).toEqual([
      "x-envoy-attempt-count",
      "2",
    ]);
  });

  it("a field of the request gives way to ours", () => {
    const sent = ["a", "1", "X-Envoy-Attempt-Count", "9", "b", "2"];
    expect(withLayerFields(sent, ["x-envoy-attempt-count", "2"])).toEqual([
      ...["a", "1", "b", "2"],
      ...["x-envoy-attempt-count", "2"],
    ]);
    expect(withLayerFields(sent, null)).toBe(sent);
  });
});
