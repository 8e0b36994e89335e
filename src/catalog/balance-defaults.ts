/**
 * The defaults of balancing and of discovery, as `defaults.ts` has the others: the unit is in the
 * name, the reason stands beside it.
 */
/** How calls are shared among the targets. */
export const BALANCE = {
  /** The memory of a target's latency: long enough to be steady, short enough to see a recovery. */
  decayMs: 10_000,
  /** A failure is noted as a wait of this length, and as pending; or who fails fast would win. */
  failureMs: 5_000,
  /** Of two targets the second one must be cheaper by this factor; less is noise of measuring. */
  clearlyCheaper: 1.25,
  /** A target that was not heard of for so long is asked now and then, however slow it was … */
  quietMs: 1_000,
  /** … by one call of so many at the most, and one in `quietMs`. */
  quietEvery: 16,
  /** Least pending looks at so many; up to as many targets it finds the very least. */
  leastPendingChoices: 8,
  /** Draws for each choice, since a target may be drawn twice or be unfit. */
  drawsPerChoice: 4,
  /** Turns of a round robin that may fall to targets that are not fit. */
  turnsMax: 16,
  /** Points on the ring for a weight of 1: shares differ by some eight in a hundred. */
  ringPoints: 160,
  /** A million points take 6 MB. */
  ringPointsMax: 1_048_576,
  /** Points that are looked at before the set looks at all targets instead. */
  ringStepsMax: 256,
  /** What one target may have of the calls under way, times its share; 1.25 in Google's paper. */
  loadFactor: 1.25,
  /** A tier that is healthy to this share carries all its calls: Envoy reckons 1 / 1.4. */
  overflowBelow: 0.7,
} as const;

/** The cookie that leads a client back to its target. */
export const STICKY = {
  /** Says what it is to who finds it in a browser. */
  cookie: "gateway_target",
  /** Nobody between is to read or set it; a gateway without TLS before it switches this off. */
  secure: true,
  /** No script needs it. */
  httpOnly: true,
  /** Links from other sites lead to the same target, their forms and frames do not send it. */
  sameSite: "lax",
  /** The path that a client asks for may be another one behind the gateway. */
  path: "/",
} as const;

/** Targets that others know of. */
export const DISCOVERY = {
  /** Records that live shorter are not asked for more often: five seconds, as in Envoy. */
  intervalMsMin: 5_000,
  /** Records that live for hours are asked for again, since a move is not always planned. */
  intervalMsMax: 60_000,
  /** Up to a tenth is added at random, so that many gateways do not ask at the same moment. */
  jitter: 0.1,
  /** Addresses of one name; an answer with more is most likely a mistake. */
  dnsTargetsMax: 100,
  /** Targets of one list of any source. */
  targetsMax: 1_000,
  /** A name server is asked again after this … */
  lookupMs: 2_000,
  /** … and this often. */
  lookupTries: 2,
  /** What a weight of 0 in an SRV record counts, seldom beside the others (RFC 2782). */
  srvWeightMin: 0.5,
  /** The wait after a source has failed; doubles each time … */
  retryMs: 1_000,
  /** … up to this. */
  retryMsMax: 30_000,
} as const;
