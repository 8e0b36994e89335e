/**
 * Every number of the gateway: the unit is in the name, the reason stands beside it.
 *
 * Code uses no number that is not named here. The defaults of options are declared in `options/`.
 * `Infinity` means no limit; it compares like any other number, so no code needs a branch for it.
 */

import { BREAKER_OPTIONS } from "./options/breaker.js";
import { CACHE_OPTIONS } from "./options/cache.js";
import { LIMIT_OPTIONS } from "./options/limits.js";
import { defaultsOf } from "./options/option.js";
import { BULKHEAD_OPTIONS } from "./options/overload.js";
import { RETRY_OPTIONS } from "./options/retry.js";
import { SHUTDOWN_NUMBERS } from "./options/shutdown.js";
import { TIMEOUT_OPTIONS } from "./options/timeouts.js";

export {
  DECLARED,
  EJECTION,
  EVIDENCE,
  HOPE,
  NAMES,
  PANIC,
  PROBE,
  REFUSING,
  RESTORE,
  RESUME,
  ROUTES,
  SLOW_START,
} from "./target-defaults.js";

/** Timeouts. The first one that fires names the failure. */
export const TIMEOUTS = {
  ...defaultsOf(TIMEOUT_OPTIONS),
  /** Loopback and Unix sockets lose no packets; a second of silence there is a full queue. */
  connectLocalMs: 1_000,
} as const;

/** What stands in for an upstream that has failed. */
export const FALLBACK = {
  /** A function that makes an answer has this long; its client has waited already. */
  functionMsMax: 2_000,
} as const;

/** Answers that are kept. */
export const CACHE = {
  ...defaultsOf(CACHE_OPTIONS),
  /** What an answer costs besides its fields and its body. */
  answerBytes: 600,
  /** Of one resource, as Vary has it: languages and codings, not callers. */
  variantsMax: 16,
  /** A request waits no longer than this for an equal one, and no longer than half of its time. */
  collapsedMsMax: 5_000,
  /** Requests that wait for equal ones; beyond it each is sent. */
  waitingMax: 1_000,
} as const;

/** Repeats: how many, how far apart, and the budget that all calls share. */
export const RETRY = {
  ...defaultsOf(RETRY_OPTIONS),
  backoffFactor: 2,
  /** The time over which the share is taken. */
  budgetWindowMs: 10_000,
  /** What calls of a route may use of the budget that fails at every target. */
  budgetSuspectShare: 0.5,
  /**
   * A target that failed within this time is suspect. When all targets are, repeats without success
   * are counted over the same time, so that an outage cannot spend the whole budget at once.
   */
  doubtMs: 1_000,
  /** Connecting and one round trip within a region; with less time left no answer can arrive. */
  attemptMsMin: 20,
  /**
   * A repeat on a fresh connection after a stale one, or without `Expect` after a 417. It costs
   * neither budget nor an attempt, and happens once per call.
   */
  freeRepeatsMax: 1,
  /**
   * Of requests that an HTTP/2 connection did not accept before an orderly GOAWAY; free as well.
   * Were half refused each time, eight in a row would be one call in 256.
   */
  replacedRepeatsMax: 8,
} as const;

/** The Retry-After of our own 503 answers. */
export const RETRY_AFTER = {
  /** The field counts whole seconds; zero would bring all clients back at once. */
  msMin: 1_000,
  /** When nothing can be computed: queues drain and processes are replaced within seconds. */
  fallbackMs: 2_000,
  /** Upper bound of a time computed from the drain rate of a queue; beyond it is guesswork. */
  computedMsMax: 10_000,
  /** The drain rate is measured over at least a second … */
  paceMsMin: 1_000,
  /** … and at most ten: older rates say nothing about a queue that is full now. */
  paceMsMax: 10_000,
  /** Maintenance lasts minutes; two requests a minute notice its end soon enough. */
  maintenanceMs: 30_000,
  /** Up to half is added at random, so that clients rejected together do not return together. */
  jitter: 0.5,
} as const;

/** When a target gets no more calls, and how it returns. */
export const BREAKER = {
  ...defaultsOf(BREAKER_OPTIONS),
  /** The window moves by a tenth of itself. */
  windowBuckets: 10,
  /** Each trial without a connection doubles the open time, where others take the calls. */
  openFactor: 2,
  /** Added at random, so that many gateways do not try at the same moment. */
  openJitter: 0.4,
  /** Trials in flight while half-open: one, or a recovering target is flooded again. */
  trialsMax: 1,
  /** A trial that is silent for this long no longer blocks the next one. */
  trialMs: 1_000,
} as const;

/** Concurrent calls, and the queue behind them. */
export const BULKHEAD = {
  ...defaultsOf(BULKHEAD_OPTIONS),
  /**
   * With fewer places than this, one slow call is a large share, so slow routes are not limited.
   */
  unansweredPlacesMin: 16,
  /** From this share of the places on it matters which routes are answered … */
  unansweredFrom: 0.25,
  /** … within this time. */
  unansweredMs: 2_000,
  /** The share of the places that routes without an answer may take from there on … */
  unansweredShare: 0.5,
  /** … and the part of it for routes of which a call already waits. */
  unansweredAgainShare: 0.75,
  /** Routes without a waiting call that are remembered. */
  unansweredRoutesMin: 128,
  /**
   * When no place is left, a call gives way that a later one of its route has overtaken, after so
   * long: with 1,000 places 1,500 calls a second may hang …
   */
  overdueMs: 500,
  /** … and not before this many times what the slowest of those took that were answered … */
  overdueFactor: 4,
  /** … each of which is remembered a little less after the next one. */
  overdueMemory: 0.998,
  /** At most this many calls are examined to find an overdue one. */
  overdueLooks: 1_000,
} as const;

/** Connections to targets. */
export const POOL = {
  /** Below the 5 s of a Node server (up to version 25), the shortest common value. */
  keepAliveMs: 4_000,
  /** The longest `Keep-Alive: timeout=` hint that is accepted (GCP keeps 600 s). */
  keepAliveMsMax: 600_000,
  /** Subtracted from the hint: the answer's way back, and undici's timers of one second. */
  keepAliveMarginMs: 2_000,
  /** A NAT on the path may have dropped a connection that was idle this long (30 s and more) … */
  restedMs: 15_000,
  /** … so it gets this long to answer, at least, where a repeat can replace it. */
  restedSilenceMs: 1_000,
  /** TCP keep-alive probes detect a peer that vanished; a minute, as in undici. */
  tcpKeepAliveMs: 60_000,
  /** Per address of a name with several. Node's 250 ms are too short for distant hosts. */
  familyAttemptMs: 500,
} as const;

/** HTTP/2 connections, which many exchanges share. */
export const HTTP2 = {
  /** What a target may send ahead on one stream: a download of 20 MB/s over 12 ms. */
  streamWindowBytes: 262_144,
  /** The same for all streams of a connection: 64 slow readers do not block the others. */
  connectionWindowBytes: 16_777_216,
  /**
   * A head that Node accepts before our limits apply, with 32 bytes added per field as in RFC 9113
   * §6.5.2: what fits, uncompressed, into the nine frames that Node allows for one.
   */
  headBytesMax: 262_144,
  /** Streams reset on one connection before another one takes its place; servers allow 500. */
  resetsMax: 256,
  /** Behind an early answer a target may stop the upload itself: a round trip, and some. */
  stopUploadMs: 250,
  /** Uploads are sent in slices of one frame each, so that progress is visible. */
  uploadSliceBytes: 16_384,
  /** Exchanges share no connection for this long after two in a row went down with several. */
  apartMs: 10_000,
  /** Closed after this long without a stream: GOAWAY loses nothing, so it may be long. */
  idleMs: 60_000,
  /** After a timeout without any frame, a PING must be answered within this time. */
  pingMs: 2_000,
} as const;

/** Sizes and counts. Every buffer, loop and list that input can grow has one. */
export const LIMITS = {
  ...defaultsOf(LIMIT_OPTIONS),
  /**
   * Node reads 1,000 fields of a message and silently drops the rest, which may include a length or
   * a field of the gateway. This limit, with our own fields, is below that; others allow 100.
   */
  requestHeadersCountMax: 900,
  /** 1xx answers before the final one; more is an attack on the waiting client. */
  informationalMax: 16,
  /**
   * An upgrade that no listener takes, on a server that has not yet shown that `throughGateway`
   * serves it. Node's `requestTimeout`, which such a connection is no longer subject to.
   */
  untakenUpgradeMs: 300_000,
  /** `cause` links that are followed in an error. Libraries wrap two or three deep. */
  causeDepthMax: 8,
  /** Members of an AggregateError that are examined: addresses of one name. */
  causeErrorsMax: 16,
  /** Of an abandoned answer, up to this much is read so that its connection can be kept. */
  discardBytesMax: 65_536,
  /** And for this long: a connection is not worth waiting for a slow or endless body. */
  discardMs: 1_000,
  /** Of a body that is not being read yet: one read of a socket. */
  bufferedBytesMax: 65_536,
  /** Idle connections that may turn out dead before a new one is opened. */
  deadConnectionsMax: 8,
  /**
   * After an early answer the rest of the upload is read and discarded for a while (RFC 9112 §9.6):
   * closing at once would reset the connection and lose the answer in transit.
   */
  lingerBytesMax: 16_777_216,
  /** A round trip of a slow phone, twice. */
  lingerMs: 2_000,
} as const;

/** Delays of this process. */
export const SELF = {
  /** A pool that polled within this time has noticed which of its sockets were closed. */
  pollFreshMs: 20,
  /** A timer this late indicates a blocked event loop, not a slow upstream. */
  stallMs: 50,
  /** A silence is ours where the timer was late by this share of the limit; else it was theirs. */
  stallShare: 0.25,
  /** A reused connection that dies this soon was already dead: a reset takes one round trip. */
  staleMs: 250,
} as const;

/** What gateways, proxies and services in one path exchange about a call. */
export const LAYERS = {
  /** A higher count of attempts is ignored: the layer in front is broken or forges it. */
  attemptsMax: 1_000,
  /**
   * A target that is silent for a second is slow. An attempt that its caller's deadline cut sooner
   * says nothing about the target, and does not count against it.
   */
  fairAttemptMs: 1_000,
} as const;

/** The gateway as a whole. */
export const GATEWAY = {
  /** Enough to see what is wrong with a process; the oldest is dropped. */
  warningsMax: 100,
  /**
   * Upstreams kept for origins without a configured one. Beyond it the least recently used one is
   * evicted, so that a flood of names costs no memory and locks no origin out.
   */
  originsMax: 1_000,
  /** How long a drain lasts. Process managers kill after 10 s (supervisord) to 90 s (systemd). */
  drainMs: 10_000,
} as const;

/** How a process stops without losing a request. */
export const SHUTDOWN = {
  ...defaultsOf(SHUTDOWN_NUMBERS),
  /** Where endpoints are removed asynchronously, their removal takes this long. */
  lameDuckKubernetesMs: 5_000,
  /** When time is short, idle connections get at most this share of it. */
  idleCloseShare: 0.25,
  /** Remaining work is cut this long before the end, so that the final answers can be sent. */
  lastWordsMs: 250,
  /** How often connections are checked: short enough to go unnoticed, yet cheap. */
  sweepMs: 50,
  /** A second signal within this time is a duplicate: process groups and npm deliver it twice. */
  sameSignalMs: 500,
  /** A loop turn this short that accepted no connection: the accept queue is empty … */
  quietTurnMs: 0.2,
  /** … and after this many turns, below a second, it stops waiting for such a turn. */
  quietTurnsMax: 1_000,
  /** What a process needs after the hard stop to end: closing pools, flushing logs. */
  slackMs: 250,
} as const;

/** How long process managers wait before they kill, and how they are notified meanwhile. */
export const PROCESS_MANAGERS = {
  /** `kill_timeout` of PM2. */
  pm2KillMs: 1_600,
  /** `stopwaitsecs` of supervisord. */
  supervisordKillMs: 10_000,
  /** `terminationGracePeriodSeconds` of Kubernetes. */
  kubernetesKillMs: 30_000,
  /** `TimeoutStopSec` of systemd. */
  systemdKillMs: 90_000,
  /** How often it checks whether startup is complete, before it notifies the manager. */
  startPollMs: 50,
  /** systemd's watchdog is fed at this share of its time, as in sd_watchdog_enabled(3) … */
  watchdogShare: 0.5,
  /** … unless the event loop was blocked for this share of it … */
  watchdogDelayShare: 0.25,
  /** … which is sampled this many times in between. */
  watchdogSamples: 10,
  /** A message to systemd takes milliseconds; one that hangs would hold up all that follow. */
  notifyMs: 5_000,
} as const;
