/**
 * A process that does nothing while the kernel takes connections in its place: stopped, or busy
 * with something else. Whatever is asked of it, in TLS or in HTTP, stays unanswered.
 */
import type { FailureCode } from "../../../catalog/failures.js";
import { fault, said } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";

/** Connections that wait to be accepted, where that can be seen. */
export function waitingOf({ local }: Facts): number {
  return local?.onPort[0]?.waiting ?? local?.unixSocket?.waiting ?? 0;
}

/** Why the process is silent; null where it runs, or is not on this machine. */
export function stuckProcess(
  facts: Facts,
  code: FailureCode,
  evidence: readonly string[],
): Finding | null {
  const { local } = facts;
  const seen = local?.processAfter ?? local?.process ?? null;
  const waiting = waitingOf(facts);
  if (seen?.state === "T") {
    return fault({
      cause: "process_stopped",
      layer: "process",
      code,
      title:
        `The process ${seen.pid} is stopped (SIGSTOP, a debugger): it takes connections ` +
        "and does nothing.",
      evidence: [...evidence, `${seen.command}: state T`],
      fix: `kill -CONT ${seen.pid}, and find out who stopped it.`,
    });
  }
  if (seen?.spins !== true) return null;
  return fault({
    cause: "event_loop_hangs",
    layer: "process",
    code,
    title: `The process ${seen.pid} is busy and answers no request: its event loop hangs.`,
    evidence: said(
      ...evidence,
      `${Math.round((seen.processorShare ?? 0) * 100)} % of a processor`,
      waiting > 0 && `${waiting} connections wait to be accepted`,
    ),
    fix: "node --cpu-prof, or kill -USR1 and the inspector, shows the code that runs.",
  });
}
