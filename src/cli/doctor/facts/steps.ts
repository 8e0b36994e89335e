/**
 * How requests, the health path and the idle time look as steps of the report.
 * They are apart from the walk, which only decides what comes next.
 */

import { inMiB } from "../../../diagnosis/diagnosis-finding.js";
import type { DiagnosisStep } from "../../../diagnosis/diagnosis-report.js";
import type { Exchanged } from "../probes/exchange.js";
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorLimits } from "../world/limits.js";
import type { Facts } from "./facts.js";
import type { LocalFacts } from "./local-facts.js";

interface StepsAsked {
  readonly endpoint: Endpoint;
  readonly limits: DoctorLimits;
}

/** From this status on an answer is an error of the server. */
const ERROR_STATUS = 500;
/** Below this, the usual pools of fronts (60 s) reuse a connection that is closed already. */
export const POOL_IDLE_MS = 60_000;

export function exchangeStep(
  { endpoint, limits }: StepsAsked,
  { answer, code, errno, headMs, bodyBytes }: Exchanged,
  connection: "new" | "kept",
): DiagnosisStep {
  const name = `GET ${endpoint.path} on a ${connection} connection`;
  const common = { name, durationMs: headMs, limitMs: limits.responseMs };
  if (answer === null) {
    const detail = errno ?? `no answer within ${limits.responseMs} ms`;
    return { ...common, layer: "head", result: "failed", detail, code };
  }
  const detail = `${answer.status}, head ${answer.headBytes} bytes, body ${bodyBytes} bytes`;
  if (code !== null) return { ...common, layer: "body", result: "failed", detail, code };
  const result = answer.status >= ERROR_STATUS ? "warning" : "ok";
  return { ...common, layer: "head", result, detail, code: null };
}

export function healthStep(
  { limits }: StepsAsked,
  { path, exchanged }: NonNullable<Facts["health"]>,
): DiagnosisStep {
  const { answer, code, errno, headMs } = exchanged;
  const well = answer !== null && answer.status >= 200 && answer.status < 300;
  const detail = answer === null ? (errno ?? "no answer") : String(answer.status);
  return {
    layer: "health",
    name: `health path ${path}`,
    result: well ? "ok" : "failed",
    durationMs: headMs,
    limitMs: limits.responseMs,
    detail,
    code,
  };
}

/** How long the server says that it keeps an idle connection; null when it does not say. */
export function keptMsOf(exchanged: Exchanged | null): number | null {
  const field = String(exchanged?.answer?.headers["keep-alive"] ?? "");
  const seconds = /timeout=(\d+)/.exec(field)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1_000;
}

export function idleStep(idleCloseMs: number | null, { idleMs }: DoctorLimits): DiagnosisStep {
  const closed = idleCloseMs !== null;
  return {
    layer: "keep_alive",
    name: "an idle connection",
    result: closed && idleCloseMs < POOL_IDLE_MS ? "warning" : "ok",
    durationMs: idleCloseMs,
    limitMs: null,
    detail: closed
      ? `closed by the server after ${(idleCloseMs / 1_000).toFixed(1)} s`
      : `still open after ${(idleMs / 1_000).toFixed(1)} s`,
    code: null,
  };
}

/** Younger than this, a process is likely to have been started because of what is looked for. */
export const YOUNG_MS = 60_000;

/** The process behind the endpoint, in one line: how old it is, and how far from its limits. */
export function processStep(
  { process: before, processAfter }: LocalFacts,
  now: number,
): DiagnosisStep | null {
  const seen = processAfter ?? before;
  if (seen === null) return null;
  const { pid, command, startedAt, openFiles, openFilesMax, memoryBytes, processorShare } = seen;
  const gone = processAfter === null || (before !== null && before.pid !== processAfter.pid);
  const parts = [
    command.slice(0, COMMAND_CHARACTERS),
    `began ${ageInWords(now - startedAt)} ago`,
    openFiles === null ? null : `${openFiles} of ${openFilesMax ?? "?"} files`,
    memoryBytes === null ? null : inMiB(memoryBytes),
    processorShare === null ? null : `${Math.round(processorShare * 100)} % of a processor`,
    gone ? "it is gone now, or another one has taken its place" : null,
  ];
  return {
    layer: "process",
    name: `process ${pid}`,
    result: gone ? "failed" : "ok",
    durationMs: null,
    limitMs: null,
    detail: parts.filter((part) => part !== null).join(", "),
    code: gone ? "connection_terminated" : null,
  };
}

const COMMAND_CHARACTERS = 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `40 s`, `12 min`, `3 h`, `9 d`. */
export function ageInWords(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.max(0, Math.round(ms / 1_000))} s`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  return ms < 2 * DAY_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.round(ms / DAY_MS)} d`;
}
