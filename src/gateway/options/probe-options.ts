/**
 * What people may write under `probe`, and what becomes of it after `read-probe.ts`.
 * Numbers have their defaults in `catalog/defaults.ts`, like those in `options.ts`.
 */

/** What the status of a probe's answer has to be. */
export type ProbeStatus = number | "1xx" | "2xx" | "3xx" | "4xx" | "5xx";

export interface ProbeExpectation {
  /**
   * One status, a class such as `"2xx"`, or a list of both.
   * @default "2xx"
   */
  readonly status?: ProbeStatus | readonly ProbeStatus[];
  /** What the first 64 KiB of the body have to contain, or to match. */
  readonly body?: string | RegExp;
}

export interface ProbeOptions {
  /** What to ask for by GET, such as `/healthz`. */
  readonly path?: string;
  /**
   * A connection is enough, through TLS where the target speaks it; in place of `path`.
   * @default false
   */
  readonly tcp?: boolean;
  /**
   * Time between two probes, give or take a tenth; a fifth of it while the state is in doubt.
   * @default 5000
   */
  readonly intervalMs?: number;
  /**
   * How long a probe may take, connecting included.
   * @default 2000
   */
  readonly timeoutMs?: number;
  /**
   * Failed probes in a row after which a target is down.
   * @default 3
   */
  readonly fall?: number;
  /**
   * Good probes in a row after which it is up again.
   * @default 2
   */
  readonly rise?: number;
  /** What a good answer is; any 2xx unless given. */
  readonly expect?: ProbeExpectation;
}

/** Probes as they are sent; `"reconnect"` for TCP while a target cannot be connected to. */
export type NormalisedProbe =
  | false
  | "reconnect"
  | (Required<Pick<ProbeOptions, "intervalMs" | "timeoutMs" | "fall" | "rise">> & {
      /** Null for a connection alone. */
      readonly path: string | null;
      /** Ranges of statuses, both ends included. */
      readonly statuses: readonly (readonly [from: number, to: number])[];
      readonly body: string | RegExp | null;
    });
