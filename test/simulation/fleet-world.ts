/**
 * Many gateways in front of the same three instances, on virtual time and from a seed: alone, or as
 * a fleet over a bus that takes two milliseconds.
 *
 * Upstreams are real ones with their defaults; wire, probes and bus are played. One or all of the
 * instances are ill for a while, and each counts what reaches it meanwhile.
 */
import { emitter } from "../../src/base/emitter.js";
import { seededRandom } from "../../src/base/random.js";
import type { FleetBus } from "../../src/fleet/bus.js";
import { fleet } from "../../src/fleet/index.js";
import { createUpstream } from "../../src/gateway/upstream.js";
import { normaliseUpstream } from "../../src/options/normalise.js";
import type { GatewayEvents } from "../../src/records/events.js";
import { answeredTransport, type Sent } from "../../src/testing/answered-transport.js";
import { type VirtualClock, virtualClock } from "../../src/testing/virtual-clock.js";
import { requestOf } from "../pipe/world.js";
import { simulatedParts } from "./parts.js";

export type Illness = "503" | "reset" | "silent";

export interface FleetWorldOptions {
  readonly seed: number;
  /** @default 20 */
  readonly members?: number;
  readonly illness: Illness;
  /** How many of the three instances are ill. */
  readonly ill: number;
  /** As a fleet; else each is alone. */
  readonly together: boolean;
  /** Of all members together. @default 400 */
  readonly perSecond?: number;
  /** The share of calls that cannot be repeated. @default 0.3 */
  readonly posts?: number;
  /** Called when the bus is there. */
  readonly meddle?: (bus: FleetBus, clock: VirtualClock) => void;
  /** Members that reach none of the instances from the start of the illness. */
  readonly cutOff?: number;
  /** The bus carries nothing from then on. */
  readonly busGoneAt?: number;
}

export interface FleetWorldResult {
  readonly calls: number;
  readonly postsLost: number;
  readonly getsLost: number;
  /** Exchanges that reached an ill instance. */
  readonly reachedIll: number;
  /** Ejections and openings of breakers at members that reach all instances, by the target. */
  readonly out: Readonly<Record<string, number>>;
  /** Calls that the members that reach all instances lost. */
  readonly lostByOthers: number;
  /** When each ill instance was executed at first after it was well again. */
  readonly backAfterMs: readonly number[];
}

const ILL_AT = 3_000;
const WELL_AT = 11_000;
const END_AT = 20_000;
const BUS_MS = 2;
const HOSTS = 4;
const TARGETS = [1, 2, 3].map((host) => `http://10.0.0.${host}:8080`);
export const CHANNEL = "good-gateway:fleet:edge";

export async function fleetWorld(options: FleetWorldOptions): Promise<FleetWorldResult> {
  const { seed, illness, ill, together, members: count = 20, perSecond = 400 } = options;
  const { posts = 0.3, cutOff = 0, busGoneAt = Number.POSITIVE_INFINITY } = options;
  const clock = virtualClock();
  const random = seededRandom(seed);
  const bus = slowBus(clock, busGoneAt);
  const counts = { calls: 0, postsLost: 0, getsLost: 0, reachedIll: 0, lostByOthers: 0 };
  const out: Record<string, number> = {};
  const backAt = TARGETS.map(() => Number.NaN);
  const isIll = (index: number): boolean =>
    index < ill && clock.now() >= ILL_AT && clock.now() < WELL_AT;

  const serve = (sent: Sent, unreachable: boolean): void => {
    const index = TARGETS.indexOf(sent.target);
    const later = (ms: number, then: () => void): void => {
      clock.after(ms, () => {
        if (!sent.settled) then();
      });
    };
    if (unreachable) {
      later(1, () => sent.fail("connection_terminated"));
      return;
    }
    if (!isIll(index)) {
      if (clock.now() >= WELL_AT && Number.isNaN(backAt[index])) backAt[index] = clock.now();
      later(5 + 10 * random.next(), () => void sent.respond(200));
      return;
    }
    counts.reachedIll += 1;
    if (illness === "503") later(1, () => void sent.respond(503));
    else if (illness === "reset") later(1, () => sent.fail("connection_terminated"));
  };

  const made = Array.from({ length: count }, (_, index) => {
    const events = emitter<GatewayEvents>();
    const isCutOff = index < cutOff;
    if (!isCutOff) {
      events.on("breaker:change", ({ target, to }) => {
        if (to === "open") out[target] = (out[target] ?? 0) + 1;
      });
    }
    const joined = together
      ? fleet({ name: "edge", bus, host: `host-${index % HOSTS}` }).join({
          ...{ clock, events },
          random: seededRandom(seed * 100 + index),
        } as never)
      : null;
    const parts = simulatedParts(clock, seed * 1_000 + index, events, (_clock, target, _, done) => {
      const place = TARGETS.indexOf(target.id);
      const isSilent = isIll(place) && illness === "silent";
      const timer = clock.after(isSilent ? 1_000 : 1, () => done(isSilent ? "no answer" : null));
      return { cancel: () => timer.cancel() };
    });
    const settings = { targets: TARGETS, timeouts: { responseMs: 2_000, connectMs: 1_000 } };
    const upstream = createUpstream(
      { ...parts, fleet: joined },
      normaliseUpstream("app", settings),
    );
    const wire = answeredTransport(clock);
    const execute = upstream.executeOver(() => wire.transport);
    const take = async (): Promise<never> => {
      for (;;) serve(await wire.next(), isCutOff && clock.now() >= ILL_AT);
    };
    void take();
    return { upstream, execute, isCutOff, close: () => joined?.leave() };
  });
  options.meddle?.(bus, clock);

  const call = (): void => {
    if (clock.now() >= END_AT) return;
    clock.after((1_000 / perSecond) * 2 * random.next(), call);
    const member = made[Math.floor(random.next() * count)] as (typeof made)[number];
    const method = random.next() < posts ? "POST" : "GET";
    counts.calls += 1;
    const request = requestOf({ method });
    const one = member.upstream.newCall(request, String(counts.calls), null, null);
    void member.execute(one).then((outcome) => {
      if (outcome.kind === "success" && outcome.response.status < 400) return;
      if (!member.isCutOff) counts.lostByOthers += 1;
      if (method === "POST") counts.postsLost += 1;
      else counts.getsLost += 1;
    });
  };
  call();
  await clock.advance(END_AT + 3_000);
  for (const { upstream, close } of made) {
    upstream.close();
    close();
  }
  const backAfterMs = backAt.slice(0, ill).map((at) => at - WELL_AT);
  return { ...counts, out, backAfterMs };
}

function slowBus(clock: VirtualClock, goneAt: number): FleetBus {
  const listeners = new Set<(text: string) => void>();
  return {
    kind: "slow",
    async send(_channel, text) {
      if (clock.now() >= goneAt) await new Promise(() => {});
      for (const heard of listeners) clock.after(BUS_MS, () => heard(text));
    },
    async listen(_channel, heard) {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
  };
}
