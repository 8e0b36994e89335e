/**
 * Reads `balance.sticky`: the cookie that routes a client back to its target.
 *
 * Guarantee: no value can break out of its cookie attribute; no secret is shown.
 */
import { STICKY_OPTIONS, type StickyOptions } from "../catalog/options/balance.js";
import { defaultsOf } from "../catalog/options/option.js";
import type { StickyCookie } from "../targets/balance/sticky.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import { readOptions } from "./read-option.js";

const SAME_SITE = { lax: "Lax", strict: "Strict", none: "None" } as const;
const DEFAULTS = defaultsOf(STICKY_OPTIONS);

/** Null without a cookie. */
export function readSticky(findings: Findings, path: string, value: unknown): StickyCookie | null {
  if (value === undefined || value === false) return null;
  if (value !== true && !isRecord(value)) {
    findings.problem(path, `${shown(value)} is neither true, false nor { cookie, secret, … }`);
    return null;
  }
  const options = value === true ? {} : value;
  checkNames(findings, path, "sticky", options);
  const read = { ...DEFAULTS, ...readOptions(findings, path, STICKY_OPTIONS, options) };
  const { cookie, secret, ...attributes }: typeof DEFAULTS & StickyOptions = read;
  if (attributes.sameSite === "none" && !attributes.secure) {
    const text = '"none" needs secure: true; browsers refuse the cookie otherwise';
    findings.problem(at(path, "sameSite"), text);
  }
  // Without a secret the values are still no addresses, but can be computed from known addresses.
  return { cookie, secret: secret ?? DEFAULTS.cookie, attributes: attributesOf(attributes) };
}

function attributesOf({
  path,
  domain,
  maxAgeMs,
  httpOnly,
  secure,
  sameSite,
}: Omit<typeof DEFAULTS & StickyOptions, "cookie" | "secret">): string {
  const attributes = [
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    ...(maxAgeMs === undefined ? [] : [`Max-Age=${Math.round(maxAgeMs / 1_000)}`]),
    ...(httpOnly ? ["HttpOnly"] : []),
    ...(secure ? ["Secure"] : []),
    `SameSite=${SAME_SITE[sameSite]}`,
  ];
  return attributes.map((attribute) => `; ${attribute}`).join("");
}
