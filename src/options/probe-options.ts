/**
 * The option `probe` after `read-probe.ts`; what may be written is declared in
 * `catalog/options/health.ts`.
 */
import type { ProbeOptions } from "../catalog/options/health.js";

/** Probes as they are sent; `"reconnect"` for TCP while a target is unreachable. */
export type NormalisedProbe =
  | false
  | "reconnect"
  | (Required<Pick<ProbeOptions, "intervalMs" | "timeoutMs" | "fall" | "rise" | "initial">> & {
      /** Null for a connection only. */
      readonly path: string | null;
      /** Ranges of statuses, both ends included. */
      readonly statuses: readonly (readonly [from: number, to: number])[];
      readonly body: string | RegExp | null;
    });
