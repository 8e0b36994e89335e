/**
 * Cuts in time that an upstream, its calls and their clients are held to.
 *
 * Part of `options.ts`, which says what the shapes are and where they stand.
 */

/** Cuts in time, in milliseconds; `Infinity` for none. */
export interface TimeoutOptions {
  /**
   * Waiting for a connection: queue, name resolution, TCP and TLS. For loopback and unix sockets
   * the default is 1000.
   * @default 3100
   */
  readonly connectMs?: number;
  /**
   * From the request being sent to the complete head of the answer, per attempt.
   * @default 10000
   */
  readonly responseMs?: number;
  /**
   * How long an upstream may leave `Expect: 100-continue` unanswered before it gets the body, at
   * most half of `idleMs`. 0 for an upstream that is not asked: the client is told to go on.
   * @default 1000
   */
  readonly continueMs?: number;
  /**
   * Longest silence inside a body, either way.
   * @default 60000
   */
  readonly idleMs?: number;
  /**
   * Longest silence of an upgraded connection (a WebSocket). When one side has ended, `idleMs` is
   * for the other.
   * @default 3600000
   */
  readonly tunnelIdleMs?: number;
  /**
   * How long a client may keep an upstream waiting for the rest of its body, or until it takes more
   * of the answer; every `limits.clientBytesPerSecondMin` bytes give it a second more.
   * @default 20000
   */
  readonly clientMs?: number;
  /**
   * How long a call waits, from its first byte to the head that is handed to the client, over all
   * attempts. It stands still while the body of the request is on its way: that is bounded by
   * `idleMs`, `clientMs` and `limits.clientBytesPerSecondMin`.
   * @default 30000
   */
  readonly totalMs?: number;
  /**
   * Length of an answer's body; none by default, so that downloads and event streams may go on.
   * @default Infinity
   */
  readonly bodyMs?: number;
}
