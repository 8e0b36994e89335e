/**
 * Words for failures that any program may use: what is read in a line that no dialect knows.
 *
 * A phrase is two groups of words near each other, in either order: what it is about (a
 * certificate, a name, a probe), and what is wrong with it. The first that fits wins, so those that
 * say most come first.
 */
import type { Dialect, ForeignTerm } from "./foreign-term.js";
import { PHRASES_ANSWERING } from "./phrases-answering.js";
import { PHRASES_CONNECTING } from "./phrases-connecting.js";

export const PHRASE_TEXTS: Dialect = {
  speaker: "by its words",
  spoken: "in_lines",
  common: true,
  loose: true,
  terms: [...PHRASES_CONNECTING, ...PHRASES_ANSWERING].map(
    ({ about, ...rest }): ForeignTerm => ({ term: `it speaks of ${about}`, ...rest }),
  ),
};
