/**
 * Every default of the gateway: the unit is in the name, the reason stands beside it.
 *
 * A number that is not here does not exist: code names one of these. The README's table of options
 * and the `@default` tags are compared with this file by a test. `Infinity` means that there is no
 * limit; it compares like any other number, so no code needs a branch for it.
 */
export {
  DECLARED,
  EJECTION,
  EVIDENCE,
  HOPE,
  NAMES,
  PANIC,
  PROBE,
  REFUSING,
  ROUTES,
  SLOW_START,
} from "./target-defaults.js";

/** The cuts in time. The first one that fires names the failure. */
export const TIMEOUTS = {
  /** Resolution, TCP and TLS. Lost SYNs are sent again after 1 s and 3 s; this lets both arrive. */
  connectMs: 3_100,
  /** Loopback and Unix sockets lose no packets; a second of silence there is a full queue. */
  connectLocalMs: 1_000,
  /** Request sent → head complete, per attempt. The usual choice of client libraries. */
  responseMs: 10_000,
  /** The answer to `Expect: 100-continue`. curl and the clients of Go wait as long. */
  continueMs: 1_000,
  /** Longest silence inside a body, either way. nginx waits as long between two reads. */
  idleMs: 60_000,
  /** Longest silence of an upgraded connection; HAProxy's manual has an hour for tunnels. */
  tunnelIdleMs: 3_600_000,
  /** What Apache gives a body (mod_reqtimeout, body=20,MinRate=500), and as long for an answer. */
  clientMs: 20_000,
  /** First byte → head, over all attempts, uploads not counted. Balancers give up at 30 to 60 s. */
  totalMs: 30_000,
  /** A body that keeps moving may stream for ever: downloads, event streams. */
  bodyMs: Number.POSITIVE_INFINITY,
} as const;

/** Repeats: how many, how far apart, and what all calls together may spend on them. */
export const RETRY = {
  /** The first try and two repeats. Most of what a repeat can win is won by then. */
  attemptsMax: 3,
  /** Bytes of a request body kept for a repeat. Beyond it the body streams and is not repeated. */
  replayBodyBytesMax: 65_536,
  /** A user waits behind a gateway, so waits are short. Grows by two, with full jitter. */
  backoffBaseMs: 25,
  backoffFactor: 2,
  /** Ten times the base: repeats against the same target spread, yet stay below perception. */
  backoffMsMax: 250,
  /** Repeats may add a fifth to the traffic. A share survives changes of load; a count does not. */
  budgetRatio: 0.2,
  /** The time over which the share is taken. */
  budgetWindowMs: 10_000,
  /** Repeats per second that are always allowed, so that quiet services can repeat at all. */
  budgetFloorPerSecond: 10,
  /**
   * A target that failed within this time is in doubt. When all are, repeats that have helped
   * nobody are counted over the same time, so that an outage cannot spend the window at once.
   */
  doubtMs: 1_000,
  /** Less before the deadline brings no answer: connecting and a round trip within one region. */
  attemptMsMin: 20,
  /**
   * The longest that a call waits because Retry-After asks for it. A user waits behind a gateway;
   * who is to wait longer is better told so, together with the field.
   */
  retryAfterWaitMsMax: 2_000,
  /**
   * A repeat on a fresh connection after a stale one, or without `Expect` after a 417; free of
   * budget and attempts, once a call.
   */
  freeRepeatsMax: 1,
  /**
   * Of what a connection of HTTP/2 that has served did not take, when it went away in order; free
   * as well. Were half refused each time, eight in a row would be one call in 256.
   */
  replacedRepeatsMax: 8,
} as const;

/** The Retry-After of our own 503 answers. */
export const RETRY_AFTER = {
  /** The field counts whole seconds; zero would invite the herd back at once. */
  msMin: 1_000,
  /** When nothing can be computed: a queue drains, a process is replaced, within seconds. */
  fallbackMs: 2_000,
  /** The longest that is computed from how fast a queue moves; nobody can see further ahead. */
  computedMsMax: 10_000,
  /** How fast a queue moves is looked at over a second at least … */
  paceMsMin: 1_000,
  /** … and forgotten after ten: what was usual before says nothing about a full queue. */
  paceMsMax: 10_000,
  /** Maintenance lasts minutes; asking twice a minute notices its end soon enough. */
  maintenanceMs: 30_000,
  /** Up to half is added at random, so that those who were refused together come back apart. */
  jitter: 0.5,
} as const;

/** When a target is no longer asked, and how it comes back. */
export const BREAKER = {
  /** A hard outage is seen at once; fewer would trip on one restart (5 in Envoy and Finagle). */
  consecutiveFailures: 5,
  /** A partial outage: half of the calls fail … */
  failureRatio: 0.5,
  /** … of at least this many, so that noise of quiet hours does not trip it … */
  volumeMin: 20,
  /** … within this time, counted in buckets. */
  windowMs: 10_000,
  windowBuckets: 10,
  /** First open time. A restart takes about a second; longer only punishes the healthy. */
  openMs: 1_000,
  /** Each failed return doubles the open time … */
  openFactor: 2,
  /** … up to a minute, which is also the longest that a recovered target stays unused. */
  openMsMax: 60_000,
  /** Up to half is added at random, so that many gateways do not try at the same moment. */
  openJitter: 0.5,
  /** Trials in flight while half-open: one, or a recovering target is flooded again. */
  trialsMax: 1,
  /** One lucky success must not reopen the flood. */
  trialSuccesses: 3,
  /** A trial's place is given to the next after this: longer than connectMs + responseMs. */
  trialMs: 15_000,
} as const;

/** Calls at once, and the queue behind them. */
export const BULKHEAD = {
  /** Bounds memory and sockets rather than the upstream; set it lower for what you know. */
  concurrencyMax: 1_000,
  /** As many as calls, in places of their own: they rest for hours. */
  streamsMax: 1_000,
  /** A tenth of what runs: a short burst fits, an outage does not pile up. */
  queueMax: 100,
  /** Who waits longer than a second is better told so. */
  queueMs: 1_000,
  /**
   * A burst is through a queue in less; a queue that still stands then stays, and whoever has
   * waited longest in it has the least time left (100 ms is the interval of CoDel, RFC 8289).
   */
  queueStressMs: 100,
  /** A fifth stays free of work that may fail, so that a batch job cannot lock users out. */
  criticalShare: 0.2,
  /** With fewer places every call is one of a few, and slow ones are what they are for. */
  unansweredPlacesMin: 16,
  /** From this share of the places on it matters which routes are answered … */
  unansweredFrom: 0.25,
  /** … within so long. */
  unansweredMs: 2_000,
  /** The share of the places that routes without an answer may take from there on … */
  unansweredShare: 0.5,
  /** … and the part of it that those may take of which a call waits already. */
  unansweredAgainShare: 0.75,
  /** Routes that are remembered although no call of them waits. */
  unansweredRoutesMin: 128,
} as const;

/** Connections to targets. */
export const POOL = {
  /** Below Node's own 5 s as a server (up to version 25), the shortest that is common. */
  keepAliveMs: 4_000,
  /** The longest hint `Keep-Alive: timeout=` that is believed (GCP keeps 600 s). */
  keepAliveMsMax: 600_000,
  /** Taken off the hint: the answer's way back, and undici's timers of one second. */
  keepAliveMarginMs: 2_000,
  /** Per target. Above bulkhead.concurrencyMax and streamsMax, so that calls never wait unseen. */
  connectionsMax: 2_048,
  /** Who has rested for so long may have been forgotten by a NAT between (30 s and more) … */
  restedMs: 15_000,
  /** … and gets this long at the least to answer, where a repeat can take its place. */
  restedSilenceMs: 1_000,
  /** TCP keep-alive probes find a peer that vanished; a minute, as undici has it. */
  tcpKeepAliveMs: 60_000,
  /** Per address of a name with several. Node's 250 ms fail on distant dual-stack hosts. */
  familyAttemptMs: 500,
} as const;

/** Connections of HTTP/2, which many exchanges share. */
export const HTTP2 = {
  /** What a target may send ahead on one stream: a download of 20 MB/s over 12 ms. */
  streamWindowBytes: 262_144,
  /** The same for all streams of a connection: 64 slow takers hold up nobody else. */
  connectionWindowBytes: 16_777_216,
  /**
   * A head that Node takes before our limits are asked, with 32 bytes for each field as RFC 9113
   * §6.5.2 counts: what fits without compression in the nine frames that it allows for one.
   */
  headBytesMax: 262_144,
  /** An upload goes in such parts, one frame each, so that its progress is seen. */
  uploadSliceBytes: 16_384,
  /** Without a stream for so long it is closed: a GOAWAY loses nothing, so it may rest long. */
  idleMs: 60_000,
  /** Who was silent for a whole timeout has this long to show that somebody is there. */
  pingMs: 2_000,
} as const;

/** Sizes and counts. Every buffer, loop and list that others can grow has one. */
export const LIMITS = {
  /**
   * 16 KiB is what Node's own clients accept, and "too big header" is a classic false 502. Twice
   * that is what browsers and balancers still take; with every bulkhead place full it is 32 MB.
   */
  responseHeaderSectionBytesMax: 32_768,
  /** One line may take half of the section; browsers' cookies end at 4 KiB. */
  responseHeaderBytesMax: 16_384,
  /** Envoy allows 100 and HAProxy 101; Node drops silently above 2000. */
  responseHeadersCountMax: 256,
  /**
   * Node reads 1,000 fields of a message and drops the rest without a word, a length, or what a
   * gateway has added, among them. These, and some of ours, are below that; others allow 100.
   */
  requestHeadersCountMax: 900,
  /** 1xx answers before the final one; more is an attack on whoever waits. */
  informationalMax: 16,
  /** Trailers carry checksums and timings. As a whole at most what Node allows for a head … */
  trailerSectionBytesMax: 16_384,
  /** … and half of it in one line. */
  trailerBytesMax: 8_192,
  /** Bodies stream, so their size costs nothing; limits are for those who know their sizes. */
  requestBodyBytesMax: Number.POSITIVE_INFINITY,
  responseBodyBytesMax: Number.POSITIVE_INFINITY,
  /** Tunnels are calls under way, so the bulkhead bounds them, too, before this one is set. */
  upgradesMax: Number.POSITIVE_INFINITY,
  /** Apache's MinRate. A second of GPRS carries several times as much. */
  clientBytesPerSecondMin: 500,
  /** `cause` links that are followed in an error. Libraries wrap two or three deep. */
  causeDepthMax: 8,
  /** Members of an AggregateError that are looked at: addresses of one name. */
  causeErrorsMax: 16,
  /** Of an answer that is given up, a rest of this size is read so that its connection can stay. */
  discardBytesMax: 65_536,
  /** And for this long: what comes drop by drop, or never ends, is not worth a connection. */
  discardMs: 1_000,
  /** Of a body whose taker is not there yet: one read of a socket. */
  bufferedBytesMax: 65_536,
  /** Connections at rest that may turn out dead before a new one is opened. */
  deadConnectionsMax: 8,
  /**
   * After an early answer the rest of the upload is read and thrown away for a while (RFC 9112
   * §9.6): closing at once would reset the connection and lose the answer on its way.
   */
  lingerBytesMax: 16_777_216,
  /** A round trip of a slow phone, twice. */
  lingerMs: 2_000,
} as const;

/** What this process knows about its own delays. */
export const SELF = {
  /** A pool that polled within this time knows which of its sockets were closed. */
  pollFreshMs: 20,
  /** A timer this late tells of a blocked event loop, not of a slow upstream. */
  stallMs: 50,
  /** A reused connection that dies this soon was dead before: the reset takes one round trip. */
  staleMs: 250,
} as const;

/** What layers of gateways, proxies and services tell each other about one call. */
export const LAYERS = {
  /** A count of attempts above this is no count; the layer in front is broken or lies. */
  attemptsMax: 1_000,
  /**
   * Who was silent for a second is slow by any measure; an attempt that its caller's deadline cut
   * sooner tells of the caller's hurry, and counts against no target.
   */
  fairAttemptMs: 1_000,
} as const;

/** The gateway as a whole. */
export const GATEWAY = {
  /** Enough to see what a process was told; the oldest makes room. */
  warningsMax: 100,
  /**
   * Upstreams that are kept for origins without one of their own. Beyond it the one that was unused
   * for longest makes room, so that a flood of names costs no memory and locks no origin out.
   */
  originsMax: 1_000,
  /** How long a drain waits. Process managers kill after 10 s (supervisord) to 90 s (systemd). */
  drainMs: 10_000,
} as const;

/** How a process stops without losing a request. */
export const SHUTDOWN = {
  /**
   * How long it serves as before while readiness already fails. Zero, since a front that passes
   * over a refused connection (nginx, HAProxy) needs no notice …
   */
  lameDuckMs: 0,
  /** … but where endpoints are taken out asynchronously, they take this long to be gone. */
  lameDuckKubernetesMs: 5_000,
  /** From the end of the lame duck to the hard stop. Below what process managers allow by far. */
  drainTimeoutMs: 10_000,
  /** A connection at rest for so long is closed: a client in use would have used it by now. */
  idleCloseMs: 1_000,
  /** With little time in all, connections at rest get this share of it at the most. */
  idleCloseShare: 0.25,
  /** Event streams go on for ever, so waiting longer would help none; their clients come back. */
  streamTimeoutMs: 5_000,
  /** The same for WebSockets: the application has this long to say goodbye on them. */
  upgradeTimeoutMs: 5_000,
  /** What is still running is cut this long before the end, so that answers to that can go out. */
  lastWordsMs: 250,
  /** How often connections are looked at: below what anybody notices, above what costs anything. */
  sweepMs: 50,
  /** A second signal within this time is the first one again: groups and npm deliver it twice. */
  sameSignalMs: 500,
  /** A turn of the event loop that accepted nobody and was so short: nobody waits in the queue … */
  quietTurnMs: 0.2,
  /** … and after this many turns, below a second, it is given up to wait for one. */
  quietTurnsMax: 1_000,
  /** What a process needs after the hard stop to end: closing pools, flushing logs. */
  slackMs: 250,
} as const;

/** How long process managers wait before they kill, and what they are told meanwhile. */
export const PROCESS_MANAGERS = {
  /** `kill_timeout` of PM2. */
  pm2KillMs: 1_600,
  /** `stopwaitsecs` of supervisord. */
  supervisordKillMs: 10_000,
  /** `terminationGracePeriodSeconds` of Kubernetes. */
  kubernetesKillMs: 30_000,
  /** `TimeoutStopSec` of systemd. */
  systemdKillMs: 90_000,
  /** How often it is looked whether the start is over, before a manager is told so. */
  startPollMs: 50,
  /** The watchdog of systemd is fed in this part of its time, as sd_watchdog_enabled(3) asks … */
  watchdogShare: 0.5,
  /** … unless the event loop was blocked for this part of it … */
  watchdogDelayShare: 0.25,
  /** … which is looked at so many times in between. */
  watchdogSamples: 10,
} as const;
