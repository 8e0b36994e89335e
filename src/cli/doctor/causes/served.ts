/**
 * Causes that show although an answer came: errors that the server answers itself, connections that
 * are closed too early, heads that are too large for what stands in front, a process near its end.
 */
import { FAILURES } from "../../../catalog/failures.js";
import { classifyResponse } from "../../../core/classify.js";
import { fault, inMiB, note, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import { explainHead } from "../../explain/head.js";
import type { Facts } from "../facts/facts.js";
import { keptMsOf, POOL_IDLE_MS } from "../facts/steps.js";
import { crashed, filesUsedUp } from "./answers.js";
import { bannerOf } from "./banners.js";
import { shownByPhp } from "./php-pages.js";

export function servedCauses(facts: Facts): readonly Finding[] {
  if (facts.first?.answer == null || facts.first.code !== null) return processCauses(facts);
  return [
    ...statusCauses(facts),
    ...redirectCauses(facts),
    ...refusalCauses(facts),
    ...repeatCauses(facts),
    ...healthCauses(facts),
    ...keepAliveCauses(facts),
    ...headSizeCauses(facts),
    ...processCauses(facts),
  ];
}

function statusCauses({ first, endpoint }: Facts): readonly Finding[] {
  if (first?.answer == null) return [];
  const { status, headers } = first.answer;
  const banner = bannerOf(first.bodyText);
  if (banner !== null) {
    return [
      fault({
        cause: banner.cause,
        layer: "head",
        code: "http_protocol_error",
        blame: "proxy",
        title: `Port ${endpoint.port} speaks ${banner.speaks}, not HTTP.`,
        evidence: [`it says: ${excerpt(first.bodyText)}`],
        fix: banner.fix,
      }),
    ];
  }
  if (status === 400 && /plain HTTP request was sent to HTTPS port/i.test(first.bodyText)) {
    return [
      fault({
        cause: "http_to_tls_port",
        layer: "secure",
        code: "tls_protocol_error",
        blame: "proxy",
        title: `Port ${endpoint.port} speaks TLS, and http:// is asked of it.`,
        evidence: ["the server says so itself, with status 400"],
        fix: `Write https://${endpoint.authority}.`,
      }),
    ];
  }
  const php = shownByPhp(endpoint.path, status, first.bodyText);
  if (php !== null) return [php];
  const code = classifyResponse(status, headers["retry-after"] !== undefined);
  if (code === null || status < 500) return [];
  const fields = new Map(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
  const [who] = explainHead({ status, fields });
  const byFront = status >= 502 && status <= 504 && isFront(fields);
  return [
    fault({
      cause: byFront ? "front_answers_error" : "application_answers_error",
      layer: "head",
      code: who?.failures[0] ?? code,
      blame: byFront ? "upstream" : FAILURES[code].blame,
      confidence: byFront ? "possible" : "likely",
      title: byFront
        ? `A proxy answers ${status}: what is behind it failed, and the proxy knows why.`
        : `The application itself answers ${status}.`,
      evidence: said(
        `GET ${endpoint.path}: ${status}`,
        headers["retry-after"] !== undefined && `Retry-After: ${headers["retry-after"]}`,
        !byFront && first.bodyText !== "" && `it says: ${excerpt(first.bodyText)}`,
        byFront && who?.recognised,
        byFront && who?.meaning,
      ),
      fix: byFront
        ? "Point the doctor at its configuration (good-gateway doctor nginx.conf), or explain " +
          "its log."
        : "Its own log has the reason: look at this second.",
    }),
  ];
}

const EXCERPT_CHARACTERS = 160;

/** The first words of a page, without its markup. */
function excerpt(body: string): string {
  const text = body.replace(/<(?:style|script)[\s\S]*?<\/(?:style|script)>|<[^>]*>/gi, " ");
  const words = text.replace(/\s+/g, " ").trim();
  return words.length > EXCERPT_CHARACTERS ? `${words.slice(0, EXCERPT_CHARACTERS)}…` : words;
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** An answer that sends a client back to where it is. */
function redirectCauses({ first, endpoint }: Facts): readonly Finding[] {
  const { status = 0, headers = {} } = first?.answer ?? {};
  const to = String(headers["location"] ?? "");
  if (!isRedirect(status) || to === "") return [];
  const here = `${endpoint.protocol}://${endpoint.authority}${endpoint.path}`;
  const target = URL.canParse(to, here) ? new URL(to, here).href : to;
  const evidence = [`GET ${endpoint.path}: ${status}, Location: ${to}`];
  if (URL.canParse(here) && target === new URL(here).href) {
    return [
      fault({
        cause: "redirect_loop",
        layer: "head",
        code: "loop_detected",
        blame: "upstream",
        title: "The answer sends every client back to the same address: it never ends.",
        evidence,
        fix: "Look at what it wants to see (a cookie, a host name, a scheme) and does not get.",
      }),
    ];
  }
  if (target.replace(/^https:/, "http:") !== here) return [];
  return [
    warning({
      cause: "redirects_to_https",
      layer: "head",
      code: "loop_detected",
      blame: "proxy",
      title: "It sends every client to https: behind a front that ends TLS this is a loop.",
      evidence,
      fix: "Pass on the scheme of the client, and let it trust that field:",
      write: "proxy_set_header X-Forwarded-Proto $scheme;",
    }),
  ];
}

const BAD_REQUEST = 400;
const NOT_FOUND = 404;
const MISDIRECTED = 421;
const HEADER_TOO_LARGE = 431;

/** Answers that say that the request was not one for this application. */
function refusalCauses({ first, endpoint, otherHost, otherPath }: Facts): readonly Finding[] {
  const status = first?.answer?.status ?? 0;
  if (otherHost !== null || otherPath !== null || first === null) return [];
  const evidence = said(
    `GET ${endpoint.path}, Host: ${endpoint.authority}: ${status}`,
    first.bodyText !== "" && `it says: ${excerpt(first.bodyText)}`,
  );
  if (
    /host (?:is )?not allowed|invalid host|blocked request|DisallowedHost/i.test(first.bodyText)
  ) {
    return status < BAD_REQUEST ? [] : [unknownHost(endpoint, status, evidence)];
  }
  if (status === MISDIRECTED) return [unknownHost(endpoint, status, evidence)];
  if (status === HEADER_TOO_LARGE) {
    return [
      warning({
        cause: "request_head_too_large",
        layer: "request",
        code: "request_header_too_large",
        title: "It refuses even a small request for its head: its limit is very low.",
        evidence,
        fix: "Raise --max-http-header-size in Node, or the limit of the server in front of it.",
      }),
    ];
  }
  if (status !== NOT_FOUND) return [];
  return [
    note({
      cause: "path_not_found",
      layer: "head",
      code: "destination_not_found",
      blame: "proxy",
      title: `It answers 404 at ${endpoint.path}: alive, and without such a path.`,
      evidence,
      fix: `Ask for a path that it has, in place of ${endpoint.path}.`,
    }),
  ];
}

function unknownHost(
  { authority }: Facts["endpoint"],
  status: number,
  evidence: readonly string[],
): Finding {
  return fault({
    cause: "host_field_wrong",
    layer: "config",
    blame: "proxy",
    code: "destination_not_found",
    title: `The application does not know the host "${authority}": it answers ${status}.`,
    evidence,
    fix: "Send the name that it is made for, or allow this one in its settings:",
    write: "proxy_set_header Host $host;",
  });
}

function isFront(fields: ReadonlyMap<string, string>): boolean {
  const server = fields.get("server") ?? "";
  return (
    fields.has("proxy-status") ||
    fields.has("via") ||
    /^(?:nginx|openresty|apache|haproxy|cloudflare|awselb|envoy|istio|caddy|traefik)/i.test(server)
  );
}

/** The first answer was good, and a later one was not. */
function repeatCauses(facts: Facts): readonly Finding[] {
  const { second, third, endpoint } = facts;
  if (third !== null && third.answer === null) {
    const evidence = [`the first GET ${endpoint.path} was answered, a later one: ${third.code}`];
    const crash = crashed(facts);
    if (crash !== null) return [crash(evidence)];
    return [
      fault({
        cause: "answers_only_sometimes",
        layer: "head",
        code: third.code ?? "connection_terminated",
        confidence: "likely",
        title: "It answers one request and fails the next.",
        evidence,
        fix: "Look for a crash after each request, or for several instances of which one is ill.",
      }),
    ];
  }
  const crash = crashed(facts);
  if (crash !== null) {
    // It may live long enough to answer more than once.
    return [crash([`GET ${endpoint.path} was answered, and the process ended after it`])];
  }
  if (second === null || second.answer !== null) return [];
  return [
    fault({
      cause: "kept_connection_fails",
      layer: "keep_alive",
      code: "stale_connection",
      title: "The second request on a kept connection fails, although the server had kept it.",
      evidence: [`GET ${endpoint.path} on the same connection: ${second.errno ?? second.code}`],
      fix: "Let the server say Connection: close when it is going to close.",
    }),
  ];
}

function healthCauses({ health }: Facts): readonly Finding[] {
  if (health === null) return [];
  const { path, exchanged } = health;
  const status = exchanged.answer?.status;
  if (status !== undefined && status >= 200 && status < 300) return [];
  const redirect = status !== undefined && status >= 300 && status < 400;
  return [
    fault({
      cause: redirect ? "health_path_redirects" : "health_path_fails",
      layer: "health",
      code: "no_healthy_target",
      blame: status === 404 || redirect ? "proxy" : "upstream",
      title: `The health path ${path} answers ${status ?? exchanged.errno ?? "nothing"}.`,
      evidence: said(exchanged.bodyText.slice(0, 200)),
      fix:
        status === 404
          ? "Correct the path in the health check, or serve it (healthHandler)."
          : "A balancer wants exactly 200: no redirect, no login. The body says what is down.",
    }),
  ];
}

function keepAliveCauses({ first, idleCloseMs }: Facts): readonly Finding[] {
  const toldMs = keptMsOf(first);
  const keptMs = toldMs ?? idleCloseMs;
  if (keptMs === null || keptMs >= POOL_IDLE_MS) return [];
  return [
    warning({
      cause: "keep_alive_too_short",
      layer: "keep_alive",
      code: "stale_connection",
      title:
        `It closes idle connections after ${Math.round(keptMs / 1_000)} s, and the pools ` +
        "of nginx, " +
        "ALB and others keep them for 60 s: the race gives 502s.",
      evidence: said(
        toldMs !== null && `Keep-Alive: timeout=${toldMs / 1_000}`,
        toldMs === null && `an idle connection was closed after ${Math.round(keptMs)} ms`,
      ),
      fix:
        "server.keepAliveTimeout = 65_000 (above the pool in front), or " +
        'behind: "nginx" with good-gateway.',
    }),
  ];
}

/** The page of memory that nginx reads a head into, unless configured otherwise. */
const NGINX_HEAD_BYTES = 4_096;
const FIELD_BYTES = 8_190;

function headSizeCauses({ first }: Facts): readonly Finding[] {
  if (first?.answer == null) return [];
  const { headBytes, largestField } = first.answer;
  if (headBytes <= NGINX_HEAD_BYTES && largestField.bytes <= FIELD_BYTES) return [];
  return [
    warning({
      cause: "head_large_for_fronts",
      layer: "head",
      code: "http_response_header_section_size",
      title:
        `The head of the answer has ${headBytes} bytes: more than nginx reads by default ` +
        "(4 KiB).",
      evidence: [`largest field: ${largestField.name}, ${largestField.bytes} bytes`],
      fix: "Make that field smaller, or raise proxy_buffer_size in nginx.",
      write: "proxy_buffer_size 16k; proxy_buffers 8 16k;",
    }),
  ];
}

/** Share of its files or its memory from which on a process is near its end. */
const NEAR = 0.9;
const RESTARTS_MANY = 5;

function processCauses({ local }: Facts): readonly Finding[] {
  if (local === null) return [];
  const { cgroup, managed, overflows, onPort, processAfter: seen } = local;
  const findings: Finding[] = [];
  // The kernel counts for the whole machine; it is of interest where this queue is not empty.
  if (overflows !== null && overflows.during > 0 && (onPort[0]?.waiting ?? 0) > 0) {
    findings.push(
      warning({
        cause: "accept_queue_overflows",
        layer: "connect",
        code: "connection_timeout",
        blame: "overload",
        title: "Accept queues of this machine overflow: the kernel drops new connections.",
        evidence: [
          `${overflows.during} while this was looked at, ${overflows.sinceBoot} since the boot`,
        ],
        fix: "Find the queue that is full (Recv-Q above Send-Q), and what keeps its program busy:",
        write: "ss -ltn | awk '$2 > $3'; nstat -az TcpExtListenOverflows TcpExtListenDrops",
      }),
    );
  }
  if (
    seen?.openFiles != null &&
    seen.openFilesMax !== null &&
    seen.openFiles > seen.openFilesMax * NEAR &&
    filesUsedUp(seen) === null
  ) {
    findings.push(
      warning({
        cause: "files_nearly_used_up",
        layer: "process",
        code: "local_resources_exhausted",
        title: `Process ${seen.pid} has ${seen.openFiles} of ${seen.openFilesMax} files open.`,
        evidence: [seen.command],
        fix:
          "Raise LimitNOFILE (systemd) or ulimit -n, and look for sockets that are " +
          "never closed.",
      }),
    );
  }
  if (cgroup !== null && cgroup.oomKills > 0) {
    findings.push(
      warning({
        cause: "was_killed_for_memory",
        layer: "process",
        code: "connection_terminated",
        title: `The kernel has killed for memory in this cgroup ${cgroup.oomKills} times.`,
        evidence: said(cgroup.memoryBytesMax !== null && `limit ${inMiB(cgroup.memoryBytesMax)}`),
        fix: "Raise the limit, or find what grows: a heap snapshot before and after.",
      }),
    );
  }
  const own = managed.find(
    ({ pid }) => pid !== null && (pid === seen?.pid || pid === seen?.parentPid),
  );
  if (own !== undefined && (own.restarts ?? 0) >= RESTARTS_MANY) {
    findings.push(
      warning({
        cause: "restarts_often",
        layer: "process",
        code: "connection_refused",
        title: `${own.manager} has restarted "${own.name}" ${own.restarts} times.`,
        evidence: said(own.lastEnd),
        fix: "Each restart refuses requests: its log has the reason of each end.",
      }),
    );
  }
  return findings;
}
