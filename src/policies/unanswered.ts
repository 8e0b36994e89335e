/**
 * The places of calls that wait for an answer, once a quarter of all is taken (bulkhead.ts).
 *
 * Requests that hang would take every place until a timeout. Routes that are answered meanwhile go
 * on; the others share half of the places, the last quarter of which is for routes of which no call
 * waits. On a route that is answered itself, the wait shows a hang: when no place is left, the call
 * that has waited longest gives way, if a later one was answered and it has waited for several
 * times as long as those did.
 * Guarantee: no call is rejected while no route is answered; none gives way to one that matters
 * less, while its body is on its way, or while all of its route wait; few more routes are
 * remembered than calls wait.
 */
import type { Clock } from "../base/clock.js";
import { BULKHEAD } from "../catalog/defaults.js";
import { PRIORITY_RANK } from "../catalog/priorities.js";
import type { Call } from "../core/call.js";
import { keyOf } from "../targets/route-ledger.js";

/** What of a route waits, and when it was answered last. */
class WaitingRoute {
  waiting = 0;
  answeredAt = Number.NEGATIVE_INFINITY;
  /** When the last call got its place that was answered. */
  answeredFrom = Number.NEGATIVE_INFINITY;
  /** Of what was answered lately. */
  slowestMs = 0;
  readonly #all: Unanswered;

  constructor(all: Unanswered) {
    this.#all = all;
  }

  giveBack(): void {
    this.waiting -= 1;
    this.#all.waiting -= 1;
  }

  /** A call was answered that got its place at this moment; undefined where that is not known. */
  answered(now: number, from: number | undefined): void {
    this.answeredAt = now;
    if (from === undefined) return;
    this.answeredFrom = Math.max(this.answeredFrom, from);
    this.slowestMs = Math.max(now - from, this.slowestMs * BULKHEAD.overdueMemory);
  }
}

/** That of a call that was cut so that another one gets its place. */
export class GivenPlace {
  readonly waitedMs: number;

  constructor(waitedMs: number) {
    this.waitedMs = waitedMs;
  }

  giveBack(): void {}
}

export class Unanswered {
  /** Calls that are counted here. */
  waiting = 0;
  readonly #clock: Pick<Clock, "now">;
  readonly #all: { readonly count: number };
  readonly #routes = new Map<string, WaitingRoute>();
  /** Those that wait, and when each got its place, in that order. */
  readonly #calls = new Map<Call, number>();
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">, all: { readonly count: number }) {
    this.#clock = clock;
    this.#all = all;
  }

  /** What such calls may take together. */
  get places(): number {
    return Math.ceil(this.#all.count * BULKHEAD.unansweredShare);
  }

  /** Whether a call gets no place, since too many wait that are like it. */
  refuses({ request }: Call): boolean {
    const { places } = this;
    const most = places * BULKHEAD.unansweredAgainShare;
    if (this.waiting < most || !this.#isLately(this.#answeredAt)) return false;
    const route = this.#routes.get(keyOf(request));
    if (route === undefined) return this.waiting >= places;
    if (this.#isLately(route.answeredAt)) return false;
    return this.waiting >= places || route.waiting > 0;
  }

  /** A call has got a place. */
  take(call: Call): void {
    const route = this.#routeOf(call);
    route.waiting += 1;
    this.waiting += 1;
    call.place = route;
    this.#calls.set(call, this.#clock.now());
  }

  /** The head of an answer has come; the call no longer counts here. */
  answered(call: Call): void {
    const { place } = call;
    const route = place instanceof WaitingRoute ? place : this.#routeOf(call);
    const from = this.#calls.get(call);
    if (route === place) this.left(call);
    this.#answeredAt = this.#clock.now();
    route.answered(this.#answeredAt, from);
  }

  /** There will be no answer. */
  left(call: Call): void {
    if (!(call.place instanceof WaitingRoute)) return;
    call.place.giveBack();
    call.place = null;
    this.#calls.delete(call);
  }

  /** No place is left for a call: cuts the one that is overdue for longest, if there is one. */
  makeRoom({ priority }: Call): void {
    const now = this.#clock.now();
    let looks = 0;
    for (const [call, from] of this.#calls) {
      looks += 1;
      if (looks > BULKHEAD.overdueLooks || now - from < BULKHEAD.overdueMs) return;
      if (PRIORITY_RANK[call.priority] > PRIORITY_RANK[priority]) continue;
      const waitedMs = now - sentAt(call, from);
      if (!isOverdue(call.place as WaitingRoute, from, waitedMs)) continue;
      this.left(call);
      call.place = new GivenPlace(waitedMs);
      call.cancellation.cut("timeout");
      return;
    }
  }

  #isLately(at: number): boolean {
    return this.#clock.now() - at <= BULKHEAD.unansweredMs;
  }

  #routeOf({ request }: Call): WaitingRoute {
    const key = keyOf(request);
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    if (this.#routes.size >= this.waiting + BULKHEAD.unansweredRoutesMin) this.#forgetOne();
    const route = new WaitingRoute(this);
    this.#routes.set(key, route);
    return route;
  }

  #forgetOne(): void {
    for (const [key, { waiting }] of this.#routes) {
      if (waiting > 0) continue;
      this.#routes.delete(key);
      return;
    }
  }
}

/** Since when a call waits for its answer and not for its client; Infinity while it does. */
function sentAt({ timeLimit, request }: Call, from: number): number {
  const { body } = request;
  if (body !== null && !body.complete) return Number.POSITIVE_INFINITY;
  return Math.max(from, timeLimit?.uploadedAt ?? from);
}

/** One that came later was answered, and it has waited for longer than any of them. */
function isOverdue(
  { answeredFrom, slowestMs }: WaitingRoute,
  from: number,
  waitedMs: number,
): boolean {
  const { overdueMs, overdueFactor } = BULKHEAD;
  return answeredFrom > from && waitedMs >= Math.max(overdueMs, overdueFactor * slowestMs);
}
