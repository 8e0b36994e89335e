/**
 * The defaults of balancing and of discovery. As in `defaults.ts`, the unit is in the name, the
 * reason stands beside it.
 */
import { BALANCE_NUMBERS } from "./options/balance.js";
import { defaultsOf } from "./options/option.js";

/** How calls are shared among the targets. */
export const BALANCE = {
  ...defaultsOf(BALANCE_NUMBERS),
  /** The memory of a target's latency: long enough to be steady, short enough to see a recovery. */
  decayMs: 10_000,
  /** A failure counts as a wait of this length, and as pending; or failing fast would win. */
  failureMs: 5_000,
  /** Of two targets the second must be cheaper by this factor; less is noise. */
  clearlyCheaper: 1.25,
  /** A target without an answer for this long gets a call now and then, however slow it was … */
  quietMs: 1_000,
  /** … at most one call in this many, and one per `quietMs`. */
  quietEvery: 16,
  /** Least pending compares this many; up to as many targets it finds the true minimum. */
  leastPendingChoices: 8,
  /** Draws per choice, since a target may be drawn twice or be unavailable. */
  drawsPerChoice: 4,
  /** Turns of a round robin that may fall on unavailable targets. */
  turnsMax: 16,
  /** Points on the ring for a weight of 1: shares differ by about 8 %. */
  ringPoints: 160,
  /** A million points take 6 MB. */
  ringPointsMax: 1_048_576,
  /** Points that are tried before all targets are scanned instead. */
  ringStepsMax: 256,
} as const;

/** Targets that come from a source outside the configuration. */
export const DISCOVERY = {
  /** Up to a tenth is added at random, so that many gateways do not query at the same moment. */
  jitter: 0.1,
  /** Targets in one list of any source. */
  targetsMax: 1_000,
  /** A query is repeated after this … */
  lookupMs: 2_000,
  /** … this many times. */
  lookupTries: 2,
  /** The weight that 0 in an SRV record stands for: seldom chosen beside others (RFC 2782). */
  srvWeightMin: 0.5,
  /** The wait after a source has failed; doubles each time … */
  retryMs: 1_000,
  /** … up to this. */
  retryMsMax: 30_000,
} as const;
