/**
 * Three instances that fail in turn, under an open loop of calls, on virtual time and from a seed.
 *
 * A is down from 3 to 8 s (its port closed, its connections reset), B takes calls and never answers
 * from 8 to 13 s, C answers 503 to everything from 13 to 17 s. The upstream is a real one with its
 * defaults, but for `responseMs: 2000` and `connectMs: 1000`; only wire and probes are played. What
 * each instance executes is counted by it, so that a call that acted twice is seen.
 */
import { emitter } from "../../src/base/emitter.js";
import { seededRandom } from "../../src/base/random.js";
import { createUpstream } from "../../src/gateway/upstream.js";
import { normaliseUpstream } from "../../src/options/normalise.js";
import type { UpstreamOptions } from "../../src/options/options.js";
import type { GatewayEvents } from "../../src/records/events.js";
import { answeredTransport, type Sent } from "../../src/testing/answered-transport.js";
import { virtualClock } from "../../src/testing/virtual-clock.js";
import { requestOf } from "../pipe/world.js";
import { simulatedParts } from "./parts.js";

export interface ThreeInstancesOptions {
  readonly seed: number;
  readonly method: "GET" | "POST";
  /** @default 2000 */
  readonly perSecond?: number;
  /** How long calls come. @default 20 */
  readonly seconds?: number;
  /** What is changed of the defaults. */
  readonly upstream?: Partial<UpstreamOptions>;
  /** @default 3 */
  readonly instances?: number;
  /** What becomes of them, in place of the three outages. */
  readonly script?: Script;
  /** The weight of the first instance. @default 1 */
  readonly weight?: number;
  /** What every instance answers a call at once; null to serve it. @default all are served */
  readonly refuses?: (call: number) => AtOnce | null;
  /** Fields of each call; names and values in turn. @default none */
  readonly headersOf?: (call: number) => readonly string[];
}

export interface ThreeInstancesResult {
  readonly calls: number;
  readonly answeredWell: number;
  /** Exchanges for each call. */
  readonly tries: number;
  /** The share of all exchanges that each instance was sent. */
  readonly shares: readonly number[];
  /** When the calls came that each instance executed, in milliseconds, in that order. */
  readonly executedAt: readonly (readonly number[])[];
  /** Of the calls that were answered well, in milliseconds. */
  readonly p99: number;
  readonly max: number;
  readonly executedTwice: number;
  /** Exchanges that waited for the silent instance. */
  readonly onSilent: number;
  /** Calls that failed, by what became of them at the instances. */
  readonly failed: Readonly<Record<string, number>>;
  /** Calls that were refused although an instance was well all the time. */
  readonly refusedInVain: number;
  readonly history: readonly string[];
}

/** Which instance becomes what, and when. */
export type Script = readonly (readonly [atMs: number, instance: number, state: State])[];

const SECONDS = 20;
const WORK_MS_MIN = 5;
const WORK_MS_MAX = 15;
/** How long it takes until a connection is refused, or a reset arrives. */
const ROUND_TRIP_MS = 0.5;

export type State = "normal" | "down" | "silent" | "refusing" | AtOnce;

/** It answers everything with this status, within a millisecond. */
export type AtOnce = 401 | 404 | 408 | 421 | 425 | 429 | 500;

/** What a probe finds wrong, by a connection alone and by a request. */
const PROBED: Readonly<
  Record<Exclude<State, AtOnce>, { readonly tcp: string | null; readonly http: string | null }>
> = {
  normal: { tcp: null, http: null },
  down: { tcp: "ECONNREFUSED", http: "ECONNREFUSED" },
  silent: { tcp: null, http: "no answer" },
  refusing: { tcp: null, http: "status 503" },
};

const SCRIPT: Script = [
  [3_000, 0, "down"],
  [8_000, 0, "normal"],
  [8_000, 1, "silent"],
  [13_000, 1, "normal"],
  [13_000, 2, "refusing"],
  [17_000, 2, "normal"],
];

export async function threeInstances(
  options: ThreeInstancesOptions,
): Promise<ThreeInstancesResult> {
  const { seed, method, perSecond = 2_000, seconds = SECONDS } = options;
  const clock = virtualClock();
  const random = seededRandom(seed);
  const history: string[] = [];
  const note = (line: string): void => void history.push(`${clock.now().toFixed(1)} ${line}`);
  const { weight = 1, refuses = () => null } = options;
  const { instances: count = 3, script = SCRIPT, headersOf = () => [] } = options;
  const targets = Array.from({ length: count }, (_, index) => `http://10.0.0.${index + 1}:8080`);
  const instances = targets.map(() => playInstance(clock, random));
  const instanceOf = (target: string): Instance => instances[targets.indexOf(target)] as Instance;
  const events = emitter<GatewayEvents>();
  events.on("breaker:change", ({ target, to, reason }) => note(`${target} ${to}: ${reason}`));
  events.on("target:health", ({ target, to, reason }) => note(`${target} ${to}: ${reason}`));
  const exchanges = targets.map(() => 0);
  events.on("attempt:end", ({ attempt: { target } }) => {
    const index = targets.indexOf(target ?? "");
    exchanges[index] = (exchanges[index] as number) + 1;
  });
  const parts = simulatedParts(clock, seed + 1, events, (_clock, target, asked, done) => {
    const { path, timeoutMs } = asked;
    const { state } = instanceOf(target.id);
    const silent = path !== null && state === "silent";
    const { tcp, http } =
      typeof state === "number" ? { tcp: null, http: `status ${state}` } : PROBED[state];
    const wrong = path === null ? tcp : http;
    const timer = clock.after(silent ? timeoutMs : ROUND_TRIP_MS, () => done(wrong));
    return { cancel: () => timer.cancel() };
  });
  const upstream = createUpstream(
    parts,
    normaliseUpstream("app", {
      targets: targets.map((url, index) => ({ url, weight: index === 0 ? weight : 1 })),
      timeouts: { responseMs: 2_000, connectMs: 1_000 },
      ...options.upstream,
    }),
  );
  const wire = answeredTransport(clock);
  const execute = upstream.executeOver(() => wire.transport);
  const serve = async (): Promise<never> => {
    for (;;) {
      const sent = await wire.next();
      const refusal = refuses(Number(sent.exchange.call.id));
      if (refusal === null) instanceOf(sent.target).take(sent);
      else clock.after(1, () => void sent.respond(refusal));
    }
  };
  void serve();
  for (const [atMs, instance, state] of script) {
    clock.after(atMs, () => (instances[instance] as Instance).become(state));
  }

  const total = seconds * perSecond;
  const took: number[] = [];
  const failed = new Map<string, string>();
  let refusedInVain = 0;
  const call = (index: number): void => {
    if (index + 1 < total) {
      clock.after(((index + 1) * 1_000) / perSecond - clock.now() + startedAt, () =>
        call(index + 1),
      );
    }
    const id = String(index);
    const request = requestOf({ method, headers: [...headersOf(index)] });
    const made = upstream.newCall(request, id, null, null);
    const calledAt = clock.now();
    const well = instances.map(({ state, changes }) => (state === "normal" ? changes : -1));
    void execute(made).then((outcome) => {
      if (outcome.kind === "success" && outcome.response.status < 400) {
        took.push(clock.now() - calledAt);
      } else if (outcome.kind === "success") {
        failed.set(id, String(outcome.response.status));
        note(`${outcome.response.status}`);
      } else {
        const { code } = outcome.failure;
        failed.set(id, `${code}, ${made.stopReason}`);
        const refused = code === "breaker_open" || code === "no_healthy_target";
        const couldServe = instances.some(({ changes }, index) => changes === well[index]);
        if (refused && couldServe) refusedInVain += 1;
        if (refused && couldServe) note(`refused in vain: ${code}`);
      }
    });
  };
  const startedAt = clock.now();
  call(0);
  await clock.advance(seconds * 1_000 + 10_000);
  upstream.close();
  took.sort((one, other) => one - other);
  const executions = new Map<string, number>();
  for (const id of instances.flatMap(({ executed }) => executed)) {
    executions.set(id, (executions.get(id) ?? 0) + 1);
  }
  const sent = exchanges.reduce((sum, one) => sum + one, 0);
  return {
    calls: total,
    answeredWell: took.length / total,
    tries: sent / total,
    shares: exchanges.map((one) => one / sent),
    executedAt: instances.map(({ executed }) =>
      executed.map((id) => (Number(id) * 1_000) / perSecond),
    ),
    p99: took[Math.ceil(took.length * 0.99) - 1] ?? Number.NaN,
    max: took.at(-1) ?? Number.NaN,
    executedTwice: [...executions.values()].filter((count) => count > 1).length,
    onSilent: instances[1]?.swallowed ?? 0,
    failed: countOf(failed.values()),
    refusedInVain,
    history,
  };
}

interface Instance {
  readonly state: State;
  /** How often that has changed. */
  readonly changes: number;
  /** Ids of the calls, in the order in which they were executed. */
  readonly executed: readonly string[];
  readonly swallowed: number;
  become(state: State): void;
  take(sent: Sent): void;
}

function playInstance(
  clock: ReturnType<typeof virtualClock>,
  random: ReturnType<typeof seededRandom>,
): Instance {
  const executed: string[] = [];
  const running = new Set<Sent>();
  let state: State = "normal";
  let swallowed = 0;
  let changes = 0;
  /** Work that began before a change of state never ends. */
  let epoch = 0;

  const later = (ms: number, sent: Sent, then: () => void): void => {
    clock.after(ms, () => {
      if (!sent.settled) then();
    });
  };
  const work = (sent: Sent): void => {
    executed.push(sent.exchange.call.id);
    running.add(sent);
    const began = epoch;
    later(WORK_MS_MIN + (WORK_MS_MAX - WORK_MS_MIN) * random.next(), sent, () => {
      if (epoch !== began) return;
      running.delete(sent);
      sent.respond(200);
    });
  };
  return {
    get state() {
      return state;
    },
    executed,
    get swallowed() {
      return swallowed;
    },
    get changes() {
      return changes;
    },
    become(next) {
      state = next;
      changes += 1;
      if (next !== "down" && next !== "silent") return;
      epoch += 1;
      if (next === "silent") swallowed += running.size;
      else
        for (const sent of running)
          later(ROUND_TRIP_MS, sent, () => sent.fail("connection_terminated"));
      running.clear();
    },
    take(sent) {
      if (state === "normal") work(sent);
      else if (state === "down") later(ROUND_TRIP_MS, sent, () => sent.fail("connection_refused"));
      else if (state === "refusing") later(1, sent, () => void sent.respond(503));
      else if (typeof state === "number") {
        const status = state;
        later(1, sent, () => void sent.respond(status));
      } else {
        executed.push(sent.exchange.call.id);
        swallowed += 1;
      }
    },
  };
}

function countOf(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
