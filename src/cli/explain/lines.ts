/**
 * Explains text of several words: lines of a log, a stack trace, an error as it was printed.
 *
 * Foreign dialects come first, since a whole sentence says more than a code in it; then the names
 * of ours and the codes that stand in the text, each once.
 */
import { DIALECTS } from "../../catalog/dialects/dialects.js";
import type { Dialect, ForeignTerm } from "../../catalog/dialects/foreign-term.js";
import { PHRASE_TEXTS } from "../../catalog/dialects/phrases.js";
import { type FailureCode, isFailureCode } from "../../catalog/failures.js";
import { type Explanation, explainFailure } from "./explanation.js";
import { readDetails, routeInWords } from "./proxy-status-field.js";
import { flagsSaid, withoutReasons } from "./said.js";
import { explainCode, explainWord, inDialect } from "./words.js";

/** The most sentences that are explained; in a long log the most frequent say the most. */
const TERMS_MAX = 5;

/** How often a line stands for others of its kind, and when those were written. */
export type Weights = ReadonlyMap<string, Weight>;
export interface Weight {
  readonly count: number;
  readonly last: string | null;
}

/** Everything that is recognised in a text, most telling first. */
export function explainText(text: string, weights: Weights = new Map()): readonly Explanation[] {
  const sentences = sentencesIn(text, weights);
  const names = wordsIn(text).filter(isFailureCode);
  const found = [
    ...names.map((name) => named(name, text)),
    ...sentences.filter(({ rank }) => rank === "fatal").map(({ one }) => one),
    ...statesIn(text).flatMap(explainWord),
    // The reason beside a flag says which of its meanings it is.
    ...sentences.filter(({ rank }) => rank === "telling").map(({ one }) => one),
    ...flagsSaid(text).flatMap(explainWord),
    ...codesIn(text).flatMap((code) => explainCode(code, syscallOf(code, text))),
    // A sentence that only says that something failed comes after the code that says what.
    ...sentences.filter(({ rank }) => rank === "general").map(({ one }) => one),
    ...sentences.filter(({ rank }) => rank === "loose").map(({ one }) => one),
  ];
  return unique(found);
}

/** Whether it was only read from words that any program may use. */
export function isByWords({ recognised }: Explanation): boolean {
  return recognised.startsWith(PHRASE_TEXTS.speaker);
}

/** A name of ours; the details beside it say whether one route is refused. */
function named(name: FailureCode, text: string): Explanation {
  const one = explainFailure(name);
  if (name !== "breaker_open") return one;
  return { ...one, meaning: [one.meaning, ...routeInWords(readDetails(text))].join(" ") };
}

interface Sentence {
  readonly one: Explanation;
  readonly rank: Rank;
}

type Rank = "fatal" | "telling" | "loose" | "general";

function rankOf({ loose }: Dialect, { fatal, general }: ForeignTerm): Rank {
  if (fatal === true) return "fatal";
  if (loose === true) return "loose";
  return general === true ? "general" : "telling";
}

interface Seen {
  readonly dialect: Dialect;
  readonly first: string | null;
  last: string | null;
  count: number;
}

function sentencesIn(text: string, weights: Weights): readonly Sentence[] {
  const seen = new Map<ForeignTerm, Seen>();
  for (const line of text.split("\n")) {
    let isKnown = false;
    const { count = 1, last = timeIn(line) } = weights.get(line) ?? {};
    for (const dialect of DIALECTS) {
      if (dialect.common && isKnown) continue;
      // Of two terms of one speaker that fit a line, the first in its table is the more telling.
      const said = dialect.loose === true ? inWords(withoutReasons(line)) : line;
      const term = dialect.spoken === "in_lines" ? dialect.terms.find(fits(said)) : undefined;
      if (term === undefined) continue;
      isKnown ||= term.general !== true;
      const known = seen.get(term);
      if (known === undefined) seen.set(term, { dialect, first: timeIn(line), last, count });
      else {
        known.count += count;
        known.last = last ?? known.last;
      }
    }
  }
  return [...seen]
    .sort(([, a], [, b]) => isLoose(a) - isLoose(b) || b.count - a.count)
    .slice(0, TERMS_MAX)
    .map(([term, { dialect, ...found }]) => {
      const one = inDialect(dialect, term);
      const recognised = `${one.recognised}${countInWords(found)}`;
      return { one: { ...one, recognised }, rank: rankOf(dialect, term) };
    });
}

/** What is only read from its words never takes the place of what is known. */
function isLoose({ dialect }: Seen): number {
  return dialect.loose === true ? 1 : 0;
}

/** Names of errors as words: `ERR_DNS_FAIL`, `Target.NotRegistered`, `originConnectError`. */
function inWords(line: string): string {
  return line
    .slice(0, WORDS_WITHIN)
    .replace(/(?<=[A-Za-z])_(?=[A-Za-z])/g, " ")
    .replace(/(?<=[a-z])(?=[A-Z][a-z])/g, " ");
}

/** What a line says stands at its beginning; pages and traces may be one long line. */
const WORDS_WITHIN = 2_000;

/** ` (15 lines, 10:00:01 to 10:04:22)` */
function countInWords({ count, first, last }: Omit<Seen, "dialect">): string {
  if (count === 1) return "";
  const span = first === null || last === null || first === last ? "" : `, ${first} to ${last}`;
  return ` (${count} lines${span})`;
}

/** The time of a line as it stands there: with its date where that is in one word. */
export function timeIn(line: string): string | null {
  const head = line.slice(0, TIME_WITHIN);
  return /(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?Z?/.exec(head)?.[0] ?? null;
}

/** Times stand at the beginning of a line; later ones belong to its message. */
const TIME_WITHIN = 160;

function fits(line: string): (term: ForeignTerm) => boolean {
  const lower = line.toLowerCase();
  return ({ match }) =>
    typeof match === "string"
      ? lower.includes(match.toLowerCase())
      : [match].flat().some((one) => one.test(line));
}

/** The system call that failed, as Node prints it: `connect ECONNREFUSED`, `syscall: 'read'`. */
function syscallOf(code: string, text: string): string | null {
  const before = new RegExp(`\\b(connect|read|write|getaddrinfo|query[A-Za-z]*) ${code}\\b`).exec(
    text,
  );
  return before?.[1] ?? /syscall"?: ["'](\w+)["']/.exec(text)?.[1] ?? null;
}

function wordsIn(text: string): readonly string[] {
  return [...new Set(text.match(/\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b/g) ?? [])];
}

/** Words in capitals that are codes; `code: 'X'` and `connect X 127.0.0.1:80` alike. */
function codesIn(text: string): readonly string[] {
  const words = new Set(text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b/g) ?? []);
  return [...words].filter((word) => CODE.test(word));
}

const CODE =
  /^(?:E(?!RR)[A-Z]{3,}|EAI_[A-Z]+|(?:UND|ERR|HPE|CERT|UNABLE|DEPTH|SELF|Z|CRL)_[A-Z0-9_]+)$/;

/** HAProxy's four letters stand between blanks in its log; two alone would be found by accident. */
function statesIn(text: string): readonly string[] {
  return [
    ...new Set(text.match(/(?<=\s|^)[CSPLRUIKDcs-][RQCHDLT-][-NIDVEOU][-NIURD](?=\s|$)/g) ?? []),
  ];
}

function unique(found: readonly Explanation[]): readonly Explanation[] {
  const seen = new Set<string>();
  return found.filter(({ recognised }) => {
    if (seen.has(recognised)) return false;
    seen.add(recognised);
    return true;
  });
}
