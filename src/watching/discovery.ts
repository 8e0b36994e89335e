/**
 * Targets from a source outside the configuration: DNS, Kubernetes, Consul.
 *
 * A source is an async iterable of lists; each list is all that there is now. What is new is added
 * before what is gone is removed, and nothing that has begun is cut.
 * Guarantee: when a source fails, the last good list stays, the failure is emitted, and the source
 * is started again after a growing wait; no timer of it keeps the process alive. Each start has a
 * signal of its own, which ends with it, so nothing that listened to it stays.
 */
import { onAbort, untilAborted } from "../base/abort.js";
import type { Clock } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import type { Random } from "../base/random.js";
import { DISCOVERY } from "../catalog/balance-defaults.js";
import { FAILURES } from "../catalog/failures.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { Timeline } from "../core/timeline.js";
import { createFindings } from "../options/findings.js";
import { GatewayOptionsError } from "../options/options-error.js";
import { readTargets } from "../options/read-targets.js";
import type { Discover, DiscoverTools, TargetInput } from "../options/target-options.js";
import type { GatewayEvents } from "../records/events.js";
import type { ParsedTarget } from "../targets/target.js";
import type { TargetSet } from "../targets/target-set.js";
import type { InnerControl } from "./target-control.js";

export interface DiscoveryParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Emitter<GatewayEvents>;
  readonly upstream: string;
  readonly set: TargetSet;
  readonly control: InnerControl;
}

/** Starts a source; returns how to stop it. */
export function startDiscovery(parts: DiscoveryParts, discover: Discover): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  const apply = listKeeper(parts);
  // Calls that come before the first list wait for it, or for the first failure.
  let arrived = (): void => {};
  parts.set.awaited = new Promise((resolve) => {
    arrived = () => {
      parts.set.awaited = null;
      resolve();
    };
  });
  const { set } = parts;
  let found = false;
  void follow(parts, discover, signal, (list, cause) => {
    found ||= list !== null;
    if (list !== null) apply(list);
    set.noneSince = found ? null : whyNone(cause);
    arrived();
  });
  return () => {
    stopping.abort(new Error("the gateway is closed"));
    arrived();
  };
}

/** Where a source has never answered since a name was not found, that is the failure of calls. */
function whyNone(cause: unknown): Failure | null {
  const looking = new Timeline(0);
  looking.enter("resolve", 0);
  const code = classifyError(looking, null, cause);
  return FAILURES[code].phase === "resolve" ? { code, cause } : null;
}

/** Reports every list, and every failure as null. */
async function follow(
  { clock, random, events, upstream, set }: DiscoveryParts,
  discover: Discover,
  signal: AbortSignal,
  report: (list: readonly (string | TargetInput)[] | null, cause?: unknown) => void,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const started = new AbortController();
    const unlink = onAbort(signal, (reason) => started.abort(reason));
    const tools: DiscoverTools = {
      sleep: (ms) => sleepUnseen(clock, ms, started.signal),
      random: () => random.next(),
    };
    try {
      await forEach(discover(started.signal, tools), started.signal, (list) => {
        report(list);
        failures = 0;
      });
      return;
    } catch (cause) {
      if (signal.aborted) return;
      const grown = DISCOVERY.retryMs * 2 ** failures;
      const retryMs = Math.min(grown, DISCOVERY.retryMsMax) * (1 - random.next() / 2);
      failures += 1;
      if (events.has("discovery:fail")) {
        const targets = set.targets.length;
        events.emit("discovery:fail", { upstream, cause, failures, retryMs, targets });
      }
      report(null, cause);
      started.abort(new Error("the source has failed", { cause }));
      await sleepUnseen(clock, retryMs, signal).catch(ignore);
    } finally {
      unlink();
    }
  }
}

/** As `for await`, but a source that does not heed the signal is not waited for. */
async function forEach<Item>(
  source: AsyncIterable<Item>,
  signal: AbortSignal,
  each: (item: Item) => void,
): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await untilAborted(iterator.next(), signal);
      if (step.done === true) return;
      each(step.value);
    }
  } catch (error) {
    void Promise.resolve(iterator.return?.()).catch(ignore);
    throw error;
  }
}

/** Makes the targets those of a list; targets that came by other ways stay. */
function listKeeper({ set, control, upstream }: DiscoveryParts) {
  const own = new Map<string, ParsedTarget>();
  const forget = (id: string): void => {
    own.delete(id);
    if (set.get(id) !== undefined) void control.remove(id);
  };
  const take = (address: ParsedTarget): void => {
    own.set(address.id, address);
    control.take(address);
  };
  return (list: readonly (string | TargetInput)[]): void => {
    const wanted = readList(upstream, list);
    set.batch(() => {
      for (const address of wanted) {
        const known = set.get(address.id);
        const before = own.get(address.id);
        if (known === undefined) take(address);
        else if (before === undefined) continue;
        else if (!isSame(before, address)) {
          forget(address.id);
          take(address);
        } else if (before.weight !== address.weight) {
          own.set(address.id, address);
          control.setWeight(address.id, address.weight);
        }
      }
      const ids = new Set(wanted.map(({ id }) => id));
      for (const id of [...own.keys()]) if (!ids.has(id)) forget(id);
    });
  };
}

function readList(
  upstream: string,
  list: readonly (string | TargetInput)[],
): readonly ParsedTarget[] {
  if (Array.isArray(list) && list.length === 0) return [];
  const findings = createFindings();
  const some = Array.isArray(list) ? list.slice(0, DISCOVERY.targetsMax) : list;
  const targets = readTargets(findings, `discover of upstreams.${upstream}`, some);
  if (findings.problems.length > 0) throw new GatewayOptionsError(findings.problems);
  return targets;
}

/** Whether all but the weight is the same. */
function isSame(one: ParsedTarget, other: ParsedTarget): boolean {
  return JSON.stringify({ ...one, weight: 0 }) === JSON.stringify({ ...other, weight: 0 });
}

function sleepUnseen(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  let wake = (): void => {};
  const slept = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const timer = clock.after(ms, wake);
  timer.unref();
  return untilAborted(slept, signal).finally(() => timer.cancel());
}

function ignore(): void {}
