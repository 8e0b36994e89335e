/**
 * Texts for values that body parsers have made, where each value has but one text of its length.
 *
 * Guarantee: whatever a parser could have lost or changed without changing the length gives no text
 * at all: numbers that JavaScript does not keep, members in another order, letters of escapes,
 * repeated names of forms. What may differ is how a number was spelled: `1e2` has the value and the
 * length of `100`.
 */

/** None where the value may have been another one. */
export function jsonTexts(value: unknown): readonly string[] {
  try {
    if (!isFaithful(value)) return [];
    const text = JSON.stringify(value) as string | undefined;
    // Escapes come in capitals and in small letters.
    return text === undefined || ESCAPED.test(text) ? [] : [text];
  } catch {
    // A circle, or deeper than the stack.
    return [];
  }
}

const ESCAPED = /(?<!\\)(?:\\\\)*\\u/;

function isFaithful(value: unknown): boolean {
  if (typeof value === "number") return isFaithfulNumber(value);
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isFaithful);
  const names = Object.keys(value);
  // JavaScript puts names that are indices first, wherever they stood.
  if (names.length > 1 && names.some((name) => INDEX.test(name))) return false;
  return Object.values(value).every(isFaithful);
}

const INDEX = /^(?:0|[1-9]\d*)$/;

/** A double keeps fifteen digits whatever they are, and integers up to 2^53. */
function isFaithfulNumber(value: number): boolean {
  if (Number.isInteger(value)) return Number.isSafeInteger(value) && !Object.is(value, -0);
  const text = String(value);
  return Number.isFinite(value) && !text.includes("e") && digitsOf(text) <= DIGITS_MAX;
}

const DIGITS_MAX = 15;

function digitsOf(text: string): number {
  return text.replace(/[-.]/g, "").replace(/^0+/, "").length;
}

/** Null where the value may have come from another text of the same length. */
export function formText(body: unknown): string | null {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return null;
  const pairs = Object.entries(body);
  // Lists and records come of brackets and of repeated names, in more than one spelling and order.
  if (!pairs.every(([, value]) => typeof value === "string")) return null;
  if (pairs.length > 1 && pairs.some(([name]) => INDEX.test(name))) return null;
  const text = new URLSearchParams(pairs as [string, string][]).toString();
  // Some write %20 for a space and leave an @ as it is, which together has the same length.
  const ambiguous = /[+*]/.test(text) && text.includes("%");
  return ambiguous || SMALL_OR_CAPITAL.test(text) ? null : text;
}

/** An escape that comes in capitals and in small letters. */
const SMALL_OR_CAPITAL = /%(?:[A-F]|.[A-F])/;
