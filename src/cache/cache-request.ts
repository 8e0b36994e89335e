/**
 * A request as the cache sees it: what it asks for, by which name that is kept, and whether an
 * answer that is kept may be given at all.
 */
import { parseDate } from "../base/clock.js";
import type { GatewayRequest } from "../core/request.js";
import type { FieldValues } from "./cached-policy.js";

/** Fields by which an application may tell hosts and schemes apart, whatever it says of Vary. */
const OF_KEY: readonly string[] = [
  "host",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-port",
  "x-forwarded-prefix",
];

export function fieldsOf(raw: readonly string[]): FieldValues {
  const fields: Record<string, string> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
    fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return fields;
}

/** The name of what is asked for; the client's own address has no part in it. */
export function keyOf({ path, bare, beyondPrefix }: GatewayRequest, asked: FieldValues): string {
  const parts = OF_KEY.map((name) => asked[name] ?? "");
  const forwarded = asked["forwarded"] ?? "";
  const told = [...forwarded.matchAll(/(?:host|proto)=[^;,]*/gi)].map(([pair]) => pair);
  const place = beyondPrefix === true ? "beyond" : bare === true ? "bare" : "";
  return JSON.stringify([path, place, ...parts, ...told]);
}

/** A part, or what depends on what its asker has: the upstream is asked. */
export function isPartial(asked: FieldValues): boolean {
  const names = ["range", "if-range", "if-match", "if-unmodified-since"];
  return names.some((name) => asked[name] !== undefined);
}

export function isConditional(asked: FieldValues): boolean {
  return asked["if-none-match"] !== undefined || asked["if-modified-since"] !== undefined;
}

export function asksOnlyKept(asked: FieldValues): boolean {
  return (asked["cache-control"] ?? "").toLowerCase().includes("only-if-cached");
}

/** RFC 9110 §13.1.2 and §13.1.3: whether its asker has this answer already. */
export function isNotModified(asked: FieldValues, answered: FieldValues): boolean {
  const tags = asked["if-none-match"];
  const etag = answered["etag"];
  if (tags !== undefined) {
    if (tags.trim() === "*") return true;
    if (etag === undefined) return false;
    const opaque = (tag: string): string => tag.trim().replace(/^W\//, "");
    return (tags.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => opaque(tag) === opaque(etag));
  }
  const since = parseDate(asked["if-modified-since"] ?? "");
  const modified = parseDate(answered["last-modified"] ?? "");
  return modified <= since;
}
