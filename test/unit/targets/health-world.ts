/**
 * Some targets with breaker, health and peers as the gateway makes them, on a clock that is moved
 * by hand. Exchanges are played by telling the monitors what a policy would tell them.
 */

import { BREAKER, EJECTION, PANIC, SLOW_START } from "../../../src/catalog/defaults.js";
import type { FailureCode } from "../../../src/catalog/failures.js";
import {
  type BreakerChange,
  type BreakerPermit,
  createBreaker,
} from "../../../src/targets/breaker.js";
import { type EjectionSettings, type PanicChange, Peers } from "../../../src/targets/peers.js";
import { createTarget, parseTarget, type Target } from "../../../src/targets/target.js";
import { TargetMonitor } from "../../../src/targets/target-monitor.js";
import { type HealthChange, WatchedHealth } from "../../../src/targets/watched-health.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

export interface HealthWorldOptions {
  /** @default 3 */
  readonly targets?: number;
  /** @default false */
  readonly probes?: boolean;
  readonly ejection?: Partial<EjectionSettings> | false;
  /** What chance draws, from 0 up to 1. @default 0 */
  readonly draw?: number;
}

export interface Member {
  readonly target: Target;
  readonly health: WatchedHealth;
  readonly monitor: TargetMonitor;
  /** An exchange that is under way; null when the breaker let none through. */
  begin(): Exchange | null;
  /** An exchange from begin to end, at once; false when the breaker let none through. */
  exchange(status: number, ...fields: string[]): boolean;
  /** The same, this many times. */
  exchanges(count: number, status: number): void;
  /** As many as it takes to close the breaker, with the time that it takes to be let through. */
  fail(): boolean;
}

export interface Exchange {
  /** The head of an answer comes after this time, the end of its body at once. */
  answer(status: number, ...fields: string[]): void;
  /** No answer. */
  fail(): void;
}

export function healthWorld(options: HealthWorldOptions = {}) {
  const { targets: count = 3, probes = false, ejection = {}, draw = 0 } = options;
  const clock = virtualClock();
  const random = { next: () => draw };
  const changes: (HealthChange & { readonly target: string })[] = [];
  const breakers: (BreakerChange & { readonly target: string })[] = [];
  const panics: PanicChange[] = [];
  const shares: { target: string; share: number; by: string }[] = [];
  const limits = ejection === false ? false : { ...EJECTION, ...ejection };
  const peers = new Peers(
    clock,
    random,
    { ejection: limits, panicRatio: PANIC.healthyRatioMin },
    (change) => panics.push(change),
  );

  const make = (index: number): Member => {
    const id = String.fromCharCode(97 + index);
    const breaker = createBreaker(clock, random, BREAKER, (change) => {
      breakers.push({ target: id, ...change });
      health.breakerChanged(change);
    });
    const monitor = new TargetMonitor(clock, peers.heard);
    const settings = {
      probe: probes ? { fall: 3, rise: 2 } : null,
      slowStart: SLOW_START,
      shared: (share: number, by: string) => shares.push({ target: id, share, by }),
    };
    const health = new WatchedHealth(clock, peers, breaker, monitor, settings, (change) =>
      changes.push({ target: id, ...change }),
    );
    const target = createTarget(parseTarget(`http://${id}`), breaker, health);
    const member: Member = {
      target,
      health,
      monitor,
      begin() {
        const permit = breaker.admit();
        return "deniedForMs" in permit ? null : exchangeOf(clock, monitor, permit);
      },
      exchange(status, ...fields) {
        const one = member.begin();
        one?.answer(status, ...fields);
        return one !== null;
      },
      exchanges(times, status) {
        for (let time = 0; time < times; time += 1) member.exchange(status);
      },
      fail() {
        const one = member.begin();
        one?.fail();
        return one !== null;
      },
    };
    return member;
  };
  const members = Array.from({ length: count }, (_, index) => make(index));
  peers.sync(members.map(({ target }) => target));
  return { shares, clock, members, peers, changes, breakers, panics };
}

export type HealthWorld = ReturnType<typeof healthWorld>;

/** What every exchange asks for. */
export const REQUEST = { method: "GET", path: "/orders" };

function failureOf(status: number): FailureCode | null {
  if (status < 500) return null;
  return status === 500 ? "received_server_error" : "received_gateway_error";
}

function exchangeOf(
  clock: { now(): number },
  monitor: TargetMonitor,
  permit: BreakerPermit,
): Exchange {
  const startedAt = clock.now();
  monitor.began();
  return {
    answer(status, ...fields) {
      monitor.answered(startedAt, status, fields, failureOf(status), REQUEST);
      if (status < 500) permit.answered(clock.now());
      permit.settle(status >= 500 ? "failure" : "success");
      monitor.ended(failureOf(status), startedAt);
    },
    fail() {
      monitor.unanswered(startedAt);
      permit.settle("failure");
      monitor.ended("connection_terminated", startedAt);
    },
  };
}
