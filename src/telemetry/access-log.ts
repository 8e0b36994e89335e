/**
 * `accessLog`: one line for each call that is over, structured for a logger, or as a text that
 * people's tools for nginx and HAProxy read.
 *
 * Guarantee: no query, no field of the request but those that say who asked, and no token in a
 * path is written; failures are always logged, whatever share of the good calls is.
 */

import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { CallRecord } from "../records/call-record.js";
import { callRecord, type EndedCall } from "../records/ended-call.js";
import { type AccessFields, accessFields } from "./access-fields.js";
import { ACCESS_FORMATS, type AccessFormat } from "./access-formats.js";
import { jsonLines } from "./access-json.js";
import { type LineStream, writeLines } from "./line-writer.js";
import { mayHoldToken, withoutTokens } from "./redact.js";

/** What is used of a logger: pino, Fastify's `app.log` and `console` have it. */
export interface AccessLogger {
  info(fields: AccessFields, message: string): void;
  warn(fields: AccessFields, message: string): void;
  error(fields: AccessFields, message: string): void;
}

export interface AccessLogOptions {
  /** Takes the fields of a line with its message, by level. */
  readonly logger?: AccessLogger;
  /**
   * Takes texts of many lines, a tenth of a second after the first of them at the latest:
   * `process.stdout`, or `createWriteStream("access.log", { flags: "a" })`.
   * @default process.stdout
   */
  readonly stream?: LineStream;
  /** Takes each line of text by itself, without its end. */
  readonly write?: (line: string) => void;
  /**
   * The form of a line: `json`, or as nginx or HAProxy would write it, or a function of the record.
   * @default "json"
   */
  readonly format?: AccessFormat | ((record: CallRecord) => string);
  /**
   * Share of the good calls that is logged, from 0 to 1; failures are always logged.
   * @default 1
   */
  readonly sample?: number;
  /** Has the last word on what is logged of a call; null leaves it out. */
  readonly redact?: (record: CallRecord) => CallRecord | null;
}

/** Logs every call of a gateway; returns how to stop. */
export function accessLog(gateway: Gateway, to: AccessLogger | AccessLogOptions = {}): () => void {
  const options = isLogger(to) ? { logger: to } : to;
  checkOptions(options);
  const { sample = 1, redact } = options;
  const { random, endedCalls } = gatewayCore(gateway);
  const { stream = process.stdout, format = "json" } = options;
  const isLeftOut = ({ code }: Pick<CallRecord, "code">): boolean =>
    code === null && sample < 1 && random.next() >= sample;
  const shown = (call: CallRecord): CallRecord | null => {
    const plain = withoutPathTokens(call);
    return redact === undefined ? plain : redact(plain);
  };
  const log = loggerOf(options);
  // What is called by hand is called at once; what we write ourselves can wait for more.
  if (log !== null) {
    return gateway.on("call:end", (call) => {
      const record = isLeftOut(call) ? null : shown(call);
      if (record !== null) log(record);
    });
  }
  const json = format === "json" && redact === undefined ? jsonLines() : null;
  const text = typeof format === "function" ? format : ACCESS_FORMATS[format]();
  const lineOf = (call: EndedCall): string | null => {
    if (isLeftOut(call)) return null;
    // The record of our own line is not visible outside.
    if (json !== null && !mayHoldToken(call.path)) return json.ofCall(call);
    const record = shown(callRecord(call));
    return record === null ? null : text(record);
  };
  return writeLines(stream, endedCalls, { of: lineOf, isAscii: format === "json" });
}

/** Who is called for each line by itself; null for a stream. */
function loggerOf(options: AccessLogOptions): ((record: CallRecord) => void) | null {
  const { logger, write, format = "json" } = options;
  if (logger !== undefined) return (record) => logTo(logger, record);
  if (write === undefined) return null;
  const text = typeof format === "function" ? format : ACCESS_FORMATS[format]();
  return (record) => write(text(record));
}

function isLogger(to: AccessLogger | AccessLogOptions): to is AccessLogger {
  const { info, warn, error } = to as Partial<AccessLogger>;
  return [info, warn, error].every((one) => typeof one === "function");
}

function logTo(logger: AccessLogger, record: CallRecord): void {
  logger[levelOf(record)](accessFields(record), messageOf(record));
}

/** What clients do is no error of ours; what they got is, if it failed. */
function levelOf({ code, blame }: CallRecord): "info" | "warn" | "error" {
  if (code === null || blame === "none") return "info";
  return blame === "client" ? "warn" : "error";
}

function messageOf({ method, path, status, code }: CallRecord): string {
  return [method, path, status ?? "-", code ?? "ok"].join(" ");
}

function withoutPathTokens(record: CallRecord): CallRecord {
  const path = withoutTokens(record.path);
  return path === record.path ? record : { ...record, path };
}

const NAMES = ["logger", "stream", "write", "format", "sample", "redact"];

function checkOptions(options: AccessLogOptions): void {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`${unknown}: unknown option; there are ${NAMES.join(", ")}`);
  }
  const { format, sample, logger } = options;
  if (logger !== undefined && !isLogger(logger)) {
    throw new TypeError("logger: expected one with info, warn and error, such as pino()");
  }
  if (typeof format === "string" && !Object.hasOwn(ACCESS_FORMATS, format)) {
    const known = Object.keys(ACCESS_FORMATS).join(", ");
    throw new TypeError(`format: "${String(format)}" is not known; there are ${known}`);
  }
  if (sample !== undefined && !(sample >= 0 && sample <= 1)) {
    throw new TypeError(`sample: ${String(sample)} is not a share from 0 to 1`);
  }
}
