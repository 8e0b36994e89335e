/**
 * Explains the head of an answer: status line and fields, as `curl -sI` prints them.
 *
 * The first question is who made the answer: a proxy says so in Proxy-Status, a cloud in fields of
 * its own, and an application in none of them.
 */
import { type FailureCode, isFailureCode } from "../../catalog/failures.js";
import { type Explanation, explainFailure, explanation } from "./explanation.js";
import {
  type ProxyStatusMember,
  readDetails,
  readProxyStatus,
  routeInWords,
} from "./proxy-status-field.js";
import { failuresBehind, statusMeaning } from "./statuses.js";
import { explainProxyError, explainWord } from "./words.js";

export interface PastedHead {
  readonly status: number | null;
  /** By lower-case name; several values are joined with a comma. */
  readonly fields: ReadonlyMap<string, string>;
  /** What else it says: the reason of its status, its fields of errors, and the text below it. */
  readonly said: readonly string[];
}

const STATUS_LINE = /^[<\s]*HTTP\/\d(?:\.\d)? ([1-9]\d\d)\b/;
const FIELD_LINE = /^[<\s]*([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/;
/** A log line may look like one field; a head has a status or one of these. */
const TELLING = new Set(["proxy-status", "server", "via", "retry-after", "cf-ray", "x-cache"]);

/** Fields in which platforms say what failed. */
const SAYS_WHY = /error|failure|routing/i;

/** The head in a text, null when it is none. The last one counts when there are several. */
export function readHead(text: string): PastedHead | null {
  let status: number | null = null;
  let fields = new Map<string, string>();
  let said: string[] = [];
  let isBody = false;
  for (const line of text.split(/\r?\n/)) {
    const [, code] = STATUS_LINE.exec(line) ?? [];
    if (code !== undefined) {
      status = Number(code);
      fields = new Map();
      said = [line.replace(/^.*?(?=[1-9]\d\d\b)/, "")];
      isBody = false;
      continue;
    }
    isBody ||= status !== null && line.trim() === "";
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    const isField = name !== undefined && value !== undefined;
    if (!isField || isBody || SAYS_WHY.test(name)) said.push(line);
    if (name === undefined || value === undefined) continue;
    const before = fields.get(name.toLowerCase());
    fields.set(
      name.toLowerCase(),
      before === undefined ? value.trim() : `${before}, ${value.trim()}`,
    );
  }
  const telling = status !== null || [...fields.keys()].some((name) => TELLING.has(name));
  return telling ? { status, fields, said } : null;
}

/** Everything that a head reveals, the most informative first. */
export function explainHead({
  status,
  fields,
}: Pick<PastedHead, "status" | "fields">): readonly Explanation[] {
  const members = readProxyStatus(fields.get("proxy-status") ?? "");
  const found = members.flatMap(explainMember);
  if (found.length > 0) return found;
  const maker = makerOf(status, fields);
  if (status === null) return maker;
  if (maker.length > 0) return maker;
  if (status < 400) {
    return [explanation(`status ${status}`, "This is an answer, not a failure.", [])];
  }
  return explainWord(String(status));
}

function explainMember({ proxy, parameters }: ProxyStatusMember): readonly Explanation[] {
  const type = parameters.get("error");
  const details = readDetails(parameters.get("details") ?? "");
  const code = details.get("code") ?? "";
  const received = parameters.get("received-status");
  const said = detailsInWords(details);
  if (isFailureCode(code)) {
    const { meaning, ...rest } = explainFailure(code, `${code}, reported by "${proxy}"`);
    return [{ ...rest, meaning: [meaning, ...said].join(" ") }];
  }
  if (type !== undefined) {
    const known = explainProxyError(type);
    if (known.length > 0) {
      return known.map((one) => ({ ...one, recognised: `${type}, reported by "${proxy}"` }));
    }
    const meaning = "An error type that RFC 9209 does not define; the proxy's manual has it.";
    return [explanation(`${type}, reported by "${proxy}"`, meaning, [])];
  }
  if (received === undefined) return [];
  const status = Number(received);
  const meaning =
    `"${proxy}" passed on what it received: the ${received} was made behind it, by the ` +
    "application or by a further proxy.";
  return [explanation(`received-status=${received}`, meaning, status >= 400 ? behind(status) : [])];
}

/** Only what an upstream answers by itself. */
function behind(status: number) {
  return failuresBehind(status).filter((code) => code.startsWith("received_"));
}

function detailsInWords(details: ReadonlyMap<string, string>): readonly string[] {
  const attempts = details.get("attempts");
  const stopped = details.get("stopped");
  const said = [
    ...routeInWords(details),
    ...(attempts === undefined ? [] : [`Attempts made: ${attempts}.`]),
  ];
  if (stopped === undefined) return said;
  const [why] = explainWord(stopped);
  return [...said, `No further one: ${why?.meaning ?? stopped}`];
}

interface Maker {
  readonly name: string;
  readonly wrote: (fields: ReadonlyMap<string, string>) => boolean;
  /** What its own error answer looks like, against one that it passes on. */
  readonly note: string;
  /** What is behind its own answers most often; otherwise as everywhere. */
  readonly first?: Readonly<Record<number, readonly FailureCode[]>>;
}

const server =
  (pattern: RegExp) =>
  (fields: ReadonlyMap<string, string>): boolean =>
    pattern.test(fields.get("server") ?? "");

const MAKERS: readonly Maker[] = [
  {
    name: "Cloudflare",
    wrote: (fields) => fields.has("cf-error-type") || server(/^cloudflare/i)(fields),
    note:
      "cf-error-type or cf-error-origin is only on answers that Cloudflare made itself; without " +
      "them a plain 502 or 504 most often comes from the origin.",
  },
  {
    name: "AWS ALB",
    wrote: server(/^awselb/i),
    note: "Server: awselb is on answers that the balancer made itself: no target answered.",
    first: {
      502: ["stale_connection", "connection_terminated", "connection_refused"],
      503: ["no_healthy_target"],
      504: ["http_response_timeout", "connection_timeout"],
    },
  },
  {
    name: "Google Cloud load balancer",
    wrote: (fields) => /1\.1 google/.test(fields.get("via") ?? ""),
    note: "statusDetails in the balancer's log says who made it.",
  },
  {
    name: "Envoy",
    wrote: server(/^(?:envoy|istio-envoy)/i),
    note: "x-envoy-upstream-service-time is only there when the upstream answered.",
  },
  {
    name: "nginx",
    wrote: server(/^(?:nginx|openresty)/i),
    note: "nginx puts its own name on every answer; its error log says whether it made this one.",
  },
  {
    name: "Apache",
    wrote: server(/^apache/i),
    note: "Its error log has an AH number for every answer that it made itself.",
  },
  {
    name: "Azure Application Gateway",
    wrote: server(/^microsoft-azure-application-gateway/i),
    note: "This Server field is on answers that the gateway made itself: see its backend health.",
    first: { 502: ["no_healthy_target", "connection_refused", "tls_certificate_error"] },
  },
  {
    name: "Azure Front Door",
    wrote: (fields) => fields.has("x-azure-ref"),
    note: "x-azure-externalerror, or errorInfo of its log by x-azure-ref, says what failed.",
  },
  {
    name: "CloudFront",
    wrote: (fields) => /cloudfront/i.test(fields.get("x-cache") ?? fields.get("via") ?? ""),
    note: "X-Cache: Error from cloudfront is on errors of its own and of the origin's.",
  },
  {
    name: "Fastly",
    wrote: (fields) => /^cache-/.test(fields.get("x-served-by") ?? ""),
    note: "Its own errors have the reason in the status line: 503 first byte timeout.",
  },
  {
    name: "Varnish",
    wrote: (fields) => fields.has("x-varnish"),
    note: "varnishlog -g request -q 'RespStatus >= 500' has the FetchError.",
  },
  {
    name: "Heroku",
    wrote: (fields) => /vegur|heroku/i.test(`${fields.get("via")} ${fields.get("server")}`),
    note: "Its router's log has a code (H10 to H99) for every answer that it made itself.",
  },
  {
    name: "Vercel",
    wrote: (fields) => fields.has("x-vercel-id"),
    note: "x-vercel-error names what failed; the id finds it in the log.",
  },
  {
    name: "Netlify",
    wrote: (fields) => fields.has("x-nf-request-id"),
    note: "x-nf-request-id finds the request in its function and edge logs.",
  },
  {
    name: "Fly",
    wrote: (fields) => fields.has("fly-request-id"),
    note: "fly logs has a code of its proxy (PR, PC, PU) for what it answered itself.",
  },
  {
    name: "Render",
    wrote: (fields) => fields.has("x-render-origin-server") || fields.has("rndr-id"),
    note: "Without x-render-origin-server its router made the answer.",
  },
  {
    name: "Railway",
    wrote: (fields) => fields.has("x-railway-edge") || fields.has("x-railway-request-id"),
    note: "X-Railway-Fallback: true is on answers that its edge made itself.",
  },
  {
    name: "Kong",
    wrote: (fields) => server(/^kong/i)(fields) || fields.has("x-kong-request-id"),
    note: "X-Kong-Upstream-Latency is only there when the upstream answered.",
  },
  {
    name: "Linkerd",
    wrote: (fields) => fields.has("l5d-proxy-error"),
    note: "l5d-proxy-error says what its proxy could not do.",
    first: { 503: ["no_healthy_target"], 502: ["connection_refused"] },
  },
  {
    name: "gorouter",
    wrote: (fields) => fields.has("x-cf-routererror"),
    note: "X-Cf-RouterError says why: unknown_route, no_endpoints, endpoint_failure.",
  },
  {
    name: "Akamai",
    wrote: server(/^akamaighost/i),
    note: "Server: AkamaiGHost is on answers that the edge made itself; the page has a reference.",
  },
  {
    name: "IIS",
    wrote: server(/^microsoft-(?:iis|httpapi)/i),
    note: "Failed Request Tracing and the sub-status (502.3) in its log say who failed.",
  },
  {
    name: "lighttpd",
    wrote: server(/^lighttpd/i),
    note: "Its error log has the reason of every 503 of a backend.",
  },
  {
    name: "Caddy",
    wrote: server(/^caddy/i),
    note: "Its log has the reason of every 502 that it made itself.",
  },
];

function makerOf(
  status: number | null,
  fields: ReadonlyMap<string, string>,
): readonly Explanation[] {
  const maker = MAKERS.find(({ wrote }) => wrote(fields));
  if (maker === undefined || (status !== null && status < 400)) return [];
  const name = status === null ? "an answer" : `status ${status}`;
  const meaning = status === null ? maker.note : `${statusMeaning(status) ?? ""} ${maker.note}`;
  const failures = status === null ? [] : failuresOf(status, maker);
  return [explanation(`${name}, passed through ${maker.name}`, meaning.trim(), failures)];
}

/** A status of the maker's own (520, 460) says more than the same number elsewhere. */
function failuresOf(status: number, { name, first }: Maker): readonly FailureCode[] {
  const own = explainWord(String(status)).find(({ recognised }) => recognised.startsWith(name));
  if (own !== undefined) return own.failures;
  return [...new Set([...(first?.[status] ?? []), ...failuresBehind(status)])];
}
