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

/** The entries of X-Forwarded-For, the furthest first. */
export function entriesOf(received: FieldPairs): readonly string[] {
  const entries = (fieldValue(received, "x-forwarded-for") ?? "").split(",");
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/**
 * The elements of Forwarded, the furthest first. RFC 7239 §4: a comma within quotes is none between
 * elements; but where quotes do not close every comma counts, so that nobody can hide behind an
 * open quote what a front has written after it.
 */
export function elementsOf(received: FieldPairs): readonly string[] {
  const text = fieldValue(received, "forwarded");
  if (text === null) return [];
  const parts = split(text, ",") ?? text.split(",");
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

/** Outside of quotes; null when one is left open. Looks once at each character. */
function split(text: string, separator: string): string[] | null {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (quoted && char === "\\") at += 1;
    else if (char === separator && !quoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return quoted ? null : parts;
}

const FOR = /^for="?([^"\\]*)"?$/i;
const NODE = /^(?:\[([^\]]*)\]|([^:]+))(?::[^:]*)?$/;

/** The address that an element of Forwarded speaks for, RFC 7239 §6; "unknown" without one. */
export function nodeOf(element: string): string {
  for (const pair of split(element, ";") ?? []) {
    const node = FOR.exec(pair.trim())?.[1];
    if (node === undefined) continue;
    const [, bracketed, bare] = NODE.exec(node) ?? [];
    return bracketed ?? bare ?? "unknown";
  }
  return "unknown";
}
