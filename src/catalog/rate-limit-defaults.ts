/**
 * The defaults of rate limits, and what bounds them.
 *
 * As in defaults.ts, the unit is in the name and the reason stands beside the number.
 */
import { defaultsOf } from "./options/option.js";
import { QUOTA_OPTIONS, RATE_LIMIT_OPTIONS } from "./options/rate-limit.js";

export const RATE_LIMIT = {
  ...defaultsOf(RATE_LIMIT_OPTIONS),
  /** Longer keys are hashed, so that memory follows the number of keys. */
  keyCharsMax: 64,
  /** IPv4 addresses count one by one … */
  ipv4Bits: 32,
  /** … and of IPv6 what one household or machine gets at least (RFC 6177). */
  ipv6Bits: 64,
  /** All blocks together hold at most this share of a limit. */
  leasedShare: 0.05,
  /** A block that is not used for this long, or for a tenth of the window, goes back. */
  leaseMs: 1_000,
  leaseMsMin: 50,
  /** How often the store is asked again after it failed, off the way of any request. */
  trialMs: 1_000,
  /** Trials that were never answered; more would fill the memory of the store's client. */
  trialsOpenMax: 32,
  /** A trial that takes longer is given up, and another one is made. */
  trialMsMax: 10_000,
  /** How often members say that they are there … */
  presenceMs: 5_000,
  /** … and for how long they count after that: a share shrinks at once and grows slowly. */
  absentMs: 60_000,
  /** Requests that wait for the store at the same time; more are counted by the share. */
  askingMax: 10_000,
  /** Workers that may ask the primary process at the same time, each for itself. */
  workerAsksMax: 10_000,
} as const;

export const QUOTA = defaultsOf(QUOTA_OPTIONS);
