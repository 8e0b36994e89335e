/**
 * systemd: READY, STOPPING, STATUS, WATCHDOG and the extension of its patience, as sd_notify(3).
 *
 * Guarantee: messages arrive in the order in which they were sent; the watchdog is fed only while
 * the event loop keeps its time, and by a timer that keeps no process alive. Without NOTIFY_SOCKET
 * nothing is sent.
 */
import type { Clock, Timer } from "../../../base/clock.js";
import { PROCESS_MANAGERS } from "../../../catalog/defaults.js";
import type { ShutdownPhase } from "../../../records/shutdown-report.js";
import { type Environment, PLAIN_MANAGER, type ProcessManager } from "./manager.js";

/** Sends one message, lines of `NAME=value`, to the socket of systemd. */
export type SystemdNotify = (message: string) => unknown;

const USEC_PER_MS = 1_000;

export function systemd(
  env: Environment,
  pid: number,
  clock: Clock,
  notify: SystemdNotify,
): ProcessManager | null {
  const isNotified = env["NOTIFY_SOCKET"] !== undefined;
  // The first names the main process of a unit, the second is there in older releases, too.
  const own = env["SYSTEMD_EXEC_PID"] === String(pid);
  if (!isNotified && !own) return null;
  const watchdogMs = isNotified ? watchdogOf(env, pid) : null;
  const watchdog = watchdogMs === null ? null : feedWatchdog(clock, watchdogMs, notify);
  let last: ShutdownPhase | null = null;
  const progress = (phase: ShutdownPhase, busy: number, longestMs: number): void => {
    // A process is started for each message, so counts are sent with the steps only.
    if (phase === last) return;
    const status = `STATUS=${STATUS_TEXT[phase]}${phase === "closed" ? "" : `, ${busy} under way`}`;
    const extend = `EXTEND_TIMEOUT_USEC=${Math.ceil(longestMs * USEC_PER_MS)}`;
    notify(last === null ? `STOPPING=1\n${status}\n${extend}` : status);
    last = phase;
    if (phase === "closed") watchdog?.cancel();
  };
  return {
    ...PLAIN_MANAGER,
    name: "systemd",
    // A drain asks for as much time as it needs, where it is heard.
    killMs: isNotified ? Number.POSITIVE_INFINITY : PROCESS_MANAGERS.systemdKillMs,
    killSetting: "TimeoutStopSec",
    ready() {
      if (isNotified) notify("READY=1\nSTATUS=Serving");
      watchdog?.start();
    },
    progress: isNotified ? progress : PLAIN_MANAGER.progress,
    listen: () => () => watchdog?.cancel(),
  };
}

const STATUS_TEXT: Readonly<Record<ShutdownPhase, string>> = {
  running: "Serving",
  lame_duck: "Stopping, still serving",
  draining: "Draining",
  closed: "Drained",
};

/** How often systemd wants to hear of us, null when it does not or means another process. */
function watchdogOf(env: Environment, pid: number): number | null {
  const usec = Number(env["WATCHDOG_USEC"]);
  const meant = env["WATCHDOG_PID"];
  if (!(usec > 0) || (meant !== undefined && meant !== String(pid))) return null;
  return usec / USEC_PER_MS;
}

/**
 * sd_watchdog_enabled(3) recommends half of the time. A loop that was blocked for longer than a
 * quarter of it is not well, even if it still finds the time to say that it lives.
 */
function feedWatchdog(clock: Clock, watchdogMs: number, notify: SystemdNotify) {
  const { watchdogShare, watchdogDelayShare, watchdogSamples } = PROCESS_MANAGERS;
  const periodMs = watchdogMs * watchdogShare;
  const sampleMs = periodMs / watchdogSamples;
  let timer: Timer | null = null;
  let dueAt = 0;
  let worstMs = 0;
  let samples = 0;
  const plan = (): void => {
    dueAt = clock.now() + sampleMs;
    timer = clock.after(sampleMs, onSample);
    timer.unref();
  };
  const onSample = (): void => {
    worstMs = Math.max(worstMs, clock.now() - dueAt);
    samples += 1;
    if (samples === watchdogSamples) {
      if (worstMs < watchdogMs * watchdogDelayShare) notify("WATCHDOG=1");
      samples = 0;
      worstMs = 0;
    }
    plan();
  };
  return {
    start(): void {
      notify("WATCHDOG=1");
      plan();
    },
    cancel(): void {
      timer?.cancel();
      timer = null;
    },
  };
}
