/**
 * Reads `fallback`: of an upstream, a route or a call. Whether the upstreams that it names exist is
 * asked when all of them are known.
 */
import { isFailureCode } from "../catalog/failures.js";
import type {
  Fallback,
  FallbackAnswer,
  FallbackFunction,
  FallbackOn,
  FallbackStep,
} from "../core/fallback.js";
import { FALLBACK_NAMES, stepsOf } from "../core/fallback-rules.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./known-names.js";
import { nearest } from "./nearest.js";

const EXAMPLE =
  'write { upstream: "other" }, { answer: { json: [] } }, { answer: (reason) => … } or a list';
const STEPS_MAX = 8;
const NAMES = ["upstream", "answer", "on"] as const;
const ANSWER_NAMES = ["status", "headers", "body", "json"] as const;

export function readFallback(
  findings: Findings,
  path: string,
  value: unknown,
): Fallback | undefined {
  if (value === undefined || value === false) return value;
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > STEPS_MAX) {
    findings.problem(path, `has ${list.length} steps; write 1 to ${STEPS_MAX}, or false for none`);
    return undefined;
  }
  const steps = list.map((one, index) =>
    readStep(findings, Array.isArray(value) ? at(path, index) : path, one),
  );
  return steps.filter((step) => step !== null);
}

function readStep(findings: Findings, path: string, value: unknown): FallbackStep | null {
  if (!isRecord(value)) {
    const meant =
      typeof value === "string" ? `did you mean { upstream: ${shown(value)} }?` : EXAMPLE;
    findings.problem(path, `${shown(value)} is no fallback; ${meant}`);
    return null;
  }
  checkNames(findings, path, NAMES, value);
  const { upstream, answer } = value;
  if ((upstream === undefined) === (answer === undefined)) {
    findings.problem(path, `needs one of upstream and answer; ${EXAMPLE}`);
    return null;
  }
  const on = readOn(findings, at(path, "on"), value["on"]);
  const when = on === undefined ? {} : { on };
  if (upstream !== undefined) {
    const names = readNames(findings, at(path, "upstream"), upstream);
    return { upstream: names, ...when };
  }
  const read = readAnswer(findings, at(path, "answer"), answer);
  return read === null ? null : { answer: read, ...when };
}

function readNames(findings: Findings, path: string, value: unknown): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  const wrong = names.find((name) => typeof name !== "string" || name === "");
  if (wrong === undefined && names.length > 0) return names as readonly string[];
  findings.problem(path, `${shown(wrong ?? value)} is not the name of an upstream`);
  return [];
}

function readOn(
  findings: Findings,
  path: string,
  value: unknown,
): readonly FallbackOn[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) findings.problem(path, "is empty; leave it out for what usually counts");
  for (const one of list) {
    if (typeof one === "number" && Number.isInteger(one) && one >= 200 && one <= 599) continue;
    if (typeof one === "string" && (one === "no_answer" || isFailureCode(one))) continue;
    const close = typeof one === "string" ? nearest(one, FALLBACK_NAMES) : null;
    const advice =
      close === null
        ? 'write a status from 200 to 599, "no_answer", or a name of docs/failures.md'
        : `did you mean "${close}"?`;
    findings.problem(path, `${shown(one)} is neither a status nor a failure; ${advice}`);
  }
  return list as readonly FallbackOn[];
}

function readAnswer(
  findings: Findings,
  path: string,
  value: unknown,
): FallbackAnswer | FallbackFunction | null {
  if (typeof value === "function") return value as FallbackFunction;
  const problem = problemOfAnswer(value);
  if (problem !== null) {
    findings.problem(path, problem);
    return null;
  }
  return fixedAnswer(value as FallbackAnswer);
}

/** The same with its body as text or bytes, and nothing of the caller's own. */
export function fixedAnswer({ status = 200, headers = {}, body, json }: FallbackAnswer) {
  if (json !== undefined) {
    return { status, headers: typed(headers, "application/json"), body: JSON.stringify(json) };
  }
  if (typeof body === "string") {
    return { status, headers: typed(headers, "text/plain; charset=utf-8"), body };
  }
  return { status, headers: { ...headers }, body: body === undefined ? "" : Buffer.from(body) };
}

function typed(headers: Readonly<Record<string, string>>, type: string) {
  return namesItsType(headers) ? { ...headers } : { "content-type": type, ...headers };
}

function namesItsType(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
}

/** RFC 9110 §5.1 and §5.5. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** Fields that frame a body, or belong to a connection. */
const FRAMING: ReadonlySet<string> = new Set([
  ...["content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te"],
  ...["trailer", "proxy-connection"],
]);

/** Why a value cannot be an answer; null when it can. */
export function problemOfAnswer(value: unknown): string | null {
  if (!isRecord(value)) return `${shown(value)} is no answer such as { status: 200, json: [] }`;
  const unknown = Object.keys(value).find((name) => !ANSWER_NAMES.some((known) => known === name));
  if (unknown !== undefined) {
    return `${unknown} is no part of an answer; there are ${ANSWER_NAMES.join(", ")}`;
  }
  const { status = 200, headers = {}, body, json } = value;
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599) {
    return `status ${shown(status)} is not a status from 200 to 599`;
  }
  if (body !== undefined && json !== undefined) return "has both body and json; write one of them";
  if (json !== undefined && !isJson(json)) return "json cannot be written as JSON";
  if (body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array)) {
    return `body ${shown(body)} is neither text nor bytes; write json for a value`;
  }
  if (!isRecord(headers)) return `headers ${shown(headers)} is not a record`;
  for (const [name, text] of Object.entries(headers)) {
    if (FRAMING.has(name.toLowerCase())) return `headers have ${name}, which is ours to write`;
    if (!TOKEN.test(name) || typeof text !== "string" || !VALUE.test(text)) {
      return `headers have ${shown(name)} with ${shown(text)}, which no answer can have`;
    }
  }
  return null;
}

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** The upstreams that it names. */
export function namedIn(fallback: Fallback): readonly string[] {
  return stepsOf(fallback).flatMap(({ upstream = [] }) => upstream);
}
