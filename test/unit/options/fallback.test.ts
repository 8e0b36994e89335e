/**
 * `fallback`: what is wrong is named with the nearest right thing, and what is right is copied.
 */
import { createGateway, GatewayOptionsError } from "good-gateway";
import { describe, expect, it } from "vitest";
import { problemOfAnswer } from "../../../src/options/read-fallback.js";

function problemsOf(fallback: unknown, more: object = {}): readonly string[] {
  try {
    createGateway({
      upstreams: {
        orders: { targets: "http://127.0.0.1:1", fallback: fallback as false, ...more },
        ordersFar: { targets: "http://127.0.0.1:2" },
      },
    }).close();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayOptionsError);
    return (error as GatewayOptionsError).problems;
  }
}

describe("what is wrong with a fallback", () => {
  it.each([
    ["ordersFar", 'did you mean { upstream: "ordersFar" }?'],
    [[], "has 0 steps; write 1 to 8, or false for none"],
    [{ upstream: "orderFar" }, 'no upstream is called "orderFar"; did you mean "ordersFar"?'],
    [{ upstreams: "ordersFar" }, 'upstreams: unknown option; did you mean "upstream"?'],
    [{ upstream: "ordersFar", answer: {} }, "needs one of upstream and answer"],
    [{ upstream: "ordersFar", on: ["conection_refused"] }, 'did you mean "connection_refused"?'],
    [{ upstream: "ordersFar", on: [99] }, "99 is neither a status nor a failure"],
    [{ answer: { status: 101 } }, "status 101 is not a status from 200 to 599"],
    [{ answer: { body: "a", json: 1 } }, "has both body and json"],
    [{ answer: { json: 1n } }, "json cannot be written as JSON"],
    [{ answer: { headers: { "content-length": "3" } } }, "which is ours to write"],
    [{ answer: { headers: { "x-a": "b\r\nc: d" } } }, "which no answer can have"],
  ])("%o", (fallback, words) => {
    const problems = problemsOf(fallback);
    expect(problems.join("\n")).toContain(words);
    expect(problems[0]).toMatch(/^upstreams\.orders\.fallback/);
  });

  it("is found in routes, too", () => {
    const routes = { "/a": { fallback: { upstream: "none" } } };
    expect(problemsOf(false, { routes })[0]).toContain('routes["/a"].fallback: no upstream');
  });

  it("is nothing in any of its forms", () => {
    const step = { upstream: ["ordersFar"], on: [404, "no_answer", "breaker_open"] };
    for (const right of [false, step, [step, { answer: () => null }], { answer: { body: "" } }]) {
      expect(problemsOf(right)).toEqual([]);
    }
  });
});

it("an answer that a function gives is checked like one that is written", () => {
  expect(problemOfAnswer(new Response("x"))).not.toBeNull();
  expect(problemOfAnswer({ body: new Uint8Array(2), headers: { a: "b" } })).toBeNull();
});

it("an answer is a copy: what its object becomes later is no answer of the gateway", () => {
  const answer = { json: { few: [1] } };
  const gateway = createGateway({
    upstreams: { orders: { targets: "http://127.0.0.1:1", fallback: { answer } } },
  });
  answer.json.few.push(2);
  expect(gateway.upstream("orders").describe()[0]).toEqual({
    role: "fallback",
    settings: { steps: [{ answer: 200, on: "default" }] },
  });
  expect(Object.isFrozen(answer.json)).toBe(false);
  gateway.close();
});
