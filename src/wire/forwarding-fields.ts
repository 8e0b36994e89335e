/**
 * Reading and writing the fields that say where a request comes from: `Forwarded` (RFC 7239) and
 * `X-Forwarded-*`.
 */
import { isIP, isIPv6 } from "node:net";

/** Names and values in turn. */
export type FieldPairs = readonly string[];

/** All values of a field as one, in order; null when it is not there. */
export function fieldValue(fields: FieldPairs, name: string): string | null {
  let joined: string | null = null;
  for (let index = 0; index < fields.length; index += 2) {
    if ((fields[index] as string).toLowerCase() !== name) continue;
    const value = fields[index + 1] as string;
    joined = joined === null ? value : `${joined}, ${value}`;
  }
  return joined;
}

// RFC 7239 §6: an IPv6 address stands in brackets, and so in quotes.
export function forwardedNode(address: string): string {
  return isIPv6(address) ? `"[${address}]"` : isIP(address) === 0 ? "unknown" : address;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A token, or a quoted string where it is none, RFC 7239 §4. */
export function quotable(value: string): string {
  return TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}
