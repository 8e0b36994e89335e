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

/** The words of HAProxy's agent check that say whether a server takes calls. */
const WORDS: Readonly<Record<string, DeclaredState>> = {
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
export function declaredState(status: number, rawHeaders: readonly string[]): DeclaredState | null {
  let closes = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const { length } = name;
    // Few names have these lengths, and only those are worth a lower-case copy.
    if (length === OWN.length && name.toLowerCase() === OWN) {
      const said = wordOf(rawHeaders[index + 1] as string);
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

/** The first word that is known; "drain #restart at noon" says `drain`. */
function wordOf(value: string): DeclaredState | null {
  for (const word of value.toLowerCase().split(/[\s,]+/)) {
    if (word.startsWith("#")) return null;
    if (Object.hasOwn(WORDS, word)) return WORDS[word] ?? null;
  }
  return null;
}
