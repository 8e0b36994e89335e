/**
 * The health of targets: ejection, return, panic, and active probes.
 *
 * `option.ts` describes the form.
 */
import {
  choice,
  count,
  cut,
  FINITE,
  flag,
  longCut,
  nested,
  number,
  type OptionsOf,
  own,
  ratio,
  type Section,
  span,
  text,
} from "./option.js";

export const EJECTION_OPTIONS = {
  /**
   * Consecutive gateway failures, answers of 502, 503 or 504 included, that eject a target.
   * @default 3
   * @remarks Fewer than the breaker needs, since peers take the calls.
   */
  consecutiveFailures: count(3, {
    least: 1,
    tooLow: "write Infinity to leave it to the other comparisons, or ejection: false for none",
  }),
  /**
   * Standard deviations by which its success rate may lie below that of its peers.
   * @default 3
   * @remarks By chance a healthy target lies that far below once in 740 comparisons.
   */
  successDeviations: number(3, {
    unit: "count",
    wanted: "a number above 0, or Infinity",
    least: 0,
    above: true,
    tooLow: "write Infinity for no comparison of failures",
  }),
  /**
   * Ejects a target that is this many times as slow as its peers and at least 250 ms slower.
   * @default 5
   * @remarks Twice as slow may be a busy neighbour; five times is a fault.
   */
  latencyFactor: number(5, {
    unit: "count",
    wanted: "a number above 1, or Infinity",
    least: 1,
    above: true,
    tooLow: "write Infinity for no comparison of latency",
  }),
  /**
   * Answers in the last ten seconds that a comparison of success rate or latency needs.
   * @default 50
   * @remarks With fewer answers, one failure more is noise.
   */
  volumeMin: count(50, { least: 1 }),
  /**
   * The shortest silence that ejects a target while its peers answer; longer where answers usually
   * take longer.
   * @default 100
   * @remarks Garbage collection pauses are shorter.
   */
  silenceMs: cut(100, { tooLow: "write Infinity for no ejection by silence" }),
  /**
   * First ejection time; doubles with every further ejection, with jitter.
   * @default 1000
   * @remarks A restart takes about a second.
   */
  ejectMs: span(1_000),
  /**
   * Longest ejection time.
   * @default 60000
   * @remarks A minute: longer costs capacity that has long been back.
   */
  ejectMsMax: longCut(60_000),
  /**
   * Share of the targets that may be ejected at once; of two or three targets, always one.
   * @default 0.5
   * @remarks The other half must carry the load.
   */
  ejectedRatioMax: ratio(0.5, {
    tooLow: "write ejection: false to eject no target",
  }),
} as const satisfies Section;

export interface EjectionOptions extends OptionsOf<typeof EJECTION_OPTIONS> {}

export const SLOW_START_OPTIONS = {
  /**
   * Time in which a target returns to its full share after it was out, or gets it when it is added
   * beside others that serve.
   * @default 7000
   * @remarks Caches fill and code is compiled within seconds; with its trials this makes ten.
   */
  rampMs: cut(7_000, { tooLow: "write slowStart: false for no ramp" }),
  /**
   * The share that it starts with.
   * @default 0.1
   * @remarks Where the ramp begins. A tenth is enough to measure (Envoy's minimum).
   */
  shareMin: ratio(0.1, {
    tooLow: "a target without a share would never get calls again",
  }),
} as const satisfies Section;

export interface SlowStartOptions extends OptionsOf<typeof SLOW_START_OPTIONS> {}

export const PANIC_OPTIONS = {
  /**
   * With a smaller share of healthy targets than this, all of them are used.
   * @default 0.5
   * @remarks With fewer than half of the targets healthy by probes and declarations, either these
   * are wrong or the rest would be overrun: trying all is better than rejecting (Envoy's 50 %).
   */
  healthyRatioMin: ratio(0.5, { tooLow: "write panic: false for no panic" }),
} as const satisfies Section;

export interface PanicOptions extends OptionsOf<typeof PANIC_OPTIONS> {}

/** The expected status of a probe's answer. */
export type ProbeStatus = number | "1xx" | "2xx" | "3xx" | "4xx" | "5xx";

const STATUS = {
  anyOf: [
    { type: "integer", minimum: 100, maximum: 599 },
    { enum: ["1xx", "2xx", "3xx", "4xx", "5xx"] },
  ],
};

export const EXPECTATION_OPTIONS = {
  /**
   * One status, a class such as `"2xx"`, or a list of both.
   * @default "2xx"
   */
  status: own<ProbeStatus | readonly ProbeStatus[]>(
    { anyOf: [STATUS, { type: "array", items: STATUS, minItems: 1 }] },
    "2xx",
  ),
  /** A text that the first 64 KiB of the body must contain, or an expression they must match. */
  body: own<string | RegExp>({ type: "string", minLength: 1 }),
} as const satisfies Section;

export interface ProbeExpectation extends OptionsOf<typeof EXPECTATION_OPTIONS> {}

/** What a probe asks, or one of several checks. */
export const CHECK_OPTIONS = {
  /**
   * The path to request, such as `/healthz`.
   */
  path: own<string>({ type: "string", pattern: "^/" }),
  /**
   * Only connects, with TLS for an https target; instead of `path`.
   * @default false
   */
  tcp: flag(false),
  /**
   * Asks by the gRPC health protocol over HTTP/2, for the server as a whole or for the service of
   * this name; instead of `path`.
   * @default false
   */
  grpc: own<boolean | string>({
    anyOf: [{ type: "boolean" }, { type: "string", pattern: "^[\\w./-]{1,255}$" }],
  }),
  /**
   * Asks an agent at `port` as HAProxy's `agent-check` does, over TCP without TLS: `up`, `ready`,
   * `down`, `drain`, `maint`, or the share of its weight that the target carries, such as `75%`. An
   * agent that does not answer says nothing.
   * @default false
   */
  agent: flag(false),
  /**
   * A program and its arguments, without a shell; exit code 0 is good. It finds the target in
   * `TARGET_URL`, `TARGET_HOST` and `TARGET_PORT`.
   */
  command: own<readonly string[]>({
    type: "array",
    items: { type: "string" },
    minItems: 1,
    maxItems: 64,
  }),
  /**
   * The port to probe, where it is not the target's; over TLS as the target is. It has no effect
   * for targets of Unix sockets.
   */
  port: own<number>({ type: "integer", minimum: 1, maximum: 65_535 }),
  /**
   * The method of the request.
   * @default "GET"
   */
  method: text(/^(?!CONNECT$)[A-Z][A-Z-]{0,31}$/, 'a method in capitals, such as "POST"', "GET"),
  /** The value of `Host` (over HTTP/2 of `:authority`). Default: the address that is asked. */
  host: text(/^[\w.~:[\]-]{1,255}$/, 'a host such as "orders.internal" or "orders.internal:8080"'),
  /** Further fields of the request, such as `{ authorization: "Bearer …" }`. */
  headers: own<Readonly<Record<string, string>>>({
    type: "object",
    additionalProperties: { type: "string", maxLength: 1_024 },
  }),
  /**
   * A body of the request; `method` must have one. What the answer has to contain is
   * `expect.body`.
   */
  requestBody: own<string>({ type: "string" }),
  /**
   * What counts as a good answer. Default: any 2xx.
   */
  expect: nested<ProbeExpectation>(EXPECTATION_OPTIONS),
} as const satisfies Section;

export interface ProbeCheck extends OptionsOf<typeof CHECK_OPTIONS> {}

export const PROBE_OPTIONS = {
  ...CHECK_OPTIONS,
  /**
   * Further checks by their names, at most eight, each with the options for what is asked; all of
   * them have to pass.
   */
  checks: own<Readonly<Record<string, ProbeCheck>>>({
    type: "object",
    additionalProperties: { options: CHECK_OPTIONS },
    minProperties: 1,
    maxProperties: 8,
  }),
  /**
   * Time between two probes, ±10 %; a fifth of it while the state is uncertain.
   * @default 5000
   * @remarks nginx Plus uses 5 s, HAProxy 2 s.
   */
  intervalMs: span(5_000),
  /**
   * Time limit of a probe, connecting included.
   * @default 2000
   * @remarks A health check that takes longer is useless.
   */
  timeoutMs: span(2_000),
  /**
   * Consecutive failed probes after which a target is down.
   * @default 3
   * @remarks One lost probe says nothing (3 in HAProxy, too).
   */
  fall: count(3, { least: 1, most: FINITE }),
  /**
   * Consecutive passed probes after which it is up again.
   * @default 2
   * @remarks One good answer may be luck (2 in HAProxy, too).
   */
  rise: count(2, { least: 1, most: FINITE }),
  /**
   * What a target is before its first probe: `"down"` gives it no call until one has passed. Calls
   * that no other target takes wait for it, for at most a second.
   * @default "up"
   * @remarks With `"down"` a starting gateway delays its first calls, though targets are nearly
   * always fine.
   */
  initial: choice(["up", "down"], "up"),
} as const satisfies Section;

export interface ProbeOptions extends OptionsOf<typeof PROBE_OPTIONS> {}
