/**
 * What the attempts of a call send to upstreams, beside the fields of the request: fields for the
 * layers between, and of a trace.
 *
 * Guarantee: without such fields it costs a comparison.
 */
import type { Clock } from "../base/clock.js";
import { NEVER } from "../core/deadline.js";
import { layerFields } from "../core/layers.js";
import type { NormalisedUpstream } from "../options/options.js";
import type { AttemptFields } from "../transports/undici.js";
import type { GatewayParts } from "./parts.js";

/** What is sent with each attempt beside the fields of its request; null, as a rule. */
export function attemptFields(
  { clock, tracing }: Pick<GatewayParts, "clock" | "tracing">,
  options: Pick<NormalisedUpstream, "layers" | "timeouts">,
): AttemptFields {
  const fieldsOf = layersTold(clock, options);
  return (exchange) => {
    const layered = fieldsOf(exchange);
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
  const tellsAlways = layers.sendDeadline === "always" || layers.priorityHeader !== false;
  return ({ attempt: { call, number } }) => {
    const isPlain = number === 1 && call.callerAttempt === 1 && call.callerDeadline === NEVER;
    if (isPlain && !tellsAlways) return null;
    const waitsMs = call.overrides?.timeouts?.responseMs ?? timeouts.responseMs;
    return layerFields(layers, call, number, waitsMs, clock);
  };
}
