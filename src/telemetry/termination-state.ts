/**
 * HAProxy's termination state for a call: who ended it, and when.
 *
 * The two letters are found in the dialect of the catalog, where each names the failures it stands
 * for; for a client that left it says how far the call had got.
 */
import { HAPROXY } from "../catalog/dialects/haproxy.js";
import type { CallRecord } from "../records/call-record.js";

const STATES: ReadonlyMap<string, string> = statesByFailure();

function statesByFailure(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { term, failures } of HAPROXY.terms) {
    // The first term that names a failure is the one that means it.
    for (const code of failures) if (!found.has(code)) found.set(code, term.slice(0, 2));
  }
  return found;
}

/** Two letters, such as `SH`; `--` for a good end, and where none fits. */
export function terminationState({ code, status, attempts }: CallRecord): string {
  if (code === null || code.startsWith("received_")) return "--";
  if (code !== "client_closed_request") return STATES.get(code) ?? "--";
  if (status !== null) return "CD";
  const phase = attempts.at(-1)?.phase;
  if (phase === undefined) return "CQ";
  return phase === "send" || phase === "wait" || phase === "receive" ? "CH" : "CC";
}
