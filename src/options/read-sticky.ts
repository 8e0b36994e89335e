/**
 * Reads `balance.sticky`: the cookie that routes a client back to its target.
 *
 * Guarantee: no value can break out of its cookie attribute; no secret is shown.
 */
import { STICKY } from "../catalog/balance-defaults.js";
import { shortSpan } from "../catalog/options/option.js";
import type { StickyCookie } from "../targets/balance/sticky.js";
import { checkNumber } from "./check-number.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import { checkNames } from "./option-names.js";
import { readBoolean } from "./read-boolean.js";

const SAME_SITE = { lax: "Lax", strict: "Strict", none: "None" } as const;

/** Null without a cookie. */
export function readSticky(findings: Findings, path: string, value: unknown): StickyCookie | null {
  if (value === undefined || value === false) return null;
  if (value !== true && !isRecord(value)) {
    findings.problem(path, `${shown(value)} is neither true, false nor { cookie, secret, … }`);
    return null;
  }
  const options = value === true ? {} : value;
  checkNames(findings, path, "sticky", options);
  const text = (name: string, allowed: RegExp, initial: string): string =>
    readText(findings, at(path, name), options[name], allowed, initial);
  const flag = (name: "secure" | "httpOnly"): boolean =>
    readBoolean(findings, at(path, name), options[name]) ?? STICKY[name];
  const secure = flag("secure");
  const sameSite = readSameSite(findings, at(path, "sameSite"), options["sameSite"], secure);
  const maxAgeMs = readMaxAge(findings, at(path, "maxAgeMs"), options["maxAgeMs"]);
  const domain = text("domain", HOST, "");
  const attributes = [
    `Path=${text("path", PATH, STICKY.path)}`,
    ...(domain === "" ? [] : [`Domain=${domain}`]),
    ...(maxAgeMs === null ? [] : [`Max-Age=${Math.round(maxAgeMs / 1_000)}`]),
    ...(flag("httpOnly") ? ["HttpOnly"] : []),
    ...(secure ? ["Secure"] : []),
    `SameSite=${SAME_SITE[sameSite]}`,
  ];
  return {
    cookie: text("cookie", NAME, STICKY.cookie),
    // Without one the values are still no addresses, but can be computed from known addresses.
    secret: text("secret", SECRET, STICKY.cookie),
    attributes: attributes.map((attribute) => `; ${attribute}`).join(""),
  };
}

/** RFC 6265 §4.1.1. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/;
const HOST = /^\.?[a-z\d](?:[a-z\d.-]*[a-z\d])?$/i;
const SECRET = /^.{8,}$/s;

const WANTED: ReadonlyMap<RegExp, string> = new Map([
  [NAME, 'the name of a cookie, such as "gateway_target"'],
  [PATH, 'a path, such as "/"'],
  [HOST, 'a host, such as "example.com"'],
  [SECRET, "a secret text of at least eight characters"],
]);

function readText(
  findings: Findings,
  path: string,
  value: unknown,
  allowed: RegExp,
  initial: string,
): string {
  if (value === undefined) return initial;
  if (typeof value === "string" && allowed.test(value)) return value;
  // A secret is shown nowhere.
  const said = allowed === SECRET ? "this" : shown(value);
  findings.problem(path, `${said} is not ${WANTED.get(allowed)}`);
  return initial;
}

function readSameSite(
  findings: Findings,
  path: string,
  value: unknown,
  secure: boolean,
): keyof typeof SAME_SITE {
  if (value === undefined) return STICKY.sameSite;
  const names = Object.keys(SAME_SITE) as (keyof typeof SAME_SITE)[];
  const known = names.find((name) => name === value);
  if (known === "none" && !secure) {
    findings.problem(path, '"none" needs secure: true; browsers refuse the cookie otherwise');
  }
  if (known !== undefined) return known;
  const close = typeof value === "string" ? nearest(value.toLowerCase(), names) : null;
  const advice = close === null ? 'write "lax", "strict" or "none"' : `did you mean "${close}"?`;
  findings.problem(path, `${shown(value)} is not known; ${advice}`);
  return STICKY.sameSite;
}

const MAX_AGE = shortSpan(0);

function readMaxAge(findings: Findings, path: string, value: unknown): number | null {
  if (value === undefined) return null;
  return checkNumber(findings, path, MAX_AGE, value) ?? null;
}
