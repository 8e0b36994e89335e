/**
 * An access log line as JSON, written piece by piece: what `JSON.stringify` makes of the fields
 * (access-fields.ts), with its time in front, at a small part of the cost.
 *
 * Guarantee: byte for byte what `JSON.stringify` would write, so that nothing from outside can end
 * a text or a line; a property test compares the two.
 */
import { isoDates } from "../base/clock.js";
import type { CallClient, CallRecord } from "../gateway/call-record.js";
import type { EndedCall } from "../gateway/ended-call.js";
import { resultsOf } from "./access-fields.js";

/** What a line says, but for attempts and client, of a record and of a call alike. */
type Head = Omit<CallRecord, "attempts" | "client">;

/** A writer of lines. It remembers the parts that are mostly the same as in the line before. */
export interface JsonLines {
  (record: CallRecord): string;
  /** The same for a call whose record nobody has asked for. */
  ofCall(call: EndedCall): string;
}

export function jsonLines(): JsonLines {
  const isoDate = isoDates();
  const asked = sameAgain(askedText);
  const answered = sameAgain(answeredText);
  const counted = sameAgain(countedText);
  const where = sameAgain(targetText);
  const who = clientTexts();
  const ending = sameAgain(joined);
  const line = (
    head: Head,
    attempts: number,
    target: string | null,
    results: string,
    client: CallClient | null,
  ): string =>
    `{"time":"${isoDate(head.startedAt)}","requestId":"${escaped(head.id)}` +
    asked(head.upstream, head.kind, head.method, null) +
    escaped(head.path) +
    `","durationMs":${tenths(head.durationMs)},"queuedMs":${tenths(head.queuedMs)}` +
    counted(attempts, head.bytesIn, null, null) +
    head.bytesOut +
    ending(
      answered(head.clientEnd, head.status, head.answeredBy, head.receivedStatus),
      wentWell(head) ? "" : failureText(head),
      where(target, null, null, null) + results,
      client === null ? "}" : who(client),
    );

  const ofRecord = (record: CallRecord): string => {
    const { attempts, client } = record;
    const target = attempts.at(-1)?.target ?? null;
    return line(record, attempts.length, target, resultsText(attempts), client);
  };
  const ofCall = (call: EndedCall): string => {
    const results = call.attemptCount > 1 ? resultsText(call.attempts) : "";
    const client = call.hasClient() ? call : null;
    return line(call, call.attemptCount, call.target, results, client);
  };
  return Object.assign(ofRecord, { ofCall });
}

type Part = string | number | null;

/** The text for these four, made anew when one of them is not what it was the last time. */
function sameAgain<A extends Part, B extends Part, C extends Part, D extends Part>(
  make: (a: A, b: B, c: C, d: D) => string,
) {
  let last: readonly [A, B, C, D] | null = null;
  let text = "";
  let isJoined = false;
  return (a: A, b: B, c: C, d: D): string => {
    if (last?.[0] !== a || last[1] !== b || last[2] !== c || last[3] !== d) {
      last = [a, b, c, d];
      text = make(a, b, c, d);
      isJoined = false;
    } else if (!isJoined) {
      // V8 joins the parts of a text when it is first read; once, and not for each line.
      text.charCodeAt(0);
      isJoined = true;
    }
    return text;
  };
}

function joined(answered: string, failure: string, target: string, client: string): string {
  return answered + failure + target + client;
}

// Words of the catalog and numbers have nothing to be escaped.
function askedText(upstream: string, kind: string, method: string): string {
  return `","upstream":${quoted(upstream)},"kind":"${kind}","method":${quoted(method)},"path":"`;
}

function countedText(attempts: number, bytesIn: number): string {
  return `,"attempts":${attempts},"bytesIn":${bytesIn},"bytesOut":`;
}

function answeredText(
  clientEnd: string,
  status: number | null,
  answeredBy: string | null,
  receivedStatus: number | null,
): string {
  const sent = status === null ? "" : `,"status":${status}`;
  const by = answeredBy === null ? "" : `,"answeredBy":"${answeredBy}"`;
  const received = receivedStatus === null ? "" : `,"receivedStatus":${receivedStatus}`;
  return `,"clientEnd":"${clientEnd}"${sent}${by}${received}`;
}

function wentWell({ code, blame, details, stopReason }: Head): boolean {
  return code === null && blame === null && details === null && stopReason === null;
}

function failureText({ code, blame, details, stopReason }: Head): string {
  const name = code === null ? "" : `,"code":"${code}"`;
  const whose = blame === null ? "" : `,"blame":"${blame}"`;
  const facts = details === null ? "" : `,"details":${quoted(details)}`;
  return name + whose + facts + (stopReason === null ? "" : `,"stopReason":"${stopReason}"`);
}

function targetText(target: string | null): string {
  return target === null ? "" : `,"target":${quoted(target)}`;
}

function resultsText(attempts: CallRecord["attempts"]): string {
  return attempts.length > 1 ? `,"results":"${resultsOf(attempts)}"` : "";
}

/**
 * The end of a line. Behind a balancer it is the address that comes again and again, to a service
 * of few clients all of it.
 */
function clientTexts(): (client: CallClient) => string {
  const from = sameAgain(fromText);
  const agent = sameAgain(agentText);
  return ({ address, forwardedFor, httpVersion, host, userAgent, referer }) =>
    from(address, forwardedFor, host, httpVersion) + agent(userAgent, referer, null, null);
}

function fromText(
  address: string,
  forwardedFor: string | null,
  host: string | null,
  httpVersion: string,
): string {
  return (
    `,"remoteAddress":${quoted(address)}` +
    (forwardedFor === null ? "" : `,"forwardedFor":${quoted(forwardedFor)}`) +
    (host === null ? "" : `,"host":${quoted(host)}`) +
    `,"httpVersion":"${httpVersion}"`
  );
}

function agentText(userAgent: string | null, referer: string | null): string {
  const agent = userAgent === null ? "" : `,"userAgent":${quoted(userAgent)}`;
  return `${agent}${referer === null ? "" : `,"referer":${quoted(referer)}`}}`;
}

/** ASCII without quotation marks, backslashes and control characters. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** The same without the quotation marks. */
function escaped(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** By whole numbers: a fraction costs V8 a search for its shortest digits. */
function tenths(ms: number): string {
  const all = Math.round(ms * 10);
  const rest = all % 10;
  return rest === 0 ? `${all / 10}` : `${(all - rest) / 10}.${rest}`;
}
