/**
 * Caps the calls that an upstream serves at once, with a short bounded queue behind them.
 *
 * Place: above retry. A call holds one place however often it is repeated.
 * Guarantee: a place is held until the body of the answer is over and then goes to whoever waits
 * longest. Who leaves the queue, for whatever reason, leaves nothing behind in it.
 * Not here: connections. Waiting for one of the pool is the transport's matter.
 */
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { RETRY_AFTER } from "../catalog/defaults.js";
import type { BoundedCall, Call, SeatedCall } from "../core/call.js";
import type { CutBy } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import type { Policy, Step } from "../core/pipe.js";
import { Timeline } from "../core/timeline.js";
import { holding } from "./holding.js";
import { patientTimer } from "./patient-timer.js";

export interface BulkheadOptions {
  readonly concurrencyMax: number;
  /** Calls that may wait for a place. */
  readonly queueMax: number;
  /** How long each of them may wait. */
  readonly queueMs: number;
}

export interface Bulkhead extends Policy<BoundedCall, SeatedCall> {
  /** Places that are taken. */
  readonly running: number;
  /** Calls in the queue. */
  readonly waiting: number;
}

/** Called with null for a place, else with why there is none. */
type Waiter = (refusal: Failure | null) => void;

export function bulkhead(clock: Clock, random: Random, options: BulkheadOptions): Bulkhead {
  const { concurrencyMax, queueMax, queueMs } = options;
  let running = 0;
  // A set keeps the order of arrival, and lets anyone leave at once.
  const queue = new Set<Waiter>();

  const giveBack = (): void => {
    const [longest] = queue;
    if (longest === undefined) running -= 1;
    else longest(null);
  };

  // Spread by chance, so that those who were refused together do not return together.
  const refusal = (code: "bulkhead_full" | "bulkhead_queue_timeout"): Failure => ({
    code,
    retryAfterMs: RETRY_AFTER.fallbackMs * (1 + RETRY_AFTER.jitter * random.next()),
  });

  const wait = (call: Call): Promise<Failure | null> =>
    new Promise((resolve) => {
      const leave: Waiter = (failure) => {
        queue.delete(leave);
        timer.cancel();
        call.cancellation.remove(onCut);
        resolve(failure);
      };
      const onCut = (by: CutBy): void => leave({ code: queuedCode(clock, by) });
      const timer = patientTimer(clock, queueMs, () => leave(refusal("bulkhead_queue_timeout")));
      queue.add(leave);
      call.cancellation.add(onCut);
    });

  const afterWaiting = async <Body>(
    call: SeatedCall,
    next: Step<SeatedCall, Body>,
  ): Promise<Outcome<Body>> => {
    const failure = queue.size >= queueMax ? refusal("bulkhead_full") : await wait(call);
    return failure === null ? holding(next, call, giveBack) : noResponse(failure);
  };

  return {
    role: "bulkhead",
    settings: { concurrencyMax, queueMax, queueMs },
    get running() {
      return running;
    },
    get waiting() {
      return queue.size;
    },
    run(call, next) {
      const seated = call as unknown as SeatedCall;
      if (running >= concurrencyMax) return afterWaiting(seated, next);
      running += 1;
      return holding(next, seated, giveBack);
    },
  };
}

function queuedCode(clock: Pick<Clock, "now">, by: CutBy): Failure["code"] {
  const timeline = new Timeline(clock.now());
  timeline.enter("queue", clock.now());
  return classifyError(timeline, by, undefined);
}
