/**
 * Counts calls that are over.
 *
 * Nearly all calls go well at once, as one before them did: their series are kept at hand by target
 * and not looked up again. Guarantee: what is counted is the same either way.
 */
import type { CallAttempt } from "../records/call-record.js";
import type { EndedCall } from "../records/ended-call.js";
import type { Buckets, Counter, Histogram, SeriesTally } from "./series.js";

export interface CallCounters {
  readonly calls: Counter;
  readonly failures: Counter;
  readonly stopped: Counter;
  readonly detours: Counter;
  readonly repeats: Counter;
  readonly requestBytes: Counter;
  readonly responseBytes: Counter;
  readonly attempts: Counter;
}

export interface CallHistograms {
  readonly callSeconds: Histogram;
  readonly queueSeconds: Histogram;
  readonly attemptSeconds: Histogram;
}

const MS_PER_SECOND = 1_000;

export function callCounter(
  counters: CallCounters,
  histograms: CallHistograms,
): (call: EndedCall) => void {
  const kept = new Map<string | null, GoodCalls>();
  let latest: GoodCalls | null = null;
  return (call) => {
    const isPlain = call.stopReason === null && call.detour === null;
    const good = call.sole !== null && isPlain && call.kind !== "upgrade";
    if (good && call.code === null) {
      if (latest === null || !isSame(latest, call)) latest = kept.get(call.target) ?? null;
      if (latest !== null && isSame(latest, call)) {
        addGood(counters, latest, call);
        return;
      }
    }
    countCall(counters, histograms, call);
    for (const attempt of call.attempts) countAttempt(counters, histograms, call, attempt);
    if (!good) return;
    latest = goodCalls(counters, histograms, call);
    if (latest !== null && kept.size < TARGETS_KEPT) kept.set(call.target, latest);
  };
}

/** More than any gateway has in use at once; beyond it series are looked up. */
const TARGETS_KEPT = 1_000;

/** Series that a good call counts in, and whose they are. */
interface GoodCalls {
  readonly upstream: string;
  readonly target: string | null;
  readonly status: number | null;
  readonly answeredBy: string | null;
  readonly calls: SeriesTally;
  readonly attempts: SeriesTally;
  readonly callSeconds: Buckets;
  readonly queueSeconds: Buckets;
  readonly attemptSeconds: Buckets;
  /** Null while no such byte was counted, and so there is no such series. */
  readonly requestBytes: SeriesTally | null;
  readonly responseBytes: SeriesTally | null;
}

function isSame(of: GoodCalls, { upstream, target, status, answeredBy }: EndedCall): boolean {
  return (
    of.target === target &&
    of.status === status &&
    of.upstream === upstream &&
    of.answeredBy === answeredBy
  );
}

/** Null where one of them is beyond the limit of its metric. */
function goodCalls(
  counters: CallCounters,
  histograms: CallHistograms,
  { upstream, target, status, answeredBy }: EndedCall,
): GoodCalls | null {
  const at = target ?? NONE;
  const calls = counters.calls.known([upstream, sentOf(status), answeredBy ?? NONE]);
  const attempts = counters.attempts.known([upstream, at, OK]);
  const callSeconds = histograms.callSeconds.known([upstream]);
  const queueSeconds = histograms.queueSeconds.known([upstream]);
  const attemptSeconds = histograms.attemptSeconds.known([upstream, at]);
  if (calls === null || attempts === null || attemptSeconds === null) return null;
  if (callSeconds === null || queueSeconds === null) return null;
  const requestBytes = counters.requestBytes.known([upstream]);
  const responseBytes = counters.responseBytes.known([upstream]);
  const bytes = { requestBytes, responseBytes };
  const series = { calls, attempts, callSeconds, queueSeconds, attemptSeconds, ...bytes };
  return { upstream, target, status, answeredBy, ...series };
}

function addGood(counters: CallCounters, to: GoodCalls, call: EndedCall): void {
  to.calls.total += 1;
  to.attempts.total += 1;
  to.callSeconds.observe(call.durationMs / MS_PER_SECOND);
  to.queueSeconds.observe(call.queuedMs / MS_PER_SECOND);
  to.attemptSeconds.observe(call.soleMs / MS_PER_SECOND);
  const { bytesIn, bytesOut } = call;
  if (bytesIn > 0) addTo(to.requestBytes, counters.requestBytes, call.upstream, bytesIn);
  if (bytesOut > 0) addTo(to.responseBytes, counters.responseBytes, call.upstream, bytesOut);
}

function addTo(
  series: SeriesTally | null,
  counter: Counter,
  upstream: string,
  bytes: number,
): void {
  if (series === null) counter.add([upstream], bytes);
  else series.total += bytes;
}

function addBytes(counters: CallCounters, { upstream, bytesIn, bytesOut }: EndedCall): void {
  if (bytesIn > 0) counters.requestBytes.add([upstream], bytesIn);
  if (bytesOut > 0) counters.responseBytes.add([upstream], bytesOut);
}

const NONE = "none";
const OK = "ok";

function sentOf(status: number | null): string {
  return status === null ? NONE : String(status);
}

function countCall(
  counters: CallCounters,
  { callSeconds, queueSeconds }: CallHistograms,
  call: EndedCall,
): void {
  const { upstream, status, answeredBy, code, blame, stopReason, detour, attemptCount } = call;
  const one = [upstream];
  const sent = sentOf(status);
  counters.calls.add([upstream, sent, answeredBy ?? NONE], 1);
  if (code !== null && blame !== null) counters.failures.add([upstream, code, blame, sent], 1);
  if (detour !== null) counters.detours.add([upstream, detour.kind, detour.upstream ?? NONE], 1);
  if (stopReason !== null) counters.stopped.add([upstream, stopReason], 1);
  if (attemptCount > 1) counters.repeats.add(one, attemptCount - 1);
  addBytes(counters, call);
  // A tunnel may live for days; its length says nothing about the speed of calls.
  if (call.kind !== "upgrade") callSeconds.observe(one, call.durationMs / MS_PER_SECOND);
  queueSeconds.observe(one, call.queuedMs / MS_PER_SECOND);
}

function countAttempt(
  counters: CallCounters,
  { attemptSeconds }: CallHistograms,
  { upstream, kind }: EndedCall,
  { target, code, durationMs }: CallAttempt,
): void {
  const at = target ?? NONE;
  counters.attempts.add([upstream, at, code ?? OK], 1);
  if (kind !== "upgrade") attemptSeconds.observe([upstream, at], durationMs / MS_PER_SECOND);
}
