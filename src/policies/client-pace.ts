/**
 * Bounds how long a client keeps an upstream waiting: for the rest of its request's body, or until
 * it takes more of the answer. The model is `RequestReadTimeout … MinRate` of Apache's
 * mod_reqtimeout: a time that every client has, and a second more for so many bytes.
 *
 * Place: beside the timeouts of an attempt, which makes one for bodies that stream in, and for
 * answers whose client has fallen behind. Guarantee: only time counts in which the client is waited
 * for, so an upstream that is silent (event streams) or slow to read costs a client nothing. It
 * ends between two looks, which are a quarter of the time apart.
 */
import type { Clock, Timer } from "../base/clock.js";
import type { ClientPaceLimits, GatewayRequest } from "../core/request.js";
import type { Exchange } from "../targets/exchange.js";

export class ClientPace {
  readonly #clock: Clock;
  readonly #exchange: Pick<Exchange, "request" | "timeline">;
  readonly #limits: ClientPaceLimits;
  readonly #tooSlow: () => void;
  #timer: Timer | null = null;
  /** When the body began to be sent; -1 while none is. */
  #sendingSince = -1;
  /** When the client fell behind the answer; -1 while it keeps up. */
  #behindSince = -1;
  /** How long it was behind before that, all in all. */
  #behindMs = 0;

  constructor(
    clock: Clock,
    exchange: Pick<Exchange, "request" | "timeline">,
    limits: ClientPaceLimits,
    tooSlow: () => void,
  ) {
    this.#clock = clock;
    this.#exchange = exchange;
    this.#limits = limits;
    this.#tooSlow = tooSlow;
  }

  /** The body of the request is on its way. */
  sending(now: number): void {
    this.#sendingSince = now;
    this.#watch(this.#limits.clientMs);
  }

  /** It is sent, or its upstream answers already. */
  sent(): void {
    this.#sendingSince = -1;
  }

  /** The client takes no more of the answer, or takes it again. */
  behind(isBehind: boolean): void {
    if (isBehind === this.#behindSince >= 0) return;
    const now = this.#clock.now();
    if (isBehind) {
      this.#behindSince = now;
      this.#watch(this.#lookMs());
    } else {
      this.#behindMs += now - this.#behindSince;
      this.#behindSince = -1;
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sendingSince = -1;
    this.#behindSince = -1;
  }

  #lookMs(): number {
    return this.#limits.clientMs / LOOKS;
  }

  #watch(ms: number): void {
    this.#timer ??= this.#clock.after(ms, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    // Who keeps up needs no watch; it begins anew when that changes.
    if (this.#sendingSince < 0 && this.#behindSince < 0) return;
    if (!this.#isTooSlow()) {
      this.#watch(this.#lookMs());
      return;
    }
    // What a busy process has not read yet is no fault of the client.
    this.#clock.turn(() =>
      this.#clock.turn(() => {
        if (this.#isTooSlow()) this.#tooSlow();
        else if (this.#sendingSince >= 0 || this.#behindSince >= 0) this.#watch(this.#lookMs());
      }),
    );
  };

  #isTooSlow(): boolean {
    const { request, timeline } = this.#exchange;
    const now = this.#clock.now();
    if (this.#behindSince >= 0) {
      const behindMs = this.#behindMs + now - this.#behindSince;
      return behindMs >= this.#allowedMs(timeline.receivedBytes);
    }
    if (this.#sendingSince < 0 || !isWaitedFor(request)) return false;
    return now - this.#sendingSince >= this.#allowedMs(request.body?.bytesRead ?? 0);
  }

  #allowedMs(bytes: number): number {
    const { clientMs, bytesPerSecondMin } = this.#limits;
    return clientMs + (bytes / bytesPerSecondMin) * 1_000;
  }
}

/** So often within the time that every client has. */
const LOOKS = 4;

function isWaitedFor({ body }: GatewayRequest): boolean {
  return body?.waitsForSource === true;
}
