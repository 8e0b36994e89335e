/**
 * All process managers that this process was started by, as one.
 *
 * Guarantee: a shutdown that may last longer than one of them waits is reported once, when it is
 * installed, with the setting to change.
 */
import type { Clock } from "../../base/clock.js";
import { kubernetes } from "./managers/kubernetes.js";
import type { Environment, ProcessManager } from "./managers/manager.js";
import { type MessageChannel, pm2 } from "./managers/pm2.js";
import { supervisord } from "./managers/supervisord.js";
import { type SystemdNotify, systemd } from "./managers/systemd.js";
import { longestMs, type ShutdownPlan } from "./shutdown-options.js";

/** What of the process the managers are known by, and spoken to with. */
export interface ProcessSeams {
  readonly env: Environment;
  readonly pid: number;
  readonly channel: MessageChannel;
  readonly clock: Clock;
  readonly notifySystemd: SystemdNotify;
}

/** Those that the environment names; none for a process that was started by hand. */
export function detectManagers(seams: ProcessSeams): readonly ProcessManager[] {
  const { env, pid, channel, clock, notifySystemd } = seams;
  const all = [
    pm2(env, channel),
    systemd(env, pid, clock, notifySystemd),
    supervisord(env),
    kubernetes(env),
  ];
  return all.filter((one) => one !== null);
}

/** What to report about how the process was started, and how long it may take to stop. */
export function managerWarnings(
  managers: readonly ProcessManager[],
  plan: ShutdownPlan,
): readonly string[] {
  const needsMs = longestMs(plan);
  const tooLong = managers
    .filter(({ killMs }) => needsMs > killMs)
    .map(
      ({ name, killMs, killSetting }) =>
        `a shutdown may take ${needsMs} ms (lameDuckMs + drainTimeoutMs + a margin), ` +
        `but ${name} kills after ${killMs} ms; raise ${killSetting}, or lower drainTimeoutMs`,
    );
  return [...managers.flatMap(({ warnings }) => warnings), ...tooLong];
}
