/**
 * `good-gateway/opentelemetry`: traces and metrics of a gateway through `@opentelemetry/api`.
 *
 * The only entry that loads that package, which is an optional peer; who does not import this entry
 * needs it not and pays nothing. Which exporter, sampler and propagator there are is the
 * application's choice, as with every other instrumentation.
 */
import {
  type MeterProvider,
  metrics,
  type TextMapPropagator,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import { recordMetrics } from "./opentelemetry-metrics.js";
import { callTracer } from "./opentelemetry-traces.js";

export interface OpenTelemetryOptions {
  /**
   * Where spans go; false for none.
   * @default the global one
   */
  readonly tracerProvider?: TracerProvider | false;
  /**
   * Where metrics go; false for none.
   * @default the global one
   */
  readonly meterProvider?: MeterProvider | false;
  /**
   * How the context is read from requests and written to attempts.
   * @default the global one
   */
  readonly propagator?: Pick<TextMapPropagator, "inject" | "extract">;
}

/** The name of this instrumentation in all that it records. */
const SCOPE = "good-gateway";

/** Traces and measures all calls of a gateway from now on; returns how to stop. */
export function openTelemetry(gateway: Gateway, options: OpenTelemetryOptions = {}): () => void {
  checkOptions(options);
  const { tracerProvider, meterProvider, propagator } = options;
  const { tracing, clock } = gatewayCore(gateway);
  if (tracing.tracer !== null) {
    throw new TypeError("openTelemetry: this gateway is traced already; stop that first");
  }
  const stops: (() => void)[] = [];
  if (tracerProvider !== false) {
    const tracer = (tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE);
    tracing.tracer = callTracer(clock, tracer, propagator);
    stops.push(() => {
      tracing.tracer = null;
    });
  }
  if (meterProvider !== false) {
    const meter = (meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE);
    stops.push(recordMetrics(gateway, meter));
  }
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

const NAMES = ["tracerProvider", "meterProvider", "propagator"];

function checkOptions(options: OpenTelemetryOptions): void {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`${unknown}: unknown option; there are ${NAMES.join(", ")}`);
  }
}
