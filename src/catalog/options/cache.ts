/**
 * Answers that are kept, in the memory of this process, for each upstream by itself.
 * What may be kept and for how long is said by the answers (RFC 9111).
 */
import { bytes, count, FINITE, flag, type OptionsOf, type Section, wait } from "./option.js";

const BOUNDED = { least: 1, most: FINITE, tooHigh: "what is kept must be bounded" };

export const CACHE_OPTIONS = {
  /**
   * Bytes of all answers that are kept, fields included; the one unused longest is dropped first.
   * @default 33554432
   * @remarks Room for some thousand answers, without a word in most memory budgets.
   */
  storeBytesMax: bytes(33_554_432, BOUNDED),
  /**
   * Largest body that is kept.
   * @default 1048576
   * @remarks One answer shall not drop all others.
   */
  answerBytesMax: bytes(1_048_576, BOUNDED),
  /**
   * Answers that are kept.
   * @default 10000
   * @remarks Small answers cost more for being kept than for their bytes.
   */
  answersMax: count(10_000, BOUNDED),
  /**
   * How long after the end of its freshness an answer may stand in for a failure, besides what its
   * own `stale-if-error` allows (RFC 5861).
   * @default 0
   * @remarks Whether old data is better than none is known to the application alone.
   */
  staleIfErrorMs: wait(0, FINITE),
  /**
   * One request for all that ask for the same at once; the others wait for its answer.
   * @default true
   * @remarks When an answer expires, all its readers ask at once.
   */
  collapse: flag(true),
} as const satisfies Section;

export interface CacheOptions extends OptionsOf<typeof CACHE_OPTIONS> {}
