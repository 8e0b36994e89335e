/**
 * Answers that are kept, by what was asked for: bounded in bytes and number, the one unused longest
 * dropped first. Of one resource a few variants are kept (Vary, RFC 9111 §4.1).
 */
import { CACHE } from "../catalog/defaults.js";
import type { CachedPolicy, FieldValues } from "./cached-policy.js";

/** An answer with what says how long it may be used. */
export interface KeptAnswer {
  readonly status: number;
  /** Names and values in turn, without those of one hop or of the framing. */
  readonly fields: readonly string[];
  readonly body: Buffer;
  readonly policy: CachedPolicy;
  /** What the request had of the fields that the answer varies by. */
  readonly varying: readonly (readonly [name: string, value: string | undefined])[];
  readonly bytes: number;
}

export interface StoreLimits {
  readonly storeBytesMax: number;
  readonly answersMax: number;
}

export class AnswerStore {
  readonly #limits: StoreLimits;
  /** In the order of their last use. */
  readonly #kept = new Map<string, readonly KeptAnswer[]>();
  #bytes = 0;
  #count = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** The variant for a request with these fields. */
  find(key: string, asked: FieldValues): KeptAnswer | null {
    const variants = this.#kept.get(key);
    if (variants === undefined) return null;
    this.#kept.delete(key);
    this.#kept.set(key, variants);
    return variants.find((one) => isFor(one, asked)) ?? null;
  }

  put(key: string, answer: KeptAnswer, asked: FieldValues): void {
    const before = this.#kept.get(key) ?? [];
    const others = before.filter((one) => !isFor(one, asked)).slice(0, CACHE.variantsMax - 1);
    this.drop(key);
    this.#set(key, [answer, ...others]);
    for (const oldest of this.#kept.keys()) {
      const { storeBytesMax, answersMax } = this.#limits;
      if (this.#bytes <= storeBytesMax && this.#count <= answersMax) return;
      this.drop(oldest);
    }
  }

  drop(key: string): void {
    for (const { bytes } of this.#kept.get(key) ?? []) {
      this.#bytes -= bytes;
      this.#count -= 1;
    }
    this.#kept.delete(key);
  }

  #set(key: string, variants: readonly KeptAnswer[]): void {
    this.#kept.set(key, variants);
    for (const { bytes } of variants) {
      this.#bytes += bytes;
      this.#count += 1;
    }
  }
}

function isFor({ varying }: KeptAnswer, asked: FieldValues): boolean {
  return varying.every(([name, value]) => asked[name] === value);
}
