/**
 * The report of a shutdown: its progress, and the result of everything when it is over.
 * It stands by itself, since events, options and the run all speak of it.
 */
export type ShutdownPhase = "running" | "lame_duck" | "draining" | "closed";

/** What came of one kind of work. */
export interface ShutdownCounts {
  /** Ended by itself. */
  readonly finished: number;
  /** Was ended by the shutdown. */
  readonly cut: number;
}

/** What a shutdown came to. */
export interface ShutdownReport {
  /** The signal, `message`, or what `shutdown` was called with. */
  readonly reason: string;
  /** Requests, event streams and upgraded connections that ended by themselves since it began. */
  readonly finished: number;
  /** Those that had to be ended. */
  readonly cut: number;
  readonly durationMs: number;
  /** A second signal cut it short. */
  readonly forced: boolean;
  readonly requests: ShutdownCounts;
  readonly eventStreams: ShutdownCounts;
  readonly upgrades: ShutdownCounts;
  /** Calls to upstreams, whether a request of a client stood behind them or not. */
  readonly calls: ShutdownCounts;
  /** Kept connections that were closed while at rest. */
  readonly idleClosed: number;
  /** Requests on new connections that were answered with 503. */
  readonly refused: number;
}
