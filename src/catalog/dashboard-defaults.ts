/**
 * The numbers of the dashboard. Like those of defaults.ts: the unit is in the name, the reason
 * stands beside it. Together they bound its memory: about 100 KiB for each upstream with traffic.
 */
export const DASHBOARD = {
  /** The finest step of a chart; over a quarter of an hour nobody sees a finer one. */
  slotMs: 5_000,
  /** Fifteen minutes: long enough to see what led to an alert, and what the last deploy changed. */
  slots: 180,
  /** What is said of "now" looks back over a minute. */
  nowSlots: 12,
  /** Upstreams that are shown; a fetch to any origin makes one, so that there may be many. */
  upstreamsMax: 100,
  /** Failed calls that are kept for each upstream, so that a noisy one displaces its own only. */
  failuresMax: 20,
  /** Calls that a repeat made good, likewise. */
  recoveredMax: 5,
  /** Changes of breakers and states that are kept for each upstream, and for the gateway itself. */
  changesMax: 60,
  /** Attempts that are shown of one call: the last ones tell why it failed. */
  attemptsMax: 10,
  /** Paths, methods and ids come from outside and have any length. */
  textCharsMax: 200,
  /** People read once a second; all viewers share one look at the gateway. */
  tickMs: 1_000,
  /** A team in an incident. Each holds a connection and gets the same bytes. */
  viewersMax: 20,
  /** What a viewer may leave unread; then it is left out until it has read, and told all anew. */
  unreadBytesMax: 1_048_576,
  /** A viewer that was refused asks again then. */
  retryAfterSeconds: 5,
} as const;
