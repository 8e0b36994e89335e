/**
 * Which worlds are played: a few that are always the same; `npm run simulate` plays as many others
 * as WORLDS says, and `SEED=123 npx vitest run test/simulation` a single one.
 */
const { SEED, WORLDS } = process.env;

/** One world is replayed, and its history is printed. */
export const isReplay = SEED !== undefined;

/** The seeds of the worlds of one kind, and how long they may take. */
export function seedsOf(usual: number): { readonly seeds: readonly number[]; readonly ms: number } {
  if (SEED !== undefined) return { seeds: [Number(SEED)], ms: 60_000 };
  const count = Number(WORLDS ?? usual);
  const from = WORLDS === undefined ? 0 : Date.now() % 1e9;
  const seeds = Array.from({ length: count }, (_, at) => from + at);
  return { seeds, ms: 60_000 + 2_000 * count };
}
