/**
 * The types of a source of targets, as `discover` takes it. The options of a target are in
 * targets/target.ts, where they are read.
 */
import type { TargetInput } from "../targets/target.js";

export type { TargetInput };

/** What a source gets besides its signal. */
export interface DiscoverTools {
  /** Waits; rejects when the gateway is closed. It does not keep the process alive. */
  sleep(ms: number): Promise<void>;
  /** From 0 up to, but not including, 1. */
  random(): number;
}

/**
 * A source of targets. The signal is aborted when the gateway is closed, and when the source
 * fails: each restart gets a new signal.
 */
export type Discover = (
  signal: AbortSignal,
  tools: DiscoverTools,
) => AsyncIterable<readonly (string | TargetInput)[]>;
