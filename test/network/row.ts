/** What was seen of one scenario at one door. */
export interface Row {
  readonly kind: string;
  readonly scenario: string;
  readonly door: string;
  readonly targets: 1 | 3;
  readonly method: "GET" | "POST";
  readonly calls: number;
  /** Calls without a whole answer of a target. */
  readonly lost: number;
  /** All statuses that clients got; 0 for a connection that ended without one. */
  readonly statuses: readonly number[];
  /** Names of the calls that failed, and who is at fault. */
  readonly codes: readonly string[];
  readonly blames: readonly string[];
  readonly attempts: number;
  /** Calls that a target has executed, and those that were executed more than once. */
  readonly executed: number;
  readonly twice: number;
  /** Of the slowest call. */
  readonly slowestMs: number;
  /** The longest time for which the lab's own process did not get to run, in milliseconds. */
  readonly starvedMs: number;
  /** What clients and records tell differently. */
  readonly problems: readonly string[];
}
