/**
 * `explain`: takes anything that a person has in hand (a status, a name, a code, a flag, a line of
 * a log, the head of an answer, a stack trace) and says what it means.
 *
 * Guarantee: it answers from the catalog and the table of dialects alone, and when it does not know
 * it says so and offers the nearest known words.
 */
import { DIALECTS } from "../../catalog/dialects/dialects.js";
import { CODE_MEANINGS } from "../../catalog/error-codes.js";
import { FAILURE_CODES } from "../../catalog/failures.js";
import { PROXY_ERRORS } from "../../catalog/rows/proxy-errors.js";
import { nearestOf } from "../../options/nearest.js";
import type { Explained, Explanation } from "./explanation.js";
import { explainHead, type PastedHead, readHead } from "./head.js";
import { explainText, isByWords, type Weights } from "./lines.js";
import { readProxyStatus } from "./proxy-status-field.js";
import { makerOfPage, type PageMaker, statusesSaid, wordsOfPage } from "./said.js";
import { explainWord } from "./words.js";

const GUESSES_MAX = 3;

/** The exit code of curl, as a shell or a manager reports it; curl itself prints `curl: (28)`. */
const CURL_EXIT =
  /\bcurl\b[^\n(]{0,200}?\bexit(?:ed)?(?: with)?(?: code| status)?[ :=]+(\d{1,2})\b/gi;

export function explain(input: string, weights: Weights = new Map()): Explained {
  const text = input.trim().replace(CURL_EXIT, "curl: ($1)");
  const explanations = recognise(text, weights);
  return { explanations, guesses: explanations.length > 0 ? [] : guess(text) };
}

function recognise(text: string, weights: Weights): readonly Explanation[] {
  if (text === "") return [];
  const word = /\s/.test(text) ? [] : explainWord(text);
  if (word.length > 0) return word;
  const head = readHead(asFields(text));
  if (head !== null) {
    const found = explainHead(head);
    const all = withBody(head, text, found);
    if (all.length > 0) return all;
  }
  const words = wordsOfPage(text);
  const found = explainText(words, weights);
  if (!found.every(isByWords)) return found;
  // A terminal or a ticket has wrapped a line in the middle of what it says.
  const unwrapped = words.length > WRAPPED_MAX ? [] : [" ", ""].map((by) => joined(words, by));
  const whole = unwrapped.map((one) => explainText(one)).find((one) => !one.every(isByWords));
  return whole ?? withStatus([...codesAmong(words), ...explainStatuses(text, words)], found);
}

/** Words say more than a common status, and less than one of a program's own (521). */
function withStatus(
  status: readonly Explanation[],
  words: readonly Explanation[],
): readonly Explanation[] {
  const isOwn = ({ recognised }: Explanation): boolean => !recognised.startsWith("status ");
  return status.some(isOwn) ? [...status, ...words] : [...words, ...status];
}

/** What a body says below its head is more than who made it, but not than Proxy-Status. */
function withBody(
  { fields, said }: PastedHead,
  text: string,
  found: readonly Explanation[],
): readonly Explanation[] {
  const body = explainText(wordsOfPage(said.join("\n")));
  if (body.length > 0 && !fields.has("proxy-status")) {
    return body.every(isByWords) ? withStatus(found, body) : [...body, ...found];
  }
  const maker = makerOfPage(text);
  return maker === null ? found : found.map((one) => signed(one, maker));
}

/** Longer texts are logs, and their lines are lines. */
const WRAPPED_MAX = 20_000;

function joined(text: string, by: string): string {
  return text.replace(/\s*\r?\n\s*/g, by);
}

/** The statuses that a text names; of a page that its maker has signed, with that name. */
function explainStatuses(text: string, words: string): readonly Explanation[] {
  const found = statusesSaid(words).flatMap((status) => explainWord(status));
  const maker = makerOfPage(text);
  return maker === null ? found : found.map((one) => signed(one, maker));
}

function signed(one: Explanation, { name, log }: PageMaker): Explanation {
  return {
    ...one,
    recognised: `${one.recognised}, made by ${name}`,
    remedies: [`The page is ${name}'s own; why it was made stands in ${log}.`, ...one.remedies],
  };
}

/** The value of a Proxy-Status field alone is taken for the field. */
function asFields(text: string): string {
  const isValue = /;\s*(?:error|received-status)=/.test(text) && !/^[\w-]+:/m.test(text);
  return isValue && readProxyStatus(text).length > 0 ? `Proxy-Status: ${text}` : text;
}

/** Codes side by side; plain words of a language mean nothing by themselves. */
function codesAmong(text: string): readonly Explanation[] {
  const words = text.split(/[\s,]+/);
  return words
    .filter((word) => /^[HR]\d\d$/.test(word) || (word.length > 4 && /[_\d]|[A-Z]{2}/.test(word)))
    .flatMap(explainWord);
}

function guess(text: string): readonly string[] {
  if (!/\s/.test(text)) return nearWords(text, GUESSES_MAX);
  const codes = text.split(/[\s,:;()"']+/).filter((word) => /^[A-Z0-9_]{5,}$|\w_\w/.test(word));
  const words = codes.slice(0, GUESSES_MAX).flatMap((word) => nearWords(word, 1));
  return [...new Set([...words, ...nearSentences(text)])].slice(0, GUESSES_MAX);
}

/** Sentences of logs that share words with the text, those that share most of them first. */
function nearSentences(text: string): readonly string[] {
  const given = new Set(tellingWords(text.slice(0, SENTENCE_CHARACTERS_MAX)));
  return DIALECTS.filter(({ spoken }) => spoken === "in_lines")
    .flatMap(({ terms }) => terms.map(({ term }) => term))
    .map((term) => ({ term, shared: tellingWords(term).filter((word) => given.has(word)).length }))
    .filter(({ shared }) => shared >= WORDS_SHARED_MIN)
    .sort((a, b) => b.shared - a.shared)
    .slice(0, GUESSES_MAX)
    .map(({ term }) => term);
}

function tellingWords(text: string): readonly string[] {
  return [...new Set(text.toLowerCase().match(/[a-z]{4,}/g) ?? [])];
}

/** One word in common says nothing. */
const WORDS_SHARED_MIN = 2;
const SENTENCE_CHARACTERS_MAX = 500;

function nearWords(text: string, most: number): readonly string[] {
  const known = [
    ...FAILURE_CODES,
    ...Object.keys(PROXY_ERRORS),
    ...Object.keys(CODE_MEANINGS),
    ...DIALECTS.filter(({ spoken }) => spoken === "as_a_word").flatMap(({ terms }) =>
      terms.map(({ term }) => term),
    ),
  ];
  return nearestOf(text.slice(0, GUESS_CHARACTERS_MAX), [...new Set(known)], most);
}

/** Longer than any known word, so that the comparison stays bounded. */
const GUESS_CHARACTERS_MAX = 80;
