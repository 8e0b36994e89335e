/**
 * What a text says outside of the sentences that are known: the statuses that it calls so, the
 * flags of an access line, the words of a page.
 *
 * Guarantee: a number is a status only where the text says that it is one. Ports, counts, sizes,
 * times and numbers of processes are none.
 */

/** The status of an access line stands behind its request; the number after it counts bytes. */
const ACCESS = /"[A-Z]+ \S+(?: HTTP\/[\d.]+)?" (\d{1,3}) (\S+)/;
/** Lines of AWS's balancer, of IIS (status, sub-status, win32, time) and of gin have their own. */
const ELSEWHERE = [
  /^(?:https?|h2|grpcs?|wss?) \d{4}-\S+Z app\/\S+ \S+ \S+ \S+ \S+ \S+ (\d{3}) /,
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .* (\d{3}) \d{1,3} \d+ \d+$/,
  /^\[GIN\] [^|]*\| +(\d{3}) \|/,
  /\b(?:GET|HEAD|POST|PUT|PATCH|DELETE) \/\S* \((\d{3})\)/,
];
/** The response flags of Envoy as a field of its own. */
const FLAGS_FIELD = /\b\w*response_?flags["']?\s*[:=]\s*["']?([A-Z]{2,6}(?:,[A-Z]{2,6})*)\b/gi;
/** Envoy writes its response flags behind the status. */
const FLAGS = /^[A-Z]{2,6}(?:,[A-Z]{2,6})*$/;

/** Words before a number that make it a status. */
const BEFORE = [
  "\\bHTTP/\\d(?:\\.\\d)?[\"']?",
  "\\b(?:\\w+[_-])?status(?:[ _-]?code)?",
  "\\bresponse[ _-]?code",
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
/** A status behind what was asked: `bad status from https://…: 403`. */
const BEHIND = /\b(?:bad|unexpected|error|wrong) status\b[^\n]{0,120}: ([45]\d\d)\b/gi;
const REASONS = [
  ...["Bad Gateway", "Service (?:Temporarily )?Unavailable", "Gateway Time-?out"],
  ...["Internal Server Error", "Bad Request", "Forbidden", "Not Found", "Request Time-?out"],
  ...["Too Many Requests", "Payload Too Large", "Request Entity Too Large"],
  ...["Misdirected Request", "Client Closed Request", "error"],
];
const WITH_REASON = new RegExp(`\\b([45]\\d\\d)[: (-]*(?:${REASONS.join("|")})\\b`, "gi");

const QUOTED_REASON = new RegExp(`"(?:${REASONS.join("|")})"`, "gi");

/** A line without the reasons of statuses: they say no more than their numbers. */
export function withoutReasons(line: string): string {
  if (OF_REASON.has(line.trim().toLowerCase())) return "";
  return line.replace(WITH_REASON, " ").replace(QUOTED_REASON, " ");
}

/** A line that is a reason and nothing else: what is left of a page without its number. */
const OF_REASON: ReadonlyMap<string, string> = new Map([
  ["bad gateway", "502"],
  ["service unavailable", "503"],
  ["gateway timeout", "504"],
  ["gateway time-out", "504"],
  ["internal server error", "500"],
  ["too many requests", "429"],
]);

/** Short notes such as `502 nginx`: a number beside names, and none of what counts or numbers. */
const NOTE_WORDS_MAX = 3;
const NO_STATUS = /\b(?:port|pid|process|proc|line|id|connections?|bytes|ms|seconds?|listening)\b/i;

/** Statuses from 400 on that a text names, each once. */
export function statusesSaid(text: string): readonly string[] {
  const lines = text.split("\n");
  const access = lines.flatMap(
    (line) => [ACCESS, ...ELSEWHERE].map((one) => one.exec(line)?.[1]).find(Boolean) ?? [],
  );
  if (access.length > 0) return failing(access);
  const called = [CALLED, WITH_REASON, BEHIND]
    .flatMap((how) => [...text.matchAll(how)])
    .flatMap(([, one]) => one ?? []);
  if (called.length > 0) return failing(called);
  const reasons = lines.flatMap((line) => OF_REASON.get(line.trim().toLowerCase()) ?? []);
  if (reasons.length > 0) return failing(reasons);
  const words = text.split(/[\s,]+/).filter(Boolean);
  if (words.length > NOTE_WORDS_MAX || NO_STATUS.test(text)) return [];
  return failing(words);
}

function failing(numbers: readonly string[]): readonly string[] {
  return [...new Set(numbers)].filter((one) => /^[45]\d\d$/.test(one));
}

/** The response flags of access lines of Envoy. */
export function flagsSaid(text: string): readonly string[] {
  const behind = text.split("\n").flatMap((line) => ACCESS.exec(line)?.[2] ?? []);
  const flags = [...behind, ...[...text.matchAll(FLAGS_FIELD)].map(([, one = ""]) => one)];
  return [...new Set(flags)].filter((one) => FLAGS.test(one));
}

const PAGE = /<(?:!doctype html|html|head|title|h1|center|body)\b/i;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  nbsp: " ",
};

/** The words of an error page, a line for each block; any other text as it is. */
export function wordsOfPage(text: string): string {
  if (!PAGE.test(text)) return text;
  return text
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, " ")
    .replace(/<!--[\s\S]*?-->/g, " ")
    .replace(/<\/?(?:title|h\d|p|div|center|hr|br|li|address|tr|body|head|html)\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, " ")
    .replace(/&(#?\w+);/g, (whole, name: string) => entity(name) ?? whole)
    .replace(/[ \t]+/g, " ")
    .replace(/\s*\n\s*/g, "\n")
    .trim();
}

function entity(name: string): string | undefined {
  const code = /^#(\d{2,5})$/.exec(name)?.[1];
  return code === undefined ? ENTITIES[name.toLowerCase()] : String.fromCharCode(Number(code));
}

/** A page that lost its marks when it was copied is short. */
const SIGNED_MAX = 2_000;

export interface PageMaker {
  readonly name: string;
  readonly wrote: RegExp;
  /** Where it says why. */
  readonly log: string;
}

/** Who signs error pages, and how. */
const PAGE_MAKERS: readonly PageMaker[] = [
  {
    name: "nginx",
    wrote: /<hr>\s*<center>(?:nginx|openresty|tengine)\b[^<]*<\/center>/i,
    log: "its error log, at this second: /var/log/nginx/error.log",
  },
  {
    name: "Apache",
    wrote: /<address>\s*Apache\b/i,
    log: "its error log: every page of its own has an AH number there",
  },
  {
    name: "Microsoft Azure Application Gateway",
    wrote: /Microsoft-Azure-Application-Gateway/i,
    log: "Backend health in the portal names the probe's failure of each server",
  },
  {
    name: "AWS ALB",
    wrote: /<center><h1>5\d\d [\w -]+<\/h1><\/center>\s*<\/body>/i,
    log: "the access log of the balancer: target_status_code is - where no target answered",
  },
  {
    name: "HAProxy",
    wrote: /No server is available to handle this request\./i,
    log: "its log: the two letters of the termination state say who ended it",
  },
  {
    name: "IIS",
    wrote: /<title>IIS [\d.]+ Detailed Error|Internet Information Services/i,
    log: "Failed Request Tracing, and the sub-status in its log",
  },
  {
    name: "CloudFront",
    wrote: /Generated by cloudfront \(CloudFront\)/i,
    log: "x-edge-detailed-result-type in its log",
  },
  {
    name: "Cloudflare",
    wrote: /cf-error-details|Cloudflare Ray ID|cloudflare-nginx/i,
    log: "the origin's own log at this second, by the CF-Ray of the page",
  },
  {
    name: "Varnish",
    wrote: /<p>Varnish cache server<\/p>|Guru Meditation/i,
    log: "varnishlog -g request -q 'RespStatus >= 500', by the XID of the page",
  },
  {
    name: "Fastly",
    wrote: /Fastly error:|cache-[a-z]{3}\d+-[A-Z]{3}/,
    log: "its real-time log: fastly_info.state and the reason of the status",
  },
  {
    name: "Heroku",
    wrote: /herokucdn\.com\/error-pages|<title>Application [Ee]rror<\/title>/,
    log: "heroku logs --tail: the router's line has an H code",
  },
  {
    name: "Vercel",
    wrote: /(?:FUNCTION|DEPLOYMENT|ROUTER|DNS|NO_RESPONSE)_[A-Z_]+[\s\S]*vercel/i,
    log: "the log of the function, by the ID of the page",
  },
  {
    name: "Netlify",
    wrote: /Netlify (?:Internal ID|ID)|netlify\.(?:app|com)/i,
    log: "the log of functions and the edge, by x-nf-request-id",
  },
  { name: "Fly", wrote: /fly\.io/i, log: "fly logs: its proxy's line has a code (PR, PC, PU)" },
  { name: "Render", wrote: /render\.com/i, log: "the events and the log of the service" },
  {
    name: "Railway",
    wrote: /railway\.(?:app|com)/i,
    log: "the log of the deployment, and the port in its settings",
  },
  {
    name: "Azure App Service",
    wrote: /azurewebsites|Microsoft Azure (?:Web App|App Service)/i,
    log: "az webapp log tail: the container's own log",
  },
  {
    name: "Azure Front Door",
    wrote: /Azure Front Door|Our services aren't available right now/i,
    log: "errorInfo of its access log, by the reference of the page",
  },
  {
    name: "Google",
    wrote: /<title>Error 50\d \(Server Error\)!!1<\/title>|That’s an error\./i,
    log: "statusDetails of the load balancer's log",
  },
  {
    name: "Kong",
    wrote: /<p>Kong Error<\/p>|Kong Error/,
    log: "its error log, whose lines are those of nginx",
  },
];

/** Who made an error page; null where it does not say. */
export function makerOfPage(text: string): PageMaker | null {
  if (!PAGE.test(text) && text.length > SIGNED_MAX) return null;
  return PAGE_MAKERS.find(({ wrote }) => wrote.test(text)) ?? null;
}
