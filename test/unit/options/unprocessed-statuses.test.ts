// What an application promises of its refusals, as it is written, checked and completed.

import { describe, expect, it } from "vitest";
import type { RetryOptions } from "../../../src/catalog/options/retry.js";
import { normaliseGateway } from "../../../src/options/normalise.js";
import type { GatewayOptions } from "../../../src/options/options.js";

const targets = "http://10.0.0.5:8080";

function read(retry: unknown, defaults: GatewayOptions["defaults"] = {}) {
  const upstreams = { app: { targets, retry: retry as RetryOptions } };
  return normaliseGateway({ defaults, upstreams });
}

function statusesOf(retry: unknown, defaults: GatewayOptions["defaults"] = {}) {
  const normalised = read(retry, defaults).upstreams["app"]?.retry;
  return normalised ? normalised.unprocessedStatuses : normalised;
}

describe("unprocessedStatuses", () => {
  it("are none unless they are written, and each is kept once", () => {
    expect(statusesOf(undefined)).toEqual([]);
    expect(statusesOf({ attemptsMax: 2 })).toEqual([]);
    expect(statusesOf({ unprocessedStatuses: [503, 429, 503] })).toEqual([503, 429]);
  });

  it("of an upstream stand over those of all, and are gone where nothing is repeated", () => {
    const defaults = { retry: { unprocessedStatuses: [503] } };
    expect(statusesOf({ attemptsMax: 2 }, defaults)).toEqual([503]);
    expect(statusesOf({ unprocessedStatuses: [] }, defaults)).toEqual([]);
    expect(statusesOf(false, defaults)).toBe(false);
  });

  it("are a copy that cannot be changed", () => {
    const written = [503];
    const kept = statusesOf({ unprocessedStatuses: written });
    written.push(500);
    expect(kept).toEqual([503]);
    expect(Object.isFrozen(kept)).toBe(true);
  });

  it.each([
    [
      503,
      "upstreams.app.retry.unprocessedStatuses: 503 is not a list of statuses; did you mean [503]?",
    ],
    [
      "503",
      'upstreams.app.retry.unprocessedStatuses: "503" is not a list of statuses such as [503]',
    ],
    [
      [200],
      "upstreams.app.retry.unprocessedStatuses[0]: 200 is not a status that is ever repeated",
    ],
    [[503, 501], "unprocessedStatuses[1]: 501 is not a status that is ever repeated"],
    [["5xx"], 'unprocessedStatuses[0]: "5xx" is not a status that is ever repeated'],
    [[503.5], "unprocessedStatuses[0]: 503.5 is not a status that is ever repeated"],
    [[Number.NaN], "unprocessedStatuses[0]: NaN is not a status that is ever repeated"],
  ])("%j are refused", (unprocessedStatuses, message) => {
    expect(() => read({ unprocessedStatuses })).toThrow(message);
  });

  it.each([
    ["retriableStatusCodes", "a promise about non-idempotent requests"],
    ["unprocessedStatus", 'did you mean "unprocessedStatuses"?'],
    ["nonIdempotent", 'did you mean "unprocessedStatuses"'],
  ])("are what %s means, with the difference", (name, message) => {
    expect(() => read({ [name]: [503] })).toThrow(message);
  });

  it("a status that only a gateway can answer is warned of: it cannot know", () => {
    const { warnings } = read({ unprocessedStatuses: [504, 503] });
    expect(warnings).toEqual([
      "upstreams.app.retry.unprocessedStatuses[0]: 504 also comes from gateways, which cannot " +
        "know whether the application has acted; such a request may be executed twice",
    ]);
  });
});
