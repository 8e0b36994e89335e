/**
 * What a text says outside of the sentences that are known: the statuses that it calls so, the
 * flags of an access line, the words of a page.
 *
 * Guarantee: a number is a status only where the text says that it is one. Ports, counts, sizes,
 * times and numbers of processes are none.
 */

/** The status of an access line stands behind its request; the number after it counts bytes. */
const ACCESS = /"[A-Z]+ \S+(?: HTTP\/[\d.]+)?" (\d{1,3}) (\S+)/;
/** Envoy writes its response flags behind the status. */
const FLAGS = /^[A-Z]{2,6}(?:,[A-Z]{2,6})*$/;

/** Words before a number that make it a status. */
const BEFORE = [
  "\\bHTTP/\\d(?:\\.\\d)?[\"']?",
  "\\bstatus(?:[ _-]?code)?",
  "\\bHTTP(?: error| status)?",
  "\\berror(?: code)?",
  "\\bcode",
  "\\b(?:return|respond|answer|repl|fail|got|get|receiv|serv|with)[a-z]*(?: with)?" +
    "(?: an?| the)?(?: HTTP)?(?: status| error)?",
];
/** What counts or measures makes it none. */
const UNITS = "bytes|ms|s|connections|kB|MB";
const CALLED = new RegExp(
  `(?:${BEFORE.join("|")})["']?\\s*[:=]?\\s*["']?([45]\\d\\d)\\b(?! *(?:${UNITS})\\b)`,
  "gi",
);
const REASONS = [
  ...["Bad Gateway", "Service (?:Temporarily )?Unavailable", "Gateway Time-?out"],
  ...["Internal Server Error", "Bad Request", "Forbidden", "Not Found", "Request Time-?out"],
  ...["Too Many Requests", "Payload Too Large", "Request Entity Too Large"],
  ...["Misdirected Request", "Client Closed Request", "error"],
];
const WITH_REASON = new RegExp(`\\b([45]\\d\\d)[: -]*(?:${REASONS.join("|")})\\b`, "gi");

/** Short notes such as `502 nginx`: a number beside names, and none of what counts or numbers. */
const NOTE_WORDS_MAX = 3;
const NO_STATUS = /\b(?:port|pid|process|proc|line|id|connections?|bytes|ms|seconds?|listening)\b/i;

/** Statuses from 400 on that a text names, each once. */
export function statusesSaid(text: string): readonly string[] {
  const access = text.split("\n").flatMap((line) => ACCESS.exec(line)?.[1] ?? []);
  if (access.length > 0) return failing(access);
  const called = [...text.matchAll(CALLED), ...text.matchAll(WITH_REASON)].flatMap(
    ([, one]) => one ?? [],
  );
  if (called.length > 0) return failing(called);
  const words = text.split(/[\s,]+/).filter(Boolean);
  if (words.length > NOTE_WORDS_MAX || NO_STATUS.test(text)) return [];
  return failing(words);
}

function failing(numbers: readonly string[]): readonly string[] {
  return [...new Set(numbers)].filter((one) => /^[45]\d\d$/.test(one));
}

/** The response flags of access lines of Envoy. */
export function flagsSaid(text: string): readonly string[] {
  const flags = text.split("\n").flatMap((line) => ACCESS.exec(line)?.[2] ?? []);
  return [...new Set(flags)].filter((one) => FLAGS.test(one));
}

const PAGE = /<(?:!doctype html|html|head|title|h1|center|body)\b/i;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  nbsp: " ",
  "#39": "'",
};

/** The words of an error page, a line for each block; any other text as it is. */
export function wordsOfPage(text: string): string {
  if (!PAGE.test(text)) return text;
  return text
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, " ")
    .replace(/<!--[\s\S]*?-->/g, " ")
    .replace(/<\/?(?:title|h\d|p|div|center|hr|br|li|address|tr|body|head|html)\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, " ")
    .replace(/&(#?\w+);/g, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole)
    .replace(/[ \t]+/g, " ")
    .replace(/\s*\n\s*/g, "\n")
    .trim();
}

interface PageMaker {
  readonly name: string;
  readonly wrote: RegExp;
}

/** Who signs error pages, and how. */
const PAGE_MAKERS: readonly PageMaker[] = [
  { name: "nginx", wrote: /<hr>\s*<center>(?:nginx|openresty|tengine)\b[^<]*<\/center>/i },
  { name: "Apache", wrote: /<address>\s*Apache\b/i },
  { name: "Microsoft Azure Application Gateway", wrote: /Microsoft-Azure-Application-Gateway/i },
  { name: "AWS ALB", wrote: /<center><h1>5\d\d [\w -]+<\/h1><\/center>\s*<\/body>/i },
];

/** Who made an error page; null where it does not say. */
export function makerOfPage(text: string): string | null {
  return PAGE_MAKERS.find(({ wrote }) => wrote.test(text))?.name ?? null;
}
