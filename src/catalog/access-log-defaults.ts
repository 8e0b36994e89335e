/**
 * The numbers of the access log. Like those of defaults.ts: the unit is in the name, the reason
 * stands beside it.
 */
export const ACCESS_LOG = {
  /** A write for each line costs more than the line. Nobody who follows a log notices so little. */
  flushMs: 100,
  /** What may lie in a stream that is slow: seconds of lines under load, little for a process. */
  unwrittenBytesMax: 8_388_608,
} as const;
