/**
 * The option `probe`, and its form after `read-probe.ts`. Numbers have their defaults in
 * `catalog/defaults.ts`, as in `options.ts`.
 */

/** The expected status of a probe's answer. */
export type ProbeStatus = number | "1xx" | "2xx" | "3xx" | "4xx" | "5xx";

export interface ProbeExpectation {
  /**
   * One status, a class such as `"2xx"`, or a list of both.
   * @default "2xx"
   */
  readonly status?: ProbeStatus | readonly ProbeStatus[];
  /** A text that the first 64 KiB of the body must contain, or an expression they must match. */
  readonly body?: string | RegExp;
}

export interface ProbeOptions {
  /** The path to request by GET, such as `/healthz`. */
  readonly path?: string;
  /**
   * Only connects, with TLS for an https target; instead of `path`.
   * @default false
   */
  readonly tcp?: boolean;
  /**
   * Time between two probes, ±10 %; a fifth of it while the state is uncertain.
   * @default 5000
   */
  readonly intervalMs?: number;
  /**
   * Time limit of a probe, connecting included.
   * @default 2000
   */
  readonly timeoutMs?: number;
  /**
   * Consecutive failed probes after which a target is down.
   * @default 3
   */
  readonly fall?: number;
  /**
   * Consecutive passed probes after which it is up again.
   * @default 2
   */
  readonly rise?: number;
  /** What counts as a good answer. Default: any 2xx. */
  readonly expect?: ProbeExpectation;
}

/** Probes as they are sent; `"reconnect"` for TCP while a target is unreachable. */
export type NormalisedProbe =
  | false
  | "reconnect"
  | (Required<Pick<ProbeOptions, "intervalMs" | "timeoutMs" | "fall" | "rise">> & {
      /** Null for a connection only. */
      readonly path: string | null;
      /** Ranges of statuses, both ends included. */
      readonly statuses: readonly (readonly [from: number, to: number])[];
      readonly body: string | RegExp | null;
    });
