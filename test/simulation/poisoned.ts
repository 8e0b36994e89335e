/**
 * Callers beside a client that sends what makes the application fail, on virtual time from a seed.
 *
 * The upstream is a real one with its defaults; only the wire is played. The others ask for routes
 * that work, at random moments; the poison is a request that every target fails in the same way.
 * A target may be really ill as well: `ill` says what it does with which request and when.
 */
import { emitter } from "../../src/base/emitter.js";
import { type Random, seededRandom } from "../../src/base/random.js";
import type { FailureCode } from "../../src/catalog/failures.js";
import type { GatewayRequest } from "../../src/core/request.js";
import { createUpstream } from "../../src/gateway/upstream.js";
import { normaliseUpstream } from "../../src/options/normalise.js";
import type { UpstreamOptions } from "../../src/options/options.js";
import type { GatewayEvents } from "../../src/records/events.js";
import { answeredTransport, type Sent } from "../../src/testing/answered-transport.js";
import { virtualClock } from "../../src/testing/virtual-clock.js";
import { requestOf } from "../pipe/world.js";
import { simulatedParts } from "./parts.js";

/**
 * What a target does with a request: a status, a failure of the wire, a 503 that closes the
 * connection, or nothing at all.
 */
export type Reaction = number | FailureCode | "503, closing" | "hang";

export interface Callers {
  readonly perSecond: number;
  /** So many at the same moment. @default 1 */
  readonly burst?: number;
  /** Asked in turn. */
  readonly paths: readonly string[];
  readonly method?: "GET" | "POST";
  readonly upgrade?: boolean;
}

/** Who sends it; `good` is the share of their calls that are none. */
export type Poison = Callers & { readonly reaction: Reaction; readonly good?: number };

export interface PoisonedOptions {
  readonly seed: number;
  readonly targets: number;
  readonly others: Callers;
  readonly poison?: Poison;
  /** What a target that is ill does; null where it serves well. */
  readonly ill?: (target: number, request: GatewayRequest, now: number) => Reaction | null;
  /** @default 40 */
  readonly seconds?: number;
  readonly upstream?: Partial<UpstreamOptions>;
}

export interface PoisonedResult {
  readonly calls: number;
  /** The share of the others' calls that failed, and by which names. */
  readonly failed: number;
  readonly codes: Readonly<Record<string, number>>;
  /** Of the others' calls that were answered well, in milliseconds. */
  readonly p99: number;
  /** Exchanges of the others at each target, for each second. */
  readonly given: readonly (readonly number[])[];
  /** Calls of the others that failed, for each second in which they came. */
  readonly failedIn: readonly number[];
  readonly poisonCodes: Readonly<Record<string, number>>;
  /** So many targets were out at once, at the most. */
  readonly outMost: number;
  readonly history: readonly string[];
}

/** On every call of who sends poison, with what it is. */
const POISON = "x-poison";
const BAD = "bad";
const WORK_MS_MIN = 5;
const WORK_MS_MAX = 15;
const ROUND_TRIP_MS = 1;

export async function poisoned(options: PoisonedOptions): Promise<PoisonedResult> {
  const { seed, others, poison, ill = () => null, seconds = 40 } = options;
  const clock = virtualClock();
  const random = seededRandom(seed);
  const history: string[] = [];
  const targets = Array.from(
    { length: options.targets },
    (_, at) => `http://10.0.0.${at + 1}:8080`,
  );
  const events = emitter<GatewayEvents>();
  const note = (line: string): void => void history.push(`${clock.now().toFixed(0)} ${line}`);
  const out = new Set<string>();
  let outMost = 0;
  events.on("breaker:change", ({ target, to, reason }) => {
    note(`${target} ${to}: ${reason}`);
    if (to === "closed") out.delete(target);
    else out.add(target);
    // Later on nobody is answered well anywhere.
    if (clock.now() < seconds * 1_000) outMost = Math.max(outMost, out.size);
  });
  events.on("target:health", ({ target, to, reason }) => note(`${target} ${to}: ${reason}`));
  const parts = simulatedParts(clock, seed + 1, events, (_clock, _target, _asked, done) => {
    const timer = clock.after(ROUND_TRIP_MS, () => done(null));
    return { cancel: () => timer.cancel() };
  });
  const made = normaliseUpstream("app", { targets, ...options.upstream });
  const upstream = createUpstream(parts, made);
  const wire = answeredTransport(clock);
  const execute = upstream.executeOver(() => wire.transport);
  const given = Array.from({ length: seconds + 20 }, () => targets.map(() => 0));

  const take = (sent: Sent): void => {
    const { request } = sent.exchange.call;
    const target = targets.indexOf(sent.target);
    const bad = request.headers.includes(BAD);
    const row = given[Math.floor(clock.now() / 1_000)];
    if (!request.headers.includes(POISON) && row !== undefined)
      row[target] = (row[target] ?? 0) + 1;
    const reaction = ill(target, request, clock.now()) ?? (bad ? poison?.reaction : null) ?? null;
    react(sent, reaction, clock, random);
  };
  void (async () => {
    for (;;) take(await wire.next());
  })();

  const took: number[] = [];
  const codes: Record<string, number> = {};
  const poisonCodes: Record<string, number> = {};
  const failedIn = Array.from({ length: seconds }, () => 0);
  let calls = 0;
  const send = (callers: Callers, index: number, isPoison: boolean): void => {
    const startedAt = clock.now();
    if (!isPoison) calls += 1;
    const { method = "GET", paths } = callers;
    const isGood = isPoison && poison?.good !== undefined && random.next() < poison.good;
    const request = requestOf({
      method,
      path: paths[index % paths.length] as string,
      headers: isPoison ? [POISON, isGood ? "good" : BAD] : [],
      upgrade: callers.upgrade === true ? "websocket" : null,
    });
    const call = upstream.newCall(request, `${isPoison} ${index}`, null, null);
    void execute(call).then((outcome) => {
      const code = outcome.kind === "success" ? null : outcome.failure.code;
      if (isPoison) add(poisonCodes, code ?? "ok");
      else if (code === null) took.push(clock.now() - startedAt);
      else {
        add(codes, code);
        const second = Math.floor(startedAt / 1_000);
        failedIn[second] = (failedIn[second] ?? 0) + 1;
      }
    });
  };
  const start = (callers: Callers, isPoison: boolean): void => {
    const { burst = 1, perSecond } = callers;
    let index = 0;
    const arrive = (): void => {
      if (clock.now() >= seconds * 1_000) return;
      for (let one = 0; one < burst; one += 1) send(callers, index++, isPoison);
      clock.after(-Math.log(1 - random.next()) * ((burst * 1_000) / perSecond), arrive);
    };
    clock.after(random.next() * (1_000 / perSecond), arrive);
  };
  start(others, false);
  if (poison !== undefined) clock.after(POISON_FROM_MS, () => start(poison, true));
  await clock.advance(seconds * 1_000 + 40_000);
  upstream.close();
  took.sort((one, other) => one - other);
  const p99 = took[Math.ceil(took.length * 0.99) - 1] ?? Number.NaN;
  const failed = (calls - took.length) / calls;
  return { calls, failed, codes, p99, given, failedIn, poisonCodes, outMost, history };
}

/** By then a target is known by what it has answered. */
const POISON_FROM_MS = 3_000;

function react(
  sent: Sent,
  reaction: Reaction | null,
  clock: ReturnType<typeof virtualClock>,
  random: Random,
): void {
  if (reaction === "hang") return;
  const ms =
    reaction === null ? WORK_MS_MIN + (WORK_MS_MAX - WORK_MS_MIN) * random.next() : ROUND_TRIP_MS;
  clock.after(ms, () => {
    if (sent.settled) return;
    if (reaction === null) sent.respond(200);
    else if (typeof reaction === "number") sent.respond(reaction);
    else if (reaction === "503, closing") sent.respond(503, { headers: { connection: "close" } });
    else sent.fail(reaction);
  });
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
