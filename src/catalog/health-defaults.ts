/**
 * The numbers of health, of the admin server and of incidents. Like those of defaults.ts: the unit
 * is in the name, the reason stands beside it.
 */
/** Health checks of the application, and the answers to probes. */
export const HEALTH = {
  /** Kubernetes gives a probe one second unless told otherwise; the answer must be there before. */
  checkMs: 800,
  /** Several probers ask within one second; one look at the dependency serves them all. */
  cacheMs: 1_000,
  /** Runs that were given up and still hang; one more each time would pile up on what hangs. */
  hungRunsMax: 3,
  /** Of what a check has to say, a sentence or two are kept. */
  outputCharsMax: 300,
} as const;

/** The small server for operators. */
export const ADMIN = {
  /** What it shows is for operators, and these are on this host unless somebody says otherwise. */
  host: "127.0.0.1",
  /** Probers, a scraper or two, a few people with a dashboard; more are none of these. */
  connectionsMax: 100,
} as const;

/** When the process behind a target is said to have vanished, and to be back. */
export const INCIDENT = {
  /** Nobody cuts so many connections in a row, with no answer between, for other reasons … */
  cutsMin: 3,
  /** … within this time. A process that dies cuts all that it has at the same moment. */
  suspicionMs: 1_000,
  /** Alerts say how much broke; what breaks together is known after a few round trips. */
  settleMs: 100,
  /** It is over when it has answered for so long: a crash loop within it is one incident. */
  quietMs: 3_000,
  /** The latest of a bad night; each is some hundred bytes. */
  keptMax: 50,
} as const;

/** What is kept of failed exchanges, for `gateway.diagnose`. */
export const DIAGNOSIS = {
  /** Enough to see a pattern among targets and routes; some ten kilobytes for each upstream. */
  entriesMax: 200,
  /** Of those that succeed, enough to see whether other routes and targets work. */
  successesMax: 64,
  /** What is older is another story. */
  windowMs: 300_000,
  /** A route is told apart by its first parts; the rest are most often ids. */
  routeSegmentsMax: 4,
  /** Fewer failures than this are no pattern. */
  patternMin: 3,
  /** After such a time without a further one it is told as what has been. */
  overMs: 60_000,
  /** From this share on, failures belong to one target, one route, or kept connections. */
  patternRatio: 0.9,
  /** Ages of connections that are so near to a known time come from there. */
  ageSlackMs: 1_500,
  /** Connections of which this share ends at one age end by somebody's limit. */
  agesAlikeRatio: 0.7,
} as const;
