/**
 * One call of `gatewayFetch`: what joins the caller's promise, the fetch function and the pipe.
 *
 * The pipe decides when the function is called. Once the function dispatches, the pipe's outcome
 * goes to the function's handler, and what the function makes of it is the caller's. A redirect is
 * one more dispatch, and becomes a call of its own, within the time that is left of the first one.
 * Guarantee: the promise settles once; nothing of the answer is held here when the caller has it.
 */
import type { Timer } from "../../base/clock.js";
import type { Call, CallOverrides } from "../../core/call.js";
import { NEVER } from "../../core/deadline.js";
import { type Failure, GatewayError } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import { type Outcome, whenOver } from "../../core/outcome.js";
import { OwnResponse } from "../../core/own-answer.js";
import { Pending } from "../../core/pending.js";
import type { ResponseBody } from "../../core/response-body.js";
import { OwnScope } from "../../gateway/call-scope.js";
import { keptBytesMax } from "../../gateway/repeats.js";
import type { UpstreamCore } from "../../gateway/upstream.js";
import type { Exchange } from "../../targets/exchange.js";
import type { FetchAsk, FetchedBody } from "../../transports/fetch.js";
import type { FetchFunction, KnownFetch } from "../../transports/fetch-function.js";
import { type FetchDispatch, FetchDispatcher } from "../../transports/fetch-handler.js";
import { ForeignAnswer } from "../../transports/foreign-answer.js";
import { hasNoBody } from "../../wire/passed-answer.js";
import { wholeResponse } from "../../wire/web-response.js";
import { type AbortLink, linkAbort, unlinkAbort, unlinkWithAnswer } from "./abort-links.js";
import type { FetchArguments, FetchInput } from "./fetch-arguments.js";
import { failedFetch } from "./fetch-failure.js";
import { FetchHop, FetchRequest } from "./fetch-hop.js";
import type { ReadFetchOptions } from "./fetch-options.js";
import { type FetchRoute, originOfTarget, routeOfHop } from "./fetch-route.js";

/** Takes a call through the pipe that ends with the fetch function. */
export type Perform = (core: UpstreamCore, call: Call) => Promise<Outcome<FetchedBody>>;

export interface FetchCallParts {
  readonly perform: Perform;
  readonly onFailure: ReadFetchOptions["onFailure"];
  readonly fetch: FetchFunction;
  readonly known: KnownFetch | null;
  readonly route: FetchRoute;
  readonly asked: FetchArguments;
  readonly overrides: CallOverrides | null;
  readonly replayable: boolean;
  /** What its record says of it. */
  readonly as: CallMark;
}

/** The kind of a call, and its id where it is not one of its own. */
export interface CallMark {
  readonly kind: "fetch" | "resumed";
  readonly id?: string;
}

/** What a signal of the caller still reaches: the function, and the call while it is under way. */
class SignalLink implements AbortLink {
  controller: AbortController | null = null;
  call: FetchCall | null;

  constructor(call: FetchCall) {
    this.call = call;
  }

  aborted(reason: unknown): void {
    this.controller?.abort(reason);
    this.call?.aborted(reason);
  }
}

export class FetchCall implements FetchAsk {
  isTaken = false;
  refusedBy: { readonly error: unknown } | null = null;
  readonly dispatchesAlways: boolean;
  readonly #parts: FetchCallParts;
  readonly #input: FetchInput;
  readonly #request: FetchRequest;
  readonly #scope: OwnScope;
  readonly #link: SignalLink | null;
  /** The latest request of a function that dispatches. */
  #hop: FetchHop | null = null;
  #isOver = false;
  #timer: Timer | null = null;
  #given: WeakRef<Response> | "rejected" | null = null;
  /** Settles the caller's promise; null then, since a promise keeps its Response. */
  #settle: { give(response: Response): void; refuse(error: unknown): void } | null = null;

  constructor(parts: FetchCallParts, input: FetchInput) {
    const { known, asked, route, overrides, replayable, as } = parts;
    this.#parts = parts;
    this.#input = input;
    this.dispatchesAlways = known !== null;
    this.#request = new FetchRequest(this, {
      method: asked.method,
      path: route.path,
      headers: asked.fields,
      body: input.replay,
      replayable: replayable || asked.headers.has("idempotency-key"),
    });
    this.#scope = new OwnScope(route, as.kind, this.#request, overrides, as);
    this.#link = asked.signal === undefined ? null : new SignalLink(this);
  }

  begin(): Promise<Response> {
    const { perform, route, asked } = this.#parts;
    if (asked.signal !== undefined) linkAbort(asked.signal, this.#link as SignalLink);
    return new Promise((give, refuse) => {
      this.#settle = { give, refuse };
      Pending.of(perform(route.core, this.#scope.call)).subscribe((outcome) =>
        this.#answered(outcome),
      );
    });
  }

  // --- what an attempt asks for ---

  call(
    { target }: Pick<Exchange, "target">,
    fields: readonly string[] | null,
    dispatcher: FetchDispatcher,
  ): { readonly coming: Promise<Response>; readonly stop: (reason: unknown) => void } {
    const controller = this.dispatchesAlways && this.#link === null ? null : new AbortController();
    if (this.#link !== null) this.#link.controller = controller;
    const url = originOfTarget(target) + target.pathPrefix + this.#request.path;
    const added = controller === null ? { dispatcher } : { dispatcher, signal: controller.signal };
    const [input, init] = this.#input.of(url, fields, added);
    return {
      coming: this.#parts.fetch(input, init),
      stop: (error) =>
        controller?.abort(this.#isAborted() ? this.#parts.asked.signal?.reason : error),
    };
  }

  take(asked: FetchDispatch, handler: object, { target }: Exchange): void {
    const { core } = this.#parts.route;
    const { length, keepsBytes } = this.#input;
    this.isTaken = true;
    this.#request.take(
      asked,
      this.#pathOf(asked, target),
      keptBytesMax(core.options),
      length,
      keepsBytes,
    );
    const bytesMax = core.options.limits.responseBodyBytesMax;
    this.#hop = this.#hopOf(this.#scope.call, bytesMax, handler);
    this.#hop.start();
  }

  follow(asked: FetchDispatch, handler: object): void {
    const { route, overrides } = this.#parts;
    const { clock } = route.gateway;
    const before = this.#hop as FetchHop;
    before.discard();
    let to: FetchRoute;
    try {
      to = routeOfHop(route, asked);
    } catch (error) {
      const refused = this.#hopOf(before.call, 0, handler);
      this.#hop = refused;
      refused.start();
      refused.refuse(error);
      return;
    }
    const request = new FetchRequest(null, { ...EMPTY, method: asked.method, path: to.path });
    request.beyondPrefix = to.beyondPrefix === true;
    request.take(asked, to.path, keptBytesMax(to.core.options), null, false);
    const leftMs = this.#scope.call.deadline - clock.now();
    const scope = new OwnScope(to, "fetch", request, within(overrides, to.core, leftMs));
    const limit = to.core.options.limits.responseBodyBytesMax;
    const hop = this.#hopOf(scope.call, Math.min(before.bytesMax, limit), handler);
    this.#hop = hop;
    hop.start();
    Pending.of(to.core.execute(scope.call)).subscribe((outcome) => {
      hop.deliver(outcome);
      whenOver(outcome, () => this.#hopOver(hop, request, scope));
    });
  }

  resolved(response: Response): void {
    if (this.#given === null) this.#give(response);
    else ForeignAnswer.cancel(response);
  }

  rejected(error: unknown): void {
    const hop = this.#hop as FetchHop;
    if (this.#isAborted()) this.#refuse(this.#parts.asked.signal?.reason);
    else if (hop.failure !== null) this.#failed(hop.failure, hop.call);
    else this.#refuse(error);
    // What is on its way is for a reader who will not come.
    hop.giveUp();
  }

  errorOf(failure: Failure): unknown {
    if (this.#isAborted()) return this.#parts.asked.signal?.reason;
    return new GatewayError("terminated", failure, this.#scope.call.attempts.length);
  }

  // --- what happens to the call ---

  aborted(reason: unknown): void {
    (this.#hop?.call ?? this.#scope.call).cancellation.cut("client");
    // A function that ignores its signal is not waited for.
    if (this.isTaken && !this.dispatchesAlways) this.#refuse(reason);
  }

  #answered(outcome: Outcome<FetchedBody>): void {
    const { call } = this.#scope;
    const hop = this.#hop;
    if (outcome.kind !== "no_response" && outcome.response.body instanceof ForeignAnswer) {
      call.answeredBy = "upstream";
      this.#give(outcome.response.body.take());
      // Another attempt's function has dispatched, and lost.
      hop?.refuse(new NamedError("hedge_cancelled"));
    } else if (hop !== null) hop.deliver(outcome as Outcome<ResponseBody>);
    else if (outcome.kind !== "no_response" && outcome.response instanceof OwnResponse) {
      this.#deliverOwn(outcome as Outcome<ResponseBody>, outcome.response);
    } else if (outcome.kind === "no_response") this.#failed(outcome.failure, call);
    if (!this.dispatchesAlways && this.#given === null) this.#waitForFunction(call.deadline);
    whenOver(outcome, () => {
      this.#input.close(this.#parts.asked.signal?.reason);
      this.#hopOver(hop, this.#request, this.#scope);
    });
  }

  /**
   * An answer of ours, before the function was called: it is called now, so that the Response is
   * its own; one that would send by itself is not.
   */
  #deliverOwn(outcome: Outcome<ResponseBody>, answer: OwnResponse): void {
    const { call } = this.#scope;
    const { core } = this.#parts.route;
    const [target] = core.targets.targets;
    if (!this.dispatchesAlways || target === undefined) {
      call.answeredBy = "upstream";
      const bytes = answer.takeWhole();
      const body = hasNoBody(call.request.method, answer.status) ? null : bytes;
      this.#give(wholeResponse(answer.status, answer.rawHeaders, body));
      return;
    }
    let isFirst = true;
    const dispatcher = new FetchDispatcher((asked, handler) => {
      if (!isFirst) {
        this.follow(asked, handler);
        return;
      }
      isFirst = false;
      this.#hop = this.#hopOf(call, core.options.limits.responseBodyBytesMax, handler);
      this.#hop.start();
      this.#hop.deliver(outcome);
    });
    const { coming } = this.call({ target }, null, dispatcher);
    coming.then(
      (response) => this.resolved(response),
      (error: unknown) => this.#refuse(error),
    );
  }

  /** The pipe is through, and with it all that bounds the time of a function. */
  #waitForFunction(deadline: number): void {
    const { clock } = this.#parts.route.gateway;
    if (deadline === NEVER) return;
    this.#timer = clock.after(Math.max(0, deadline - clock.now()), () => {
      const hop = this.#hop;
      this.#failed(hop?.failure ?? { code: "deadline_exceeded" }, this.#scope.call);
      hop?.giveUp();
    });
  }

  #hopOver(hop: FetchHop | null, request: FetchRequest, scope: OwnScope): void {
    request.close();
    scope.over();
    if (hop !== this.#hop) return;
    this.#isOver = true;
    if (this.#link !== null) this.#unlinkIfDone(this.#link);
  }

  #hopOf(call: Call, bytesMax: number, handler: object): FetchHop {
    return new FetchHop({ call, bytesMax, isAborted: () => this.#isAborted() }, handler);
  }

  #isAborted(): boolean {
    return this.#parts.asked.signal?.aborted === true;
  }

  /** The path below the target, where the function itself may have written another one. */
  #pathOf({ path, origin }: FetchDispatch, { pathPrefix }: Exchange["target"]): string {
    const asked = this.#request.path;
    if (this.dispatchesAlways || path === pathPrefix + asked || origin === undefined) return asked;
    return path.startsWith(`${pathPrefix}/`) ? path.slice(pathPrefix.length) : path;
  }

  // --- how the promise settles ---

  #failed(failure: Failure, call: Call): void {
    const { route, onFailure, asked } = this.#parts;
    if (this.refusedBy !== null) this.#refuse(this.refusedBy.error);
    else if (this.#isAborted() && call.cancellation.by === "client") {
      this.#refuse(asked.signal?.reason);
    } else {
      const cause = this.#input.error ?? failure.cause;
      const named = cause === undefined ? failure : { ...failure, cause };
      try {
        this.#give(failedFetch(route.gateway, call, named, onFailure));
      } catch (error) {
        this.#refuse(error);
      }
    }
  }

  #give(response: Response): void {
    if (this.#given !== null) return;
    this.#given = new WeakRef(response);
    this.#settle?.give(response);
    this.#settled();
  }

  #refuse(error: unknown): void {
    if (this.#given !== null) return;
    this.#given = "rejected";
    this.#settle?.refuse(error);
    this.#settled();
  }

  #settled(): void {
    this.#settle = null;
    this.#timer?.cancel();
    if (this.#link !== null) this.#unlinkIfDone(this.#link);
  }

  #unlinkIfDone(link: SignalLink): void {
    const { signal } = this.#parts.asked;
    if (signal === undefined || this.#given === null || !this.#isOver) return;
    link.call = null;
    const answer = this.#given === "rejected" ? undefined : this.#given.deref();
    if (answer === undefined) unlinkAbort(signal, link);
    else unlinkWithAnswer(signal, link, answer);
  }
}

const EMPTY = { headers: [], body: null, replayable: false } as const;

/** A call that follows another one has what is left of its time. */
function within(
  overrides: CallOverrides | null,
  { options }: UpstreamCore,
  leftMs: number,
): CallOverrides | null {
  if (leftMs === NEVER) return overrides;
  const totalMs = Math.min(Math.max(leftMs, 0), options.timeouts.totalMs);
  return { ...overrides, timeouts: { ...overrides?.timeouts, totalMs } };
}
