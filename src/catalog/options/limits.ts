/**
 * Limits on sizes and counts, for an upstream and its clients.
 *
 * `option.ts` describes the form.
 */
import { bytes, count, FINITE, longCut, NO_LIMIT, type OptionsOf, type Section } from "./option.js";

const HELD = { tooHigh: "it is kept in memory, so it must be finite" };

export const LIMIT_OPTIONS = {
  /**
   * Bytes of a request body; a larger one is answered with 413.
   * @default Infinity
   * @remarks Bodies stream, so their size costs nothing; set a limit if you know your sizes.
   */
  requestBodyBytesMax: bytes(Infinity, { least: 0 }),
  /**
   * Bytes of an answer's body; a larger one is cut.
   * @default Infinity
   * @remarks As for requests: bodies stream.
   */
  responseBodyBytesMax: bytes(Infinity, { least: 1, ...NO_LIMIT }),
  /**
   * Connections to one target. Over HTTP/1.1 a call goes to another target that has one to spare
   * before it queues.
   * @default 2048
   * @remarks Above `bulkhead.concurrencyMax` + `streamsMax`, so that calls never wait unseen.
   */
  connectionsMax: count(2_048, { least: 1, ...NO_LIMIT }),
  /**
   * How old a connection to a target may become: an older one gets no further call, and is closed
   * when it is idle. A new one looks the name of the target up again, so that traffic follows a
   * changed address. Not for connections of other engines (http-proxy-middleware,
   * `gatewayInterceptor`).
   * @default Infinity
   * @remarks A connection in use is good as long as it answers; only names that move need it.
   */
  connectionAgeMsMax: longCut(Infinity),
  /**
   * Concurrent upgraded connections (WebSockets), handshakes included; more are answered with 503.
   * `bulkhead.streamsMax` counts them together with event streams.
   * @default Infinity
   * @remarks Tunnels count as calls, so the bulkhead bounds them even without this limit.
   */
  upgradesMax: count(Infinity, { least: 0 }),
  /**
   * Bytes of the header section of an answer.
   * @default 32768
   * @remarks Node's own clients accept 16 KiB, and "too big header" is a classic false 502.
   * Browsers and balancers still accept twice that; with a full bulkhead it comes to 32 MB.
   */
  responseHeaderSectionBytesMax: bytes(32_768, { least: 1_024, most: FINITE, ...HELD }),
  /**
   * Bytes of one field line of an answer.
   * @default 16384
   * @remarks One line may take half of the section; browsers limit cookies to 4 KiB.
   */
  responseHeaderBytesMax: bytes(16_384, { least: 256, most: FINITE, ...HELD }),
  /**
   * Field lines of an answer.
   * @default 256
   * @remarks Envoy allows 100 and HAProxy 101; Node drops silently above 2000.
   */
  responseHeadersCountMax: count(256, { least: 16, most: FINITE, ...HELD }),
  /**
   * Bytes of the trailer section of an answer.
   * @default 16384
   * @remarks Trailers carry checksums and timings. At most what Node allows for a head.
   */
  trailerSectionBytesMax: bytes(16_384, { least: 256, most: FINITE, ...HELD }),
  /**
   * Bytes of one trailer.
   * @default 8192
   * @remarks Half of the section in one line.
   */
  trailerBytesMax: bytes(8_192, { least: 64, most: FINITE, ...HELD }),
  /**
   * Bytes that a client must send or read to get a second more than `timeouts.clientMs`.
   * @default 500
   * @remarks Apache's MinRate. A second of GPRS carries several times as much.
   */
  clientBytesPerSecondMin: bytes(500, {
    least: 1,
    most: FINITE,
    tooLow: "write timeouts: { clientMs: Infinity } for no limit",
  }),
} as const satisfies Section;

export interface LimitOptions extends OptionsOf<typeof LIMIT_OPTIONS> {}
