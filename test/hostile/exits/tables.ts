/**
 * Lists and tables that names, paths and failures from outside fill, and work that they make: the
 * oldest makes room, or the work ends, and the next one is served as the first was.
 */
import { createGateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { emitter } from "../../../src/base/emitter.js";
import { ACCESS_LOG } from "../../../src/catalog/access-log-defaults.js";
import { DASHBOARD } from "../../../src/catalog/dashboard-defaults.js";
import { BREAKER, EVIDENCE, GATEWAY, LIMITS, NAMES } from "../../../src/catalog/defaults.js";
import { DIAGNOSIS, HEALTH, INCIDENT } from "../../../src/catalog/health-defaults.js";
import { classifyError } from "../../../src/core/classify.js";
import { Timeline } from "../../../src/core/timeline.js";
import { collect } from "../../../src/dashboard/collector.js";
import { failureLedger } from "../../../src/diagnosis/failure-ledger.js";
import { madeOrigins } from "../../../src/gateway/origin-index.js";
import { createCheck } from "../../../src/lifecycle/health/health-check.js";
import { createWarnings } from "../../../src/lifecycle/warnings.js";
import { createIncidents } from "../../../src/records/incidents.js";
import { createBreaker } from "../../../src/targets/breaker.js";
import { HostNames } from "../../../src/targets/names/host-names.js";
import { keyOf, RouteLedger } from "../../../src/targets/route-ledger.js";
import { routeOf } from "../../../src/targets/route-of.js";
import { writeLines } from "../../../src/telemetry/line-writer.js";
import { virtualClock } from "../../../src/testing/index.js";
import { type Came, type Exits, list, type Vessel, working } from "./exit.js";

const at = (path: string) => ({ method: "GET", path });

/** Letters, so that no part of a path looks like an id. */
const letters = (count: number): string =>
  [...String(count)].map((digit) => "abcdefghij"[Number(digit)]).join("");

function origins(): Vessel {
  const kept = new Set<string>();
  const made = madeOrigins<{ name: string; busy: boolean; close(): void }>(
    GATEWAY.originsMax,
    ({ name }) => void kept.delete(name),
  );
  return list(GATEWAY.originsMax, {
    add(count) {
      kept.add(`origin ${count}`);
      made.add({ name: `origin ${count}`, busy: false, close: () => {} });
    },
    size: () => kept.size,
    has: (count) => kept.has(`origin ${count}`),
  });
}

function warnings(): Vessel {
  const made = createWarnings(() => {});
  return list(GATEWAY.warningsMax, {
    add: (count) => made.warn(`warning ${count}`),
    size: () => made.reported().length,
    has: (count) => made.reported().some(({ message }) => message === `warning ${count}`),
  });
}

function routes(): Vessel {
  const ledger = new RouteLedger({ now: () => 0 }, 5);
  return list(EVIDENCE.routesMax, {
    add: (count) => ledger.failed(at(`/${letters(count)}`)),
    size: () => ledger.size,
    has: (count) => ledger.suspects(at(`/${letters(count)}`)),
  });
}

function incidents(): Vessel {
  const made = createIncidents(emitter(), () => ({}) as never);
  const evidence = (): never => ({ facts: () => ({}) }) as never;
  return list(INCIDENT.keptMax, {
    add(count) {
      const seen = evidence();
      const listener = made.listenerFor("app", `target ${count}`);
      listener.started(seen);
      listener.ended(seen);
    },
    size: () => made.list().length,
    has: (count) => made.list().some(({ target }) => target === `target ${count}`),
  });
}

const EXCHANGE = { target: "a", code: "connection_refused", method: "GET", reused: false } as const;

function failures(): Vessel {
  const ledger = failureLedger({ now: () => 0, wallNow: () => 0 });
  return list(DIAGNOSIS.entriesMax, {
    add: (count) =>
      ledger.failed({ ...EXCHANGE, socketAgeMs: null, restedMs: null, path: `/${letters(count)}` }),
    size: () => ledger.entries().length,
    has: (count) => ledger.entries().at(-1)?.route === `/${letters(count)}`,
  });
}

function successes(): Vessel {
  const ledger = failureLedger({ now: () => 0, wallNow: () => 0 });
  return list(DIAGNOSIS.successesMax, {
    add: (count) => ledger.succeeded("a", `/${letters(count)}`, false),
    size: () => ledger.latestSuccesses(1e6).length,
    has: (count) => ledger.latestSuccesses(1)[0]?.route === `/${letters(count)}`,
  });
}

/** Every name is found at once; one that is forgotten is looked up again. */
function names(): Vessel {
  const found: string[] = [];
  const known = new HostNames({ now: () => 0 }, (name) => {
    found.push(name);
    return Promise.resolve({ addresses: [{ address: "10.0.0.1", family: 4 }], ttlMs: 60_000 });
  });
  const ask = (name: string): Promise<void> =>
    new Promise((resolve) => known.addresses(name, () => resolve()));
  let count = 0;
  const flood = async (): Promise<void> => {
    for (let turn = 0; turn <= NAMES.namesMax; turn += 1) {
      count += 1;
      await ask(`host-${count}`);
    }
  };
  return {
    full: "served",
    async fill() {
      await ask("first");
      await flood();
    },
    async next(): Promise<Came> {
      const before = found.length;
      await ask("first");
      if (found.length !== before + 1) throw new Error("the first name was kept");
      return "served";
    },
    leave: flood,
  };
}

/** One trial of a breaker is under way, and is lost. */
function trials(): Vessel {
  let now = 0;
  const random = { next: () => 0 };
  const breaker = createBreaker({ now: () => now }, random, BREAKER, () => {});
  for (let turn = 0; turn < BREAKER.consecutiveFailures; turn += 1) {
    const permit = breaker.admit();
    if ("settle" in permit) permit.settle("failure");
  }
  return {
    full: "refused",
    fill() {
      now += BREAKER.openMsMax * 2;
      breaker.admit();
    },
    next: () => ("deniedForMs" in breaker.admit() ? "refused" : "served"),
    leave() {
      now += BREAKER.trialMs;
    },
  };
}

/** Runs of a check that hang, and are settled at last. */
function hungRuns(): Vessel {
  const clock = virtualClock();
  const settle: (() => void)[] = [];
  let hangs = true;
  const run = (): Promise<unknown> =>
    hangs ? new Promise((resolve) => settle.push(() => resolve("ok"))) : Promise.resolve("ok");
  const settings = { intervalMs: null, cacheMs: 0, timeoutMs: 100, critical: true } as never;
  const check = createCheck(clock, "database", run, settings, () => {});
  const ask = async (): Promise<Came> => {
    const asked = check.ask();
    await clock.advance(101);
    return (await asked).status === "pass" ? "served" : "refused";
  };
  return {
    full: "refused",
    async fill() {
      hangs = true;
      for (let turn = 0; turn < HEALTH.hungRunsMax + 3; turn += 1) await ask();
      if (settle.length > HEALTH.hungRunsMax) throw new Error(`${settle.length} runs hang`);
    },
    async next() {
      const before = settle.length;
      const came = await ask();
      if (came === "refused" && settle.length > before) throw new Error("one more run hangs");
      return came;
    },
    async leave() {
      hangs = false;
      for (const one of settle.splice(0)) one();
      await clock.advance(1);
    },
  };
}

/** A stream of a log that is not read, and then is. */
function unwritten(): Vessel {
  const lines: string[] = [];
  const stream = { writableLength: 0, write: (text: string) => void lines.push(text) };
  let write = (_calls: readonly object[]): void => {};
  const follow = (take: typeof write) => {
    write = take;
    return () => {};
  };
  const stop = writeLines(stream, { follow, flush: () => {} } as never, {
    of: () => "line",
    isAscii: true,
  });
  return {
    full: "refused",
    fill() {
      stream.writableLength = ACCESS_LOG.unwrittenBytesMax + 1;
    },
    next() {
      const before = lines.length;
      write([{}]);
      return lines.length > before ? "served" : "refused";
    },
    leave() {
      stream.writableLength = 0;
    },
    close: stop,
  };
}

/** Calls to this machine that are refused, as a page collects them. */
function collected() {
  const clock = virtualClock();
  const gateway = createGateway({ defaults: { retry: false }, onWarning: () => {} });
  const collector = collect(gateway, clock);
  const call = gatewayFetch(gateway);
  return {
    ...{ clock, gateway, collector },
    ask: (url: string) => call(url).catch(() => {}),
    close() {
      collector.stop();
      gateway.close();
    },
  };
}

function failedCalls(): Vessel {
  const { ask, collector, close } = collected();
  const origin = "http://127.0.1.1:9";
  const failures = () => collector.upstreams.get(origin)?.failures() ?? [];
  const vessel = list(DASHBOARD.failuresMax, {
    add: async (count) => void (await ask(`${origin}/${letters(count)}`)),
    size: () => failures().length,
    has: (count) => JSON.stringify(failures().at(-1)).includes(`/${letters(count)}`),
  });
  return { ...vessel, close };
}

/** Origins that users have named: what has made room in the gateway makes room on the page. */
function shownUpstreams(): Vessel {
  const { ask, clock, collector, close } = collected();
  let count = 0;
  const name = async (): Promise<string> => {
    count += 1;
    const origin = `http://127.0.${2 + Math.floor(count / 250)}.${1 + (count % 250)}:9`;
    await ask(origin);
    return origin;
  };
  return {
    full: "served",
    async fill() {
      await Promise.all(Array.from({ length: GATEWAY.originsMax }, name));
    },
    async next() {
      // Looked at once in a slot.
      await clock.advance(DASHBOARD.slotMs);
      const origin = await name();
      if (collector.upstreams.size > DASHBOARD.upstreamsMax) throw new Error("too many are kept");
      return collector.upstreams.has(origin) ? "served" : "refused";
    },
    leave: () => {},
    close,
  };
}

const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
const nested = (depth: number): Error => {
  let error: Error = refused;
  for (let turn = 0; turn < depth; turn += 1) error = new Error("outer", { cause: error });
  return error;
};
const readsThrough = (error: Error): Came =>
  classifyError(new Timeline(0), null, error) === "connection_refused" ? "served" : "refused";

export const TABLE_EXITS: Exits = {
  "GATEWAY.originsMax": origins,
  "GATEWAY.warningsMax": warnings,
  "EVIDENCE.routesMax": routes,
  "INCIDENT.keptMax": incidents,
  "DIAGNOSIS.entriesMax": failures,
  "DIAGNOSIS.successesMax": successes,
  "NAMES.namesMax": names,
  "BREAKER.trialsMax": trials,
  "DASHBOARD.failuresMax": failedCalls,
  "DASHBOARD.upstreamsMax": shownUpstreams,
  "HEALTH.hungRunsMax": hungRuns,
  "ACCESS_LOG.unwrittenBytesMax": unwritten,
  "LIMITS.causeDepthMax": () =>
    working(
      () => readsThrough(nested(LIMITS.causeDepthMax * 1_000)),
      () => readsThrough(nested(LIMITS.causeDepthMax - 2)),
    ),
  "LIMITS.causeErrorsMax": () => {
    const among = (count: number): Error =>
      new AggregateError([...Array.from({ length: count }, () => new Error("x")), refused]);
    return working(
      () => readsThrough(among(LIMITS.causeErrorsMax * 1_000)),
      () => readsThrough(among(1)),
    );
  },
  "EVIDENCE.routeCharsMax": () => {
    const fits = (path: string): Came => {
      const key = keyOf(at(path));
      if (key.length > EVIDENCE.routeCharsMax + 40) throw new Error(`${key.length} characters`);
      return key === `GET ${path}` ? "served" : "refused";
    };
    return working(
      () => fits(`/${"a b".repeat(5_000)}`),
      () => fits("/orders"),
    );
  },
  "DIAGNOSIS.routeSegmentsMax": () => {
    const fits = (path: string): Came => (routeOf(path) === path ? "served" : "refused");
    return working(
      () => fits("/a".repeat(8_000)),
      () => fits("/a/b"),
    );
  },
};
