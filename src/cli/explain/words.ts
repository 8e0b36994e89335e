/**
 * Explains a single word: a status, a name of ours, an error type of RFC 9209, a code of Node,
 * undici, OpenSSL or llhttp, or a word of a foreign dialect. A word may mean several things.
 */
import { DIALECTS } from "../../catalog/dialects/dialects.js";
import type { Dialect, ForeignTerm } from "../../catalog/dialects/foreign-term.js";
import {
  CLIENT_CODE_MEANINGS,
  CODE_MEANINGS,
  CODE_REFINEMENTS,
  CONNECT_SYSCALLS,
  type CodeMeaning,
  type CodeRefinement,
  meaningOf,
} from "../../catalog/error-codes.js";
import {
  type Blame,
  FAILURE_CODES,
  FAILURES,
  type FailureCode,
  hasTrait,
  isFailureCode,
} from "../../catalog/failures.js";
import { PROXY_ERRORS } from "../../catalog/rows/proxy-errors.js";
import { BLAMES, STANDINGS, type Standing } from "../../catalog/words.js";
import type { StopReason } from "../../core/call.js";
import { STOP_REASONS } from "../../core/stop-reasons.js";
import { type Explanation, explainFailure, explanation } from "./explanation.js";
import { byLikelihood, failuresBehind, statusMeaning } from "./statuses.js";

/** Everything that one word can mean, most telling first. */
export function explainWord(word: string): readonly Explanation[] {
  const foreign = explainForeignWord(word);
  // A status that only one program has is that program's.
  const status = foreign.length > 0 && !isCommonStatus(word) ? [] : explainStatus(word);
  return [...explainName(word), ...status, ...foreign, ...explainCode(word)];
}

function explainName(word: string): readonly Explanation[] {
  const name = word.toLowerCase().replaceAll("-", "_");
  if (isFailureCode(name)) return [explainFailure(name)];
  const stopped = STOP_REASONS[name as StopReason];
  if (stopped !== undefined) {
    return [explanation(`${name}: why no further attempt was made`, stopped, [])];
  }
  const blame = BLAMES[name as Blame];
  if (blame !== undefined) {
    const failures = FAILURE_CODES.filter((code) => FAILURES[code].blame === name);
    return [explanation(`blame: ${name}`, blame, byLikelihood(failures))];
  }
  if (Object.hasOwn(STANDINGS, name)) {
    return [explanation(`${name}: how a target is`, STANDINGS[name as Standing], [])];
  }
  return explainProxyError(name);
}

/** An error type of RFC 9209 can stand for several of our names. */
export function explainProxyError(type: string): readonly Explanation[] {
  if (!Object.hasOwn(PROXY_ERRORS, type)) return [];
  const failures = byLikelihood(FAILURE_CODES.filter((code) => FAILURES[code].proxyError === type));
  const meaning =
    failures.length === 0
      ? "A proxy on the way reports this error type. good-gateway has no failure of this type."
      : "A proxy on the way reports this error type; these failures have it.";
  return [explanation(`${type}: an error type of Proxy-Status (RFC 9209)`, meaning, failures)];
}

function explainForeignWord(word: string): readonly Explanation[] {
  return DIALECTS.filter(({ spoken }) => spoken === "as_a_word").flatMap((dialect) =>
    dialect.terms.filter((term) => isTerm(term, word)).map((term) => inDialect(dialect, term)),
  );
}

function isTerm({ match }: ForeignTerm, word: string): boolean {
  return typeof match === "string" ? match === word : [match].flat().some((one) => one.test(word));
}

export function inDialect({ speaker }: Dialect, term: ForeignTerm): Explanation {
  const { meaning, failures, causes = [], remedies = [] } = term;
  return explanation(`${speaker}: ${term.term}`, meaning, failures, { causes, remedies });
}

const STATUS = /^[1-5]\d\d$/;

function isCommonStatus(word: string): boolean {
  return STATUS.test(word) && failuresBehind(Number(word)).some((code) => !isReceived(code));
}

function isReceived(code: FailureCode): boolean {
  return FAILURES[code].status === "received";
}

function explainStatus(word: string): readonly Explanation[] {
  if (!STATUS.test(word)) return [];
  const status = Number(word);
  const failures = failuresBehind(status);
  const meaning = statusMeaning(status);
  if (meaning === null) return [];
  return [explanation(`status ${status}`, meaning, failures)];
}

/** A code by the three places in an exchange at which it can strike; a system call shows which. */
export function explainCode(word: string, syscall: string | null = null): readonly Explanation[] {
  const code = word.toUpperCase();
  const meaning = Object.hasOwn(CODE_MEANINGS, code) ? CODE_MEANINGS[code] : meaningOf(code);
  const atTheDoor = CLIENT_CODE_MEANINGS[code];
  if (meaning === undefined && atTheDoor === undefined) return [];
  const refined = CODE_REFINEMENTS.filter((refinement) => refinement.code === code);
  const known = syscall === null ? null : meaningAt(syscall, meaning, refined);
  if (known !== null) {
    const failures = [...new Set(namesOf(known).flatMap(withReuse))];
    return [explanation(`${syscall} ${code}: an error code`, placesOf(known).join(" "), failures)];
  }
  const names = [meaning, ...refined.map((refinement) => refinement.meaning)].flatMap(namesOf);
  const all = atTheDoor === undefined ? names : [...names, atTheDoor];
  const places = meaning === undefined ? [] : placesOf(meaning);
  const text = [...places, ...refined.map(inWords), ...doorInWords(atTheDoor)].join(" ");
  return [explanation(`${code}: an error code`, text, [...new Set(all.flatMap(withReuse))])];
}

/** What is left of a meaning when the system call is known. */
function meaningAt(
  syscall: string,
  meaning: CodeMeaning | undefined,
  refined: readonly CodeRefinement[],
): CodeMeaning | null {
  const own = refined.find(
    (one) => one.syscall !== undefined && one.syscall !== "" && syscall.startsWith(one.syscall),
  );
  const { connect, exchange, body } = own?.meaning ?? meaning ?? {};
  if (CONNECT_SYSCALLS.some((prefix) => syscall.startsWith(prefix))) {
    return connect === undefined ? null : { connect };
  }
  return { ...(exchange && { exchange }), ...(body && { body }) };
}

/** On a connection that had been used before, a close has a name of its own. */
function withReuse(code: FailureCode): readonly FailureCode[] {
  return code === "connection_terminated" ? [code, "stale_connection"] : [code];
}

/** While a request is under way is where other codes are met most often. */
function namesOf(meaning: CodeMeaning | undefined): readonly FailureCode[] {
  const { connect, exchange, body } = meaning ?? {};
  const isEarly = connect !== undefined && hasTrait(connect, "early");
  const names = isEarly ? [connect, exchange, body] : [exchange, connect, body];
  return names.filter((code) => code !== undefined);
}

function placesOf({ connect, exchange, body }: CodeMeaning): readonly string[] {
  if (connect !== undefined && connect === exchange && exchange === body) {
    return [`It is ${connect} wherever it is met.`];
  }
  const places: readonly (readonly [string, FailureCode | undefined])[] = [
    ["While connecting", connect],
    ["After the request was sent", exchange],
    ["Inside the body of the answer", body],
  ];
  return places.flatMap(([place, code]) => (code === undefined ? [] : [`${place} it is ${code}.`]));
}

function inWords({ syscall, withPort, tookMsMin, meaning }: CodeRefinement): string {
  const names = [...new Set(namesOf(meaning))].join(" or ");
  if (syscall === "") return `Without a syscall (Node made it itself) it is ${names}.`;
  if (syscall !== undefined) return `With the syscall ${syscall} it is ${names}.`;
  if (withPort === true) return `For a network address it is ${names}.`;
  return `After ${tookMsMin ?? 0} ms or more it is ${names}.`;
}

function doorInWords(code: FailureCode | undefined): readonly string[] {
  return code === undefined ? [] : [`On a connection of a client (clientError) it is ${code}.`];
}
