/**
 * A server of the simulations: workers, a bounded queue in front of them, and work that goes on
 * when nobody waits for it any more, as with most servers that do not watch their clients.
 */
import type { Random } from "../../src/base/random.js";
import type { Sent } from "../../src/testing/answered-transport.js";
import type { VirtualClock } from "../../src/testing/virtual-clock.js";

export interface ServerOptions {
  /** Requests that are worked on at once. */
  workers: number;
  /** Mean time of the work for one; it spreads from half to one and a half. */
  workMs: number;
  /** Requests that may wait; more are answered with 503. */
  readonly queueMax: number;
}

export interface QueueingServer {
  /** May be changed while it runs; no workers is an outage. */
  readonly options: ServerOptions;
  readonly queued: number;
  take(sent: Sent): void;
  /** Looks for work after workers were added. */
  wake(): void;
}

export function queueingServer(
  clock: VirtualClock,
  random: Random,
  options: ServerOptions,
): QueueingServer {
  const queue: Sent[] = [];
  let working = 0;
  const wake = (): void => {
    while (working < options.workers) {
      const sent = queue.shift();
      if (sent === undefined) return;
      working += 1;
      clock.after(options.workMs * (0.5 + random.next()), () => {
        working -= 1;
        if (!sent.settled) sent.respond(200);
        wake();
      });
    }
  };
  return {
    options,
    get queued() {
      return queue.length;
    },
    wake,
    take(sent) {
      if (queue.length >= options.queueMax) sent.respond(503);
      else {
        queue.push(sent);
        wake();
      }
    },
  };
}
