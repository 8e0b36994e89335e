import { describe, expect, it } from "vitest";
import { declaredState } from "../../../src/targets/declared-state.js";

const OWN = "X-Target-State";

describe("what a target says of itself", () => {
  it.each([
    ["drain", "draining"],
    ["maint", "draining"],
    ["stopped", "draining"],
    ["DOWN", "unhealthy"],
    ["fail", "unhealthy"],
    ["up", "ready"],
    ["ready 50%", 0.5],
    ["50%", 0.5],
    ["up 100%", 1],
    ["256%", 1],
    ["0%", "draining"],
    ["75% 20% #both", 0.75],
    ["drain #restart at noon", "draining"],
    ["50%, drain", "draining"],
  ])("the word of HAProxy's agent check %j means %j", (value, state) => {
    expect(declaredState(200, ["Content-Type", "text/plain", OWN, value])).toBe(state);
    expect(declaredState(503, [OWN.toLowerCase(), value])).toBe(state);
  });

  it("Envoy's field means unhealthy, whatever it holds", () => {
    expect(declaredState(200, ["X-Envoy-Immediate-Health-Check-Fail", "true"])).toBe("unhealthy");
    expect(declaredState(200, ["x-envoy-immediate-health-check-fail", ""])).toBe("unhealthy");
  });

  it("a 503 that closes the connection is a server that leaves; other closes say nothing", () => {
    expect(declaredState(503, ["Connection", "close"])).toBe("leaving");
    expect(declaredState(503, ["connection", "Keep-Alive, Close"])).toBe("leaving");
    expect(declaredState(503, ["connection", "keep-alive"])).toBeNull();
    expect(declaredState(500, ["Connection", "close"])).toBeNull();
    expect(declaredState(200, ["Connection", "close"])).toBeNull();
  });

  it.each([
    [[]],
    [[OWN, ""]],
    [[OWN, "50"]],
    [[OWN, "-50%"]],
    [[OWN, "0.5%"]],
    [[OWN, "constructor"]],
    [[OWN, "#drain"]],
    [["X-Target-Static", "down"]],
  ])("%j says nothing", (fields) => {
    expect(declaredState(200, fields)).toBeNull();
  });

  it("its own field has the last word over a closed connection", () => {
    expect(declaredState(503, ["Connection", "close", OWN, "up"])).toBe("ready");
  });
});
