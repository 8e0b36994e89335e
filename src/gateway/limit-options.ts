/**
 * Sizes and counts that an upstream and its clients are held to.
 *
 * Part of `options.ts`, which says what the shapes are and where they stand.
 */
export interface LimitOptions {
  /**
   * Bytes of a request body; more is answered with 413.
   * @default Infinity
   */
  readonly requestBodyBytesMax?: number;
  /**
   * Bytes of an answer's body; more is cut.
   * @default Infinity
   */
  readonly responseBodyBytesMax?: number;
  /**
   * Connections to one target.
   * @default 1024
   */
  readonly connectionsMax?: number;
}
