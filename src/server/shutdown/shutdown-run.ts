/**
 * A shutdown from the first signal to the last byte: lame duck, wind down, hard stop.
 *
 * Readiness fails first. Then the listening socket is closed while clients still keep their
 * connections, so that few are about to open one; only then do answers begin to close them. What
 * comes in on a connection that is still open is served: it was sent before any client was
 * notified.
 * Guarantee: it is over as soon as nothing is left, and `lameDuckMs + drainTimeoutMs` after it
 * began whatever happens.
 */
import type { Clock, Timer } from "../../base/clock.js";
import { SHUTDOWN } from "../../catalog/defaults.js";
import type { GatewayLifecycle } from "../../lifecycle/lifecycle.js";
import type { ShutdownPhase, ShutdownReport } from "../../records/shutdown-report.js";
import type { ShutdownPlan } from "./shutdown-options.js";
import type { ServerDrain } from "./shutdown-server.js";
import type { ShutdownTally } from "./shutdown-tally.js";
import { reportOf } from "./shutdown-tally.js";

export interface ShutdownRunParts {
  readonly clock: Clock;
  readonly lifecycle: GatewayLifecycle;
  readonly servers: readonly ServerDrain[];
  readonly plan: ShutdownPlan;
  readonly tally: ShutdownTally;
  /** Called now and then with how much is still under way. */
  readonly progress: (phase: ShutdownPhase, busy: number) => void;
}

export interface ShutdownRun {
  readonly phase: ShutdownPhase;
  run(reason: string): Promise<ShutdownReport>;
  /** Goes to the hard stop at once. */
  force(): void;
}

export function shutdownRun(parts: ShutdownRunParts): ShutdownRun {
  const { clock, lifecycle, servers, plan } = parts;
  const patience = interruptible(clock);
  let phase: ShutdownPhase = "running";

  const each = (work: (server: ServerDrain) => void): void => {
    for (const server of servers) work(server);
  };
  const left = (count: (server: ServerDrain) => number): number =>
    servers.reduce((sum, server) => sum + count(server), lifecycle.active);
  const enter = (next: ShutdownPhase): void => {
    phase = next;
    parts.progress(
      phase,
      left(({ busy }) => busy),
    );
  };
  /** Closes what is at rest, again and again, until nothing is left or the time is over. */
  const sweepUntil = async (endsAt: number, interrupted: () => boolean): Promise<void> => {
    while (left(({ open }) => open) > 0 && clock.now() < endsAt && !interrupted()) {
      await patience.wait(Math.min(SHUTDOWN.sweepMs, endsAt - clock.now()));
      // Right after the event loop has polled: what had arrived by now has been read.
      await new Promise<void>((resolve) => void clock.turn(resolve));
      each((server) => server.sweep());
      parts.progress(
        phase,
        left(({ busy }) => busy),
      );
    }
  };

  return {
    get phase() {
      return phase;
    },
    async run(reason) {
      const startedAt = clock.now();
      const endedBefore = lifecycle.ended;
      each((server) => server.begin());
      lifecycle.lameDuck(reason);
      enter("lame_duck");
      await patience.wait(plan.lameDuckMs);
      lifecycle.windDown(reason);
      enter("draining");
      const endsAt = clock.now() + plan.drainTimeoutMs;
      await Promise.all(servers.map((server) => server.stopAccepting()));
      each((server) => server.closeAfterAnswers());
      each((server) => server.sweep());
      await sweepUntil(endsAt - SHUTDOWN.lastWordsMs, () => patience.interrupted);
      lifecycle.refuse(reason);
      const endedBySelf = lifecycle.ended - endedBefore;
      const callsCut = lifecycle.cutAll();
      // Those whose calls were cut get a 503 each, and it has to go out.
      const lastWordsEnd = Math.min(endsAt, clock.now() + SHUTDOWN.lastWordsMs);
      if (callsCut > 0) await sweepUntil(lastWordsEnd, () => false);
      each((server) => server.destroy());
      lifecycle.close(reason);
      enter("closed");
      const calls = { finished: endedBySelf, cut: callsCut };
      const durationMs = clock.now() - startedAt;
      return reportOf(parts.tally, { reason, durationMs, forced: patience.interrupted, calls });
    },
    force: () => patience.interrupt(),
  };
}

/** Waits that are over at once when a hard stop is requested. */
function interruptible(clock: Clock) {
  let interrupted = false;
  let wake: (() => void) | null = null;
  return {
    get interrupted() {
      return interrupted;
    },
    interrupt(): void {
      interrupted = true;
      wake?.();
    },
    wait(ms: number): Promise<void> {
      if (ms <= 0) return Promise.resolve();
      return new Promise((resolve) => {
        let timer: Timer | null = null;
        wake = () => {
          timer?.cancel();
          wake = null;
          resolve();
        };
        timer = clock.after(ms, wake);
      });
    },
  };
}
