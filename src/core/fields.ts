/**
 * Fields by name, from the list of names and values in turn that goes over the wire. Only who looks
 * names up needs it; what is passed on stays a list.
 */
import { ONE_VALUE_OVER_HTTP2 } from "../catalog/field-names.js";

export type FieldsByName = Record<string, string | string[] | undefined>;

/** With lower-case names; those that come more than once become lists. */
export function fieldsByName(pairs: readonly string[]): FieldsByName {
  // No prototype: a field may be called `__proto__`.
  const fields = Object.create(null) as FieldsByName;
  for (let index = 0; index < pairs.length; index += 2) {
    const name = (pairs[index] as string).toLowerCase();
    const value = pairs[index + 1] as string;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (typeof before === "string") fields[name] = [before, value];
    else before.push(value);
  }
  return fields;
}

/** Whether a list of names and values in turn has a field; `wanted` in lower case. */
export function hasField(pairs: readonly string[], wanted: string): boolean {
  return pairs.some((name, index) => index % 2 === 0 && name.toLowerCase() === wanted);
}

/** Fields by name for Node's HTTP/2, which throws for some names that come more than once. */
export function fieldsOverHttp2(pairs: readonly string[]): FieldsByName {
  const fields = fieldsByName(pairs);
  for (const [name, value] of Object.entries(fields)) {
    if (Array.isArray(value)) fields[name] = valueOverHttp2(name, value);
  }
  return fields;
}

/**
 * Several values of a name as Node's HTTP/2 takes them: one where it takes one. What is a list by
 * its definition is joined, RFC 9110 §5.3; of the others the first counts, as in Node's own
 * `headers`.
 */
export function valueOverHttp2(name: string, values: string[]): string | string[] {
  const kind = ONE_VALUE_OVER_HTTP2.get(name);
  if (kind === undefined) return values;
  return kind === "list" ? values.join(", ") : (values[0] ?? "");
}

/**
 * Takes `Content-Length` out of a list of names and values in turn: the transport writes it, and
 * must not write it twice. Null where there is none that is a length.
 */
export function takeContentLength(fields: string[]): number | null {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== "content-length") continue;
    const [, text = ""] = fields.splice(at, 2);
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  }
  return null;
}
