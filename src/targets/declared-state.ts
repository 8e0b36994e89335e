/**
 * What a target says of itself in an answer to a call.
 *
 * Three ways, in this order: our own field with the words of HAProxy's agent check, Envoy's field,
 * and a 503 that closes the connection, which is how servers answer while they shut down. Only the
 * answer of the target itself is read, and what is read here is not passed on to clients.
 */
import { TARGET_STATE_FIELDS } from "../catalog/field-names.js";

/** `ready` takes back what was said before; `leaving` is a 503 that closes the connection. */
export type DeclaredState = "unhealthy" | "draining" | "leaving" | "ready";

/** What a text says: a state, or the share of its weight that it carries, above 0 and up to 1. */
export type DeclaredWord = Exclude<DeclaredState, "leaving"> | number;

/** The words of HAProxy's agent check that say whether a server takes calls. */
const WORDS: Readonly<Record<string, Exclude<DeclaredState, "leaving">>> = {
  up: "ready",
  ready: "ready",
  drain: "draining",
  draining: "draining",
  maint: "draining",
  stopped: "draining",
  down: "unhealthy",
  fail: "unhealthy",
  failed: "unhealthy",
};

/** What an answer says of its target; null for nothing. */
export function declaredState(
  status: number,
  rawHeaders: readonly string[],
): DeclaredWord | "leaving" | null {
  let closes = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const { length } = name;
    // Few names have these lengths, and only those are worth a lower-case copy.
    if (length === OWN.length && name.toLowerCase() === OWN) {
      const said = wordIn(rawHeaders[index + 1] as string);
      if (said !== null) return said;
    } else if (length === ENVOY.length && name.toLowerCase() === ENVOY) {
      return "unhealthy";
    } else if (status === 503 && length === CONNECTION.length) {
      closes ||=
        name.toLowerCase() === CONNECTION && /\bclose\b/i.test(rawHeaders[index + 1] ?? "");
    }
  }
  return closes ? "leaving" : null;
}

const { own: OWN, envoy: ENVOY } = TARGET_STATE_FIELDS;
const CONNECTION = "connection";

/**
 * The first word that is known; "drain #restart at noon" says `drain`. A percentage counts unless
 * the target takes no calls at all; with 0 % it takes none, and it never carries more than 100 %.
 */
export function wordIn(value: string): DeclaredWord | null {
  let ready: "ready" | null = null;
  let share: number | null = null;
  for (const word of value.toLowerCase().split(/[\s,]+/)) {
    if (word.startsWith("#")) break;
    if (/^\d{1,3}%$/.test(word)) share ??= Math.min(1, Number.parseInt(word, 10) / 100);
    const known = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
    if (known === "ready") ready = known;
    else if (known !== undefined) return known;
  }
  return share === 0 ? "draining" : (share ?? ready);
}
