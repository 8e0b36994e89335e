/** What was seen of one scenario of the lab. */
export interface Row {
  readonly scenario: string;
  readonly targets: 1 | 3;
  readonly method: "GET" | "POST";
  readonly calls: number;
  /** The first failure that an attempt ended with; null for none. */
  readonly code: string | null;
  readonly blame: string | null;
  readonly attempts: number;
  /** Requests that the targets that are well have read. */
  readonly executed: number;
  /** All that clients got. */
  readonly statuses: readonly number[];
}
