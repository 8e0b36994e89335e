/**
 * Causes that a process manager knows: the program is stopped, has failed, or is started again and
 * again. A machine keeps many programs; only one that has to do with the endpoint is a cause.
 */
import { fault, said } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";
import type { ManagedFacts } from "../facts/local-facts.js";
import type { Endpoint } from "../world/endpoint.js";

/** Why no process listens, according to its manager; null if it has none. */
export function managedCause(
  { endpoint, local }: Facts,
  evidence: readonly string[],
): Finding | null {
  const gone = (local?.managed ?? []).filter(({ running }) => !running);
  const named = gone.find((one) => mentions(one, endpoint));
  const found = named ?? gone.find(mayBeIt);
  return found === undefined ? null : notRunning(found, named !== undefined, evidence);
}

/** The port or the socket stands in its command, its arguments or its environment. */
function mentions({ about }: ManagedFacts, { port, socketPath }: Endpoint): boolean {
  if (socketPath !== null) return about.includes(socketPath);
  return new RegExp(`(?:^|\\D)${port}(?:\\D|$)`).test(about);
}

const APPLICATION = /\b(?:node|bun|deno|python3?|php-fpm|ruby|java|gunicorn|uvicorn|puma|dotnet)\b/;

/** PM2 and supervisord keep applications; systemd keeps everything, and much that has failed. */
function mayBeIt({ manager, state, about, loops }: ManagedFacts): boolean {
  const ended = loops || /^(?:errored|FATAL|BACKOFF|EXITED|failed)/.test(state);
  return ended && (manager !== "systemd" || APPLICATION.test(about));
}

const LOGS = {
  pm2: (name: string) => `pm2 logs ${name} --lines 50 --nostream`,
  systemd: (name: string) => `journalctl -u ${name} -n 50 --no-pager`,
  supervisord: (name: string) => `supervisorctl tail ${name} stderr`,
} as const;

function notRunning(
  { manager, name, state, lastEnd, restarts, loops }: ManagedFacts,
  certain: boolean,
  evidence: readonly string[],
): Finding {
  const memory = /oom-kill|signal 9|SIGKILL|code 137/.test(lastEnd ?? "");
  return fault({
    cause: memory ? "killed_for_memory" : loops ? "restarts_in_a_loop" : "stopped_by_manager",
    layer: "process",
    code: "connection_refused",
    confidence: certain ? "certain" : "likely",
    title: loops
      ? `${manager} starts "${name}" again and again: it ends before it listens.`
      : `${manager} has "${name}" as ${state}: the application is not running.`,
    evidence: said(
      ...evidence,
      `${manager}: ${name} is ${state}`,
      lastEnd !== null && `it ended: ${lastEnd}`,
      restarts !== null && restarts > 0 && `restarts so far: ${restarts}`,
      !certain && "that it is the one for this address is a guess: its settings do not say so",
    ),
    fix: memory
      ? "The kernel or a limit killed it: compare MemoryMax with what it needs. Its log:"
      : "Look at why it ended, then start it:",
    write: LOGS[manager](name),
  });
}
