/**
 * What the layer in front says of a request of its own: the number of its attempt, and how long it
 * waits.
 *
 * Guarantee: believed of a trusted peer only. From other peers these fields end here, as forwarding
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
  /** All of them. */
  readonly all: readonly string[];
  /** Names that are no convention but were configured; null, the usual case, for none. */
  readonly custom: ReadonlySet<string> | null;
}

/** Most upstreams have the same settings, those of the catalog. */
const NAMES = new WeakMap<LayerSettings, LayerNames>();

export function layerNames(settings: LayerSettings | false): LayerNames | null {
  if (settings === false) return null;
  const known = NAMES.get(settings) ?? namesIn(settings);
  NAMES.set(settings, known);
  return known;
}

function namesIn(settings: LayerSettings): LayerNames {
  const attempts = namesOf(KNOWN_ATTEMPTS, settings.attemptHeader);
  const deadlines = namesOf(KNOWN_DEADLINES, settings.deadlineHeader);
  const known = new Set([...KNOWN_ATTEMPTS, ...KNOWN_DEADLINES]);
  const all = [...attempts, ...deadlines];
  const custom = all.filter((name) => !known.has(name));
  return { attempts, deadlines, all, custom: custom.length === 0 ? null : new Set(custom) };
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
  const hints = { attempt: 1, deadlineMs: NEVER };
  for (let index = 0; index < received.length; index += 2) {
    const name = received[index] as string;
    const value = received[index + 1] as string;
    const lower = name.toLowerCase();
    const ours = names?.attempts.has(lower) === true || names?.deadlines.has(lower) === true;
    if (!ours || END_TO_END.has(lower)) fields.push(name, value);
    if (trusted && names !== null) hear(hints, names, lower, value);
  }
  return orNothing(hints);
}

/** The same of the fields of a message that is not sent on; all of it is believed. */
export function hintsOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: LayerNames | null,
): CallerHints | null {
  if (names === null) return null;
  const hints = { attempt: 1, deadlineMs: NEVER };
  for (const name of names.all) {
    const value = headers[name];
    if (typeof value === "string") hear(hints, names, name, value);
  }
  return orNothing(hints);
}

function hear(
  hints: { attempt: number; deadlineMs: number },
  { attempts, deadlines }: LayerNames,
  name: string,
  value: string,
): void {
  if (attempts.has(name)) hints.attempt = Math.max(hints.attempt, parseAttempt(name, value));
  if (deadlines.has(name)) {
    hints.deadlineMs = Math.min(hints.deadlineMs, parseDeadlineMs(name, value));
  }
}

function orNothing(hints: CallerHints): CallerHints | null {
  return hints.attempt === 1 && hints.deadlineMs === NEVER ? null : hints;
}
