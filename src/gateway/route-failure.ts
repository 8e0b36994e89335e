/**
 * A failed fetch in a route of the application → the answer that the client of that route gets.
 *
 * Here the process is the origin and no proxy, so the answer has no Proxy-Status (RFC 9209 §2).
 * Status, Retry-After and the form of the body are those of a proxied failure.
 */
import type { IncomingMessage } from "node:http";
import { LIMITS } from "../catalog/defaults.js";
import { statusOf } from "../catalog/status-policy.js";
import { type GatewayError, isGatewayError } from "../core/failure.js";
import type { Diagnostics } from "../wire/proxy-status.js";
import { requestIdOf } from "../wire/read-request.js";
import { type FailureMessage, failureMessage } from "../wire/write-failure.js";
import type { GatewayCore } from "./core.js";

/** What a route's failure is answered from. */
export interface RouteFailureOptions {
  /**
   * What answers tell about the inside.
   * @default "code"
   */
  readonly diagnostics?: Diagnostics | ((req: IncomingMessage) => Diagnostics);
}

/**
 * The failure behind an error that a route let out; null when it is about something else. An error
 * that wraps one and names a status of its own has decided what it is about.
 */
export function failureBehind(error: unknown): GatewayError | null {
  let one = error;
  for (let depth = 0; depth < LIMITS.causeDepthMax; depth += 1) {
    if (isGatewayError(one)) return one;
    if (typeof one !== "object" || one === null || namesStatus(one)) return null;
    one = (one as { readonly cause?: unknown }).cause;
  }
  return null;
}

function namesStatus(error: object): boolean {
  const { status, statusCode } = error as {
    readonly status?: unknown;
    readonly statusCode?: unknown;
  };
  return typeof status === "number" || typeof statusCode === "number";
}

/** The answer to the client of the route. */
export function routeFailureMessage(
  gateway: GatewayCore,
  req: IncomingMessage,
  { failure, attempts }: GatewayError,
  diagnostics: Diagnostics,
): FailureMessage {
  return failureMessage(req.headers.accept, {
    failure,
    status: statusOf(failure.code, gateway.statusPolicy),
    requestId: requestIdOf(req) ?? gateway.newRequestId(),
    attempts,
    diagnostics,
    fields: [],
  });
}
