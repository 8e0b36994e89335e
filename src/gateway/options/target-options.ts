/**
 * What people may write for what tells of targets. What they write for a target is part of
 * targets/target.ts, where it is read.
 */
import type { TargetInput } from "../../targets/target.js";

export type { TargetInput };

/** What a source may use besides its signal. */
export interface DiscoverTools {
  /** Waits; rejects when the gateway is closed. It does not keep the process alive. */
  sleep(ms: number): Promise<void>;
  /** From 0 up to, but not including, 1. */
  random(): number;
}

/**
 * A source of targets. The signal is aborted when the gateway is closed, and when the source has
 * failed: the next start gets one of its own.
 */
export type Discover = (
  signal: AbortSignal,
  tools: DiscoverTools,
) => AsyncIterable<readonly (string | TargetInput)[]>;
