/**
 * Reads what a probe sends beside its path: method, fields, body, and the port that it goes to.
 *
 * Guarantee: nothing gets through that Node would refuse when it is sent, or that would change
 * where the request ends.
 */
import { PROBE } from "../catalog/defaults.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import type { ProbeRequest } from "./probe-options.js";
import { kindsOf } from "./read-probe-kind.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;
/** RFC 9110 §5.5, without what is not ASCII. */
const VALUE = /^[\x20-\x7e\t]{0,1024}$/;
/** They are about the connection or the length of the body, or have an option of their own. */
const OURS: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "expect", "host", "http2-settings", "keep-alive"],
  ...["proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
]);

const REQUEST = ["method", "host", "headers", "requestBody"] as const;
const NOT_SENT = {
  path: [],
  tcp: REQUEST,
  grpc: ["method", "requestBody"],
  agent: REQUEST,
  command: REQUEST,
} as const;

export function readProbeRequest(
  findings: Findings,
  path: string,
  value: Readonly<Record<string, unknown>>,
): Omit<ProbeRequest, "method"> {
  const { host } = value;
  const request = {
    port: readPort(findings, at(path, "port"), value["port"]),
    host: typeof host === "string" ? host : null,
    headers: readHeaders(findings, at(path, "headers"), value["headers"]),
    requestBody: readBody(findings, at(path, "requestBody"), value["requestBody"]),
  };
  for (const kind of kindsOf(value)) {
    for (const name of NOT_SENT[kind]) {
      if (value[name] === undefined) continue;
      const why = kind === "tcp" ? "tcp: true only connects" : `${kind} has no place for it`;
      findings.problem(at(path, name), `is sent with a request; ${why}`);
    }
  }
  const { method = "GET" } = value;
  if (request.requestBody !== null && (method === "GET" || method === "HEAD")) {
    const text = `needs a method that has a body, such as method: "POST"; it is ${shown(method)}`;
    findings.problem(at(path, "requestBody"), text);
  }
  const { expect } = value;
  if (method === "HEAD" && isRecord(expect) && expect["body"] !== undefined) {
    findings.problem(at(path, "method"), "HEAD has no body to expect; write GET");
  }
  return request;
}

function readPort(findings: Findings, path: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535) {
    return value;
  }
  findings.problem(path, `${shown(value)} is not a port, a whole number from 1 to 65535`);
  return null;
}

function readHeaders(findings: Findings, path: string, value: unknown): ProbeRequest["headers"] {
  if (value === undefined) return {};
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} is not an object such as { authorization: "…" }`);
    return {};
  }
  const read: Record<string, string> = {};
  for (const [name, text] of Object.entries(value)) {
    const lower = name.toLowerCase();
    const where = at(path, name);
    if (!TOKEN.test(name)) findings.problem(where, "is not the name of a field");
    else if (lower === "host") findings.problem(where, "has an option of its own: host");
    else if (OURS.has(lower)) findings.problem(where, "is written by the gateway itself");
    else if (typeof text === "string" && VALUE.test(text)) read[lower] = text;
    else findings.problem(where, "is not a text of at most 1024 visible ASCII characters");
  }
  return read;
}

function readBody(findings: Findings, path: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === "string" && Buffer.byteLength(value) <= PROBE.bodyBytesMax) return value;
  findings.problem(path, `is not a text of at most ${PROBE.bodyBytesMax} bytes`);
  return null;
}
