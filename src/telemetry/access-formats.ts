/**
 * Access log lines as texts: JSON, nginx's `combined` and one with its upstream variables, and
 * HAProxy's HTTP format, for tools that read those.
 *
 * Guarantee: what comes from a client cannot end a line or a quoted part of it. Times are in UTC.
 */
import { isoDate } from "../base/clock.js";
import type { CallAttempt, CallRecord } from "../records/call-record.js";
import { jsonLines } from "./access-json.js";
import { terminationState } from "./termination-state.js";

/** Each makes a writer of lines. */
export const ACCESS_FORMATS = {
  json: jsonLines,
  combined: () => combined,
  nginx: () => nginxLine,
  haproxy: () => haproxyLine,
} as const satisfies Readonly<Record<string, () => (record: CallRecord) => string>>;

export type AccessFormat = keyof typeof ACCESS_FORMATS;

// nginx: '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent
// "$http_referer" "$http_user_agent"'. A client that left before its answer is 499 there.
function combined(record: CallRecord): string {
  const { client, status, bytesOut, startedAt } = record;
  const address = client?.address ?? "-";
  const left = record.clientEnd === "aborted" ? CLIENT_CLOSED_REQUEST : "-";
  const head = `${address} - - [${nginxTime(startedAt)}] "${requestLine(record)}"`;
  const agents = `"${escaped(client?.referer)}" "${escaped(client?.userAgent)}"`;
  return `${head} ${status ?? left} ${bytesOut} ${agents}`;
}

const CLIENT_CLOSED_REQUEST = 499;

// The same with rt=$request_time uct=$upstream_connect_time uht=$upstream_header_time
// urt=$upstream_response_time ua=$upstream_addr us=$upstream_status, one entry for each attempt.
function nginxLine(record: CallRecord): string {
  const { attempts } = record;
  const list = (show: (attempt: CallAttempt) => string): string =>
    attempts.length === 0 ? "-" : attempts.map(show).join(", ");
  return [
    combined(record),
    `rt=${seconds(record.durationMs)}`,
    `uct="${list(({ timings }) => seconds(timings.connectMs))}"`,
    `uht="${list(({ timings }) => seconds(timings.waitMs))}"`,
    `urt="${list(({ durationMs }) => seconds(durationMs))}"`,
    `ua="${list(({ target }) => hostOf(target))}"`,
    `us="${list(({ status }) => String(status ?? "-"))}"`,
  ].join(" ");
}

// HAProxy's manual, 8.2.3: client [date] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes
// - - state actconn/feconn/beconn/srv_conn/retries queues "request". What is unknown is 0.
function haproxyLine(record: CallRecord): string {
  const { attempts, client, upstream, status, bytesOut } = record;
  const last = attempts.at(-1);
  const server = last === undefined ? "<NOSRV>" : hostOf(last.target);
  const timers = [0, record.queuedMs, last?.timings.connectMs ?? 0, last?.timings.waitMs ?? null]
    .concat(record.durationMs)
    .map((ms) => (ms === null ? -1 : Math.round(ms)))
    .join("/");
  const retries = Math.max(0, attempts.length - 1);
  return [
    `${client?.address ?? "-"}:0`,
    `[${haproxyTime(record.startedAt)}]`,
    "good-gateway",
    `${upstream}/${server}`,
    timers,
    status ?? -1,
    bytesOut,
    "- -",
    `${terminationState(record)}--`,
    `0/0/0/0/${retries}`,
    "0/0",
    `"${requestLine(record)}"`,
  ].join(" ");
}

function requestLine({ method, path, client }: CallRecord): string {
  const version = client === null ? "" : ` HTTP/${client.httpVersion}`;
  return `${escaped(method)} ${escaped(path)}${version}`;
}

/** As nginx writes what would break a line. */
function escaped(text: string | null | undefined): string {
  if (text === null || text === undefined || text === "") return "-";
  return text.replace(/["\\\p{Cc}]/gu, (one) => {
    const code = one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
    return `\\x${code}`;
  });
}

function hostOf(target: string | null): string {
  return target === null ? "-" : target.replace(/^\w+:\/\//, "");
}

function seconds(ms: number | null): string {
  return ms === null ? "-" : (ms / 1_000).toFixed(3);
}

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** Day, month by name, year, time and milliseconds, in UTC. */
function partsOf(ms: number) {
  const [, year, month, day, time, fraction] =
    /^(\d+)-(\d\d)-(\d\d)T([\d:]+)\.(\d+)Z$/.exec(isoDate(ms)) ?? [];
  const at = (Number(month) - 1) * 3;
  return { day, month: MONTHS.slice(at, at + 3), year, time, fraction };
}

function nginxTime(ms: number): string {
  const { day, month, year, time } = partsOf(ms);
  return `${day}/${month}/${year}:${time} +0000`;
}

function haproxyTime(ms: number): string {
  const { day, month, year, time, fraction } = partsOf(ms);
  return `${day}/${month}/${year}:${time}.${fraction}`;
}
