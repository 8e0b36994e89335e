/**
 * Sends messages to systemd by its own tool, since Node has no unix datagram sockets.
 *
 * `systemd-notify` stands on every machine that systemd runs. It sends in the name of its parent
 * where it may (as root), and in its own otherwise; then the unit needs `NotifyAccess=all`.
 * Guarantee: one message at a time, in order, and one that hangs is ended; a failure is
 * reported once and ends nothing.
 */
import { spawn } from "node:child_process";
import { PROCESS_MANAGERS } from "../../../catalog/defaults.js";
import type { SystemdNotify } from "./systemd.js";

const PROGRAM = "systemd-notify";

export function systemdNotify(warn: (message: string) => void): SystemdNotify {
  let last: Promise<void> = Promise.resolve();
  let warned = false;
  const failed = (why: string): void => {
    if (warned) return;
    warned = true;
    warn(
      `${PROGRAM} ${why}, so systemd does not hear of this process; install it, or give ` +
        "installShutdown a function notifySystemd",
    );
  };
  return (message) => {
    last = last.then(() => send(message, failed));
  };
}

function send(message: string, failed: (why: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(PROGRAM, message.split("\n"), {
      stdio: "ignore",
      timeout: PROCESS_MANAGERS.notifyMs,
    });
    child.once("error", (error) => {
      failed(`could not be started (${(error as NodeJS.ErrnoException).code})`);
      resolve();
    });
    child.once("exit", (code, signal) => {
      if (code !== 0) failed(`ended with ${code ?? signal}`);
      resolve();
    });
  });
}
