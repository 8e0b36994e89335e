/**
 * Reads a key of requests: a field, a cookie or a function, for `balance` and for `bulkhead.by`.
 *
 * An empty value is none: such a request has no key.
 */
import type { CallerKey } from "../policies/caller-shares.js";
import type { BalanceRequest } from "../targets/balance/balancer.js";
import { cookieOf, fieldOf } from "../targets/balance/request-key.js";
import { type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";

/** Null for a request without one. */
export type RequestKey = (request: BalanceRequest) => string | null;

/** RFC 9110 §5.6.2: names of fields and cookies are tokens. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

export function readKey(findings: Findings, path: string, value: unknown): RequestKey | null {
  if (typeof value === "function") {
    return (request) => {
      const key: unknown = value(request);
      return key === null || key === undefined || key === "" ? null : String(key);
    };
  }
  const example = 'write { header: "x-user" }, { cookie: "session" } or a function';
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} is not a key; ${example}`);
    return null;
  }
  checkNames(findings, path, "key", value);
  const { header, cookie } = value;
  const name = header ?? cookie;
  if (
    typeof name !== "string" ||
    !TOKEN.test(name) ||
    (header !== undefined && cookie !== undefined)
  ) {
    findings.problem(path, `does not name one field or one cookie; ${example}`);
    return null;
  }
  if (cookie !== undefined) return (request) => cookieOf(request, name);
  const lower = name.toLowerCase();
  return (request) => fieldOf(request, lower);
}

/** The same with a word for it, for keys that identify callers. */
export function readCallers(
  findings: Findings,
  path: string,
  value: unknown,
): CallerKey | undefined {
  const of = readKey(findings, path, value);
  return of === null ? undefined : { by: wordFor(value), of };
}

function wordFor(by: unknown): string {
  if (typeof by === "function") return "function";
  const [[kind, name] = []] = Object.entries(by as object);
  return `${kind} ${name}`;
}
