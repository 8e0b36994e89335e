/**
 * supervisord: sends its signal to the process that it started, and to no other unless configured.
 *
 * A shell or npm in between may keep the signal for itself; then Node lives on, keeps the port, and
 * the next start fails with EADDRINUSE.
 */
import { PROCESS_MANAGERS } from "../../../catalog/defaults.js";
import { type Environment, PLAIN_MANAGER, type ProcessManager } from "./manager.js";

export function supervisord(env: Environment): ProcessManager | null {
  if (env["SUPERVISOR_ENABLED"] === undefined) return null;
  const script = env["npm_lifecycle_event"];
  const warnings =
    script === undefined
      ? []
      : [
          `supervisord runs this process through "npm run ${script}"; run node itself, or set ` +
            "stopasgroup=true and killasgroup=true, or it may outlive its npm",
        ];
  return {
    ...PLAIN_MANAGER,
    name: "supervisord",
    killMs: PROCESS_MANAGERS.supervisordKillMs,
    killSetting: "stopwaitsecs",
    warnings,
  };
}
