/**
 * Timeouts of an upstream, its calls and their clients.
 *
 * Part of `options.ts`, which describes the shapes of options.
 */

/** Timeouts in milliseconds; `Infinity` for none. */
export interface TimeoutOptions {
  /**
   * Time to get a connection: queue, name resolution, TCP and TLS. For loopback and Unix sockets
   * the default is 1000.
   * @default 3100
   */
  readonly connectMs?: number;
  /**
   * From the end of the request to the complete head of the answer, per attempt.
   * @default 10000
   */
  readonly responseMs?: number;
  /**
   * How long to wait for the answer to `Expect: 100-continue` before the body is sent, at most half
   * of `idleMs`. With 0 the upstream gets no `Expect`, and the client gets 100 at once.
   * @default 1000
   */
  readonly continueMs?: number;
  /**
   * Longest silence within a body, in either direction.
   * @default 60000
   */
  readonly idleMs?: number;
  /**
   * Longest silence of an upgraded connection (a WebSocket). After one side has ended, `idleMs`
   * applies to the other.
   * @default 3600000
   */
  readonly tunnelIdleMs?: number;
  /**
   * How long a client may keep an upstream waiting, for the rest of its body or until it reads more
   * of the answer; every `limits.clientBytesPerSecondMin` bytes extend it by a second.
   * @default 20000
   */
  readonly clientMs?: number;
  /**
   * Time of a call from its first byte to the head that the client gets, over all attempts. It is
   * paused while the request body is being sent, which is bounded by `idleMs`, `clientMs` and
   * `limits.clientBytesPerSecondMin`.
   * @default 30000
   */
  readonly totalMs?: number;
  /**
   * Time for the body of an answer; unlimited by default, for downloads and event streams.
   * @default Infinity
   */
  readonly bodyMs?: number;
}
