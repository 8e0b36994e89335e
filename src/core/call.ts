/**
 * A call: one client request, from first byte to last, with the record of its attempts.
 *
 * The type changes as the call goes down the pipe (arrived, admitted, bounded, seated), so that a
 * pipe in another order than the one argued in `gateway/assemble.ts` does not compile.
 */

import type { AsyncResource } from "node:async_hooks";
import type { Linked } from "../base/linked-list.js";
import type { FailureCode, Phase } from "../catalog/failures.js";
import { PRIORITY_UNLESS_GIVEN, type Priority } from "../catalog/priorities.js";
import { Cancellation } from "./cancellation.js";
import { NEVER } from "./deadline.js";
import type { Failure } from "./failure.js";
import type { Fallback } from "./fallback.js";
import type { GatewayRequest } from "./request.js";
import type { Timeline } from "./timeline.js";

/** Why no further attempt was made. */
export type StopReason =
  | "not_repeatable"
  | "repeat_forbidden"
  | "method_not_idempotent"
  | "body_not_replayable"
  | "attempts_exhausted"
  | "caller_repeats"
  | "budget_exhausted"
  | "no_time_left"
  | "retry_after_too_long"
  | "retry_off"
  | "no_other_target"
  | "draining"
  | "client_gone";

/** What one attempt came to. */
export interface AttemptRecord {
  readonly number: number;
  /** Origin of the target, null when none was chosen. */
  readonly target: string | null;
  readonly phase: Phase;
  /** Null for a success. */
  readonly code: FailureCode | null;
  readonly status: number | null;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly reused: boolean;
}

/** Who made the answer that a client got. */
export type AnswerSource = "upstream" | "gateway" | "application";

/** How the client's side of a call ended: it has the whole answer, it left, or we cut it. */
export type ClientEnd = "complete" | "aborted" | "cut";

/** What a caller may set for one call, over the upstream's options. Milliseconds. */
export interface CallOverrides {
  readonly timeouts?: {
    readonly connectMs?: number;
    readonly responseMs?: number;
    readonly idleMs?: number;
    /** Of an upgraded connection. */
    readonly tunnelIdleMs?: number;
    readonly totalMs?: number;
    readonly bodyMs?: number;
  };
  readonly retry?: false | { readonly attemptsMax?: number };
  /** `false`: no second target is tried while the first has not answered. */
  readonly hedge?: false;
  /** How much the call matters; who matters least is refused first. */
  readonly priority?: Priority;
  /** What stands in when the upstream fails, instead of its own; `false` for nothing. */
  readonly fallback?: Fallback;
  /** The upstream that the call goes to instead, by name. */
  readonly upstream?: string;
}

/** The time that a call waits. While a body moves it does not wait, and the time stands still. */
export interface TimeLimit {
  /** When the last upload was over; 0 without one, Infinity while one is on its way. */
  readonly uploadedAt: number;
  pause(now: number): void;
  resume(now: number): void;
  /** The head is up. */
  stop(): void;
}

/**
 * `routed`: `upstreamFor` has chosen another upstream; `failover`: another upstream was asked after
 * a failure; `answer`: the application's own fallback; `cached`: an answer that was kept, and
 * `stale` for one in the place of a failure.
 */
export type DetourKind = "routed" | "failover" | "answer" | "cached" | "stale";

export interface Detour {
  readonly kind: DetourKind;
  /** The other upstream; null for an answer of the application. */
  readonly upstream: string | null;
  /** What the upstream of the call had failed with; null where it was not asked, or no failure. */
  readonly code: FailureCode | null;
  /** The call to the other upstream. */
  readonly call: Call | null;
  /** Of an answer that was made here. */
  readonly status: number | null;
  /** The sticky cookie of the other upstream, as Set-Cookie has it. */
  readonly cookie?: string | null;
}

export class Call implements Linked<Call> {
  readonly request: GatewayRequest;
  readonly startedAt: number;
  readonly overrides: CallOverrides | null;
  readonly cancellation = new Cancellation();
  /** The moment by which the head must be with the client. */
  deadline = NEVER;
  /** What cuts it at its deadline; null where nothing does. */
  timeLimit: TimeLimit | null = null;
  /** What its place counts against as well, or instead; null for a place like any other. */
  place: { giveBack(): void } | null = null;
  /** How much it matters when not all can be served. */
  priority: Priority;
  /** The moment that the caller itself has named; NEVER when it named none. */
  callerDeadline = NEVER;
  /** The number of the caller's own attempt, from 1; above that the layer in front repeats. */
  callerAttempt = 1;
  /** Attempts that were made, in order. */
  attempts: readonly AttemptRecord[] = NONE;
  /** How each attempt went through its phases; null unless a listener asks for it. */
  timelines: Timeline[] | null = null;
  /** Why it has no good answer; null while it is under way, and when it has one. */
  failure: Failure | null = null;
  /** Who made its answer, null while there is none. */
  answeredBy: AnswerSource | null = null;
  /** Bytes of the body of an answer of our own. */
  ownBytes = 0;
  /** The answer's body is one side, the client the other. */
  sidesOver = 0;
  /** Why no further attempt was made; null when the first one was good. */
  stopReason: StopReason | null = null;
  /** Who has answered in the place of its upstream; null if nothing has. */
  detour: Detour | null = null;
  /** The caller's request id, or one of our own. */
  readonly id: string;
  /** Where it began, for its listeners; null while there are none (`call-context.ts`). */
  context: AsyncResource | null = null;
  /** Its place among the calls under way. */
  before: Call | null = null;
  behind: Call | null = null;
  listed = false;

  constructor(
    request: GatewayRequest,
    startedAt: number,
    id: string,
    overrides: CallOverrides | null,
  ) {
    this.request = request;
    this.startedAt = startedAt;
    this.id = id;
    this.overrides = overrides;
    this.priority = overrides?.priority ?? PRIORITY_UNLESS_GIVEN;
  }
}

const NONE: readonly AttemptRecord[] = [];

declare const stage: unique symbol;
export type Stage<Name extends string> = { readonly [stage]: Name };

/** A call that the drain gate let in. */
export type AdmittedCall = Call & Stage<"admitted">;
/** A call with its priority. */
export type RankedCall = Call & Stage<"ranked">;
/** A call that load shedding let pass. */
export type AcceptedCall = Call & Stage<"accepted">;
/** A call with a deadline. */
export type BoundedCall = Call & Stage<"bounded">;
/** A call that holds a place of the bulkhead. */
export type SeatedCall = Call & Stage<"seated">;
