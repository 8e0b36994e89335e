/**
 * Kubernetes: endpoints are taken out while SIGTERM is already under way, so the process has to
 * serve on for a while. Its time runs from the preStop hook on.
 */
import { PROCESS_MANAGERS, SHUTDOWN } from "../../../catalog/defaults.js";
import { type Environment, PLAIN_MANAGER, type ProcessManager } from "./manager.js";

export function kubernetes(env: Environment): ProcessManager | null {
  if (env["KUBERNETES_SERVICE_HOST"] === undefined) return null;
  return {
    ...PLAIN_MANAGER,
    name: "Kubernetes",
    killMs: PROCESS_MANAGERS.kubernetesKillMs,
    killSetting: "terminationGracePeriodSeconds",
    lameDuckMs: SHUTDOWN.lameDuckKubernetesMs,
  };
}
