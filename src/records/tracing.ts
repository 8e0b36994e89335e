/**
 * The seam for a tracing system: it follows calls and gives each attempt its fields.
 *
 * Guarantee: without tracing it costs a comparison for each call and each attempt.
 */
import type { Call } from "../core/call.js";
import type { Exchange } from "../targets/exchange.js";
import type { CallRecord } from "./call-record.js";

/** Follows calls. None of its functions throws. */
export interface CallTracer {
  /** A call begins, in the context of the code that makes it. */
  begin(upstream: string, call: Call): void;
  /**
   * Fields that this attempt is sent with, names in lower case and values in turn; the same when it
   * is asked again for another connection. Null for none.
   */
  fieldsOf(exchange: Exchange): readonly string[] | null;
  /** A call is over. */
  over(call: Call, record: CallRecord): void;
}

/** The follower of the calls of a gateway; null without one. */
export interface Tracing {
  tracer: CallTracer | null;
}
