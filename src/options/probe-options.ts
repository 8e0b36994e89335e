/**
 * The option `probe` after `read-probe.ts`; what may be written is declared in
 * `catalog/options/health.ts`.
 */
import type { ProbeOptions } from "../catalog/options/health.js";

/** What is sent beside the path. */
export interface ProbeRequest {
  /** Null for the port of the target. */
  readonly port: number | null;
  readonly method: string;
  /** Null for the target itself. */
  readonly host: string | null;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly requestBody: string | null;
}

/** Probes as they are sent; `"reconnect"` for TCP while a target is unreachable. */
export type NormalisedProbe =
  | false
  | "reconnect"
  | (Required<Pick<ProbeOptions, "intervalMs" | "timeoutMs" | "fall" | "rise" | "initial">> &
      ProbeRequest & {
        /** Null for a connection only. */
        readonly path: string | null;
        /** Ranges of statuses, both ends included. */
        readonly statuses: readonly (readonly [from: number, to: number])[];
        readonly body: string | RegExp | null;
      });
