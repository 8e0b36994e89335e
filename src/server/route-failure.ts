/**
 * A failed fetch in a route of the application → the answer that the client of that route gets.
 *
 * Here the process is the origin and no proxy, so the answer has no Proxy-Status (RFC 9209 §2).
 * Status, Retry-After and the form of the body are those of a proxied failure.
 */
import type { IncomingMessage } from "node:http";
import { statusOf } from "../catalog/status-policy.js";
import { errorStatus, type GatewayError, gatewayErrorOf } from "../core/failure.js";
import type { GatewayCore } from "../gateway/core.js";
import { requestIdOf } from "../wire/field-info.js";
import type { Diagnostics } from "../wire/proxy-status.js";
import { failureAnswer, type TextAnswer } from "../wire/synthetic-answer.js";

/** What a route's failure is answered from. */
export interface RouteFailureOptions {
  /**
   * What answers reveal about internals.
   * @default "code"
   */
  readonly diagnostics?: Diagnostics | ((req: IncomingMessage) => Diagnostics);
}

/**
 * The failure behind an error that a route let out; null when it is about something else. An error
 * with a status that is not the failure's has decided what it is about, be it one that wraps the
 * failure or the error of the failure, to which frameworks may assign one. A status that
 * was copied from the failure decides nothing.
 */
export function failureBehind(error: unknown): GatewayError | null {
  const found = gatewayErrorOf(error);
  if (found === null) return null;
  const deserved = errorStatus(found.failure.code);
  for (let one = error; ; one = (one as { readonly cause?: unknown }).cause) {
    if (decidesOtherwise(one as object, deserved)) return null;
    if (one === found) return found;
  }
}

function decidesOtherwise(error: object, deserved: number): boolean {
  const { status, statusCode } = error as {
    readonly status?: unknown;
    readonly statusCode?: unknown;
  };
  return [status, statusCode].some((one) => typeof one === "number" && one !== deserved);
}

/** The answer to the client of the route. */
export function routeFailureAnswer(
  gateway: GatewayCore,
  req: IncomingMessage,
  { failure, attempts }: GatewayError,
  diagnostics: Diagnostics,
): TextAnswer {
  return failureAnswer(req.headers.accept, {
    failure,
    status: statusOf(failure.code, gateway.statusPolicy),
    requestId: requestIdOf(req) ?? gateway.newRequestId(),
    attempts,
    diagnostics,
    fields: [],
  });
}
