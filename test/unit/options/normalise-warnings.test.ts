// What can be used and yet contradicts itself: every warning, word for word.

import { describe, expect, it } from "vitest";
import { normaliseGateway } from "../../../src/options/normalise.js";
import type { GatewayOptions, UpstreamOptions } from "../../../src/options/options.js";

const URL_1 = "http://10.0.0.5:8080";
const URL_2 = "http://10.0.0.6:8080";
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

function warningsOf(options: GatewayOptions): readonly string[] {
  return normaliseGateway(options).warnings;
}

function ofUpstream(options: Partial<UpstreamOptions>): readonly string[] {
  const warnings = warningsOf({ upstreams: { orders: { targets: URL_1, ...options } } });
  return warnings.map((warning) => warning.replace(/^upstreams\.orders\./, ""));
}

describe("warnings", () => {
  it.each<[Partial<UpstreamOptions>, string]>([
    [
      { probe: { path: "/healthz", intervalMs: 1_000, timeoutMs: 3_000 } },
      "probe.timeoutMs: 3_000 is more than intervalMs (1_000), so probes come later",
    ],
    [{ timeouts: { responseMs: 30 } }, "timeouts.responseMs: 30 ms; did you mean 30_000?"],
    [{ timeouts: { idleMs: 0.5 } }, "timeouts.idleMs: 0.5 ms; did you mean 500?"],
    [{ breaker: { openMs: 5 } }, "breaker.openMs: 5 ms; did you mean 5_000?"],
    [
      { timeouts: { responseMs: 60_000 } },
      "timeouts.responseMs: 60_000 is more than " +
        "timeouts.totalMs (30_000 by default), which ends the call first; raise that, too",
    ],
    [
      { timeouts: { connectMs: 6_000, totalMs: 5_000 } },
      "timeouts.connectMs: 6_000 is more " +
        "than timeouts.totalMs (5_000), which ends the call first",
    ],
    [
      { timeouts: { responseMs: 6_000, totalMs: 5_000 } },
      "timeouts.responseMs: 6_000 is more " +
        "than timeouts.totalMs (5_000), which ends the call first",
    ],
    [
      { timeouts: { totalMs: 5_000 }, bulkhead: { queueMs: 5_000 } },
      "bulkhead.queueMs: 5_000 " +
        "is as much as timeouts.totalMs (5_000), which ends the call first",
    ],
    [
      { timeouts: { idleMs: 9_000, bodyMs: 5_000 } },
      "timeouts.idleMs: 9_000 is more than " + "timeouts.bodyMs (5_000), which ends the body first",
    ],
    [
      { timeouts: { responseMs: 5_000, totalMs: 5_000 } },
      "timeouts.responseMs: 5_000 leaves no " +
        "time within timeouts.totalMs (5_000) for a second attempt after one that timed out",
    ],
    [
      { timeouts: { connectMs: 5_000, totalMs: 5_000 } },
      "timeouts.connectMs: 5_000 leaves no " +
        "time within timeouts.totalMs (5_000) for a second attempt after one that timed out",
    ],
    [
      { timeouts: { connectMs: 2_000, responseMs: 4_000, totalMs: 5_000 } },
      "timeouts.responseMs: 4_000 beside connectMs (2_000) leaves no time within " +
        "timeouts.totalMs (5_000) for a second attempt after one that timed out",
    ],
    [
      { timeouts: { responseMs: 30_000 } },
      "timeouts.responseMs: 30_000 leaves no time within " +
        "timeouts.totalMs (30_000 by default) for a second attempt after one that timed out",
    ],
    [
      { retry: { backoffBaseMs: 500, backoffMsMax: 100 } },
      "retry.backoffBaseMs: 500 is more than retry.backoffMsMax (100), which caps it",
    ],
    [
      { retry: { budgetRatio: 20 } },
      "retry.budgetRatio: 20 lets repeats add 20 times the calls; did you mean 0.2?",
    ],
    [
      { retry: { budgetRatio: 1.5 } },
      "retry.budgetRatio: 1.5 lets repeats add 1.5 times the calls",
    ],
    [
      { retry: { budgetRatio: 0, budgetFloorPerSecond: 0 } },
      "retry.budgetFloorPerSecond: 0 " +
        "with budgetRatio: 0 allows no repeat; write retry: false if this is intended",
    ],
    [
      { breaker: { openMs: 5_000, openMsMax: 2_000 } },
      "breaker.openMs: 5_000 is more than breaker.openMsMax (2_000), which caps it",
    ],
    [
      { bulkhead: { concurrencyMax: 500 }, limits: { connectionsMax: 50 } },
      "bulkhead.concurrencyMax: 500 is more than limits.connectionsMax (50), " +
        "so calls wait for connections outside the queue",
    ],
    [
      {
        targets: [URL_1, URL_2],
        bulkhead: { concurrencyMax: 500 },
        limits: { connectionsMax: 50 },
      },
      "bulkhead.concurrencyMax: 500 is more than limits.connectionsMax (50 for each of 2 targets)" +
        ", so calls wait for connections outside the queue",
    ],
    [
      { adaptiveLimit: true, bulkhead: false },
      "adaptiveLimit: has no effect with bulkhead: false, since it counts the bulkhead's places",
    ],
    [
      { adaptiveLimit: { concurrencyStart: 200 }, bulkhead: { concurrencyMax: 100 } },
      "adaptiveLimit.concurrencyStart: 200 is more than bulkhead.concurrencyMax (100), " +
        "which is the upper bound",
    ],
    [
      { targets: { url: "https://a", tls: { ca: PEM, rejectUnauthorized: false } } },
      "targets.tls.ca: has no effect with rejectUnauthorized: false; leave that out",
    ],
  ])("%j is told as %s", (options, warning) => {
    expect(ofUpstream(options)).toEqual([warning]);
  });

  it.each<[string, Partial<UpstreamOptions>]>([
    ["nothing but targets", {}],
    ["probes that are off", { probe: false }],
    ["probes", { probe: { path: "/healthz", expect: { status: "2xx", body: /ok/ } } }],
    ["probes more often than a default", { probe: { tcp: true, intervalMs: 500 } }],
    ["a short total alone", { timeouts: { totalMs: 500 } }],
    ["a short life of bodies alone", { timeouts: { bodyMs: 1_000 } }],
    ["no limit of one kind", { timeouts: { responseMs: Number.POSITIVE_INFINITY } }],
    ["no limit of the whole", { timeouts: { totalMs: Infinity, responseMs: 90_000 } }],
    ["no second attempt", { timeouts: { responseMs: 5_000, totalMs: 5_000 }, retry: false }],
    ["one attempt", { timeouts: { responseMs: 5_000, totalMs: 5_000 }, retry: { attemptsMax: 1 } }],
    ["attempts that do not all fit", { timeouts: { responseMs: 3_000, totalMs: 7_000 } }],
    ["a long open time alone", { breaker: { openMs: 120_000 } }],
    ["few connections alone", { limits: { connectionsMax: 10 } }],
    [
      "few connections of HTTP/2, which many calls share",
      { limits: { connectionsMax: 1 }, bulkhead: { concurrencyMax: 500 }, allowH2: "h2c" },
    ],
    ["few connections, no bulkhead", { limits: { connectionsMax: 10 }, bulkhead: false }],
    ["many calls alone", { bulkhead: { concurrencyMax: 5_000 } }],
    [
      "short waits where they are usual",
      { retry: { backoffBaseMs: 5 }, bulkhead: { queueMs: 10 } },
    ],
    ["a floor without a share", { retry: { budgetRatio: 0 } }],
  ])("%s is no contradiction", (_, options) => {
    expect(ofUpstream(options)).toEqual([]);
  });

  it("tells a contradiction of the defaults once, with their path", () => {
    const defaults = { timeouts: { responseMs: 9_000, totalMs: 5_000 } };
    const upstreams = { orders: { targets: URL_1 }, search: { targets: URL_2 } };
    expect(warningsOf({ upstreams, defaults })).toEqual([
      "defaults.timeouts.responseMs: 9_000 is more than timeouts.totalMs (5_000), " +
        "which ends the call first",
    ]);
  });

  it("uses what was written, contradiction or not", () => {
    const timeouts = { connectMs: 7_000, responseMs: 6_000, totalMs: 5_000 };
    const { upstreams } = normaliseGateway({ upstreams: { orders: { targets: URL_1, timeouts } } });
    expect(upstreams["orders"]?.timeouts).toMatchObject(timeouts);
  });
});
