// What cannot be meant: every message, word for word.

import { describe, expect, it } from "vitest";
import { normaliseGateway, normaliseUpstream } from "../../../src/options/normalise.js";
import type { GatewayOptions, UpstreamOptions } from "../../../src/options/options.js";
import { GatewayOptionsError, isGatewayOptionsError } from "../../../src/options/options-error.js";

const URL_1 = "http://10.0.0.5:8080";
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

/** The problems of a gateway with these options; none would be a test that proves nothing. */
function problemsOf(options: unknown): readonly string[] {
  try {
    normaliseGateway(options as GatewayOptions);
  } catch (error) {
    if (isGatewayOptionsError(error)) return error.problems;
    throw error;
  }
  return ["no problem"];
}

/** The problems of one upstream, without the path that all of them begin with. */
function ofUpstream(upstream: unknown): readonly string[] {
  const problems = problemsOf({ upstreams: { orders: upstream } });
  return problems.map((problem) => problem.replace(/^upstreams\.orders\.?/, ""));
}

const withTarget = (options: object) => ofUpstream({ targets: URL_1, ...options });
const withTargets = (...targets: unknown[]) => ofUpstream({ targets });

describe("the error", () => {
  const options = {
    name: "",
    upstreams: {
      orders: { targets: [URL_1, "10.0.0.5:8080"], timeouts: { responseMS: 2_000 } },
      "a b": { targets: URL_1, retry: { attemptsMax: 0 } },
    },
  };

  it("holds all problems at once, one a line, each with the path of the option", () => {
    expect(() => normaliseGateway(options as unknown as GatewayOptions)).toThrow(
      new GatewayOptionsError([
        'name: "" is not a name; ' +
          "write the name of this deployment, or leave it out for the host name",
        'upstreams.orders.targets[1]: "10.0.0.5:8080" has no scheme; ' +
          'did you mean "http://10.0.0.5:8080"?',
        'upstreams.orders.timeouts.responseMS: unknown option; did you mean "responseMs"?',
        'upstreams["a b"].retry.attemptsMax: 0 is not an integer of at least 1; ' +
          "write retry: false to make one attempt only",
      ]),
    );
  });

  it("is a TypeError that other copies of the package recognise", () => {
    const error = new GatewayOptionsError(["a: wrong", "b: wrong"]);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.name).toBe("GatewayOptionsError");
    expect(error.message).toBe("a: wrong\nb: wrong");
    expect(Object.isFrozen(error.problems)).toBe(true);
    expect(isGatewayOptionsError({ [Symbol.for("good-gateway.GatewayOptionsError")]: true })).toBe(
      true,
    );
    expect(isGatewayOptionsError(new TypeError("a: wrong"))).toBe(false);
    expect(isGatewayOptionsError(null)).toBe(false);
  });
});

describe("the gateway as a whole", () => {
  const example =
    'write upstreams by name, such as { orders: { targets: "http://127.0.0.1:8080" } }';
  const upstreams = { orders: { targets: URL_1 } };

  it.each([
    [
      undefined,
      "options: undefined is not an object; write createGateway({ upstreams: { orders: " +
        '{ targets: "http://127.0.0.1:8080" } } })',
    ],
    [
      [upstreams],
      "options: an array is not an object; write createGateway({ upstreams: { orders: " +
        '{ targets: "http://127.0.0.1:8080" } } })',
    ],
    [{ upstreams: {} }, `upstreams: is empty; ${example}, or leave it out for a gateway without`],
    [{ upstreams: [] }, `upstreams: [] is not an object; ${example}`],
    [{ upstreams: null }, `upstreams: null is not an object; ${example}`],
    [{ upstream: upstreams }, 'upstream: unknown option; did you mean "upstreams"?'],
    [{ services: upstreams }, 'services: unknown option; did you mean "upstreams"?'],
    [
      { upstreams, statuspolicy: "nginx" },
      'statuspolicy: unknown option; did you mean "statusPolicy"?',
    ],
    [
      { upstreams, retry: false },
      'retry: unknown option; "retry" belongs in an upstream, or in defaults for all of them',
    ],
    [
      { upstreams, constructor: 1 },
      "constructor: unknown option; " +
        "there are upstreams, defaults, name, statusPolicy, behind, shed, addresses, " +
        "onWarning, zone and fleet",
    ],
    [
      { upstreams, name: "   " },
      'name: "   " is not a name; ' +
        "write the name of this deployment, or leave it out for the host name",
    ],
    [
      { upstreams, name: 7 },
      "name: 7 is not a name; " +
        "write the name of this deployment, or leave it out for the host name",
    ],
    [{ upstreams, name: "Gerät" }, 'name: "Gerät" is not printable ASCII; did you mean "Gerat"?'],
    [{ upstreams, name: "東京" }, 'name: "東京" is not printable ASCII'],
    [{ upstreams, name: "a\r\nb" }, 'name: "a\\r\\nb" is not printable ASCII; did you mean "ab"?'],
    [
      { upstreams, statusPolicy: "ngnix" },
      'statusPolicy: "ngnix" is not a status policy; did you mean "nginx"?',
    ],
    [
      { upstreams, statusPolicy: "x" },
      'statusPolicy: "x" is not a status policy; ' +
        'write "rfc9209", "nginx", "haproxy", "envoy" or a function',
    ],
    [
      { upstreams, statusPolicy: null },
      "statusPolicy: null is not a status policy; " +
        'write "rfc9209", "nginx", "haproxy", "envoy" or a function',
    ],
    [{ upstreams, onWarning: "log" }, 'onWarning: "log" is not a function'],
    [
      { upstreams, defaults: false },
      "defaults: false is not an object such as { timeouts: { totalMs: 8_000 } }",
    ],
    [
      { upstreams, defaults: { targets: URL_1 } },
      'defaults.targets: unknown option; "targets" belongs in each upstream',
    ],
    [
      { upstreams: { orders: URL_1 } },
      `upstreams.orders: "${URL_1}" is not an object; did you mean { targets: "${URL_1}" }?`,
    ],
    [
      { upstreams: { orders: [URL_1] } },
      "upstreams.orders: an array is not an object; did you mean { targets: […] }?",
    ],
    [
      { upstreams: { orders: null } },
      'upstreams.orders: null is not an object; write { targets: "http://127.0.0.1:8080" }',
    ],
    [
      { upstreams: { "": { targets: URL_1 } } },
      'upstreams[""]: the name of an upstream must not be empty',
    ],
  ])("%j is told as %s", (options, problem) => {
    expect(problemsOf(options)).toEqual([problem]);
  });

  it("tells a problem of the defaults once, however many upstreams there are", () => {
    const defaults = { timeouts: { totalMs: -1 } };
    const two = { orders: { targets: URL_1 }, search: { targets: URL_1 } };
    expect(problemsOf({ upstreams: two, defaults })).toEqual([
      "defaults.timeouts.totalMs: -1 is not a number of milliseconds above 0; " +
        "write Infinity for no limit",
    ]);
  });
});

describe("names that are no options", () => {
  const all =
    "targets, discover, fallback, upstreamFor, mirror, quota, routes, timeouts, retry, hedge, " +
    "breaker, bulkhead, adaptiveLimit, priority, " +
    "throttle, pace, cache, chaos, limits, addresses, ejection, slowStart, panic, probe, layers, " +
    "trustProxyStatus, allowH2, allowBareLineFeeds, required and balance";

  it.each([
    [{ timeout: 5_000 }, 'timeout: unknown option; did you mean "timeouts.totalMs"?'],
    [{ timeout: { totalMs: 5_000 } }, 'timeout: unknown option; did you mean "timeouts"?'],
    [
      { retries: 2 },
      "retries: unknown option; " +
        'did you mean "retry.attemptsMax", which counts the first attempt, too?',
    ],
    [
      { maxRetries: 2 },
      "maxRetries: unknown option; " +
        'did you mean "retry.attemptsMax", which counts the first attempt, too?',
    ],
    [{ circuitBreaker: {} }, 'circuitBreaker: unknown option; did you mean "breaker"?'],
    [{ target: URL_1 }, 'target: unknown option; did you mean "targets"?'],
    [{ healthCheck: {} }, 'healthCheck: unknown option; did you mean "probe"?'],
    [{ maxSockets: 5 }, 'maxSockets: unknown option; did you mean "limits.connectionsMax"?'],
    [{ connectMs: 5 }, 'connectMs: unknown option; "connectMs" belongs in timeouts'],
    [{ queueMax: 5 }, 'queueMax: unknown option; "queueMax" belongs in bulkhead'],
    [
      { weight: 2 },
      "weight: unknown option; " + '"weight" belongs in a target: { url, weight, … }',
    ],
    [{ ca: PEM }, 'ca: unknown option; "ca" belongs in tls of a target'],
    [
      { statusPolicy: "nginx" },
      'statusPolicy: unknown option; "statusPolicy" belongs in createGateway itself',
    ],
    [
      { changeOrigin: true },
      "changeOrigin: unknown option; the Host field is a setting of the " +
        'adapter, such as expressProxy(upstream, { host: "target" })',
    ],
    [
      { pathRewrite: {} },
      "pathRewrite: unknown option; paths are a setting of the adapter, " +
        "such as expressProxy(upstream, { rewritePath })",
    ],
    [
      { host: "target" },
      'host: unknown option; "host" is an option of proxies, such as ' +
        "nodeProxy(upstream, { host }), and of a target: { url, host }",
    ],
    [{ host: "http://a" }, 'host: unknown option; did you mean "targets"?'],
    [
      { rewritePath: () => "/" },
      'rewritePath: unknown option; "rewritePath" is an option of proxies, such as ' +
        "nodeProxy(upstream, { rewritePath })",
    ],
    [{ foo: 1 }, `foo: unknown option; there are ${all}`],
    [{ toString: 1 }, `toString: unknown option; there are ${all}`],
    [
      { retry: { retries: 2 } },
      "retry.retries: unknown option; " +
        'did you mean "attemptsMax", which counts the first attempt, too?',
    ],
    [
      { retry: { "attempts-max": 2 } },
      'retry["attempts-max"]: unknown option; did you mean "attemptsMax"?',
    ],
    [
      { retry: { responseMs: 2 } },
      'retry.responseMs: unknown option; "responseMs" belongs in timeouts',
    ],
    [
      { retry: { statusCodes: [503] } },
      "retry.statusCodes: unknown option; " +
        "the failure and the method decide what may be repeated",
    ],
    [
      { retry: { factor: 2 } },
      "retry.factor: unknown option; " + "the wait doubles with each repeat, with full jitter",
    ],
    [
      { breaker: { errorThresholdPercentage: 50 } },
      "breaker.errorThresholdPercentage: " +
        'unknown option; did you mean "failureRatio", which is a ratio up to 1?',
    ],
    [
      { breaker: { resetTimeout: 5 } },
      'breaker.resetTimeout: unknown option; did you mean "openMs"?',
    ],
    [
      { bulkhead: { maxConcurrent: 5 } },
      'bulkhead.maxConcurrent: unknown option; did you mean "concurrencyMax"?',
    ],
    [
      { timeouts: { proxyTimeout: 5 } },
      'timeouts.proxyTimeout: unknown option; did you mean "responseMs"?',
    ],
    [
      { limits: { foo: 5 } },
      "limits.foo: unknown option; " +
        "there are requestBodyBytesMax, responseBodyBytesMax, connectionsMax, " +
        "connectionAgeMsMax, upgradesMax, " +
        "responseHeaderSectionBytesMax, responseHeaderBytesMax, responseHeadersCountMax, " +
        "trailerSectionBytesMax, trailerBytesMax and clientBytesPerSecondMin",
    ],
  ])("%j is told as %s", (options, problem) => {
    expect(withTarget(options)).toEqual([problem]);
  });

  it("does not call the targets missing when another name was meant for them", () => {
    expect(ofUpstream({ url: URL_1 })).toEqual(['url: unknown option; did you mean "targets"?']);
    expect(ofUpstream({ tragets: [] })).toEqual([
      'tragets: unknown option; did you mean "targets"?',
    ]);
    expect(ofUpstream({})).toEqual([
      'targets: missing; write where to send calls, such as "http://127.0.0.1:8080"',
    ]);
  });
});

describe("sections", () => {
  const shapes = (name: string) =>
    "is not a valid value; leave it out for the defaults, " +
    `write { ${name}: … } to configure it, or false to switch it off`;

  it.each([
    [{ retry: true }, `retry: true ${shapes("attemptsMax")}`],
    [{ retry: null }, `retry: null ${shapes("attemptsMax")}`],
    [{ breaker: true }, `breaker: true ${shapes("consecutiveFailures")}`],
    [{ bulkhead: "on" }, `bulkhead: "on" ${shapes("concurrencyMax")}`],
    [{ bulkhead: [] }, `bulkhead: [] ${shapes("concurrencyMax")}`],
    [{ retry: 3 }, "retry: 3 is not an object; did you mean { attemptsMax: 3 }?"],
    [{ timeouts: 5_000 }, "timeouts: 5_000 is not an object; did you mean { totalMs: 5_000 }?"],
    [
      { timeouts: false },
      "timeouts: false is not an object such as { totalMs: … }; " +
        "write Infinity for each value without a limit",
    ],
    [{ limits: null }, "limits: null is not an object such as { connectionsMax: … }"],
    [
      { adaptiveLimit: "on" },
      'adaptiveLimit: "on" is not a valid value; ' +
        "write true for the defaults, { concurrencyStart: … }, or false",
    ],
    [
      { adaptiveLimit: 50 },
      "adaptiveLimit: 50 is not an object; did you mean { concurrencyStart: 50 }?",
    ],
    [{ probe: true }, 'probe: true is neither { path: "/healthz" } nor false'],
    [
      { probe: { path: "healthz" } },
      'probe.path: "healthz" is not a path such as "/healthz"; did you mean "/healthz"?',
    ],
    [{ probe: { path: 1 } }, 'probe.path: 1 is not a path such as "/healthz"'],
    [
      { probe: "/healthz" },
      'probe: "/healthz" is neither { path: "/healthz" } nor false; ' +
        'did you mean { path: "/healthz" }?',
    ],
    [
      { probe: { path: "http://a/up" } },
      'probe.path: "http://a/up" is not a path such as "/healthz"; did you mean "/up"?',
    ],
    [{ probe: {} }, 'probe: has nothing to probe; write { path: "/healthz" }, or { tcp: true }'],
    [
      { probe: { path: "/up", tcp: true } },
      "probe.tcp: only connects, so it contradicts path; leave one out",
    ],
    [{ probe: { path: "/", fall: 0 } }, "probe.fall: 0 is not an integer of at least 1"],
    [{ probe: { path: "/", rises: 2 } }, 'probe.rises: unknown option; did you mean "rise"?'],
    [
      { probe: { path: "/", interval: 2 } },
      'probe.interval: unknown option; did you mean "intervalMs"?',
    ],
    [
      { probe: { path: "/", expect: 204 } },
      "probe.expect: 204 is not an object such as { status: 204 }; did you mean { status: 204 }?",
    ],
    [
      { probe: { path: "/", expect: { status: "20x" } } },
      'probe.expect.status: "20x" is neither a status such as 204 nor a class: "2xx"',
    ],
    [
      { probe: { path: "/", expect: { status: [200, 99] } } },
      'probe.expect.status[1]: 99 is neither a status such as 204 nor a class: "2xx"',
    ],
    [
      { probe: { path: "/", expect: { status: [] } } },
      "probe.expect.status: is empty; no answer could pass",
    ],
    [
      { probe: { path: "/", expect: { body: "" } } },
      'probe.expect.body: "" is neither a text to look for nor a regular expression',
    ],
    [
      { probe: { tcp: true, expect: { status: 200 } } },
      "probe.expect: expects an answer; tcp: true only connects",
    ],
    [
      { trustProxyStatus: "true" },
      'trustProxyStatus: "true" is not true or false; did you mean true?',
    ],
    [{ trustProxyStatus: 1 }, "trustProxyStatus: 1 is not true or false"],
    [
      { allowBareLineFeeds: "true" },
      'allowBareLineFeeds: "true" is not true or false; did you mean true?',
    ],
    [{ allowH2: "h2" }, 'allowH2: "h2" is not true, false or "h2c"'],
  ])("%j is told as %s", (options, problem) => {
    expect(withTarget(options)).toEqual([problem]);
  });
});

describe("numbers", () => {
  const ms = "is not a number of milliseconds above 0";
  const nan = "NaN comes from a text that is not a number, or from undefined";

  it.each([
    ["timeouts.connectMs", 0, `0 ${ms}; write Infinity for no limit`],
    ["timeouts.responseMs", "2s", `"2s" ${ms}; did you mean 2_000?`],
    ["timeouts.responseMs", "1.1 sec", `"1.1 sec" ${ms}; did you mean 1_100?`],
    ["timeouts.responseMs", "2000", `"2000" ${ms}; did you mean 2_000?`],
    ["timeouts.responseMs", "soon", `"soon" ${ms}`],
    ["timeouts.idleMs", null, `null ${ms}; leave it out for the default`],
    ["timeouts.totalMs", Number.NaN, `NaN ${ms}; ${nan}`],
    ["timeouts.totalMs", -1, `-1 ${ms}; write Infinity for no limit`],
    ["timeouts.bodyMs", 5_000n, `5000n ${ms}; did you mean 5_000?`],
    ["timeouts.bodyMs", new Date(0), `an object ${ms}`],
    ["timeouts.bodyMs", () => 1, `a function ${ms}`],
    ["timeouts.bodyMs", Symbol("x"), `a symbol ${ms}`],
    [
      "retry.attemptsMax",
      0,
      "0 is not an integer of at least 1; write retry: false to make one attempt only",
    ],
    ["retry.attemptsMax", 2.7, "2.7 is not an integer of at least 1; did you mean 3?"],
    [
      "retry.attemptsMax",
      Number.POSITIVE_INFINITY,
      "Infinity is not an integer of at least 1; attempts must be finite",
    ],
    ["retry.replayBodyBytesMax", -1, "-1 is not an integer of at least 0"],
    [
      "retry.replayBodyBytesMax",
      "64kb",
      '"64kb" is not an integer of at least 0; ' + "did you mean 65_536?",
    ],
    [
      "retry.replayBodyBytesMax",
      Number.POSITIVE_INFINITY,
      "Infinity is not an integer of at least 0; bodies are kept in memory for a repeat",
    ],
    ["retry.backoffBaseMs", -5, "-5 is not a finite number of milliseconds of at least 0"],
    ["retry.backoffMsMax", -5, "-5 is not a number of milliseconds of at least 0"],
    ["retry.budgetRatio", -0.1, "-0.1 is not a finite number of at least 0"],
    ["retry.budgetRatio", "20%", '"20%" is not a finite number of at least 0; did you mean 0.2?'],
    [
      "retry.budgetRatio",
      Number.POSITIVE_INFINITY,
      "Infinity is not a finite number of at " +
        "least 0; write budgetFloorPerSecond: Infinity for no budget",
    ],
    ["retry.budgetFloorPerSecond", -1, "-1 is not a number of at least 0"],
    [
      "breaker.consecutiveFailures",
      0,
      "0 is not an integer of at least 1, or Infinity; write " +
        "Infinity to leave it to failureRatio, or breaker: false for no breaker",
    ],
    ["breaker.failureRatio", 50, "50 is not a ratio above 0, up to 1; did you mean 0.5?"],
    ["breaker.failureRatio", 1.5, "1.5 is not a ratio above 0, up to 1"],
    [
      "breaker.failureRatio",
      0,
      "0 is not a ratio above 0, up to 1; " +
        "write volumeMin: Infinity to leave it to consecutiveFailures",
    ],
    ["breaker.volumeMin", 0.5, "0.5 is not an integer of at least 1, or Infinity"],
    [
      "breaker.windowMs",
      Number.POSITIVE_INFINITY,
      "Infinity is not a finite number of milliseconds above 0",
    ],
    ["breaker.openMs", 0, "0 is not a finite number of milliseconds above 0"],
    ["breaker.openMsMax", 0, `0 ${ms}; write Infinity for no limit`],
    ["breaker.trialSuccesses", 0, "0 is not an integer of at least 1"],
    [
      "bulkhead.concurrencyMax",
      0,
      "0 is not an integer of at least 1; write bulkhead: false for no limit",
    ],
    [
      "bulkhead.concurrencyMax",
      Number.POSITIVE_INFINITY,
      "Infinity is not an integer of at least 1; write bulkhead: false for no limit",
    ],
    [
      "bulkhead.queueMax",
      Number.POSITIVE_INFINITY,
      "Infinity is not an integer of at least 0; a queue must be finite",
    ],
    ["bulkhead.queueMs", 0, `0 ${ms}; write queueMax: 0 to let no call wait`],
    [
      "limits.requestBodyBytesMax",
      "1mb",
      '"1mb" is not an integer of at least 0, or Infinity; did you mean 1_048_576?',
    ],
    [
      "limits.responseBodyBytesMax",
      0,
      "0 is not an integer of at least 1, or Infinity; write Infinity for no limit",
    ],
    [
      "limits.connectionsMax",
      10.2,
      "10.2 is not an integer of at least 1, or Infinity; did you mean 10?",
    ],
  ] as const)("%s: %s is told as such", (path, value, problem) => {
    const [section, name] = path.split(".") as [string, string];
    expect(withTarget({ [section]: { [name]: value } })).toEqual([`${path}: ${problem}`]);
  });
});

describe("targets", () => {
  const example = "http://127.0.0.1:8080";

  it.each([
    ["10.0.0.5:8080", '"10.0.0.5:8080" has no scheme; did you mean "http://10.0.0.5:8080"?'],
    ["orders", '"orders" has no scheme; did you mean "http://orders"?'],
    ["[::1]:80/a", '"[::1]:80/a" has no scheme; did you mean "http://[::1]:80/a"?'],
    ["orders:443/v1", '"orders:443/v1" has no scheme; did you mean "https://orders:443/v1"?'],
    [
      "/run/app.sock",
      '"/run/app.sock" is not the address of a unix socket; ' +
        'did you mean "unix:/run/app.sock"?',
    ],
    [
      "http://unix:/run/app.sock:/v1",
      '"http://unix:/run/app.sock:/v1" is not the address of a ' +
        'unix socket; did you mean "unix:/run/app.sock"?',
    ],
    [
      "http://a:1, http://b:2",
      '"http://a:1, http://b:2" is a list in one text; ' +
        'did you mean ["http://a:1", "http://b:2"]?',
    ],
    [
      "http://a:1,http:b",
      '"http://a:1,http:b" is not an address that can be asked; ' +
        'write it like "http://127.0.0.1:8080" ' +
        '("http://host:port", "https://host" or "unix:/path")',
    ],
    [
      "http://me:secret@a",
      '"http://a": credentials do not belong in the address; ' +
        'write "http://a" and send an Authorization field',
    ],
    [
      "me:secret@a",
      '"me:secret@a" is not an address that can be asked; ' +
        'write it like "http://a" ("http://host:port", "https://host" or "unix:/path")',
    ],
    [
      "",
      `"" is not an address that can be asked; write it like "${example}" ` +
        '("http://host:port", "https://host" or "unix:/path")',
    ],
    [undefined, `undefined is not a target; write "${example}" or { url, weight }`],
    [8080, `8_080 is not a target; write "${example}" or { url, weight }`],
    [new URL("http://a:1/b"), 'a URL object is not a target; did you mean "http://a:1/b"?'],
  ])("%s is told as %s", (target, problem) => {
    expect(withTargets(URL_1, target)).toEqual([`targets[1]: ${problem}`]);
  });

  it.each([
    [{}, `url: missing; write one such as "${example}"`],
    [{ url: 5 }, `url: 5 is not an address; write one such as "${example}"`],
    [{ url: "a:1" }, 'url: "a:1" has no scheme; did you mean "http://a:1"?'],
    [{ href: "http://a" }, 'href: unknown option; did you mean "url"?'],
    [{ url: "http://a", weigth: 2 }, 'weigth: unknown option; did you mean "weight"?'],
    [
      { url: "http://a", weight: 0 },
      "weight: 0 is not a number above 0; to send nothing there, leave the target out",
    ],
    [{ url: "http://a", weight: "2" }, 'weight: "2" is not a number above 0'],
    [
      { url: "http://a", weight: Number.POSITIVE_INFINITY },
      "weight: Infinity is not a number above 0",
    ],
    [
      { url: "http://a", socketPath: "run/a.sock" },
      'socketPath: "run/a.sock" is not the absolute path of a unix socket',
    ],
    [
      { url: "http://a", tls: {} },
      'url: "http://a": tls is given but the address is not ' +
        'encrypted; write "https://a" or leave tls out',
    ],
    [{ url: "https://a", ca: PEM }, 'ca: unknown option; "ca" belongs in tls of a target'],
    [
      { url: "https://a", tls: true },
      'tls: true is not an object such as { ca: readFileSync("ca.pem") }',
    ],
    [
      { url: "https://a", tls: { rejectUnauthorised: false } },
      'tls.rejectUnauthorised: unknown option; did you mean "rejectUnauthorized"?',
    ],
    [
      { url: "https://a", tls: { insecure: true } },
      "tls.insecure: unknown option; " +
        'did you mean "rejectUnauthorized", which has the opposite meaning?',
    ],
    [
      { url: "https://a", tls: { rejectUnauthorized: "false" } },
      'tls.rejectUnauthorized: "false" is not true or false; did you mean false?',
    ],
    [
      { url: "https://a", tls: { ca: "/etc/ca.pem" } },
      'tls.ca: "/etc/ca.pem" is not in PEM ' + 'form; did you mean readFileSync("/etc/ca.pem")?',
    ],
    [
      { url: "https://a", tls: { ca: [PEM, null] } },
      "tls.ca[1]: null is neither text in PEM form nor a Buffer",
    ],
    [
      { url: "https://a", tls: { key: "hunter2", cert: PEM } },
      "tls.key: the text is not in PEM form, which begins with -----BEGIN",
    ],
    [
      { url: "https://a", tls: { cert: PEM } },
      "tls.cert: has no effect without key; write both or neither",
    ],
    [
      { url: "https://a", tls: { key: PEM } },
      "tls.key: has no effect without cert; write both or neither",
    ],
    [{ url: "https://a", tls: { servername: "" } }, 'tls.servername: "" is not the name of a host'],
  ])("%j is told as %s", (target, problem) => {
    expect(withTargets(target)).toEqual([`targets[0].${problem}`]);
  });

  it("tells every wrong target and names a single one without a number", () => {
    expect(withTargets("a:1", "b:2")).toEqual([
      'targets[0]: "a:1" has no scheme; did you mean "http://a:1"?',
      'targets[1]: "b:2" has no scheme; did you mean "http://b:2"?',
    ]);
    expect(ofUpstream({ targets: "a:1" })).toEqual([
      'targets: "a:1" has no scheme; did you mean "http://a:1"?',
    ]);
    expect(ofUpstream({ targets: { url: "a:1" } })).toEqual([
      'targets.url: "a:1" has no scheme; did you mean "http://a:1"?',
    ]);
  });

  it("tells that there are none, or one twice, however it is written", () => {
    expect(withTargets()).toEqual([
      `targets: is empty; write at least one address, such as ["${example}"]`,
    ]);
    expect(withTargets("http://a", "http://b", { url: "http://A:80/" })).toEqual([
      'targets[2]: "http://a" is upstreams.orders.targets[0] already; ' +
        'give one of them a weight, such as { url: "http://a", weight: 2 }',
    ]);
  });

  it("shows no more of a long text than helps to find it", () => {
    const [problem] = ofUpstream({ targets: URL_1, retry: "x".repeat(500) });
    expect(problem).toContain(`retry: "${"x".repeat(80)}…" is not a valid`);
  });
});

describe("a single upstream", () => {
  it("throws the same, with the path of the upstream", () => {
    const options = { targets: "a:1" } as UpstreamOptions;
    expect(() => normaliseUpstream("https://a:1", options, { retry: 2 as never })).toThrow(
      new GatewayOptionsError([
        "defaults.retry: 2 is not an object; did you mean { attemptsMax: 2 }?",
        'upstreams["https://a:1"].targets: "a:1" has no scheme; did you mean "http://a:1"?',
      ]),
    );
  });
});

describe("callers that are told apart", () => {
  it.each([
    [{ by: "x-user" }, 'bulkhead.by: "x-user" is not a key; write { header: "x-user" }'],
    [{ by: { header: "a b" } }, "bulkhead.by: does not name one field or one cookie"],
    [{ by: { field: "x-user" } }, 'bulkhead.by.field: unknown option; did you mean "header"?'],
    [{ callerShare: 1 }, "bulkhead.callerShare: 1 is not a ratio above 0, below 1; leave out"],
    [{ callerShare: 50 }, "is not a ratio above 0, below 1; did you mean 0.5?"],
  ])("%j", (bulkhead, problem) => {
    expect(withTarget({ bulkhead })[0]).toContain(problem);
  });

  it("a share without a key has no effect, which is a warning", () => {
    const warnings = (bulkhead: object) =>
      normaliseGateway({ upstreams: { orders: { targets: URL_1, bulkhead } } }).warnings;
    expect(warnings({ callerShare: 0.3 })).toEqual([
      "upstreams.orders.bulkhead.callerShare: has no effect without bulkhead.by, " +
        "which identifies callers",
    ]);
    expect(warnings({ callerShare: 0.3, by: { header: "x-user" } })).toEqual([]);
  });
});

describe("slow calls", () => {
  it("warn where they cannot count", () => {
    const warnings = (breaker: object) =>
      normaliseGateway({ upstreams: { orders: { targets: URL_1, breaker } } }).warnings;
    expect(warnings({ slowRatio: 0.3 })).toEqual([
      "upstreams.orders.breaker.slowRatio: has no effect without breaker.slowCallMs",
    ]);
    expect(warnings({ slowCallMs: 10_000 })).toEqual([
      "upstreams.orders.breaker.slowCallMs: 10_000 is not below timeouts.responseMs (10_000), " +
        "which ends it first",
    ]);
    expect(warnings({ slowCallMs: 9_000, slowRatio: 1 })).toEqual([]);
  });
});
