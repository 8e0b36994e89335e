/**
 * The numbers of health, of the admin server and of incidents. Like those of defaults.ts: the unit
 * is in the name, the reason stands beside it.
 */
/** Health checks of the application, and the answers to probes. */
export const HEALTH = {
  /** Kubernetes gives a probe one second by default; the answer must arrive before. */
  checkMs: 800,
  /** Several probers come within one second; one check of the dependency serves them all. */
  cacheMs: 1_000,
  /** Abandoned runs that still hang; without a limit they would pile up. */
  hungRunsMax: 3,
  /** A sentence or two of a check's output are kept. */
  outputCharsMax: 300,
} as const;

/** The small server for operators. */
export const ADMIN = {
  /** Enough for probers, a scraper or two and a few people with a dashboard. */
  connectionsMax: 100,
} as const;

/** What operators switch by hand, over HTTP. */
export const CONTROL = {
  /** It stands beside the health paths on the operators' port. */
  path: "/control",
  /** Fewer can be guessed. */
  tokenCharsMin: 16,
  /** A command has some hundred bytes. */
  bodyBytesMax: 8_192,
} as const;

/** When the process behind a target counts as vanished, and as back. */
export const INCIDENT = {
  /** Only a dying process cuts this many connections in a row with no answer between … */
  cutsMin: 3,
  /** … within this time. A dying process cuts all its connections at the same moment. */
  suspicionMs: 1_000,
  /** An alert reports how much broke; that is known after a few round trips. */
  settleMs: 100,
  /** Over after answering for this long: a crash loop counts as one incident. */
  quietMs: 3_000,
  /** The most recent ones of a bad night; each takes a few hundred bytes. */
  keptMax: 50,
} as const;

/** The record of exchanges that `gateway.diagnose` reads. */
export const DIAGNOSIS = {
  /** Enough to show a pattern among targets and routes; some ten kilobytes per upstream. */
  entriesMax: 200,
  /** Of successes, enough to see whether other routes and targets work. */
  successesMax: 64,
  /** Older exchanges belong to another problem. */
  windowMs: 300_000,
  /** Routes differ in their first segments; the rest are mostly ids. */
  routeSegmentsMax: 4,
  /** Fewer failures than this are no pattern. */
  patternMin: 3,
  /** After this long without another failure it is reported as past. */
  overMs: 60_000,
  /** From this share on, failures are attributed to one target, one route or reused connections. */
  patternRatio: 0.9,
  /** Ages of connections this close to a known timeout are attributed to it. */
  ageSlackMs: 1_500,
  /** When this share of connections ends at one age, a timeout ends them. */
  agesAlikeRatio: 0.7,
} as const;
