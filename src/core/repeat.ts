/**
 * May this call be sent again after this failure?
 *
 * The catalog says what the failure allows, the method and the caller's promises say what the
 * request allows (RFC 9110 §9.2.2), the body says what is possible. Time, attempts and budget are
 * asked by the retry policy, since they change while the call runs.
 * RFC 9110 §9.1: a method is case-sensitive; "get" is an unknown method and gets no privilege.
 */
import { FAILURES, type FailureCode } from "../catalog/failures.js";
import type { StopReason } from "./call.js";
import type { Failure } from "./failure.js";
import type { GatewayRequest } from "./request.js";

/** RFC 9110 §9.2.1: the client asks for no change of state. */
export const SAFE_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "QUERY",
]);

/** RFC 9110 §9.2.2: sent twice, the intended effect is that of once. Safe methods, PUT, DELETE. */
export const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([...SAFE_METHODS, "PUT", "DELETE"]);

/** True for methods by which a client asks for no change of state. */
export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/** Null when a repeat is allowed, else why not. */
export function whyNotRepeat(request: GatewayRequest, failure: Failure): StopReason | null {
  if (failure.repeat === "never") return "repeat_forbidden";
  const repeat = failure.repeat ?? FAILURES[failure.code].repeat;
  if (repeat === "never") return "not_repeatable";
  // RFC 9110 §9.2.2: what was never written may be sent again, whatever the method. The name alone
  // is not the proof: a TLS 1.3 alert can come after the request has left.
  // An upstream that says it has not processed a request knows better.
  const safe = failure.repeat === "safe" || isUnsent(failure);
  if (!safe && !promisedIdempotent(request)) return "method_not_idempotent";
  if (request.body !== null && !request.body.replayable) return "body_not_replayable";
  return null;
}

/** Whether it is proved that no byte of the request has left. */
export function isUnsent({ code, written, repeat }: Failure): boolean {
  return (repeat ?? FAILURES[code].repeat) === "safe" && written !== true;
}

/** Whether nothing was sent makes a repeat safe that otherwise were a question of the method. */
export function isSafeUnsent(code: FailureCode): boolean {
  return FAILURES[code].repeat === "idempotent";
}

/**
 * Whether a target cannot be used from here: a wrong name, address, certificate or permission. It
 * will be as wrong in a moment, and others may be well.
 */
export function isUnusable(code: FailureCode | null): boolean {
  if (code === null) return false;
  const { blame, repeat } = FAILURES[code];
  return blame === "proxy" && repeat === "safe";
}

/** RFC 9110 §9.2.2: by its method, or by what its caller has promised. */
export function promisedIdempotent(request: GatewayRequest): boolean {
  return IDEMPOTENT_METHODS.has(request.method) || request.replayable;
}
