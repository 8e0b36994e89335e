/**
 * What stands around the pipe of an upstream: other upstreams, and answers of the application.
 *
 * Every adapter enters an upstream here, so that what is promised holds at all of them. Guarantee:
 * an upstream with none of it does not come by; an answer that is replaced is given up first, and
 * nothing is sent twice that may act twice.
 */
import type { Clock, Timer } from "../base/clock.js";
import { HttpCache } from "../cache/http-cache.js";
import { FALLBACK } from "../catalog/defaults.js";
import type { CacheOptions } from "../catalog/options/cache.js";
import type { Call, StopReason } from "../core/call.js";
import type { FallbackAnswer, FallbackFunction, FallbackStep } from "../core/fallback.js";
import { appliesTo, reasonOf, stepsOf, whyNotElsewhere } from "../core/fallback-rules.js";
import { failureOf, type Outcome } from "../core/outcome.js";
import { ownResponse, type WholeAnswer } from "../core/own-answer.js";
import { type Holder, Pending, refusedCall } from "../core/pending.js";
import type { PipeStep } from "../core/pipe.js";
import { shown } from "../options/findings.js";
import { fixedAnswer, problemOfAnswer } from "../options/read-fallback.js";
import { chooseUpstream } from "../targets/upstream-rules.js";
import { tokenOrString } from "../wire/proxy-status.js";
import type { GatewayCore } from "./core.js";
import { goElsewhere, hasBeenAt, hasTimeLeft } from "./elsewhere.js";
import { Mirror } from "./mirror.js";
import type { AroundPipe, StepsElsewhere, UpstreamCore } from "./upstream.js";

/** What it needs of the gateway. */
export interface AroundParts {
  readonly gateway: GatewayCore;
  /** The upstream of this name; null where there is none. */
  named(name: string): UpstreamCore | null;
}

export function aroundPipe(parts: AroundParts, core: UpstreamCore): AroundPipe {
  const { mirror, cache: keeps } = core.options;
  const cache = keeps === false ? null : cacheOf(parts.gateway, core, keeps);
  const copies = mirror === false ? null : new Mirror(mirror, parts.gateway);
  return {
    run(call, step, elsewhere) {
      const fallback = call.overrides?.fallback ?? core.options.fallback;
      const steps = stepsOf(fallback);
      const own: typeof step = (one) =>
        cache === null || isClosed(parts.gateway, core) ? step(one) : cache.run(one, step);
      const coming = sent(parts, core, call, own, elsewhere);
      if (copies?.takes(call)) {
        const other = parts.named(copies.to);
        if (other !== null) copies.copy(call, coming, other);
      }
      if (steps.length === 0) return coming;
      const rescue = { parts, core, call, steps, elsewhere };
      return Pending.of(coming).inform(RESCUE as Holder<Rescue>, rescue);
    },
  };
}

function cacheOf(
  { clock, name }: GatewayCore,
  { options }: UpstreamCore,
  keeps: Required<CacheOptions>,
): HttpCache {
  const { totalMs } = options.timeouts;
  return new HttpCache({ clock, name: tokenOrString(name), options: keeps, totalMs });
}

/** What the drain gate refuses is given no answer from here either. */
function isClosed({ lifecycle }: GatewayCore, { maintenance }: UpstreamCore): boolean {
  return !lifecycle.admits || lifecycle.maintenance !== null || maintenance.rules !== null;
}

/** Through its own pipe, or to the upstream that was chosen in its place. */
function sent<Body>(
  parts: AroundParts,
  core: UpstreamCore,
  call: Call,
  step: PipeStep<Call, Body>,
  elsewhere: StepsElsewhere<Body>,
): Promise<Outcome<Body>> {
  const { gateway } = parts;
  let name: string | null;
  try {
    name = chosen(gateway, core, call);
  } catch (cause) {
    return refusedCall(call, { code: "proxy_internal_error", cause });
  }
  if (name === null || hasBeenAt(call, core.name, name)) return step(call);
  const other = parts.named(name);
  if (other !== null)
    return goElsewhere(gateway, core.name, call, other, "routed", elsewhere(other));
  const details = `no upstream is called ${shown(name)}`;
  return refusedCall(call, { code: "proxy_configuration_error", details });
}

/** What is said for the call counts before what its upstream says of all calls. */
function chosen({ random }: GatewayCore, { options }: UpstreamCore, call: Call): string | null {
  const { overrides, request } = call;
  if (overrides?.upstream !== undefined) return overrides.upstream;
  const { upstreamFor } = options;
  return upstreamFor === false ? null : chooseUpstream(upstreamFor, request, random);
}

/** A call whose outcome may be replaced. */
interface Rescue {
  readonly parts: AroundParts;
  readonly core: UpstreamCore;
  readonly call: Call;
  readonly steps: readonly FallbackStep[];
  readonly elsewhere: StepsElsewhere<unknown>;
}

const RESCUE: Holder<Rescue> = {
  known(rescue, outcome, isStray) {
    if (isStray || !rescue.steps.some((step) => appliesTo(step, outcome))) return null;
    return tried(rescue, outcome);
  },
  over: null,
};

/** The steps in turn, each where it applies to what the one before came to. */
async function tried(rescue: Rescue, first: Outcome<unknown>): Promise<Outcome<unknown>> {
  let outcome = first;
  for (const step of rescue.steps) {
    // The client has left.
    if (rescue.call.cancellation.by === "client") return outcome;
    if (!appliesTo(step, outcome)) continue;
    outcome =
      step.answer === undefined
        ? await failedOver(rescue, step, outcome)
        : await answered(rescue, step.answer, outcome);
  }
  return outcome;
}

async function failedOver(
  { parts, core, call, elsewhere }: Rescue,
  step: FallbackStep,
  first: Outcome<unknown>,
): Promise<Outcome<unknown>> {
  let outcome = first;
  for (const name of [step.upstream ?? []].flat()) {
    if (hasBeenAt(call, core.name, name)) continue;
    const wasSent = call.attempts.length > 0 || call.detour !== null;
    const why = whyNotElsewhere(call.request, outcome, wasSent);
    const isLate = !hasTimeLeft(call, parts.gateway.clock.now());
    if (why !== null || isLate || call.cancellation.by !== null) {
      // What an upstream says of its own repeats is no reason for another one.
      const { stopReason } = call;
      const isOpen = stopReason === null || OF_ONE_UPSTREAM.has(stopReason);
      if (isOpen) call.stopReason = why ?? "no_time_left";
      return outcome;
    }
    const other = parts.named(name);
    if (other === null) {
      // Only what is set for one call comes here unchecked.
      parts.gateway.warn(`fallback of a call to "${core.name}": no upstream is called "${name}"`);
      continue;
    }
    giveUp(outcome);
    const kind = "failover";
    outcome = await goElsewhere(parts.gateway, core.name, call, other, kind, elsewhere(other));
    if (!appliesTo(step, outcome)) return outcome;
  }
  return outcome;
}

const OF_ONE_UPSTREAM: ReadonlySet<StopReason> = new Set<StopReason>([
  "retry_off",
  "no_other_target",
]);

async function answered(
  { parts, core, call }: Rescue,
  answer: FallbackAnswer | FallbackFunction,
  outcome: Outcome<unknown>,
): Promise<Outcome<unknown>> {
  if (call.request.upgrade !== null) return outcome;
  const given =
    typeof answer === "function" ? await asked(parts, core, call, answer, outcome) : answer;
  if (given === null) return outcome;
  giveUp(outcome);
  const code = failureOf(outcome)?.code ?? null;
  const whole = wholeAnswer(given);
  call.failure = null;
  call.detour = { kind: "answer", upstream: null, code, call: null, status: whole.status };
  call.ownBytes = call.request.method === "HEAD" ? 0 : whole.body.byteLength;
  return { kind: "success", response: ownResponse(call.request.method, whole) };
}

/** What the application's function gives; null for nothing, as for what is no answer. */
async function asked(
  { gateway }: AroundParts,
  { name }: UpstreamCore,
  { request }: Call,
  answer: FallbackFunction,
  outcome: Outcome<unknown>,
): Promise<FallbackAnswer | null> {
  const { method, path, headers } = request;
  try {
    const given = answer(reasonOf(outcome), { method, path, headers });
    const known = await inTime(gateway.clock, Promise.resolve(given));
    if (known === undefined || known === null) return null;
    const problem = problemOfAnswer(known);
    if (problem === null) return known;
    gateway.warn(`fallback of "${name}" gave what cannot be answered: ${problem}`);
  } catch (cause) {
    gateway.warn(`fallback of "${name}" threw: ${String(cause)}`);
  }
  return null;
}

/** What is still to come after its time is nothing. */
function inTime<Value>(
  clock: Pick<Clock, "after">,
  coming: Promise<Value>,
): Promise<Value | undefined> {
  let timer: Timer | null = null;
  const late = new Promise<undefined>((resolve) => {
    timer = clock.after(FALLBACK.functionMsMax, () => resolve(undefined));
  });
  return Promise.race([coming, late]).finally(() => timer?.cancel());
}

function wholeAnswer(answer: FallbackAnswer): WholeAnswer {
  const { status, headers, body } = fixedAnswer(answer);
  return { status, fields: Object.entries(headers).flat(), body: Buffer.from(body) };
}

/** Nothing more of an answer is wanted. */
function giveUp(outcome: Outcome<unknown>): void {
  if (outcome.kind !== "no_response") void outcome.response.discard();
}
