/**
 * An access log line as JSON, written piece by piece: what `JSON.stringify` makes of the fields
 * (access-fields.ts), with its time in front, at a small part of the cost.
 *
 * Guarantee: what `JSON.stringify` would write, with everything beyond ASCII escaped, so that
 * nothing from outside can end a text or a line, and a byte is a character; a property test
 * compares the two.
 */
import { isoDates } from "../base/clock.js";
import type { CallClient, CallRecord } from "../records/call-record.js";
import type { EndedCall } from "../records/ended-call.js";
import { detourText, resultsOf } from "./access-fields.js";

/** What a line says, but for attempts and client, of a record and of a call alike. */
type Head = Omit<CallRecord, "attempts" | "client">;

/** A writer of lines. It remembers the parts that are mostly the same as in the line before. */
export interface JsonLines {
  (record: CallRecord): string;
  /** The same for a call whose record was not requested. */
  ofCall(call: EndedCall): string;
}

export function jsonLines(): JsonLines {
  const isoDate = isoDates();
  const asked = askedTexts();
  const ended = endTexts();
  const line = (
    head: Head,
    attempts: number,
    target: string | null,
    results: string,
    client: CallClient | null,
  ): string =>
    `{"time":"${isoDate(head.startedAt)}","requestId":"${escaped(head.id)}` +
    asked(head) +
    escaped(head.path) +
    `","durationMs":${tenths(head.durationMs)},"queuedMs":${tenths(head.queuedMs)}` +
    countedText(attempts, head.bytesIn) +
    head.bytesOut +
    ended(head, target, results, client);

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

// V8 is quick to compare values whose types it knows, so each text is compared in its own words.

/** Names of the upstream, kind and method. */
function askedTexts(): (head: Head) => string {
  const kept = new Kept();
  let [upstream, kind, method] = ["", "", ""];
  return (head) => {
    if (head.upstream === upstream && head.kind === kind && head.method === method) {
      return kept.again();
    }
    ({ upstream, kind, method } = head);
    return kept.set(askedText(upstream, kind, method));
  };
}

/** What became of it, and who asked. */
function endTexts() {
  const kept = new Kept();
  const asker = clientTexts();
  let who = "";
  let clientEnd = "";
  let status: number | null = null;
  let answeredBy: string | null = null;
  let receivedStatus: number | null = null;
  let where: string | null = null;
  return (head: Head, target: string | null, results: string, asked: CallClient | null): string => {
    const client = asked === null ? "}" : asker(asked);
    if (!wentWell(head) || results !== "") {
      return answeredText(head) + failureText(head) + targetText(target) + results + client;
    }
    const isAgain =
      head.clientEnd === clientEnd &&
      head.status === status &&
      head.answeredBy === answeredBy &&
      head.receivedStatus === receivedStatus &&
      target === where &&
      client === who;
    if (isAgain) return kept.again();
    ({ clientEnd, status, answeredBy, receivedStatus } = head);
    [where, who] = [target, client];
    return kept.set(answeredText(head) + targetText(target) + client);
  };
}

/** Who asked: again and again the same where there are few clients. */
function clientTexts(): (client: CallClient) => string {
  const kept = new Kept();
  let [address, httpVersion] = ["", ""];
  let forwardedFor: string | null = null;
  let host: string | null = null;
  let userAgent: string | null = null;
  let referer: string | null = null;
  return (client) => {
    const isAgain =
      client.address === address &&
      client.forwardedFor === forwardedFor &&
      client.httpVersion === httpVersion &&
      client.host === host &&
      client.userAgent === userAgent &&
      client.referer === referer;
    if (isAgain) return kept.again();
    ({ address, httpVersion, forwardedFor, host, userAgent, referer } = client);
    return kept.set(clientText(client));
  };
}

/** A text that may be needed again. */
class Kept {
  private text = "";
  private isJoined = false;

  set(text: string): string {
    this.text = text;
    this.isJoined = false;
    return text;
  }

  again(): string {
    if (!this.isJoined) {
      // V8 joins the parts of a text when it is first read; once, and not for each line.
      this.text.charCodeAt(0);
      this.isJoined = true;
    }
    return this.text;
  }
}

// Words of the catalog and numbers have nothing to be escaped.
function askedText(upstream: string, kind: string, method: string): string {
  return `","upstream":${quoted(upstream)},"kind":"${kind}","method":${quoted(method)},"path":"`;
}

function countedText(attempts: number, bytesIn: number): string {
  // As nearly all are.
  if (attempts === 1 && bytesIn === 0) return `,"attempts":1,"bytesIn":0,"bytesOut":`;
  return `,"attempts":${attempts},"bytesIn":${bytesIn},"bytesOut":`;
}

function answeredText({ clientEnd, status, answeredBy, receivedStatus }: Head): string {
  const sent = status === null ? "" : `,"status":${status}`;
  const by = answeredBy === null ? "" : `,"answeredBy":"${answeredBy}"`;
  const received = receivedStatus === null ? "" : `,"receivedStatus":${receivedStatus}`;
  return `,"clientEnd":"${clientEnd}"${sent}${by}${received}`;
}

function wentWell({ code, blame, details, stopReason, detour }: Head): boolean {
  const isPlain = stopReason === null && detour === null;
  return code === null && blame === null && details === null && isPlain;
}

function failureText({ code, blame, details, stopReason, detour }: Head): string {
  const name = code === null ? "" : `,"code":"${code}"`;
  const whose = blame === null ? "" : `,"blame":"${blame}"`;
  const facts = details === null ? "" : `,"details":${quoted(details)}`;
  const stopped = stopReason === null ? "" : `,"stopReason":"${stopReason}"`;
  const instead = detour === null ? "" : `,"detour":${quoted(detourText(detour))}`;
  return name + whose + facts + stopped + instead;
}

function targetText(target: string | null): string {
  return target === null ? "" : `,"target":${quoted(target)}`;
}

function resultsText(attempts: CallRecord["attempts"]): string {
  return attempts.length > 1 ? `,"results":"${resultsOf(attempts)}"` : "";
}

function clientText(client: CallClient): string {
  const { address, forwardedFor, httpVersion, host, userAgent, referer } = client;
  return (
    `,"remoteAddress":${quoted(address)}` +
    (forwardedFor === null ? "" : `,"forwardedFor":${quoted(forwardedFor)}`) +
    (host === null ? "" : `,"host":${quoted(host)}`) +
    `,"httpVersion":"${httpVersion}"` +
    (userAgent === null ? "" : `,"userAgent":${quoted(userAgent)}`) +
    (referer === null ? "}" : `,"referer":${quoted(referer)}}`)
  );
}

/** ASCII without quotation marks, backslashes and control characters. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : inAscii(JSON.stringify(text));
}

/** The same without the quotation marks. */
function escaped(text: string): string {
  return PLAIN.test(text) ? text : inAscii(JSON.stringify(text)).slice(1, -1);
}

const BEYOND_ASCII = /[\u0080-\uffff]/g;

function inAscii(json: string): string {
  return json.replace(
    BEYOND_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** By whole numbers: a fraction costs V8 a search for its shortest digits. */
function tenths(ms: number): string {
  const all = Math.round(ms * 10);
  const rest = all % 10;
  return rest === 0 ? `${all / 10}` : `${(all - rest) / 10}.${rest}`;
}
