/**
 * Copies of requests for another upstream, whose answers are thrown away.
 * A copy is sent once, without repeats.
 */
import { count, FINITE, type Json, type OptionsOf, own, ratio, type Section } from "./option.js";

const METHODS = ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "POST", "PUT", "PATCH", "DELETE"];

export const MIRROR_OPTIONS = {
  /**
   * The share of the calls that is copied.
   * @default 1
   */
  share: ratio(1),
  /**
   * Methods whose requests are copied. Name another one only if it may act at the other upstream,
   * too. A body is copied when all of it was kept for a repeat. Default: GET, HEAD, OPTIONS and
   * QUERY.
   */
  methods: own<readonly string[]>({ type: "array", items: { enum: METHODS }, minItems: 1 }),
  /**
   * Copies under way; while there are so many, no further one is sent.
   * @default 16
   * @remarks A slow shadow must not take the sockets and the memory of this process.
   */
  concurrencyMax: count(16, { least: 1, most: FINITE, tooHigh: "copies must be bounded" }),
} as const satisfies Section;

export interface MirrorOptions extends OptionsOf<typeof MIRROR_OPTIONS> {
  /** The upstream that gets the copies, by name. */
  readonly to: string;
}

/** As they are used. */
export type ReadMirror = Required<MirrorOptions>;

export const MIRROR_METHODS: readonly string[] = METHODS;

/** Copied unless others are named. */
export const MIRRORED_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS", "QUERY"];

/** Its form as data. */
export const MIRROR_JSON: Json = {
  anyOf: [
    { const: false },
    {
      options: MIRROR_OPTIONS,
      also: {
        to: { description: "The upstream that gets the copies.", type: "string", minLength: 1 },
      },
    },
  ],
};
