/**
 * One upstream: its targets, its transport and its pipe, whose order `assemble.ts` argues.
 *
 * Guarantee: `execute` never rejects; what is thrown past the policies is a bug of ours and comes
 * up as `proxy_internal_error`.
 */
import type { Call, CallOverrides } from "../core/call.js";
import { inContextOf, keepContext } from "../core/call-context.js";
import type { Failure } from "../core/failure.js";
import type { CallerHints } from "../core/layers.js";
import { failureOf, type Outcome } from "../core/outcome.js";
import { mergeOverrides } from "../core/overrides.js";
import { type Holder, Pending, refused } from "../core/pending.js";
import type { PipeStep, PolicyDescription } from "../core/pipe.js";
import type { GatewayRequest } from "../core/request.js";
import { callInContext } from "../core/request-context.js";
import type { ResponseBody } from "../core/response-body.js";
import { type FailureLedger, failureLedger } from "../diagnosis/failure-ledger.js";
import type { NormalisedUpstream } from "../options/options.js";
import { attemptTimeout } from "../policies/attempt-timeout.js";
import { breakerGate } from "../policies/breaker-gate.js";
import { drainGate } from "../policies/drain-gate.js";
import { hedge } from "../policies/hedge.js";
import { Maintenance } from "../policies/maintenance.js";
import { pickTarget } from "../policies/pick-target.js";
import { priorityOf } from "../policies/priority.js";
import { record } from "../policies/record.js";
import type { RetryShared } from "../policies/retry.js";
import { totalDeadline } from "../policies/total-deadline.js";
import { stickiness } from "../targets/balance/sticky.js";
import { ruleFor } from "../targets/route-rules.js";
import { createTargetSet, type TargetSet } from "../targets/target-set.js";
import type { TierOptions } from "../targets/tiers.js";
import {
  type UndiciTransport,
  type UndiciTransportOptions,
  undiciTransport,
} from "../transports/undici.js";
import { startDiscovery } from "../watching/discovery.js";
import {
  type InnerControl,
  type TargetControl,
  targetControl,
} from "../watching/target-control.js";
import { type UpstreamWatch, upstreamWatch } from "../watching/upstream-watch.js";
import { assemble, type Stages } from "./assemble.js";
import { attemptFields } from "./attempt-fields.js";
import { describedAround, isSurrounded } from "./described.js";
import { chaosOf } from "./make-chaos.js";
import { breakerLimits, type TargetKeeper, targetKeeper } from "./make-target.js";
import { createOverload, type Overload, type OverloadState } from "./overload.js";
import type { GatewayParts } from "./parts.js";
import { budgetState, type RetryBudgetState, repeatsOf, retryOf } from "./repeats.js";
import { attemptListener, stallSaved, stateListener } from "./upstream-listeners.js";

/** An upstream as the adapters and the gateway see it. */
export interface UpstreamCore {
  readonly name: string;
  readonly options: NormalisedUpstream;
  readonly targets: TargetSet;
  readonly control: TargetControl;
  readonly transport: UndiciTransport;
  /** Its state is requested, so probes begin. */
  look(): void;
  /** Its state as a whole; each change of what is known of a target calls `targets.changed`. */
  readonly watch: UpstreamWatch;
  newCall(
    request: GatewayRequest,
    id: string,
    overrides: CallOverrides | null,
    caller: CallerHints | null,
  ): Call;
  /** Takes a call through the pipe. Never rejects. */
  execute(call: Call): Pending<ResponseBody>;
  /** Through the pipe alone, past what stands around it. */
  executeAlone(call: Call): Pending<ResponseBody>;
  /**
   * The same pipe over other transports: that of this upstream, and those of the upstreams to which
   * its calls may go.
   */
  executeOver<Body>(transportOf: TransportOf<Body>): PipeStep<Call, Body>;
  describe(): readonly PolicyDescription[];
  /** Calls are under way, bodies of answers and upgraded connections included. */
  readonly busy: boolean;
  /** Upgraded connections of clients, handshakes included. */
  readonly upgrades: { open: number };
  /** Whether an operator has switched it off, or some of its paths. */
  readonly maintenance: Maintenance;
  /** The latest exchanges that failed. */
  readonly ledger: FailureLedger;
  /** How busy it is, and what was refused because of it. */
  overload(): OverloadState;
  /** What all its calls may still repeat; null where nothing is repeated. */
  retryBudget(): RetryBudgetState | null;
  close(): void;
}

type AssembledPipe = ReturnType<typeof assemble>;
/** What can stand at the end of an upstream's pipe. */
export type Transport<Body> =
  Parameters<AssembledPipe["to"]>[0] extends PipeStep<infer In, unknown>
    ? PipeStep<In, Body>
    : never;

/** Null where a call cannot go to this upstream from here, since its engine sends only once. */
export type TransportOf<Body> = (core: UpstreamCore) => Transport<Body> | null;

/** The pipes of other upstreams, over the transports of the same adapter. */
export type StepsElsewhere<Body> = (other: UpstreamCore) => PipeStep<Call, Body>;

/** What stands around a pipe (`around-pipe.ts`). */
export interface AroundPipe {
  run<Body>(
    call: Call,
    step: PipeStep<Call, Body>,
    elsewhere: StepsElsewhere<Body>,
  ): Promise<Outcome<Body>>;
}

export type MakeAround = (core: UpstreamCore) => AroundPipe;

export function createUpstream(
  parts: GatewayParts,
  options: NormalisedUpstream,
  around: MakeAround = onlyPipe,
): UpstreamCore {
  return new GatewayUpstream(parts, options, around);
}

/** What only calls need: made with the first one, or when their counts are read. */
interface Serving {
  readonly overload: Overload;
  readonly ledger: FailureLedger;
  readonly repeats: RetryShared;
  readonly policies: AssembledPipe;
  readonly step: PipeStep<Call, ResponseBody>;
  /** For a call that the policies are through with. */
  readonly ending: Holder<Call>;
}

/** A class, since a gateway may have thousands of them, most of them at rest. */
class GatewayUpstream implements UpstreamCore {
  readonly name: string;
  readonly options: NormalisedUpstream;
  readonly targets: TargetSet;
  readonly watch: UpstreamWatch;
  readonly upgrades = { open: 0 };
  readonly maintenance = new Maintenance();
  readonly #parts: GatewayParts;
  readonly #keeper: TargetKeeper;
  readonly #stopDiscovery: () => void;
  #control: InnerControl | null = null;
  #transport: UndiciTransport | null = null;
  #serving: Serving | null = null;
  /** Calls on their way through the pipe. */
  #calls = 0;
  readonly #makeAround: MakeAround;
  #around: AroundPipe | null = null;

  constructor(parts: GatewayParts, options: NormalisedUpstream, around: MakeAround) {
    this.#makeAround = around;
    this.name = options.name;
    this.options = options;
    this.#parts = parts;
    this.#keeper = targetKeeper(parts, options, () => this.targets.changed());
    const { make } = this.#keeper;
    this.targets = createTargetSet(parts, options.targets.map(make), tierOptions(parts, options));
    this.#keeper.keep(this.targets.targets);
    this.watch = upstreamWatch(parts.clock, this.targets, stateListener(parts, options));
    this.targets.onChange(() => {
      this.#keeper.keep(this.targets.targets);
      this.watch.look();
    });
    this.#stopDiscovery = this.#discover();
  }

  get control(): InnerControl {
    this.#control ??= targetControl({
      upstream: this.name,
      events: this.#parts.events,
      set: this.targets,
      transport: this.transport,
      make: this.#keeper.make,
    });
    return this.#control;
  }

  get transport(): UndiciTransport {
    const { options } = this;
    this.#transport ??= undiciTransport(
      this.#parts.clock,
      transportOptions(options),
      attemptFields(this.#parts, options),
    );
    return this.#transport;
  }

  get ledger(): FailureLedger {
    return this.#served().ledger;
  }

  newCall(
    request: GatewayRequest,
    id: string,
    overrides: CallOverrides | null,
    caller: CallerHints | null,
  ): Call {
    const { clock, events, tracing } = this.#parts;
    // Probes begin with the first call; a gateway that is only made sends nothing.
    if (!this.#keeper.started) this.#keeper.start();
    const own = this.options.routes.length === 0 ? overrides : this.#ofRoute(request, overrides);
    const call = callInContext(clock.now(), request, id, own, caller);
    const isHeard =
      events.has("call:end") || events.has("call:outcome") || events.has("attempt:end");
    if (isHeard) keepContext(call);
    tracing.tracer?.begin(this.name, call);
    return call;
  }

  /** What code has said for its own call stands over what holds for the route. */
  #ofRoute({ path }: GatewayRequest, overrides: CallOverrides | null): CallOverrides | null {
    return mergeOverrides(ruleFor(this.options.routes, path)?.overrides ?? null, overrides);
  }

  look(): void {
    this.#keeper.start();
  }

  execute(call: Call): Pending<ResponseBody> {
    const { step } = this.#served();
    return this.#isPlain(call) ? this.#take(step, call) : this.#runAround(call, step, executing);
  }

  executeAlone(call: Call): Pending<ResponseBody> {
    return this.#take(this.#served().step, call);
  }

  executeOver<Body>(transportOf: TransportOf<Body>): (call: Call) => Pending<Body> {
    const step = this.#served().policies.to(transportOf(this) ?? refusedHere<Body>);
    const others = new WeakMap<UpstreamCore, PipeStep<Call, Body>>();
    const elsewhere: StepsElsewhere<Body> = (other) => {
      let known = others.get(other);
      if (known === undefined) {
        known = transportOf(other) === null ? refusedHere : other.executeOver(transportOf);
        others.set(other, known);
      }
      return known;
    };
    return (call) =>
      this.#isPlain(call) ? this.#take(step, call) : this.#runAround(call, step, elsewhere);
  }

  /** Nothing stands around its pipe, nor is anything said for this call. */
  #isPlain({ overrides }: Call): boolean {
    if (isSurrounded(this.options)) return false;
    return overrides === null || (overrides.fallback ?? overrides.upstream) === undefined;
  }

  // By itself, since a function that makes another one prepares for it in every call.
  #runAround<Body>(
    call: Call,
    step: PipeStep<Call, Body>,
    elsewhere: StepsElsewhere<Body>,
  ): Pending<Body> {
    this.#around ??= this.#makeAround(this);
    return Pending.of(this.#around.run(call, (one) => this.#take(step, one), elsewhere));
  }

  #take<Body>(step: PipeStep<Call, Body>, call: Call): Pending<Body> {
    this.#calls += 1;
    return Pending.safely(step, call).inform(this.#served().ending, call);
  }

  get busy(): boolean {
    return this.#calls > 0 || this.upgrades.open > 0 || this.targets.pending > 0;
  }

  describe(): readonly PolicyDescription[] {
    const policies = this.#served().policies.describe();
    return [...describedAround(this.options), ...policies];
  }

  overload(): OverloadState {
    return this.#served().overload.state();
  }

  retryBudget(): RetryBudgetState | null {
    return this.options.retry === false ? null : budgetState(this.#served().repeats);
  }

  close(): void {
    this.#stopDiscovery();
    this.#keeper.stop();
    this.watch.stop();
    this.#transport?.close();
  }

  #served(): Serving {
    this.#serving ??= this.#begin();
    return this.#serving;
  }

  #begin(): Serving {
    const { options, targets, transport } = this;
    const parts = this.#parts;
    const overload = createOverload(parts, options);
    const ledger = failureLedger(parts.clock);
    const repeats = repeatsOf(parts, options, targets);
    const policies = assemble(stagesOf(parts, this, overload, ledger, repeats));
    const step = policies.to(transport.perform);
    return { overload, ledger, repeats, policies, step, ending: this.#ending() };
  }

  #discover(): () => void {
    const { discover } = this.options;
    if (discover === null) return nothing;
    const { targets: set, control } = this;
    return startDiscovery({ ...this.#parts, upstream: this.name, set, control }, discover);
  }

  #ending(): Holder<Call> {
    return {
      known: (call, outcome) => {
        this.#calls -= 1;
        const failure = failureOf(outcome);
        call.failure = failure;
        if (this.#parts.events.has("call:outcome")) this.#tellOutcome(call, failure);
        if (outcome.kind === "no_response") this.#keeper.callFailed(call, outcome.failure.code);
        return null;
      },
      over: null,
    };
  }

  // By itself, since a function that makes another one prepares for it in every call.
  #tellOutcome(call: Call, failure: Failure | null): void {
    const payload = { upstream: this.name, call, failure };
    inContextOf(call, () => this.#parts.events.emit("call:outcome", payload));
  }
}

function nothing(): void {}

/** Nothing stands around it. */
const onlyPipe: MakeAround = () => ({ run: (call, step) => step(call) });

const executing: StepsElsewhere<ResponseBody> = (other) => (call) => other.execute(call);

function refusedHere<Body>(): Pending<Body> {
  const details = "this adapter sends a request once, and to no other upstream";
  return refused<Body>({ code: "proxy_configuration_error", details });
}

function transportOptions(options: NormalisedUpstream): UndiciTransportOptions {
  const { limits, allowH2, allowBareLineFeeds: bareLineFeeds, timeouts } = options;
  // Silence that is allowed here is none that ends the exchange.
  const continueMs = Math.min(timeouts.continueMs, timeouts.idleMs / 2);
  return { ...limits, bareLineFeeds, allowH2, continueMs };
}

function tierOptions({ zone }: GatewayParts, { balance }: NormalisedUpstream): TierOptions {
  const { make, overflowBelow, sticky } = balance;
  return {
    balancer: make(),
    zone,
    overflowBelow,
    sticky: sticky === null ? null : stickiness(sticky),
  };
}

function stagesOf(
  parts: GatewayParts,
  { options, targets, maintenance }: Pick<UpstreamCore, "options" | "targets" | "maintenance">,
  { loadShed, bulkhead, pace, quota, throttle }: Overload,
  ledger: FailureLedger,
  repeats: RetryShared,
): Stages {
  const { clock, timers, lifecycle } = parts;
  const { timeouts, priority } = options;
  const breakers = options.breaker === false ? false : breakerLimits(options);
  return {
    drainGate: drainGate(lifecycle, maintenance),
    priority: priority === false ? null : priorityOf(priority),
    loadShed,
    totalDeadline: totalDeadline(timers, timeouts),
    bulkhead,
    retry: retryOf(options, repeats),
    hedge: options.hedge === false ? null : hedge(repeats, options.hedge),
    pace,
    quota,
    throttle,
    pickTarget: pickTarget(clock, targets, options.retry !== false, timers),
    breakerGate: breakerGate(breakers),
    attemptTimeout: attemptTimeout(timers, timeouts, stallSaved(parts, options)),
    record: record(clock, attemptListener(parts, options, ledger)),
    chaos: chaosOf(parts, options),
  };
}
