/** What may be written as `layers`, and what is said of the rest. */
import { describe, expect, it } from "vitest";
import { isGatewayOptionsError } from "../../../src/index.js";
import { normaliseUpstream } from "../../../src/options/normalise.js";

function problemsOf(options: object): readonly string[] {
  try {
    normaliseUpstream("orders", { targets: "http://10.0.0.5:8080", ...options });
    return [];
  } catch (error) {
    return isGatewayOptionsError(error) ? error.problems : [String(error)];
  }
}

describe("layers", () => {
  it.each([
    [
      { layers: true },
      'layers: true is neither an object such as { sendDeadline: "always" } nor false',
    ],
    [
      { layers: { attemptHeader: "x attempt" } },
      'layers.attemptHeader: "x attempt" is not the name of a field; write the name of a field ' +
        'such as "x-request-attempt", or false for none',
    ],
    [
      { layers: { deadlineHeader: "Connection" } },
      'layers.deadlineHeader: "Connection" is already used otherwise; write the name of a field ' +
        'such as "x-request-attempt", or false for none',
    ],
    [
      { layers: { sendDeadline: "alway" } },
      'layers.sendDeadline: "alway" is not known; did you mean "always"?',
    ],
    [
      { layers: { sendDeadline: false } },
      'layers.sendDeadline: false is not known; write "received" or "always", or ' +
        "deadlineHeader: false to send none",
    ],
    [{ layers: { markAnswers: 1 } }, "layers.markAnswers: 1 is not true or false"],
    [
      { layers: { deadline: "x" } },
      'layers.deadline: unknown option; did you mean "deadlineHeader"?',
    ],
    [{ attemptHeader: "x" }, 'attemptHeader: unknown option; "attemptHeader" belongs in layers'],
  ] as const)("%j is told what is wrong", (options, problem) => {
    expect(problemsOf(options)).toEqual([`upstreams.orders.${problem}`]);
  });
});
