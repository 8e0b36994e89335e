/**
 * The nearest known word to one that was mistyped.
 *
 * Case, dashes and underscores do not count, nor does the order of the words in a name:
 * `maxAttempts` is `attemptsMax`. Otherwise about one slip for every three letters is forgiven.
 * It says nothing rather than something far-fetched.
 */

/** Letters for which one slip is forgiven: fewer, and short words would all be alike. */
const LETTERS_PER_SLIP = 3;
/** A beginning this long is taken for the whole: `response` for `responseMs`. */
const BEGINNING_MIN = 4;

/** The candidate that was most likely meant, null when none is near. */
export function nearest<Candidate extends string>(
  word: string,
  candidates: readonly Candidate[],
): Candidate | null {
  return nearestOf(word, candidates, 1)[0] ?? null;
}

/** The candidates that may have been meant, nearest first. */
export function nearestOf<Candidate extends string>(
  word: string,
  candidates: readonly Candidate[],
  count: number,
): readonly Candidate[] {
  return candidates
    .map((candidate) => ({ candidate, slips: slipsBetween(word, candidate) }))
    .filter(({ slips }) => Number.isFinite(slips))
    .sort((a, b) => a.slips - b.slips)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** How far two words are apart, Infinity when too far to be the same. */
function slipsBetween(word: string, candidate: string): number {
  const [a, b] = [plain(word), plain(candidate)];
  if (a === "" || b === "") return Number.POSITIVE_INFINITY;
  if (a === b || wordsOf(word) === wordsOf(candidate)) return 0;
  const forgiven = Math.max(1, Math.floor(Math.max(a.length, b.length) / LETTERS_PER_SLIP));
  // Words of so different lengths are apart by at least the difference; this also bounds the work.
  if (Math.abs(a.length - b.length) <= forgiven) {
    const slips = distance(a, b);
    // A word of which nothing is left is another word.
    if (slips <= forgiven && slips < Math.min(a.length, b.length)) return slips;
  }
  const isBeginning = a.length >= BEGINNING_MIN && b.startsWith(a);
  return isBeginning ? forgiven + b.length - a.length : Number.POSITIVE_INFINITY;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** The words of a name in alphabetical order. */
function wordsOf(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return words
    .split(/[^a-z0-9]+/)
    .sort()
    .join(" ");
}

/** Letters to add, drop, change or swap with their neighbour to make one word of the other. */
function distance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + same,
          swapped ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
