/**
 * Caps the calls that an upstream serves at once, with a short bounded queue behind them.
 *
 * Place: above retry. A call holds one place however often it is repeated.
 * Guarantee: a place is held until the body of the answer is over, or until its head shows that it
 * has no end (`StreamPlaces`). Then it goes to the most important of those who wait: the oldest
 * of them, or the newest while the queue has stood for long (waiting-line.ts). Sheddable calls
 * cannot take the last places. A call that leaves the queue leaves nothing behind in it.
 * Not here: connections. Waiting for one of the pool is the transport's matter.
 */
import type { Clock } from "../base/clock.js";
import { patientTimer } from "../base/patient-timer.js";
import type { Random } from "../base/random.js";
import type { BoundedCall, Call, SeatedCall } from "../core/call.js";
import type { CutBy } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { type Holder, hold, Pending, refused } from "../core/pending.js";
import type { Policy, Step } from "../core/pipe.js";
import { Timeline } from "../core/timeline.js";
import type { AdaptiveLimit } from "./adaptive-limit.js";
import { pace } from "./pace.js";
import { isEndless, Places, type PlacesOptions, StreamPlaces } from "./places.js";
import { type Refusals, refusals } from "./refusals.js";
import { Waiter } from "./waiting-line.js";

export interface BulkheadOptions extends PlacesOptions {
  readonly concurrencyMax: number;
  /** Upgraded connections and event streams at once, beside the calls. */
  readonly streamsMax: number;
  /** How long each call may wait. */
  readonly queueMs: number;
}

export interface BulkheadParts {
  /** Learns how many calls may run at once; null for `concurrencyMax` at all times. */
  readonly limit?: AdaptiveLimit | null;
  readonly refusals?: Refusals;
}

export interface Bulkhead extends Policy<BoundedCall, SeatedCall> {
  /** Places that are taken. */
  readonly running: number;
  /** Calls in the queue. */
  readonly waiting: number;
  /** Places that there are now. */
  readonly places: number;
  /** The queue has stood for so long that its newest call is served first. */
  readonly stressed: boolean;
  /** Upgraded connections and event streams. */
  readonly streams: { readonly running: number; readonly places: number };
}

type QueueCode = "bulkhead_full" | "bulkhead_queue_timeout" | "bulkhead_queue_displaced";

export function bulkhead(
  clock: Clock,
  random: Random,
  options: BulkheadOptions,
  { limit = null, refusals: counted = refusals() }: BulkheadParts = {},
): Bulkhead {
  const places = new Places(clock, limit?.limit ?? options.concurrencyMax, options);
  const tempo = pace(clock, random);

  const giveBack = (): void => {
    tempo.served();
    places.giveBack();
  };
  const refusal = (call: Call, code: QueueCode): Failure =>
    counted.note(call, { code, retryAfterMs: tempo.retryAfterMs(places.waiting + 1) });

  const wait = (call: Call): Promise<Failure | null> =>
    new Promise((resolve) => {
      const waiter = new Waiter(call, (failure) => {
        places.leave(waiter);
        timer.cancel();
        call.cancellation.remove(onCut);
        resolve(failure);
      });
      const onCut = (by: CutBy): void => waiter.end({ code: queuedCode(clock, by) });
      const onTimer = (): void => waiter.end(refusal(call, "bulkhead_queue_timeout"));
      const timer = patientTimer(clock, options.queueMs, onTimer);
      places.join(waiter);
      call.cancellation.add(onCut);
    });

  const afterWaiting = async <Body>(
    call: SeatedCall,
    next: Step<SeatedCall, Body>,
  ): Promise<Outcome<Body>> => {
    const room = places.roomFor(call.priority);
    if (room === null) return noResponse(refusal(call, "bulkhead_full"));
    if (room !== "free") room.end(refusal(room.call, "bulkhead_queue_displaced"));
    const failure = await wait(call);
    return failure === null ? seat(call, next) : noResponse(failure);
  };
  const seating = { giveBack, refusal, streams: new StreamPlaces(options.streamsMax) };
  const place = placeOf(seating);
  const seat = <Body>(call: SeatedCall, next: Step<SeatedCall, Body>): Pending<Body> =>
    hold(limit === null ? next : watched(clock, places, limit, next), call, place);

  return {
    role: "bulkhead",
    settings: limit === null ? { ...options } : { ...options, adaptiveLimit: limit.settings },
    get running() {
      return places.running;
    },
    get waiting() {
      return places.waiting;
    },
    get places() {
      return places.count;
    },
    get stressed() {
      return places.stressed;
    },
    streams: seating.streams,
    run(call, next) {
      const seated = call as unknown as SeatedCall;
      if (seating.streams.refuses(call.request)) return refused(noStream(seating, call));
      if (places.isFull(call.priority)) return afterWaiting(seated, next);
      places.running += 1;
      return seat(seated, next);
    },
  };
}

/** What the places of one bulkhead share. */
interface Seating {
  readonly giveBack: () => void;
  readonly streams: StreamPlaces;
  readonly refusal: (call: Call, code: QueueCode) => Failure;
}

function noStream({ refusal, streams }: Seating, call: Call): Failure {
  return { ...refusal(call, "bulkhead_full"), details: `streams=${streams.places}` };
}

/** The place of a call; that of a stream from the moment on that its answer is one. */
function placeOf(seating: Seating): Holder<SeatedCall> {
  const { giveBack, streams } = seating;
  return {
    known(call, outcome) {
      if (outcome.kind !== "success") return null;
      const { status, rawHeaders } = outcome.response;
      if (!isEndless(status, rawHeaders)) return null;
      giveBack();
      call.streams = streams.take();
      if (call.streams) return null;
      void outcome.response.discard();
      return refused(noStream(seating, call));
    },
    over(call) {
      if (call.streams) streams.giveBack();
      else giveBack();
    },
  };
}

/** Tells the limit how long each answer took, and takes over what it says. */
function watched<Body>(
  clock: Pick<Clock, "now">,
  places: Places,
  limit: AdaptiveLimit,
  next: Step<SeatedCall, Body>,
): Step<SeatedCall, Body> {
  return (call) => {
    const startedAt = clock.now();
    return Pending.of(next(call)).tell((outcome) => {
      limit.seen(call, outcome, clock.now() - startedAt, places.running);
      if (limit.limit !== places.count) places.resize(limit.limit);
    });
  };
}

function queuedCode(clock: Pick<Clock, "now">, by: CutBy): Failure["code"] {
  const timeline = new Timeline(clock.now());
  timeline.enter("queue", clock.now());
  return classifyError(timeline, by, undefined);
}
