/**
 * The shape of one row of the failure catalog, and the small vocabularies its columns use.
 *
 * It stands apart from failures.ts only so that the files in rows/ can be checked against it
 * without importing the table that they are merged into.
 */
import type { ProxyErrorType } from "./proxy-errors.js";

/** How far an exchange got. `PHASES` has them in the order in which they are passed. */
export type Phase =
  | "admit"
  | "queue"
  | "resolve"
  | "connect"
  | "secure"
  | "send"
  | "wait"
  | "receive";

/** All phases in the order in which an exchange passes them. */
export const PHASES: readonly Phase[] = [
  "admit",
  "queue",
  "resolve",
  "connect",
  "secure",
  "send",
  "wait",
  "receive",
];

/**
 * May the request be sent again after this failure?
 *
 * - `safe`: the request was never written, so any method may be repeated. The name alone is no
 *   proof: the timeline must also show that nothing was written, since a TLS 1.3 alert can arrive
 *   after the request has been sent. A refused HTTP/2 stream was written, but its upstream says
 *   that it was not processed (RFC 9113 §8.7).
 * - `idempotent`: it may have been processed; RFC 9110 §9.2.2 allows only idempotent methods, or
 *   a promise of the caller.
 * - `never`: a repeat would fail the same way, or its client has left.
 */
export type Repeat = "safe" | "idempotent" | "never";

/**
 * Who is at fault; `none` where all went as it was set up to go. Only `upstream`, `overload` and
 * `network` count against a target.
 */
export type Blame = "upstream" | "overload" | "network" | "proxy" | "client" | "self" | "none";

/** The status of the answer that the gateway writes, or "received" when it passes one on. */
export type FailureStatus =
  | 400
  | 403
  | 408
  | 413
  | 429
  | 431
  | 499
  | 500
  | 502
  | 503
  | 504
  | "received";

/**
 * What else follows from the name, where no other column says it.
 *
 * - `refused`: nothing listens at the target any more; `cut`: a connection in use is gone.
 * - `connection_lost`: names of one loss, by how far the exchange had come.
 * - `free_repeat`: it says nothing about the target, so its first repeat is no attempt.
 * - `resumes`: a body that broke like this may go on, if the rest of the same can be had.
 * - `silent`: a kept connection ends like this when it is dead; the next attempt opens a new one.
 * - `no_service`: an answer that is as good as none, from a gateway or an overloaded target.
 * - `no_target`: no target would take the call, and waiting for one is of no use.
 * - `not_again`: too much to do, or no target to do it: a repeat by the caller makes it worse.
 * - `own_fault`: this process or its configuration is wrong, as the thrown error says.
 * - `early`: its error codes mean it when a connection is made, whatever else they can mean.
 * - `telling`: it says more than another name, where several addresses failed.
 */
export type Trait =
  | "refused"
  | "cut"
  | "connection_lost"
  | "free_repeat"
  | "resumes"
  | "silent"
  | "no_service"
  | "no_target"
  | "not_again"
  | "own_fault"
  | "early"
  | "telling";

/** One failure: everything that status, headers, retry, breaker, metrics and docs ask about it. */
export interface FailureRow {
  /** The phase it belongs to; the timeline of the exchange records where it happened. */
  readonly phase: Phase | "any";
  /** Status under the policy "rfc9209"; other policies are in status-policy.ts. */
  readonly status: FailureStatus;
  /** The `error` of Proxy-Status, or null when the field does not report it. */
  readonly proxyError: ProxyErrorType | null;
  readonly repeat: Repeat;
  readonly blame: Blame;
  readonly traits?: readonly Trait[];
  /** One sentence in the present tense, for a person on call. */
  readonly summary: string;
  /** Most likely first. */
  readonly causes: readonly string[];
  /** What to check, what to change. */
  readonly remedies: readonly string[];
}
