/**
 * What stands in for an upstream that has failed: another upstream, or an answer of the
 * application.
 * Rules for it are in `fallback-rules.ts`; who acts by them is `gateway/around-pipe.ts`.
 */
import type { FailureCode } from "../catalog/failures.js";
import type { AskedRequest } from "../catalog/options/option.js";

/** When a fallback applies: a status, a failure by its name, or whenever nothing answered. */
export type FallbackOn = number | FailureCode | "no_answer";

/** Why a fallback is asked for. */
export interface FallbackReason {
  /** The failure by its name; null for an answer that is none, such as a 404. */
  readonly code: FailureCode | null;
  /** The status that was answered; null without an answer. */
  readonly status: number | null;
}

/** An answer of the application in the place of the upstream's. */
export interface FallbackAnswer {
  /** @default 200 */
  readonly status?: number;
  /** Its fields, but for those that frame a body. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Text or bytes. */
  readonly body?: string | Uint8Array;
  /** Written as JSON; instead of `body`. */
  readonly json?: unknown;
}

/** Returns an answer, or nothing where it has none; it has two seconds. */
export type FallbackFunction = (
  reason: FallbackReason,
  request: AskedRequest,
) => FallbackAnswer | null | undefined | Promise<FallbackAnswer | null | undefined>;

/** One thing to try, in the place of an upstream that has failed. */
export interface FallbackStep {
  /** Other upstreams by name, which are asked in turn. */
  readonly upstream?: string | readonly string[];
  /** An answer, or a function that makes one. */
  readonly answer?: FallbackAnswer | FallbackFunction;
  /**
   * When it applies. Default: without an answer and at 502, 503 and 504, as long as neither the
   * client nor this process is to blame.
   */
  readonly on?: readonly FallbackOn[];
}

/** One step, or several, which are tried in turn; `false` for none. */
export type Fallback = false | FallbackStep | readonly FallbackStep[];
