/**
 * What the layer in front says of a request of its own: the number of its attempt, and how long it
 * waits.
 *
 * Guarantee: believed of a trusted peer only. Of anybody else these fields end here, as forwarding
 * fields do, but for those that belong to client and service.
 */

import { NEVER } from "../core/deadline.js";
import {
  type CallerHints,
  END_TO_END,
  KNOWN_ATTEMPTS,
  KNOWN_DEADLINES,
  type LayerSettings,
  parseAttempt,
  parseDeadlineMs,
} from "../core/layers.js";

/** The fields that are looked at; null where all of them pass and none is believed. */
export interface LayerNames {
  readonly attempts: ReadonlySet<string>;
  readonly deadlines: ReadonlySet<string>;
  /** Names that are no convention but were configured; null, the usual case, for none. */
  readonly custom: ReadonlySet<string> | null;
}

export function layerNames(settings: LayerSettings | false): LayerNames | null {
  if (settings === false) return null;
  const attempts = namesOf(KNOWN_ATTEMPTS, settings.attemptHeader);
  const deadlines = namesOf(KNOWN_DEADLINES, settings.deadlineHeader);
  const known = new Set([...KNOWN_ATTEMPTS, ...KNOWN_DEADLINES]);
  const custom = [...attempts, ...deadlines].filter((name) => !known.has(name));
  return { attempts, deadlines, custom: custom.length === 0 ? null : new Set(custom) };
}

const NO_NAMES: ReadonlySet<string> = new Set();

function namesOf(known: ReadonlySet<string>, configured: string | false): ReadonlySet<string> {
  return configured === false ? NO_NAMES : new Set([...known, configured]);
}

/**
 * Reads such fields, given as names and values in turn, and appends to `fields` those that are sent
 * on as they came. Null when nothing is said or believed.
 */
export function readCallerHints(
  received: readonly string[],
  names: LayerNames | null,
  trusted: boolean,
  fields: string[],
): CallerHints | null {
  let attempt = 1;
  let deadlineMs = NEVER;
  for (let index = 0; index < received.length; index += 2) {
    const name = received[index] as string;
    const value = received[index + 1] as string;
    const lower = name.toLowerCase();
    const ours = names?.attempts.has(lower) === true || names?.deadlines.has(lower) === true;
    if (!ours || END_TO_END.has(lower)) fields.push(name, value);
    if (!trusted || names === null) continue;
    if (names.attempts.has(lower)) attempt = Math.max(attempt, parseAttempt(lower, value));
    if (names.deadlines.has(lower)) {
      deadlineMs = Math.min(deadlineMs, parseDeadlineMs(lower, value));
    }
  }
  return attempt === 1 && deadlineMs === NEVER ? null : { attempt, deadlineMs };
}
