/**
 * Chance for everything above: the only file that touches Math.random.
 * Jitter and target choice take a `Random`, so that a test or a simulation can replay them from a
 * seed.
 * Guarantee: `next` is at least 0 and less than 1; the same seed gives the same numbers on every
 * machine.
 */
import { invariant } from "./invariant.js";

/** A source of random numbers. */
export interface Random {
  /** The next number, at least 0 and less than 1. */
  next(): number;
}

/** The randomness of the machine; good for jitter, not for secrets. */
export const systemRandom: Random = { next: () => Math.random() };

/**
 * The golden ratio as 32 bits: an odd step that visits every number and leaves similar seeds far
 * apart.
 */
const SEED_STEP = 0x9e3779b9;
const TWO_TO_26 = 2 ** 26;
const TWO_TO_32 = 2 ** 32;
const TWO_TO_53 = 2 ** 53;

/** A repeatable source: xoshiro128**, its state filled from the seed. */
export function seededRandom(seed: number): Random {
  invariant(Number.isSafeInteger(seed), `a seed must be a safe integer, not ${seed}`);
  const word = mixer((seed | 0) ^ mix(Math.floor(seed / TWO_TO_32) | 0));
  let [a, b, c, d] = [word(), word(), word(), word()] as const;
  const next32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    const [a0, b0, c0, d0] = [a, b, c, d];
    a = a0 ^ d0 ^ b0;
    b = b0 ^ c0 ^ a0;
    c = c0 ^ a0 ^ shifted;
    d = rotateLeft(d0 ^ b0, 11);
    return result >>> 0;
  };
  // 27 and 26 bits of two draws fill the 53 bits of a double.
  return { next: () => ((next32() >>> 5) * TWO_TO_26 + (next32() >>> 6)) / TWO_TO_53 };
}

function mixer(start: number): () => number {
  let state = start;
  return () => {
    state = (state + SEED_STEP) | 0;
    return mix(state);
  };
}

// Spreads every bit of its input over all 32 bits of the result (the finaliser of splitmix32).
function mix(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return bits ^ (bits >>> 15);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
