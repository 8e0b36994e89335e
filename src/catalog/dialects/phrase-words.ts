/**
 * The words of which phrases are made, and the form of a phrase: what it is about, the words, and
 * what they mean.
 */
import type { FailureCode } from "../failures.js";

/** Words between the two groups, in characters. */
export const NEAR_MAX = 60;

export const near = (about: string, wrong: string): RegExp => {
  const between = `[^;\\n]{0,${NEAR_MAX}}`;
  const [a, b] = [`\\b(?:${about})`, `\\b(?:${wrong})`];
  return new RegExp(`${a}${between}?${b}|${b}${between}?${a}`, "i");
};

export const CLIENT =
  "(?<!http[ -])client|browser|downstream|viewer|visitor|caller|user agent|(?:remote )?user";
export const PLACE =
  "server|upstream|backend|origin|target|host|peer|service|instance|endpoint|app|application|" +
  "container|function|worker|machine|replica|pod|task|node|dyno|destination|cluster|member";
export const CANNOT =
  "could(?: not|n't)|cannot|can't|unable|fail(?:s|ed|ure|ing)?|error|not|no|unknown|refused|" +
  "wasn't|isn't|didn't";
export const BROKE =
  "closed|dropped|lost|terminated|aborted|broken?|hung up|ended|prematurely|unexpectedly|" +
  "disconnect(?:ed|s)?|reset";
export const LATE =
  "time[sd]?[- ]?out|timing out|timeout|time limit|deadline|too (?:long|much time)|within \\d+|" +
  "longer than|no (?:response|answer|reply)|exceeded \\d+|stalled|(?:gave|gives|given) up wait|" +
  "too slow";

export interface Phrase {
  readonly about: string;
  readonly match: RegExp | readonly RegExp[];
  readonly meaning: string;
  readonly failures: readonly FailureCode[];
  readonly remedies: readonly string[];
}
