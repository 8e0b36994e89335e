/**
 * Timeouts of an upstream, its calls and their clients. The first one that fires names the failure.
 *
 * `option.ts` describes the form.
 */
import { longCut, type OptionsOf, type Section, wait } from "./option.js";

export const TIMEOUT_OPTIONS = {
  /**
   * Time to get a connection: queue, name resolution, TCP, TLS, HTTP/2. For loopback and Unix
   * sockets the default is 1000.
   * @default 3100
   * @remarks Lost SYNs are sent again after 1 s and 3 s; this lets both arrive.
   */
  connectMs: longCut(3_100),
  /**
   * From the end of the request to the complete head of the answer, per attempt.
   * @default 10000
   * @remarks The usual choice of client libraries.
   */
  responseMs: longCut(10_000),
  /**
   * How long to wait for the answer to `Expect: 100-continue` before the body is sent, at most half
   * of `idleMs`. With 0 the upstream gets no `Expect`, and the client gets 100 at once.
   * @default 1000
   * @remarks curl and Go's client wait as long.
   */
  continueMs: wait(1_000),
  /**
   * Longest silence within a body, in either direction.
   * @default 60000
   * @remarks nginx waits as long between two reads.
   */
  idleMs: longCut(60_000),
  /**
   * Longest silence of an upgraded connection (a WebSocket). After one side has ended, `idleMs`
   * applies to the other.
   * @default 3600000
   * @remarks HAProxy's manual uses an hour for tunnels.
   */
  tunnelIdleMs: longCut(3_600_000),
  /**
   * How long a client may keep an upstream waiting, for the rest of its body or until it reads more
   * of the answer; every `limits.clientBytesPerSecondMin` bytes extend it by a second.
   * @default 20000
   * @remarks What Apache allows for a body (mod_reqtimeout, body=20,MinRate=500); the same for
   * answers.
   */
  clientMs: longCut(20_000),
  /**
   * Time of a call from its first byte to the head that the client gets, over all attempts. It is
   * paused while the request body is being sent, which is bounded by `idleMs`, `clientMs` and
   * `limits.clientBytesPerSecondMin`.
   * @default 30000
   * @remarks Balancers give up at 30 to 60 s.
   */
  totalMs: longCut(30_000),
  /**
   * Time for the body of an answer; unlimited by default, for downloads and event streams.
   * @default Infinity
   * @remarks A body that keeps moving may stream without end: downloads, event streams.
   */
  bodyMs: longCut(Infinity),
} as const satisfies Section;

/** Timeouts in milliseconds; `Infinity` for none. */
export interface TimeoutOptions extends OptionsOf<typeof TIMEOUT_OPTIONS> {}
