/**
 * PM2: gets a message when the process is ready; its orders can be messages, too.
 *
 * With `wait_ready` a reload goes on when `ready` was sent. Where there are no signals (Windows),
 * or with `shutdown_with_message`, the order to stop is the message `shutdown`.
 */
import cluster from "node:cluster";
import { PROCESS_MANAGERS } from "../../../catalog/defaults.js";
import { type Environment, PLAIN_MANAGER, type ProcessManager } from "./manager.js";

/** What of `process` this needs, so that a test can play it. */
export interface MessageChannel {
  readonly connected?: boolean;
  send?(message: unknown): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
  disconnect?(): void;
}

export function pm2(env: Environment, channel: MessageChannel): ProcessManager | null {
  if (env["pm_id"] === undefined) return null;
  // PM2 hands its settings of the application down as environment.
  const killMs = Number(env["kill_timeout"] ?? env["PM2_KILL_TIMEOUT"]);
  return {
    ...PLAIN_MANAGER,
    name: "PM2",
    killMs: killMs > 0 ? killMs : PROCESS_MANAGERS.pm2KillMs,
    killSetting: "kill_timeout",
    ready: () => void channel.send?.("ready"),
    listen(begin) {
      if (channel.connected !== true) return () => {};
      const onMessage = (message: unknown): void => {
        if (message === "shutdown") begin("message");
      };
      channel.on("message", onMessage);
      return () => void channel.off("message", onMessage);
    },
    leave() {
      // A worker leaves its primary in another way, or Node ends it at once.
      if (cluster.isWorker) return;
      if (channel.connected === true) channel.disconnect?.();
    },
  };
}
