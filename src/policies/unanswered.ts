/**
 * The places of calls that wait for an answer on routes that have none to show.
 *
 * Requests that hang hold their places until a timeout, so a few hundred a second of them would
 * take all places of an upstream, and with them every other route. A hang is distinguished from a
 * slow upstream by the routes that are answered meanwhile: those go on, and the others share half
 * of the places. Of that half, a route that waits already leaves the last quarter to other routes.
 * Consulted only when a quarter of the places is taken (bulkhead.ts). Guarantee: no call is
 * rejected while no route is answered; few more routes are remembered than calls wait.
 */
import type { Clock } from "../base/clock.js";
import { BULKHEAD } from "../catalog/defaults.js";
import type { Call } from "../core/call.js";
import { keyOf } from "../targets/route-ledger.js";

/** What of a route waits, and when it was answered last. */
class Route {
  waiting = 0;
  answeredAt = Number.NEGATIVE_INFINITY;
  readonly #all: Unanswered;

  constructor(all: Unanswered) {
    this.#all = all;
  }

  giveBack(): void {
    this.waiting -= 1;
    this.#all.waiting -= 1;
  }
}

export class Unanswered {
  /** Calls that are counted here. */
  waiting = 0;
  readonly #clock: Pick<Clock, "now">;
  readonly #all: { readonly count: number };
  readonly #routes = new Map<string, Route>();
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
  }

  /** The head of an answer has come; the call no longer counts here. */
  answered(call: Call): void {
    const { place } = call;
    const route = place instanceof Route ? place : this.#routeOf(call);
    if (route === place) this.left(call);
    this.#answeredAt = this.#clock.now();
    route.answeredAt = this.#answeredAt;
  }

  /** There will be no answer. */
  left(call: Call): void {
    if (!(call.place instanceof Route)) return;
    call.place.giveBack();
    call.place = null;
  }

  #isLately(at: number): boolean {
    return this.#clock.now() - at <= BULKHEAD.unansweredMs;
  }

  #routeOf({ request }: Call): Route {
    const key = keyOf(request);
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    if (this.#routes.size >= this.waiting + BULKHEAD.unansweredRoutesMin) this.#forgetOne();
    const route = new Route(this);
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
