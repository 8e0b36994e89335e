/**
 * Caps the calls that an upstream serves at once, with a short bounded queue behind them.
 *
 * Place: above retry. A call holds one place however often it is repeated.
 * Guarantee: a place is held until the body of the answer is over, or until its head shows that it
 * has no end (`StreamPlaces`). Then it goes to the most important of those who wait: the oldest
 * of them, or the newest while the queue has stood for long (waiting-line.ts). Sheddable calls
 * cannot take the last places, and where callers are identified (caller-shares.ts), no caller can
 * take all of them. A call that leaves the queue leaves nothing behind in it.
 * Not here: connections. Waiting for one of the pool is the transport's matter.
 */

import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { patientTimer } from "../base/shared-timers.js";
import { BULKHEAD } from "../catalog/defaults.js";
import type { BulkheadOptions } from "../catalog/options/overload.js";
import { PRIORITY_RANK, PRIORITY_UNLESS_GIVEN, type Priority } from "../catalog/priorities.js";
import type { BoundedCall, Call, SeatedCall } from "../core/call.js";
import type { CutBy } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { type Holder, hold, Pending, refused } from "../core/pending.js";
import type { PipeStep, Policy } from "../core/pipe.js";
import { Timeline } from "../core/timeline.js";
import type { AdaptiveLimit } from "./adaptive-limit.js";
import { type CallerKey, CallerShares } from "./caller-shares.js";
import { type DrainRate, drainRate } from "./drain-rate.js";
import { type Refusals, refusals } from "./refusals.js";
import { isEndless, StreamPlaces } from "./stream-places.js";
import { GivenPlace, Unanswered } from "./unanswered.js";
import { Waiter, WaitingLine } from "./waiting-line.js";

export type BulkheadSettings = Required<Omit<BulkheadOptions, "by">>;

export interface BulkheadParts {
  /** Learns how many calls may run at once; null for `concurrencyMax` at all times. */
  readonly limit?: AdaptiveLimit | null;
  /** Distinguishes callers, so that each has a share; null for one line for all. */
  readonly callers?: CallerKey | null;
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
  /** Callers with calls under way, and how many the busiest has; null where all are one. */
  readonly callers: { readonly count: number; readonly most: number } | null;
}

type QueueCode = "bulkhead_full" | "bulkhead_queue_timeout" | "bulkhead_queue_displaced";

export function bulkhead(
  clock: Clock,
  random: Random,
  options: BulkheadSettings,
  { limit = null, callers = null, refusals: counted = refusals() }: BulkheadParts = {},
): Bulkhead {
  const shares = callers === null ? null : callerShares(callers, options);
  const places = new Places(clock, limit?.limit ?? options.concurrencyMax, options, shares);
  const unanswered = new Unanswered(clock, places);
  const drained = drainRate(clock, random);

  const refusal = (call: Call, code: QueueCode): Failure => {
    const failure = { code, retryAfterMs: drained.retryAfterMs(places.waiting + 1) };
    return counted.note(call, ofCaller(places, call, failure));
  };

  const wait = waiting(clock, options.queueMs, places, refusal);
  const afterWaiting = async <Body>(
    call: SeatedCall,
    next: PipeStep<SeatedCall, Body>,
  ): Promise<Outcome<Body>> => {
    const room = places.roomFor(call);
    if (room === null) return noResponse(refusal(call, "bulkhead_full"));
    if (room !== "free") room.end(refusal(room.call, "bulkhead_queue_displaced"));
    const coming = wait(call);
    if (places.areTaken(call.priority)) unanswered.makeRoom(call);
    const failure = await coming;
    return failure === null ? seat(call, next) : noResponse(failure);
  };
  const streams = new StreamPlaces(options.streamsMax, shares?.streams ?? null);
  const seating = { places, drained, refusal, streams, unanswered };
  const place = placeOf(seating);
  const seat = <Body>(call: SeatedCall, next: PipeStep<SeatedCall, Body>): Pending<Body> => {
    if (places.isBusy) unanswered.take(call);
    return hold(limit === null ? next : watched(clock, places, limit, next), call, place);
  };

  return {
    role: "bulkhead",
    settings: settingsOf(options, limit, callers),
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
    streams,
    get callers() {
      return shares?.running.summary ?? null;
    },
    run(call, next) {
      const seated = call as unknown as SeatedCall;
      const isStream = call.request.upgrade !== null;
      if (isStream && streams.isFull(call)) return refused(noPlace(seating, call, "streams"));
      if (places.isBusy && unanswered.refuses(call))
        return refused(noPlace(seating, call, "unanswered"));
      if (places.isFull(call)) return afterWaiting(seated, next);
      places.take(call);
      return seat(seated, next);
    },
  };
}

/** What callers hold of each kind of place. */
interface Shares {
  readonly running: CallerShares;
  readonly waiting: CallerShares;
  readonly streams: CallerShares;
}

function callerShares(key: CallerKey, { callerShare }: BulkheadSettings): Shares {
  const shares = (): CallerShares => new CallerShares(key, callerShare);
  return { running: shares(), waiting: shares(), streams: shares() };
}

function settingsOf(
  { callerShare, ...options }: BulkheadSettings,
  limit: AdaptiveLimit | null,
  callers: CallerKey | null,
): Readonly<Record<string, unknown>> {
  return {
    ...options,
    ...(callers === null ? {} : { by: callers.by, callerShare }),
    ...(limit === null ? {} : { adaptiveLimit: limit.settings }),
  };
}

/** There is a place, but not for this caller, which the failure says then. */
function ofCaller(places: Places, call: Call, failure: Failure): Failure {
  const held = places.heldByCaller(call);
  return held === null ? failure : { ...failure, details: `caller_places=${held}` };
}

/** What the places of one bulkhead share. */
interface Seating {
  readonly places: Places;
  readonly drained: DrainRate;
  readonly streams: StreamPlaces;
  readonly unanswered: Unanswered;
  readonly refusal: (call: Call, code: QueueCode) => Failure;
}

/** Lets a call wait for a place; null when it has got one. */
function waiting(
  clock: Clock,
  queueMs: number,
  places: Places,
  refusal: Seating["refusal"],
): (call: Call) => Promise<Failure | null> {
  return (call) =>
    new Promise((resolve) => {
      const waiter = new Waiter(call, (failure) => {
        places.leave(waiter);
        timer.cancel();
        call.cancellation.remove(onCut);
        resolve(failure);
      });
      const onCut = (by: CutBy): void => waiter.end({ code: queuedCode(clock, by) });
      const onTimer = (): void => waiter.end(refusal(call, "bulkhead_queue_timeout"));
      const timer = patientTimer(clock, queueMs, onTimer);
      places.join(waiter);
      call.cancellation.add(onCut);
    });
}

/** There are places, and none for calls of its kind. */
function noPlace(seating: Seating, call: Call, kind: "streams" | "unanswered"): Failure {
  const { places } = seating[kind];
  return { ...seating.refusal(call, "bulkhead_full"), details: `${kind}=${places}` };
}

/** The failure of a call that was cut for another one says so. */
function gaveWay(failure: Failure, { waitedMs }: GivenPlace): Failure {
  return { ...failure, details: `gave_way_after_ms=${Math.round(waitedMs)}` };
}

/** The place of a call; that of a stream from the moment on that its answer is one. */
function placeOf(seating: Seating): Holder<SeatedCall> {
  const { places, drained, streams, unanswered } = seating;
  const giveBack = (call: Call): void => {
    drained.served += 1;
    places.giveBack(call);
  };
  const stream = { giveBack: (): void => {} };
  return {
    known(call, outcome) {
      if (call.place instanceof GivenPlace && outcome.kind === "no_response") {
        giveBack(call);
        return refused(gaveWay(outcome.failure, call.place));
      }
      const isWatched = places.isBusy || call.place !== null;
      if (isWatched && outcome.kind !== "no_response") unanswered.answered(call);
      if (outcome.kind !== "success") return null;
      const { status, rawHeaders } = outcome.response;
      if (!isEndless(status, rawHeaders)) return null;
      giveBack(call);
      if (!streams.take(call)) {
        void outcome.response.discard();
        return refused(noPlace(seating, call, "streams"));
      }
      call.place = stream;
      return null;
    },
    over(call) {
      if (call.place === stream) streams.giveBack(call);
      else {
        if (call.place !== null) unanswered.left(call);
        giveBack(call);
      }
    },
  };
}

/** Reports to the limit how long each answer took, and takes over what it says. */
function watched<Body>(
  clock: Pick<Clock, "now">,
  places: Places,
  limit: AdaptiveLimit,
  next: PipeStep<SeatedCall, Body>,
): PipeStep<SeatedCall, Body> {
  return (call) => {
    const startedAt = clock.now();
    return Pending.of(next(call)).subscribe((outcome) => {
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

type PlacesSettings = Pick<BulkheadSettings, "queueMax" | "queueStressMs" | "criticalShare">;

export class Places {
  readonly #clock: Pick<Clock, "now">;
  readonly #options: PlacesSettings;
  readonly #shares: Shares | null;
  readonly #line = new WaitingLine();
  /** Places that sheddable calls may take. */
  #shared = 0;
  /** With more than so many taken it matters which routes are answered. */
  #busyFrom = 0;
  #standsSince = 0;
  count = 0;
  running = 0;

  constructor(
    clock: Pick<Clock, "now">,
    count: number,
    options: PlacesSettings,
    shares: Shares | null,
  ) {
    this.#shares = shares;
    this.#clock = clock;
    this.#options = options;
    this.resize(count);
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** A call has been waiting all the time for so long that this is no burst any more. */
  get stressed(): boolean {
    const { queueStressMs } = this.#options;
    return this.#line.size > 0 && this.#clock.now() - this.#standsSince >= queueStressMs;
  }

  get isBusy(): boolean {
    return this.running > this.#busyFrom;
  }

  /** No place is left for calls of this priority, from any caller. */
  areTaken(priority: Priority): boolean {
    if (this.running < this.#shared) return false;
    return this.running >= this.count || isSheddable(priority);
  }

  isFull(call: Call): boolean {
    return this.areTaken(call.priority) || !this.#hasShare(call);
  }

  /** Places of its caller, which may not take another one that is there; null where it may. */
  heldByCaller(call: Call): number | null {
    if (this.#shares === null || this.areTaken(call.priority) || this.#hasShare(call)) return null;
    return this.#shares.running.held(call);
  }

  #hasShare(call: Call): boolean {
    return this.#shares === null || this.#shares.running.mayTake(call, this.count - this.running);
  }

  take(call: Call): void {
    this.running += 1;
    this.#shares?.running.take(call);
  }

  giveBack(call: Call): void {
    this.running -= 1;
    this.#shares?.running.giveBack(call);
    if (this.#line.size > 0) this.#fill();
  }

  /** There are this many from now on; who is in too much stays in. */
  resize(count: number): void {
    this.count = count;
    const isSmall = count < BULKHEAD.unansweredPlacesMin;
    this.#busyFrom = isSmall ? count : Math.floor(count * BULKHEAD.unansweredFrom);
    // At least one, so that callers with only sheddable calls are served, too.
    this.#shared = Math.max(1, Math.floor(count * (1 - this.#options.criticalShare)));
    this.#fill();
  }

  /** Whether there is room in the line, and else which call gives way; null when none does. */
  roomFor(call: Call): "free" | Waiter | null {
    const free = this.#options.queueMax - this.#line.size;
    if (this.#shares?.waiting.mayTake(call, Math.max(free, 1)) === false) return null;
    return free > 0 ? "free" : this.#line.victim(call.priority, this.stressed);
  }

  join(waiter: Waiter): void {
    if (this.#line.size === 0) this.#standsSince = this.#clock.now();
    this.#line.join(waiter);
    this.#shares?.waiting.take(waiter.call);
  }

  leave(waiter: Waiter): void {
    this.#line.leave(waiter);
    this.#shares?.waiting.giveBack(waiter.call);
  }

  #fill(): void {
    for (;;) {
      const waiter = this.#next();
      if (waiter === null || this.isFull(waiter.call)) return;
      this.take(waiter.call);
      // It leaves the line by this.
      waiter.end(null);
    }
  }

  /** Whose turn it is; where callers have shares, those that have theirs are passed over. */
  #next(): Waiter | null {
    if (this.#shares === null) return this.#line.next(this.stressed);
    if (this.running >= this.count) return null;
    return this.#line.first(this.stressed, ({ call }) => !this.isFull(call));
  }
}

function isSheddable(priority: Priority): boolean {
  return PRIORITY_RANK[priority] < PRIORITY_RANK[PRIORITY_UNLESS_GIVEN];
}
