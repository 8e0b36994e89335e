/**
 * The numbers of the access log. Like those of defaults.ts: the unit is in the name, the reason
 * stands beside it.
 */
export const ACCESS_LOG = {
  /** A write per line costs more than the line. A delay this short is not noticed in a log. */
  flushMs: 100,
  /** What may be buffered for a slow stream: seconds of lines under load, little memory. */
  unwrittenBytesMax: 8_388_608,
} as const;
