/**
 * The numbers of the dashboard. Like those of defaults.ts: the unit is in the name, the reason
 * stands beside it. Together they bound its memory: about 100 KiB for each upstream with traffic.
 */
export const DASHBOARD = {
  /** The finest step of a chart; over a quarter of an hour a finer one is invisible. */
  slotMs: 5_000,
  /** Fifteen minutes: long enough to see what led to an alert, and what the last deploy changed. */
  slots: 180,
  /** "Now" is the last minute. */
  nowSlots: 12,
  /** Upstreams shown; a fetch to any origin creates one, so there may be many. */
  upstreamsMax: 100,
  /** Failures kept per upstream, equal ones as one, so that a noisy one displaces only its own. */
  failuresMax: 20,
  /** Calls listed of equal ones before the latest: enough to find them in a log. */
  earlierMax: 4,
  /** Calls that a repeat rescued, kept the same way. */
  recoveredMax: 5,
  /** Changes of breakers and states kept per upstream, and for the gateway itself. */
  changesMax: 60,
  /** Attempts shown per call: the last ones explain why it failed. */
  attemptsMax: 10,
  /** Paths, methods and ids come from outside and have any length. */
  textCharsMax: 200,
  /** People read once a second; all viewers share one snapshot. */
  tickMs: 1_000,
  /** A team in an incident. Each holds a connection and gets the same bytes. */
  viewersMax: 20,
  /** What a viewer may leave unread; then it is skipped until it has caught up, and resent all. */
  unreadBytesMax: 1_048_576,
  /** When a rejected viewer may try again. */
  retryAfterSeconds: 5,
} as const;
