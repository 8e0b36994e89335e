/**
 * Plays that a busy machine has spoilt, and that are played again for that reason.
 *
 * Timeouts of the gallery are a few hundred milliseconds of real time. A process that does not get
 * the processor for as long sees other failures than those that were provoked, and says so itself
 * (`event_loop_stalled`) only where it can be sure.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** A machine that is this busy again and again is not fit for tests on real sockets. */
const PLAYS_MAX = 8;
/** A third of the shortest timeout. */
const LATE_MS = 100;
const CALM_MS = 25;
const LOOKS_MAX = 20;
const NS_PER_MS = 1e6;

/**
 * What the play showed, the last time where it was spoilt; `spoilt` is told of a late loop. A play
 * is told how many times as long as usual it should wait.
 */
export async function playFairly<Shown>(
  play: (patience: number) => Promise<Shown>,
  spoilt: (shown: Shown, late: boolean) => boolean,
): Promise<Shown> {
  for (let plays = 1; ; plays += 1) {
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const shown = await play(Math.ceil(plays / 3));
    delay.disable();
    if (plays === PLAYS_MAX || !spoilt(shown, delay.max > LATE_MS * NS_PER_MS)) return shown;
    await calm();
  }
}

/** Waits for a moment in which the loop is on time; not for ever, on a machine without one. */
async function calm(): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    delay.disable();
    if (delay.max < CALM_MS * NS_PER_MS) return;
  }
}
