/**
 * What is known of the request that is being served, wherever its code runs: how long its caller
 * waits, how much it matters, and whether the client is still there.
 *
 * It flows by `AsyncLocalStorage`, one for the process, shared by every copy of the package, since
 * it belongs to the request and to no gateway. Guarantee: a process that never makes a context pays
 * one look-up for each call, and no asynchronous hook.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { onAbort } from "../base/abort.js";
import type { Clock } from "../base/clock.js";
import type { Priority } from "../catalog/priorities.js";
import { Call, type CallOverrides } from "./call.js";
import { Cancellation } from "./cancellation.js";
import { remainingMs } from "./deadline.js";
import { GatewayError } from "./failure.js";
import type { CallerHints } from "./layers.js";
import type { GatewayRequest } from "./request.js";

/** The request that is being served, for application code. */
export interface RequestContext {
  /** Milliseconds until the caller stops waiting; Infinity where it is not known. */
  remainingMs(): number;
  /** How much it matters; null where it is not known. */
  readonly priority: Priority | null;
  /** The number of the caller's attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the client leaves before its answer is complete. */
  readonly signal: AbortSignal;
}

/** What a context is made of. */
export interface ContextFacts {
  /** A moment on the clock; NEVER where it is not known. */
  readonly deadline: number;
  readonly priority: Priority | null;
  readonly attempt: number;
}

export class LiveContext implements RequestContext {
  readonly deadline: number;
  readonly priority: Priority | null;
  readonly attempt: number;
  readonly cancellation = new Cancellation();
  readonly #clock: Pick<Clock, "now">;
  #reason: unknown;
  #controller: AbortController | null = null;

  constructor(clock: Pick<Clock, "now">, { deadline, priority, attempt }: ContextFacts) {
    this.#clock = clock;
    this.deadline = deadline;
    this.priority = priority;
    this.attempt = attempt;
  }

  remainingMs(): number {
    return remainingMs(this.deadline, this.#clock.now());
  }

  // Made when it is asked for: most requests use fetch only, which needs no signal.
  get signal(): AbortSignal {
    if (this.#controller === null) {
      const made = new AbortController();
      this.#controller = made;
      this.cancellation.add(() => made.abort(this.#reason));
    }
    return this.#controller.signal;
  }

  /** The caller no longer waits for the answer. */
  leave(reason: unknown = new GatewayError("the client left", CLIENT_LEFT, 0)): void {
    this.#reason ??= reason;
    this.cancellation.cut("client");
  }
}

const CLIENT_LEFT = { code: "client_closed_request" } as const;

const HOME = Symbol.for("good-gateway.requestContext");
type Storage = AsyncLocalStorage<LiveContext | null>;
interface Home {
  [HOME]?: Storage;
}
const home = globalThis as Home;

/** The context of the code that asks; null outside of any. */
export function liveContext(): LiveContext | null {
  return home[HOME]?.getStore() ?? null;
}

/** Runs a function, and all that it starts, in a context; null leaves the surrounding one. */
export function runIn<Result>(context: LiveContext | null, fn: () => Result): Result {
  let storage = home[HOME];
  if (storage === undefined) {
    if (context === null) return fn();
    storage = new AsyncLocalStorage();
    home[HOME] = storage;
  }
  return storage.run(context, fn);
}

/** Ends a call when the client of its request leaves; returns how to unlink, null for nothing. */
export function joinContext(call: Call): (() => void) | null {
  const context = liveContext();
  if (context === null) return null;
  const onLeave = (): void => call.cancellation.cut("client");
  context.cancellation.add(onLeave);
  return () => context.cancellation.remove(onLeave);
}

/** Ends a context with the surrounding one and with a signal; returns how to unlink. */
export function linkContext(
  context: LiveContext,
  outer: LiveContext | null,
  signal: AbortSignal | undefined,
): () => void {
  const onLeave = (): void => context.leave();
  outer?.cancellation.add(onLeave);
  const unlink = onAbort(signal, (reason) => context.leave(reason));
  return () => {
    outer?.cancellation.remove(onLeave);
    unlink();
  };
}

/** A call that begins now, by what its caller has said of it and within the live context. */
export function callInContext(
  now: number,
  request: GatewayRequest,
  id: string,
  overrides: CallOverrides | null,
  caller: CallerHints | null,
): Call {
  const call = new Call(request, now, id, overrides);
  if (caller !== null) {
    call.callerAttempt = caller.attempt;
    call.callerDeadline = now + caller.deadlineMs;
  }
  const context = liveContext();
  if (context !== null) inherit(call, context);
  return call;
}

function inherit(call: Call, { deadline, attempt, priority }: LiveContext): void {
  call.callerDeadline = Math.min(call.callerDeadline, deadline);
  call.callerAttempt = Math.max(call.callerAttempt, attempt);
  if (priority !== null && call.overrides?.priority === undefined) call.priority = priority;
}
