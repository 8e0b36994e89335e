/**
 * The fields of a request that a dispatcher of undici is asked for, in the form they came in: a
 * record, names and values in turn, or anything that gives pairs.
 *
 * Guarantee: nothing is repaired. What undici refuses comes to it as it was given, so that it
 * refuses it in its own words.
 */

type Pair = readonly [name: string, value: unknown];

/** Fields that can be read more than once: a generator gives its pairs only once. */
export function lastingFields(headers: unknown): unknown {
  if (!isIterable(headers) || Array.isArray(headers)) return headers;
  const pairs = headers[Symbol.iterator]();
  return (pairs as unknown) === headers ? iterableOf([...headers]) : headers;
}

/** Names and values in turn, of those that have a text; the policies read these. */
export function textFields(headers: unknown): readonly string[] {
  const fields: string[] = [];
  for (const [name, values] of pairsOf(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value === "string" || typeof value === "number") fields.push(name, `${value}`);
    }
  }
  return fields;
}

export function hasField(fields: readonly string[], wanted: string): boolean {
  return fields.some((name, index) => index % 2 === 0 && name.toLowerCase() === wanted);
}

/** The same fields in the same form, with these in place of any of the same names. */
export function fieldsWith(headers: unknown, added: readonly string[]): unknown {
  if (added.length === 0) return headers;
  const isKept = (name: unknown): boolean =>
    typeof name !== "string" || !hasField(added, name.toLowerCase());
  if (Array.isArray(headers)) {
    // An odd one out is refused further down, and must not become a pair with ours.
    if (headers.length % 2 !== 0) return headers;
    const kept = headers.filter((_, index) => isKept(headers[index - (index % 2)]));
    return [...kept, ...added];
  }
  if (isHeaders(headers)) return headersWith(headers, added);
  if (isIterable(headers)) {
    const kept = [...headers].filter((pair) => !Array.isArray(pair) || isKept(pair[0]));
    return iterableOf([...kept, ...pairsOf(added)]);
  }
  if (typeof (headers ?? {}) !== "object") return headers;
  const kept = Object.entries(headers ?? {}).filter(([name]) => isKept(name));
  return Object.fromEntries([...kept, ...pairsOf(added)]);
}

function pairsOf(headers: unknown): readonly Pair[] {
  if (Array.isArray(headers)) return inTurn(headers);
  if (isIterable(headers)) return [...headers].filter(isPair);
  return typeof headers === "object" && headers !== null ? Object.entries(headers) : [];
}

function inTurn(headers: readonly unknown[]): readonly Pair[] {
  const pairs: unknown[] = [];
  for (let at = 0; at < headers.length; at += 2) pairs.push([headers[at], headers[at + 1]]);
  return pairs.filter(isPair);
}

function isPair(value: unknown): value is Pair {
  return Array.isArray(value) && typeof value[0] === "string";
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function iterableOf(pairs: readonly unknown[]): Iterable<unknown> {
  return { [Symbol.iterator]: () => pairs.values() };
}

/** Of any realm. */
function isHeaders(value: unknown): value is Headers {
  return Object.prototype.toString.call(value) === "[object Headers]" && isIterable(value);
}

function headersWith(headers: Headers, added: readonly string[]): Headers {
  const copy = new (headers.constructor as typeof Headers)(headers);
  for (const [name, value] of pairsOf(added)) copy.set(name, String(value));
  return copy;
}
