/**
 * Sends over a bus with a deadline of our own, and knows whether the bus takes what is sent.
 *
 * Guarantee: nothing waits for it; what the bus never takes is bounded, and while too much of that
 * is open nothing is sent.
 */
import type { Clock } from "../base/clock.js";
import { FLEET } from "../catalog/fleet-defaults.js";
import type { FleetBus } from "./bus.js";

export interface BusChange {
  readonly up: boolean;
  readonly cause: unknown;
}

export class FleetSender {
  readonly #bus: FleetBus;
  readonly #channel: string;
  readonly #clock: Pick<Clock, "after">;
  readonly #changed: (change: BusChange) => void;
  #up = true;
  #open = 0;

  constructor(
    bus: FleetBus,
    channel: string,
    clock: Pick<Clock, "after">,
    changed: (change: BusChange) => void,
  ) {
    this.#bus = bus;
    this.#channel = channel;
    this.#clock = clock;
    this.#changed = changed;
  }

  get up(): boolean {
    return this.#up;
  }

  send(text: string): void {
    if (this.#open >= FLEET.unsentMax) return;
    this.#open += 1;
    let isOver = false;
    const late = this.#clock.after(FLEET.busMs, () => {
      this.#become(false, new Error(`the bus has not answered within ${FLEET.busMs} ms`));
    });
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      this.#open -= 1;
      late.cancel();
      given.cancel();
    };
    const given = this.#clock.after(FLEET.unsentMsMax, over);
    late.unref();
    given.unref();
    // Some clients throw where others reject.
    const sent = new Promise((resolve) => resolve(this.#bus.send(this.#channel, text)));
    sent.then(
      () => {
        const inTime = !isOver;
        over();
        if (inTime) this.#become(true, null);
      },
      (cause: unknown) => {
        over();
        this.#become(false, cause);
      },
    );
  }

  #become(up: boolean, cause: unknown): void {
    if (this.#up === up) return;
    this.#up = up;
    this.#changed({ up, cause });
  }
}
