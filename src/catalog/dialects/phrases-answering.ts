/**
 * Phrases for what fails after a connection is made, and for the programs on both sides. Those that
 * say most come first.
 */
import { BROKE, LATE, near, type Phrase, PLACE } from "./phrase-words.js";

const TOO_LARGE_HEAD = near(
  "headers?|cookies?|header fields?|request line|URI",
  "too (?:large|big|long|many)|exceed\\w*|limit|maximum|above|bigger than|greater than",
);

export const PHRASES_ANSWERING: readonly Phrase[] = [
  {
    about: "a request that took too long",
    match: new RegExp(
      "\\b(?:requests?|scripts?|quer(?:y|ies)|calls?|jobs?) (?:\\w+ )?" +
        "(?:took|ran|taken|taking|running) (?:for )?(?:too long|longer)",
      "i",
    ),
    meaning: "The application took longer than its server allows; the request was ended.",
    failures: ["http_response_timeout", "connection_terminated"],
    remedies: ["Find the slow part (its own log, its database) before you raise the timeout."],
  },
  {
    about: "an answer that is not JSON",
    // A status beside it says more.
    match: new RegExp(
      "^(?!.*\\b(?:HTTP|code|status)[^\\n]{0,8}\\b[45]\\d\\d\\b).*(?:not valid JSON|" +
        "JSON ?Decode ?Error|unexpected (?:token|end of) .*JSON|invalid character)",
      "i",
    ),
    meaning: "A page came where JSON was expected: mostly the error page of a proxy between.",
    failures: ["http_protocol_error", "received_server_error", "received_gateway_error"],
    remedies: ["curl -si to the same address shows the status, and the server that answered."],
  },
  {
    about: "a server that is still starting",
    match: [
      /\bstill (?:starting|loading|booting|initiali[sz]ing|warming|recovering)\b/i,
      /\bis starting up\b|\bscaling up\b|\bcold start/i,
      /not (?:yet )?(?:started|initiali[sz]ed)|loading the data/i,
    ],
    meaning: "The server runs, and does not take requests yet.",
    failures: ["no_healthy_target", "received_overloaded", "connection_refused"],
    remedies: ["Let the proxy wait for its readiness, not for its start."],
  },
  {
    about: "repeats that were of no use",
    match:
      /max(?:imum)? retr(?:y|ies)|retries exceeded|retry limit|after \d+ (?:retries|attempts)/i,
    meaning: "Each of several attempts failed; the lines before have the reason.",
    failures: ["connection_refused", "connection_timeout", "connection_terminated"],
    remedies: ["Read the error of the first attempt; then try it from the same machine."],
  },
  {
    about: "a function that failed",
    match: near("functions?|lambda", "crashed|threw|exited|exception"),
    meaning: "The function failed while it served the request.",
    failures: ["received_server_error", "connection_terminated"],
    remedies: ["Its own log, by the id of the request, has the exception."],
  },
  {
    about: "a process that died at its work",
    match: [
      near(
        "workers?|child(?:ren)?|thread|dyno|(?<!start\\w{0,4} )container|pod",
        "died|killed|crashed|signal \\d+|SIG(?:KILL|SEGV|ABRT|BUS)|segfault\\w*|core dumped|" +
          "panic\\w*|exited prematurely",
      ),
      near(
        "process(?:es)?",
        "signal \\d+|aborted|dumped core|signo|assertion|SIG(?:SEGV|ABRT|BUS|ILL)",
      ),
    ],
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
      /\bfail\w* to (?:initiali[sz]e|launch)\b/i,
      /\b(?:error|exception|failure|failed) (?:during|while|in|at) (?:\w+ )?(?:init|start|boot)/i,
      /\brequires? (?:\S+ ){1,3}or (?:above|later|newer|higher)\b|unsupported version/i,
      /\bnpm ERR!|missing script|failed to (?:boot|import|spawn|exec)|permission denied @/i,
      /\balready running\b|\bunit \S+ (?:could not be found|is masked|not found)/i,
      /\b(?:Import|Module ?Not ?Found|Syntax(?!.*JSON)) ?Error\b|Improperly ?Configured/,
      near("environment|env|variable", "missing|required|not set|undefined|empty"),
      /^(?:\/bin\/)?(?:ba|da)?sh: .*not found|\bexec\b[^;\n]{0,30}not found|exec format/i,
      /(?:cannot|can't|could not) find module|module ?not ?found|no module named/i,
      /command not found/i,
      /\bexited \([1-9]\d*\)/i,
      /^\W*exit(?:ed|s)?(?: with)? (?:status|code|error)[ :=]*[1-9]/i,
      near("bind\\w*|listen\\w*|port", "in use|already|fail\\w*|permission|denied"),
    ],
    meaning: "The server does not run: it does not start, or it ended.",
    failures: ["connection_refused", "connection_terminated", "no_healthy_target"],
    remedies: ["Its own log just before has the error; then compare the port that it listens on."],
  },
  {
    about: "a request whose body did not come",
    match: /request (?:data|body) (?:read|receive)|(?:reading|read) (?:the )?request body/i,
    meaning: "The client did not send its body in time, or broke off.",
    failures: ["request_body_failed", "request_body_timeout", "client_closed_request"],
    remedies: ["A slow or lost client; or a timeout in front that is shorter than the upload."],
  },
  {
    about: "a file that cannot be used",
    match: near(
      "files?|director(?:y|ies)|folders?|path|file ?system",
      "could not be (?:opened|read|written)|failed to open|permission denied|read-only|" +
        "no such file|not writable|(?:cannot|can't|unable to) (?:open|write|create|read)",
    ),
    meaning: "A program may not use a file, or it is not there: it fails, or does not start.",
    failures: ["received_server_error", "connection_refused", "local_resources_exhausted"],
    remedies: ["ls -l and namei -l of the path, as the user of that program, in its container."],
  },
  {
    about: "an answer that broke off",
    match: near(
      "response|body|content|download|transfer|chunk\\w*|stream|data",
      "ended|truncated|incomplete|partial\\w*|short(?:er)?|cut|broke|interrupted|premature\\w*|" +
        "bytes missing|not (?:send|return|give) (?:a|the) complete",
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
    about: "an answer that is too large",
    match: new RegExp(
      "(?:response|answer|reply|output|message)[^;\\n]{0,40} " +
        "(?:too (?:large|big)|exceed|(?:larg|bigg)er than)",
      "i",
    ),
    meaning: "The body of an answer is above a limit of the platform or proxy.",
    failures: ["http_response_body_size", "received_server_error", "http_response_incomplete"],
    remedies: ["Answer in pages, or with a link to a file."],
  },
  {
    about: "a body that is too large",
    match: near(
      "bod(?:y|ies)|payload|upload\\w*|entity|request size|file size|content[- ]length|multipart",
      "too (?:large|big)|exceed\\w*|limit|(?:larg|bigg|great)er than|maximum|above",
    ),
    meaning: "A body is above the limit of a proxy or server.",
    failures: ["request_body_too_large", "http_response_body_size"],
    remedies: ["Raise the lowest limit on the path, or send the file past the proxy."],
  },
  {
    about: "a limit on rate",
    match: [
      /rate[- ]?limit\w*|throttl\w+|too many requests|quota (?:is )?(?:exceeded|exhausted)/i,
      /\brate exceeded|\bslow ?down\b|reduce your request/i,
    ],
    meaning: "Requests come faster than a rule allows.",
    failures: ["rate_limited", "received_rate_limited", "upstream_throttled"],
    remedies: ["Retry-After says when; send fewer, or raise the quota."],
  },
  {
    about: "a pool, a queue or a limit on concurrency",
    match: [
      near(
        "queues?|bulkhead|pools?|slots?|clients|threads?|workers|connections?|concurren\\w+|" +
          "capacity|backlog|" +
          "max_?\\w*|buffers?|streams",
        "full|exhaust\\w*|exceed\\w*|reached|saturat\\w*|no (?:free|idle|more)|overflow\\w*|" +
          "all busy|are busy|occupied|(?:all|were|are) in use|rejected|" +
          "too many|no available|none available|limit",
      ),
      /\b(?:pool|queue|query|check-?out|acqui\w+|slot)[ _-](?:wait[ _-])?time(?:d[ _-]?)?out/i,
      /could not (?:obtain|acquire|get|check ?out) an? \w* ?(?:connection|slot|worker|thread)/i,
      /maximum number of \w+ \(?\d+\)? (?:created|reached|in use)/i,
      /connection slots|circuit ?breaking|data too large|overload(?:ed)?|over capacity/i,
      /server is (?:too )?busy|load shed\w*|did not accept (?:the )?task|tasks? rejected/i,
    ],
    meaning: "More requests at once than there is room for; usually since answers are slow.",
    failures: ["bulkhead_full", "received_overloaded", "http_response_timeout"],
    remedies: ["Find what the busy ones wait for before you raise the limit."],
  },
  {
    about: "a database of the application",
    match: [
      /(?:password authentication failed|access denied) for user|statement timeout/i,
      /lock wait timeout|deadlock detected/i,
      /(?:database|relation|role|table) [^;\n]{1,60}(?:does not|doesn't) exist/i,
    ],
    meaning: "The application's database refuses or fails, and so does the application.",
    failures: ["received_server_error", "http_response_timeout", "connection_refused"],
    remedies: ["Its address, name, user and password in the application, and its own log."],
  },
  {
    about: "a rule that denies",
    match: [
      near("tokens?|JWT|API ?keys?|signatures?", "expired|does not match|revoked"),
      /\baccess denied|(?<!permission )\bdenied\b|\bforbidden\b/i,
      near(
        "polic(?:y|ies)|rules?|WAF|ACL|firewall|RBAC|tokens?|credentials?|auth\\w*|allow ?list",
        "deny|block(?:ed|s)?\\b|not allowed|reject\\w*|unauthorized|prohibited|invalid|missing",
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
      /undefined method|is not a function|Null ?Pointer/i,
      /\b(?:Type|Reference|Key|Attribute) ?Error\b/,
      /caught this error/i,
      near("function|handler|lambda|script|worker|application", "error|exception|threw|invalid"),
    ],
    meaning: "The application's own code failed while it served the request.",
    failures: ["received_server_error", "connection_terminated", "http_protocol_error"],
    remedies: ["Its own log at this second has the exception and its line."],
  },
  {
    about: "a connection that was closed",
    match: [
      /\bdisconnect(?:ed)? (?:exception|error)\b|unexpected end of (?:file|stream)/i,
      /end of file reached|\bEOF ?Error\b|gone away/i,
      /empty (?:reply|response)|incomplete ?message/i,
      near("net|network|connections?|sockets?|streams?|pipe|tunnel|session|link", BROKE),
      /\berrors? (?:while )?reading (?:from|the|a|response|status)\b/i,
      /\b(?:read(?:ing)?|recv|receiv(?:e|ing)) (?:\w+ ){0,3}fail|fail\w* to (?:read|receive) /i,
    ],
    meaning: "The other side closed the connection before it had answered.",
    failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
    remedies: ["A crash or restart of the server, or an idle connection that it had closed."],
  },
  {
    about: "an answer that is not valid",
    match: [
      /content-length[^;\n]{0,30}transfer-encoding/i,
      /\b(?:protocol|codec|parse|framing) error|before (?:any )?(?:response )?headers/i,
      near(
        "response|answer|reply|headers?|payload|output|status line|protocol|packet|frame|record",
        "malformed|invalid|unpars\\w+|unexpected|bad|illegal|corrupt\\w*|garbage|not valid|empty|" +
          "violat\\w+|unsupported",
      ),
    ],
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
      /did not (?:send|return|give|respond|answer|reply)[^;\n]{0,30}\b(?:in|within|for|after) \d/i,
      /timed?[- ]?out\b/i,
    ],
    meaning: "The request was sent, and no answer came in time.",
    failures: ["http_response_timeout", "connection_timeout", "deadline_exceeded"],
    remedies: ["Find the slow part (its own log, its database) before you raise the timeout."],
  },
  {
    about: "a route",
    match: [
      /\bno (?:ingress rules?|routes?|rules?|listener)\b/i,
      near(
        "rout(?:e|es|er|ing)|virtual host|vhost|deployment|tunnel|site|ingress|mapping|listener|" +
          "network|entry ?point|middleware|balancer|upstream|service|container",
        "not (?:be )?found|no match\\w*|unknown|unmatched|does not (?:match|exist)|no such|" +
          "(?:could|can) ?not find|not registered|undefined|missing",
      ),
    ],
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
    match: [
      /(?:redirect|request|proxy|routing) loop|too many (?:redirects|hops|forwards)/i,
      /\b(?:calls?|calling|asks?|asking) itself\b|already passed through/i,
    ],
    meaning: "The request comes back to where it was sent from.",
    failures: ["loop_detected"],
    remedies: ["The upstream must not be the proxy itself; trust X-Forwarded-Proto from it."],
  },
  {
    about: "a server that cannot be reached",
    match: [
      near(
        "connect\\w*|reach\\w*|contact\\w*|dial\\w*|establish\\w*",
        "could(?: not|n't)|cannot|can't|unable|fail(?:s|ed|ure|ing)?|errors?|refused|unavailable|" +
          "not (?!found|valid)|didn't",
      ),
      /\bnetwork (?:outage|failure)\b/i,
      near("proxy(?:ing)?|forward\\w*", "fail\\w*|errors?|problem|unable|could not|cannot|refused"),
    ],
    meaning: "The program could not reach the server; this line does not say why.",
    failures: ["connection_refused", "connection_timeout", "no_healthy_target"],
    remedies: ["Try it from the same machine or container: curl -sv, nc -vz HOST PORT."],
  },
  {
    about: "a configuration",
    match: near(
      "(?:re-?)?config\\w*|directives?|settings?|syntax|option|yaml|rule|set-? ?up",
      "broken|invalid|rejected|errors?|unknown|fail\\w*|wrong|missing|unsupported|" +
        "unexpected|conflict\\w*",
    ),
    meaning: "A configuration is not valid, so it is not used.",
    failures: ["proxy_configuration_error", "connection_refused"],
    remedies: ["The program's own check of its configuration names the file and line."],
  },
  {
    about: "a request that is not accepted",
    match: /\bbad request\b|\b(?:invalid|unknown|malformed) request\b/i,
    meaning: "The other side does not accept the request as it is.",
    failures: ["bad_request", "http_protocol_error", "http_upgrade_failed"],
    remedies: ["Which fields did a proxy on the path change or leave out (Host, Upgrade, a body)?"],
  },
  {
    about: "a fatal error",
    match: /(?:^|[\s[\]|])(?:FATAL|PANIC|EMERG(?:ENCY)?)\b\]?:?\s/,
    meaning: "A program cannot go on: what depends on it fails, too.",
    failures: ["connection_refused", "connection_terminated", "received_server_error"],
    remedies: ["What it says behind that word is the cause; look it up in its own manual."],
  },
];
