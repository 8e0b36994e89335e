/**
 * The `Priority` field (RFC 9218): how urgent its sender says that a request is.
 *
 * It is a Dictionary (RFC 8941 §3.2); `u` is an Integer from 0, the most urgent, to 7, background
 * work. As the RFC asks (§4), a member of another type or out of range is as if it were absent, and
 * so is a field that is none; without `u` it is 3. `i` says how parts of answers may be
 * mixed, which the gateway does not do. If a member is repeated, the last one counts.
 */
import type { Priority } from "../catalog/priorities.js";

/** What the RFC calls usual is what a call without a priority has. */
const BY_URGENCY: readonly Priority[] = [
  "CRITICAL_PLUS",
  ...(["CRITICAL", "CRITICAL", "CRITICAL"] as const),
  ...(["SHEDDABLE_PLUS", "SHEDDABLE_PLUS", "SHEDDABLE_PLUS"] as const),
  "SHEDDABLE",
];

/** Browsers send a dozen characters; what is much longer is not read. */
const LENGTH_MAX = 256;

const KEY = "[a-z*][a-z0-9_.*-]*";
const BARE =
  '(?:-?\\d{1,15}(?:\\.\\d{1,3})?|"(?:[ !#-\\[\\]-~]|\\\\["\\\\])*"|' +
  "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*|:[A-Za-z0-9+/=]*:|\\?[01])";
const PARAMETERS = `(?:; *${KEY}(?:=${BARE})?)*`;
const LIST = `\\((?: *${BARE}${PARAMETERS}(?= |\\)))* *\\)`;
const MEMBER = new RegExp(`(${KEY})(?:=(${BARE}|${LIST}))?${PARAMETERS}[ \\t]*`, "y");
const COMMA = /,[ \t]*/y;

/** The priority that the value of the field asks for; null where it says nothing. */
export function priorityOfField(value: string): Priority | null {
  const text = value.trim();
  if (text.length > LENGTH_MAX) return null;
  let urgency: Priority | null = null;
  for (let at = 0; at < text.length; ) {
    MEMBER.lastIndex = at;
    const [whole, key, item = ""] = MEMBER.exec(text) ?? [];
    if (whole === undefined) return null;
    if (key === "u") urgency = /^0*[0-7]$/.test(item) ? (BY_URGENCY[Number(item)] ?? null) : null;
    at += whole.length;
    if (at === text.length) break;
    COMMA.lastIndex = at;
    const [comma] = COMMA.exec(text) ?? [];
    at += comma?.length ?? 0;
    // Something else than a comma, or nothing behind one.
    if (comma === undefined || at === text.length) return null;
  }
  return urgency;
}
