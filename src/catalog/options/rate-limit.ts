/**
 * Rate limits: what `rateLimit` counts for those who ask, and `outgoingQuota` for what is sent.
 *
 * `option.ts` describes the form.
 */
import {
  choice,
  count,
  FINITE,
  flag,
  noDefault,
  own,
  requestKey,
  type Section,
  shortSpan,
  text,
} from "./option.js";

const LIMIT = noDefault(
  count(1, { least: 1, most: FINITE, tooLow: "to let nothing pass, refuse it in admit" }),
);
const WINDOW = noDefault(shortSpan(1));

/** What both kinds have. */
const COUNTING_OPTIONS = {
  /** Requests per window, which is also how many may come at once unless `burst` says less. */
  limit: LIMIT,
  /** Milliseconds of the window. */
  windowMs: WINDOW,
  /**
   * How it is counted for several processes. `"exact"` asks the store each time, `"leased"` takes
   * small blocks from it so that most requests wait for nothing, `"divided"` gives each process its
   * part of the limit and asks no store. Without a store all three count in this process.
   * @default "leased"
   * @remarks As exact as `"exact"` for keys that ask seldom, and without a wait for those that ask
   * often.
   */
  count: choice(["leased", "exact", "divided"], "leased"),
  /**
   * Processes that share the limit, at least: for `"divided"`, and for the time in which the store
   * does not answer. Redis and a cluster count those that are there, so this is for other stores,
   * for none, and for a start without the store.
   * @default 1
   * @remarks One process is what there is without further words.
   */
  members: count(1, { least: 1, most: FINITE }),
  /**
   * Longest wait for the store. Once it was too long none waits until the store has answered a
   * trial, and each process keeps its part of the limit.
   * @default 25
   * @remarks A store nearby answers in one or two; a request should not notice more.
   */
  storeMs: shortSpan(25),
  /**
   * Keys that are remembered in this process; then the one that asked longest ago is forgotten.
   * @default 10000
   * @remarks About 2 MB when all are in use.
   */
  keysMax: count(10_000, { least: 1, most: FINITE, tooHigh: "memory must be bounded" }),
} as const satisfies Section;

export const RATE_LIMIT_OPTIONS = {
  /** Names the limit in fields of answers, in metrics and in the store. */
  name: text(/^[A-Za-z][\w.-]{0,63}$/, "a name of letters, digits, -, _ and ., up to 64"),
  ...COUNTING_OPTIONS,
  /**
   * How many may come at once after a pause, at most `limit`. Default: `limit`. Over any window at
   * most `limit` and `burst` together pass.
   */
  burst: LIMIT,
  /**
   * Refuses nothing, and counts what would have been refused.
   * @default false
   * @remarks To try a limit before it is in force.
   */
  dryRun: flag(false),
  /**
   * Which answers carry `RateLimit` and `RateLimit-Policy`: all, refusals only, or none.
   * @default "all"
   * @remarks A client can only slow down if it reads them before it is refused.
   */
  fields: choice(["all", "refusals", "none"], "all"),
} as const satisfies Section;

export const QUOTA_OPTIONS = {
  /** Names the quota in the store. Default: the name of the upstream. */
  name: RATE_LIMIT_OPTIONS.name,
  ...COUNTING_OPTIONS,
  /**
   * How many may be sent at once after a pause; the rest of the limit is spread over the window, so
   * that no window of that length ever has more than `limit`.
   * @default a tenth of `limit`, at least 1
   */
  burst: LIMIT,
  /** What the API counts by: a field, a cookie, or a function of the request; else one quota. */
  by: requestKey(),
  /**
   * Calls that may wait for their turn.
   * @default 100
   * @remarks As many as wait for a place of the bulkhead.
   */
  queueMax: count(100, { least: 0, most: FINITE, tooHigh: "a queue must be finite" }),
  /**
   * Longest wait for a turn; a call never waits beyond its own deadline.
   * @default 2000
   * @remarks As long as a call waits for a Retry-After.
   */
  queueMs: shortSpan(2_000),
  /** What counts for several processes, such as `redisStore(client)`. */
  store: own<object>(null),
} as const satisfies Section;

export type CountMode = "leased" | "exact" | "divided";
