/**
 * Limits on sizes and counts, for an upstream and its clients.
 *
 * Part of `options.ts`, which describes the shapes of options.
 */
export interface LimitOptions {
  /**
   * Bytes of a request body; a larger one is answered with 413.
   * @default Infinity
   */
  readonly requestBodyBytesMax?: number;
  /**
   * Bytes of an answer's body; a larger one is cut.
   * @default Infinity
   */
  readonly responseBodyBytesMax?: number;
  /**
   * Connections to one target.
   * @default 2048
   */
  readonly connectionsMax?: number;
  /**
   * Concurrent upgraded connections (WebSockets), handshakes included; more are answered with 503.
   * `bulkhead.streamsMax` counts them together with event streams.
   * @default Infinity
   */
  readonly upgradesMax?: number;
  /**
   * Bytes of the header section of an answer.
   * @default 32768
   */
  readonly responseHeaderSectionBytesMax?: number;
  /**
   * Bytes of one field line of an answer.
   * @default 16384
   */
  readonly responseHeaderBytesMax?: number;
  /**
   * Field lines of an answer.
   * @default 256
   */
  readonly responseHeadersCountMax?: number;
  /**
   * Bytes of the trailer section of an answer.
   * @default 16384
   */
  readonly trailerSectionBytesMax?: number;
  /**
   * Bytes of one trailer.
   * @default 8192
   */
  readonly trailerBytesMax?: number;
  /**
   * Bytes that a client must send or read to get a second more than `timeouts.clientMs`.
   * @default 500
   */
  readonly clientBytesPerSecondMin?: number;
}
