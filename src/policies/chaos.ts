/**
 * Delays and fails a share of the attempts on purpose, so that teams see what then happens.
 *
 * Place: last, instead of the wire: whatever stands above meets the failure as if the wire had made
 * it. Guarantee: an attempt that fails here has sent nothing, ends once, and is not repeated where
 * one that had failed like this on the wire would not be.
 */
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { FAILURES, type FailureCode, type Phase } from "../catalog/failures.js";
import type { ChaosOptions } from "../catalog/options/chaos.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import type { PipeStep, Policy } from "../core/pipe.js";
import type { RecordedExchange } from "../targets/exchange.js";
import { pathOf } from "../targets/route-rules.js";
import { pause } from "./pause.js";

export type ChaosSettings = Required<Omit<ChaosOptions, "path" | "header">> &
  Pick<ChaosOptions, "path" | "header">;

/** Is notified of every attempt that is met. */
export type ChaosListener = (exchange: RecordedExchange) => void;

export function chaos(
  clock: Pick<Clock, "after">,
  random: Random,
  settings: ChaosSettings,
  listener: ChaosListener,
): Policy<RecordedExchange, RecordedExchange> {
  const { share, path, header, failure, delayMs } = settings;
  const field = header?.toLowerCase();
  const isMet = ({ request }: RecordedExchange): boolean => {
    if (path !== undefined && !isBelow(path, pathOf(request.path))) return false;
    if (field !== undefined && !hasField(request.headers, field)) return false;
    return random.next() < share;
  };
  const meet = async <Body>(
    exchange: RecordedExchange,
    next: PipeStep<RecordedExchange, Body>,
  ): Promise<Outcome<Body>> => {
    const { cancellation, timeline } = exchange;
    listener(exchange);
    if (delayMs > 0) {
      exchange.enter("wait");
      await pause(clock, delayMs, cancellation);
      if (cancellation.by !== null) {
        return ended(exchange, classifyError(timeline, cancellation.by, null), "wait");
      }
    }
    if (failure === "none") return next(exchange);
    return ended(exchange, failure, FAILURES[failure].phase);
  };
  return {
    role: "chaos",
    settings: { ...settings },
    run: (exchange, next) => (isMet(exchange) ? meet(exchange, next) : next(exchange)),
  };
}

function ended(exchange: RecordedExchange, code: FailureCode, phase: Phase): Outcome<never> {
  if (exchange.timeline.phase !== phase) exchange.enter(phase);
  exchange.end();
  const failure: Failure = { code, target: exchange.target.id, details: "chaos" };
  // In that phase the request has been sent.
  return noResponse(phase === "wait" ? { ...failure, written: true } : failure);
}

function isBelow(path: string, asked: string): boolean {
  return asked === path || asked.startsWith(path.endsWith("/") ? path : `${path}/`);
}

function hasField(fields: readonly string[], name: string): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index]?.toLowerCase() === name) return true;
  }
  return false;
}
