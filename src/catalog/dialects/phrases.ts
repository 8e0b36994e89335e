/**
 * Words for failures that any program may use: what is read in a line that no dialect knows.
 *
 * A phrase is two groups of words near each other, in either order: what it is about (a
 * certificate, a name, a probe), and what is wrong with it. The first that fits wins, so those that
 * say most come first.
 */
import type { FailureCode } from "../failures.js";
import type { Dialect, ForeignTerm } from "./foreign-term.js";

/** Words between the two groups, in characters. */
const NEAR_MAX = 60;

const near = (about: string, wrong: string): RegExp => {
  const between = `[^;\\n]{0,${NEAR_MAX}}`;
  const [a, b] = [`\\b(?:${about})`, `\\b(?:${wrong})`];
  return new RegExp(`${a}${between}?${b}|${b}${between}?${a}`, "i");
};

const CLIENT = "(?<!http[ -])client|browser|downstream|viewer|caller|user agent|remote user";
const PLACE =
  "server|upstream|backend|origin|target|host|peer|service|instance|endpoint|app|application|" +
  "container|function|worker|machine|replica|pod|task|node|dyno|destination|cluster|member";
const CANNOT =
  "could(?: not|n't)|cannot|can't|unable|fail(?:s|ed|ure|ing)?|error|not|no|unknown|refused|" +
  "wasn't|isn't|didn't";
const BROKE =
  "closed|dropped|lost|terminated|aborted|broken?|hung up|ended|prematurely|unexpectedly|" +
  "disconnect(?:ed|s)?|reset";
const LATE =
  "time[sd]?[- ]?out|timing out|timeout|time limit|deadline|too long|within \\d+|" +
  "longer than|no (?:response|answer|reply)|exceeded \\d+|stalled";

const TOO_LARGE_HEAD = near(
  "headers?|cookies?|header fields?|request line|URI",
  "too (?:large|big|long|many)|exceed\\w*|limit|maximum",
);

interface Phrase {
  readonly about: string;
  readonly match: RegExp | readonly RegExp[];
  readonly meaning: string;
  readonly failures: readonly FailureCode[];
  readonly remedies: readonly string[];
}

const PHRASES: readonly Phrase[] = [
  {
    about: "disk, memory or file descriptors",
    match: [
      /no space left|disk (?:is )?full|quota exceeded on disk|file-?max|no buffer space/i,
      /cannot allocate memory|too many open files|out of file descriptors|ephemeral ports?/i,
    ],
    meaning: "The machine of this program has no room, memory, descriptor or port left.",
    failures: ["local_resources_exhausted"],
    remedies: ["df -h, free -m, ls /proc/PID/fd | wc -l, ss -s on that machine."],
  },
  {
    about: "a process that ran out of memory",
    match: near("memory|heap", "out of|exceed(?:ed|s|ing)?|exhausted|killed|limit|insufficient"),
    meaning: "A process had no memory left, and was killed or ended.",
    failures: ["connection_terminated", "connection_refused", "http_response_incomplete"],
    remedies: ["Compare its limit with what it uses at its busiest; look for a leak."],
  },
  {
    about: "a client that left",
    match: [
      new RegExp(
        `\\b(?:${CLIENT})s? (?:has |have |was |had |side )?(?:already |prematurely )?` +
          "(?:disconnect|abort|cancel|hung up|went away|left|closed|gone|reset|terminat)",
        "i",
      ),
      new RegExp(`(?:disconnect|abort|cancel|closed|terminat|reset)\\w* by (?:the )?(?:${CLIENT})`),
      /\b(?:request|call|stream|query) (?:was |has been |is )?(?:cancell?ed|aborted)\b/i,
    ],
    meaning: "The client, or the proxy in front, left before the answer.",
    failures: ["client_closed_request"],
    remedies: ["Its timeout is shorter than the answer takes, or a person left the page."],
  },
  {
    about: "an expired certificate",
    match: near("certificates?|cert|x509", "expired?|expiration|not yet valid|out of date"),
    meaning: "A certificate is not valid at this time.",
    failures: ["tls_certificate_expired", "tls_certificate_error"],
    remedies: ["openssl s_client -connect HOST:PORT -servername HOST shows its dates; renew it."],
  },
  {
    about: "a certificate",
    match: near(
      "certificates?|certs?|x509|trust ?store|(?:root|intermediate) CA",
      "verif\\w+|trust\\w*|untrusted|unknown|invalid|not valid|mis-?match\\w*|match\\w*|missing|" +
        "self[- ]signed|reject\\w*|does not|unable|incomplete|fail\\w*|common name|SAN",
    ),
    meaning: "A certificate is not accepted: its name, its chain, or the authority behind it.",
    failures: ["tls_certificate_error", "tls_certificate_expired"],
    remedies: ["The name that is dialled must be in it; serve the chain; trust its authority."],
  },
  {
    about: "a WebSocket or an upgrade",
    match: near(
      "web ?sockets?|upgrade|\\b101\\b|wss?://",
      "fail\\w*|refus\\w*|reject\\w*|not|missing|unexpected|error|bad|invalid|without|required",
    ),
    meaning: "The connection was not switched to WebSocket.",
    failures: ["http_upgrade_failed", "upgrade_refused", "bad_request"],
    remedies: ["Each proxy on the path must pass Upgrade and Connection on, over HTTP/1.1."],
  },
  {
    about: "TLS",
    match: near(
      "TLS|SSL|handshake|SNI|ALPN|cipher",
      "fail\\w*|errors?|alert|wrong|unexpected|closed|refused|mis-?match|unsupported|could not|" +
        "unable|abort\\w*|plain|not",
    ),
    meaning:
      "TLS failed: one side speaks plain HTTP, or the two have no version or name in common.",
    failures: ["tls_protocol_error", "tls_alert_received", "tls_certificate_error"],
    remedies: ["https:// only for a port that speaks TLS; send the server's own name as SNI."],
  },
  {
    about: "a name server that does not answer",
    match: near("DNS|resolver|name ?servers?|lookup|resol(?:ve|ving|ution)", LATE),
    meaning: "A name server did not answer in time.",
    failures: ["dns_timeout", "dns_error"],
    remedies: ["dig NAME @SERVER from the same machine or container."],
  },
  {
    about: "a name",
    match: near(
      "DNS|resol(?:ve[ds]?|ving|ution)|lookup|NXDOMAIN|host ?names?|domain ?names?|name servers?",
      `${CANNOT}|NXDOMAIN|SERVFAIL|not found|empty|no address|missing`,
    ),
    meaning: "A host name has no address, or its name server failed.",
    failures: ["dns_name_not_found", "dns_error", "dns_timeout"],
    remedies: ["getent hosts NAME on the machine, and inside the container, that asks."],
  },
  {
    about: "a refused connection",
    match: [near("connect\\w*|socket|dial\\w*|port", "refused|refuses|actively refused")],
    meaning: "The host answers, but nothing listens on that port.",
    failures: ["connection_refused"],
    remedies: ["ss -ltnp on the host of the server: is it running, on this address and port?"],
  },
  {
    about: "a route to a host",
    match: near("host|network|address|destination|route|subnet", "unreachable|no route"),
    meaning: "There is no way to the address: a route, a firewall, a wrong network.",
    failures: ["destination_ip_unroutable", "connection_timeout"],
    remedies: ["ip route get ADDRESS, and the firewall or security group on both sides."],
  },
  {
    about: "a connection that is not made in time",
    match: near("connect(?:ing|ion|s)?|dial\\w*|SYN|TCP|establish\\w*", LATE),
    meaning: "No connection in time: packets are dropped, or the server accepts none.",
    failures: ["connection_timeout", "http_response_timeout", "connection_refused"],
    remedies: ["nc -vz HOST PORT from the same place; firewalls and security groups."],
  },
  {
    about: "a health check",
    match: [
      near(
        "health\\w*(?: ?checks?)?|probes?|readiness|liveness|heart-?beats?|pings?",
        `fail\\w*|unhealthy|not ready|down|bad|${LATE}|non-?200|unexpected|invalid|incorrect`,
      ),
      /\bunhealthy\b|\bnot (?:yet )?(?:healthy|ready|registered|in use)\b|\bderegist(?:er|rat)/i,
      new RegExp(
        "\\bno (?:healthy|available|active|live|running|ready|alive|usable|valid|reachable|" +
          `registered) (?:${PLACE})|\\bno (?:${PLACE})s? (?:is |are |were )?(?:available|healthy|` +
          "running|alive|registered|ready|left)",
        "i",
      ),
      new RegExp(
        `\\b(?:all|every|each) (?:of )?(?:the )?(?:\\w+ )?(?:${PLACE})s? (?:is |are |were )?` +
          "(?:down|unhealthy|unavailable|dead|offline|out of service|failed)",
        "i",
      ),
      new RegExp(
        `\\b(?:${PLACE})s?\\b[^;\\n]{0,30} (?:is |are |was |were |been )?(?:marked |taken )?` +
          "(?:as )?(?:unavailable|offline|out of (?:service|rotation)|ejected|evicted|down)\\b",
        "i",
      ),
    ],
    meaning: "No server is seen as healthy, so none gets requests.",
    failures: ["no_healthy_target", "connection_refused", "http_response_timeout"],
    remedies: ["Ask the check's own path at the server, with its Host: which status, how fast?"],
  },
  {
    about: "a process that died at its work",
    match: near(
      "workers?|child(?:ren)?|thread|dyno|(?<!start\\w{0,4} )container|pod",
      "died|killed|crashed|signal \\d+|SIG(?:KILL|SEGV|ABRT|BUS)|segfault\\w*|core dumped|" +
        "panic\\w*|exited prematurely",
    ),
    meaning: "A process ended while it served requests; these were cut.",
    failures: ["connection_terminated", "connection_refused", "http_response_incomplete"],
    remedies: ["Its own log and dmesg at this second: a crash, no memory, a limit, a restart."],
  },
  {
    about: "a server that does not start",
    match: [
      near(
        `process|script|program|${PLACE}`,
        "crash\\w*|exit(?:ed|s|ing)?|killed|died|panic\\w*|segfault|SIG[A-Z]{3,}|not running|" +
          "stopped|(?:fail\\w*|not|unable) to (?:start|boot|listen|bind)|" +
          "did not (?:start|listen)|" +
          "restart(?:ed|ing)|not listening|not started",
      ),
      /\bnpm ERR!|missing script|failed to (?:load|boot|import|spawn|exec)|permission denied @/i,
      /(?:cannot|can't|could not) find module|module ?not ?found|no module named/i,
      /command not found/i,
      /^\W*exit(?:ed|s)?(?: with)? (?:status|code|error)[ :=]*[1-9]/i,
      near("bind\\w*|listen\\w*|port", "in use|already|fail\\w*|permission|denied"),
    ],
    meaning: "The server does not run: it does not start, or it ended.",
    failures: ["connection_refused", "connection_terminated", "no_healthy_target"],
    remedies: ["Its own log just before has the error; then compare the port that it listens on."],
  },
  {
    about: "an answer that broke off",
    match: near(
      "response|body|content|download|transfer|chunk\\w*|stream|data",
      "truncated|incomplete|partial\\w*|short(?:er)?|cut|broke|interrupted|premature\\w*|" +
        "bytes missing",
    ),
    meaning: "The answer ended before it was complete.",
    failures: ["http_response_incomplete", "connection_reset_in_body", "connection_terminated"],
    remedies: ["The server's own log at this second: a crash, a restart, a limit on time or size."],
  },
  {
    about: "an answer whose head is too large",
    match: new RegExp(
      "^(?=.*\\b(?:respon\\w+|upstream|answer|received|backend|origin)\\b).*" +
        `(?:${TOO_LARGE_HEAD.source})`,
      "i",
    ),
    meaning: "The head of an answer is above a limit of the proxy.",
    failures: ["http_response_header_section_size", "request_header_too_large"],
    remedies: ["Smaller cookies and tokens; then the buffer or limit of the proxy that says so."],
  },
  {
    about: "a head that is too large",
    match: [
      TOO_LARGE_HEAD,
      /unable to parse the request headers|request[- ]line too (?:long|large)/i,
    ],
    meaning: "The head of a request is above a limit.",
    failures: ["request_header_too_large", "bad_request", "http_response_header_section_size"],
    remedies: ["Smaller cookies and tokens; then the limit of the proxy or server that says so."],
  },
  {
    about: "a body that is too large",
    match: near(
      "bod(?:y|ies)|payload|upload\\w*|entity|request size|file size|content[- ]length|multipart",
      "too (?:large|big)|exceed\\w*|limit|larger than|maximum",
    ),
    meaning: "A body is above the limit of a proxy or server.",
    failures: ["request_body_too_large", "http_response_body_size"],
    remedies: ["Raise the lowest limit on the path, or send the file past the proxy."],
  },
  {
    about: "a limit on rate",
    match: /rate[- ]?limit\w*|throttl\w+|too many requests|quota (?:is )?(?:exceeded|exhausted)/i,
    meaning: "Requests come faster than a rule allows.",
    failures: ["rate_limited", "received_rate_limited", "upstream_throttled"],
    remedies: ["Retry-After says when; send fewer, or raise the quota."],
  },
  {
    about: "a pool, a queue or a limit on concurrency",
    match: [
      near(
        "queues?|pools?|slots?|clients|threads?|workers|connections?|concurren\\w+|" +
          "capacity|backlog|" +
          "max_?\\w*|buffers?|streams",
        "full|exhaust\\w*|exceed\\w*|reached|saturat\\w*|no (?:free|idle|more)|overflow\\w*|" +
          "all busy|are busy|rejected|too many|no available|none available|limit",
      ),
      /overload(?:ed)?|over capacity|server is (?:too )?busy|load shed\w*/i,
    ],
    meaning: "More requests at once than there is room for; usually since answers are slow.",
    failures: ["bulkhead_full", "received_overloaded", "http_response_timeout"],
    remedies: ["Find what the busy ones wait for before you raise the limit."],
  },
  {
    about: "a rule that denies",
    match: [
      /\baccess denied|(?<!permission )\bdenied\b|\bforbidden\b/i,
      near(
        "polic(?:y|ies)|rules?|WAF|ACL|firewall|RBAC|tokens?|credentials?|auth\\w*|allow ?list",
        "deny|block(?:ed|s)?|not allowed|reject\\w*|unauthorized|prohibited|invalid|missing",
      ),
    ],
    meaning: "A rule of a proxy or the application denies the request.",
    failures: ["request_denied", "bad_request"],
    remedies: ["The log of the one that answered names the rule."],
  },
  {
    about: "an exception in the application",
    match: [
      /(?:unhandled|uncaught) (?:exception|error|rejection)|traceback|stack ?trace|fatal error/i,
      near("function|handler|lambda|script|worker|application", "error|exception|threw|invalid"),
    ],
    meaning: "The application's own code failed while it served the request.",
    failures: ["received_server_error", "connection_terminated", "http_protocol_error"],
    remedies: ["Its own log at this second has the exception and its line."],
  },
  {
    about: "an answer that is not valid",
    match: near(
      "response|answer|reply|headers?|payload|output|status line|protocol|packet|frame|record",
      "malformed|invalid|unpars\\w+|unexpected|bad|illegal|corrupt\\w*|garbage|not valid|empty|" +
        "violat\\w+|unsupported",
    ),
    meaning: "What came is not a valid answer: another protocol, TLS, or a broken application.",
    failures: ["http_protocol_error", "received_server_error", "tls_protocol_error"],
    remedies: ["curl -sv to the same address shows the bytes."],
  },
  {
    about: "an answer that does not come in time",
    match: [
      near(
        `respon\\w+|answer|request|read\\w*|wait\\w*|execution|header|invocation|${PLACE}`,
        LATE,
      ),
      /timed? ?out\b/i,
    ],
    meaning: "The request was sent, and no answer came in time.",
    failures: ["http_response_timeout", "connection_timeout", "deadline_exceeded"],
    remedies: ["Find the slow part (its own log, its database) before you raise the timeout."],
  },
  {
    about: "a connection that was closed",
    match: near("connections?|sockets?|streams?|pipe|tunnel|session|link", BROKE),
    meaning: "The other side closed the connection before it had answered.",
    failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
    remedies: ["A crash or restart of the server, or an idle connection that it had closed."],
  },
  {
    about: "a route",
    match: near(
      "rout(?:e|es|er|ing)|virtual host|vhost|deployment|tunnel|site|ingress|mapping|listener|" +
        "network|entry ?point|middleware|balancer|upstream|service|container",
      "not (?:be )?found|no match\\w*|unknown|unmatched|does not (?:match|exist)|no such|" +
        "(?:could|can) ?not find|not registered|undefined|missing",
    ),
    meaning: "The proxy knows no way for this host or path.",
    failures: ["destination_not_found", "proxy_configuration_error", "no_healthy_target"],
    remedies: ["Compare the host and the path of the request with the rules, letter by letter."],
  },
  {
    about: "something that the other side does not support",
    match: [
      /(?:does|do|may|did) not support|unsupported|not supported/i,
      /\bexpected (?:a )?(?:header|field)/i,
    ],
    meaning: "The two sides differ in protocol, version or field.",
    failures: ["http_protocol_error", "bad_request", "proxy_configuration_error"],
    remedies: ["The version of HTTP and the fields that each proxy on the path passes on (TE)."],
  },
  {
    about: "a loop",
    match: /(?:redirect|request|proxy|routing) loop|too many (?:redirects|hops|forwards)/i,
    meaning: "The request comes back to where it was sent from.",
    failures: ["loop_detected"],
    remedies: ["The upstream must not be the proxy itself; trust X-Forwarded-Proto from it."],
  },
  {
    about: "a server that cannot be reached",
    match: [
      near("connect\\w*|reach\\w*|contact\\w*|dial\\w*|establish\\w*", `${CANNOT}|unavailable`),
      near("proxy(?:ing)?|forward\\w*", "fail\\w*|errors?|unable|could not|cannot|refused"),
    ],
    meaning: "The program could not reach the server; this line does not say why.",
    failures: ["connection_refused", "connection_timeout", "no_healthy_target"],
    remedies: ["Try it from the same machine or container: curl -sv, nc -vz HOST PORT."],
  },
  {
    about: "a configuration",
    match: near(
      "config\\w*|directives?|settings?|syntax|option|yaml|rule|set-? ?up",
      "broken|invalid|errors?|unknown|fail\\w*|wrong|missing|unsupported|unexpected|conflict\\w*",
    ),
    meaning: "A configuration is not valid, so it is not used.",
    failures: ["proxy_configuration_error", "connection_refused"],
    remedies: ["The program's own check of its configuration names the file and line."],
  },
];

export const PHRASE_TEXTS: Dialect = {
  speaker: "by its words",
  spoken: "in_lines",
  common: true,
  loose: true,
  terms: PHRASES.map(
    ({ about, ...rest }): ForeignTerm => ({ term: `it speaks of ${about}`, ...rest }),
  ),
};
