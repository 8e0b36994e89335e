/**
 * What chooses among the targets of an upstream: a small interface, also for balancers of users.
 *
 * A balancer prepares itself for a list of targets once, and is then asked for every exchange, so
 * that a choice need not look at all of them. Who may be chosen is not its matter: it asks.
 * Guarantee: whatever a picker answers, no exchange goes to a target that is not fit; who finds
 * none is helped by the set, which then looks at all.
 */

/** A target as a balancer sees it, at any moment. */
export interface BalanceTarget {
  readonly id: string;
  /** Its share, against the others; the set sees to slow start by itself. */
  readonly weight: number;
  readonly zone: string | null;
  /** Exchanges under way, bodies included. */
  readonly pending: number;
  /** How long it takes until its answers begin, and what its failures would cost a caller. */
  readonly latency: {
    readonly known: boolean;
    at(now: number): number;
    /** It is known, and nothing was observed for a second. */
    isQuiet(now: number): boolean;
    /** Exchanges that have failed within the last few seconds. */
    failures(now: number): number;
    /** Of those under way, how many were begun before it was taken out; they wait in vain. */
    readonly swallowed: number;
  };
}

/** The call that looks for a target. */
export interface BalanceRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** What a picker may ask while it chooses. */
export interface BalanceField {
  /** Whether this call may go there: it is fit, and no earlier attempt of the call was there. */
  accepts(target: BalanceTarget): boolean;
  /** Exchanges under way at all targets of the upstream. */
  pending(): number;
  /** Monotonic milliseconds. */
  now(): number;
  /** From 0 up to, but not including, 1. */
  random(): number;
}

export interface Picker {
  /** One of the targets that `accepts` lets through; null when it has found none. */
  pick(request: BalanceRequest): BalanceTarget | null;
}

export interface Balancer {
  /** For `describe()`. */
  readonly name: string;
  /**
   * Prepares to choose among these targets, of which there is at least one. Asked again whenever
   * one comes, goes or changes its weight.
   */
  over(targets: readonly BalanceTarget[], field: BalanceField): Picker;
  /**
   * Where a call stands between 0 and 1, so that calls that belong together go the same way when a
   * part of all calls goes to other priorities or zones. Chance decides where this is left out.
   */
  place?(request: BalanceRequest): number | null;
}
