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

/** What one check asks, and what has to come back. */
export interface ProbeAsked extends ProbeRequest {
  /** Null where no request of HTTP is sent. */
  readonly path: string | null;
  /** The service, "" for the server as a whole; null where another thing is asked. */
  readonly grpc: string | null;
  readonly agent: boolean;
  readonly command: readonly string[] | null;
  /** Ranges of statuses, both ends included. */
  readonly statuses: readonly (readonly [from: number, to: number])[];
  readonly body: string | RegExp | null;
}

type Numbers = Required<
  Pick<ProbeOptions, "intervalMs" | "timeoutMs" | "fall" | "rise" | "initial">
>;

/** Probes as they are sent; `"reconnect"` for TCP while a target is unreachable. */
export type NormalisedProbe =
  | false
  | "reconnect"
  | (Numbers &
      ProbeAsked & {
        readonly checks: readonly (ProbeAsked & { readonly name: string })[];
        /** Nothing is asked but these. */
        readonly onlyChecks: boolean;
      });
