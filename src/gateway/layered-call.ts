/**
 * A call among its layers: what its caller has said of it, what the request says within which it is
 * made, and what its attempts tell upstreams.
 *
 * Guarantee: who says nothing and is told nothing costs a comparison.
 */
import type { Clock } from "../base/clock.js";
import { Call, type CallOverrides } from "../core/call.js";
import { type CallerHints, layerFields } from "../core/layers.js";
import type { GatewayRequest } from "../core/request.js";
import { type LiveContext, liveContext } from "../core/request-context.js";
import type { AttemptFields } from "../transports/undici.js";
import type { NormalisedUpstream } from "./options/options.js";
import type { GatewayParts } from "./parts.js";

/** A call that begins now. */
export function newCall(
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

/** What is sent with each attempt beside the fields of its request; null, as a rule. */
export function attemptFields(
  { clock, tracing }: Pick<GatewayParts, "clock" | "tracing">,
  options: Pick<NormalisedUpstream, "layers" | "timeouts">,
): AttemptFields {
  const told = layersTold(clock, options);
  return (exchange) => {
    const layered = told(exchange);
    if (tracing.tracer === null) return layered;
    const traced = tracing.tracer.fieldsOf(exchange);
    return layered === null || traced === null ? (layered ?? traced) : layered.concat(traced);
  };
}

function layersTold(
  clock: Clock,
  { layers, timeouts }: Pick<NormalisedUpstream, "layers" | "timeouts">,
): AttemptFields {
  if (layers === false) return () => null;
  return ({ attempt: { call, number } }) => {
    const waitsMs = call.overrides?.timeouts?.responseMs ?? timeouts.responseMs;
    return layerFields(layers, call, number, waitsMs, clock);
  };
}
