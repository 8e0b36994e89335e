/**
 * Phrases for what fails before a request is sent: names, TLS, connections, health. Those that say
 * most come first.
 */
import { CANNOT, CLIENT, LATE, near, type Phrase, PLACE } from "./phrase-words.js";

export const PHRASES_CONNECTING: readonly Phrase[] = [
  {
    about: "maintenance",
    match: /\b(?:under|in|for|down for|planned|scheduled|undergoing)\b[^;\n]{0,20} maintenance\b/i,
    meaning: "The site or the server is switched off on purpose.",
    failures: ["maintenance", "received_overloaded", "no_healthy_target"],
    remedies: ["Find the switch: a file, a flag of the proxy, a mode of the application."],
  },
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
    about: "a resource that is not available for now",
    match: /resource temporarily unavailable|\bEAGAIN\b|dead ?lock|(?:cannot|can't) fork/i,
    meaning: "A limit of the system or of the program is reached, or its processes hang.",
    failures: ["local_resources_exhausted", "connection_refused", "connection_terminated"],
    remedies: ["ulimit -u and -n of that user, and what its processes wait for."],
  },
  {
    about: "a process that ran out of memory",
    match: near(
      "memory|heap|OOM",
      "out of|not allowed|too much|exceed(?:ed|s|ing)?|exhausted|killed|limit|insufficient",
    ),
    meaning: "A process had no memory left, and was killed or ended.",
    failures: ["connection_terminated", "connection_refused", "http_response_incomplete"],
    remedies: ["Compare its limit with what it uses at its busiest; look for a leak."],
  },
  {
    about: "a check of where the request comes from",
    match: /\bCSRF\b|cross-site request|\b(?:origin|host|address)s? (?:is |are )?not allowed/i,
    meaning: "The application does not accept this Origin, Host or address.",
    failures: ["request_denied", "bad_request"],
    remedies: ["Pass Host and X-Forwarded-Proto on, and name the public origin in its settings."],
  },
  {
    about: "a firewall that drops packets",
    match: [
      near(
        "iptables|nftables|UFW|network ?polic(?:y|ies)|security group|flow|packets?",
        "DROP(?:ped|s)?|BLOCK(?:ed)?|REJECT(?:ed)?|policy denied",
      ),
      /\b(?:block|drop|filter)\w* (?:all |the |inbound |outbound )?(?:traffic|packets?|ports?)/i,
    ],
    meaning: "A firewall does not let the packets of this connection through.",
    failures: ["connection_timeout", "connection_refused", "destination_ip_unroutable"],
    remedies: [
      "The rule that is named, or the log's DPT and SRC; allow the proxy's address there.",
    ],
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
      "web ?sockets?|upgrade|\\b101\\b|wss?://|ws handshake",
      "instead|no supported|fail\\w*|refus\\w*|reject\\w*|not|missing|unexpected|error|bad|" +
        "invalid|without|required",
    ),
    meaning: "The connection was not switched to WebSocket.",
    failures: ["http_upgrade_failed", "upgrade_refused", "bad_request"],
    remedies: ["Each proxy on the path must pass Upgrade and Connection on, over HTTP/1.1."],
  },
  {
    about: "a proxy that is not trusted",
    match: near(
      "prox(?:y|ies)|X-Forwarded-\\w+|forwarded",
      "untrusted|not trusted|not set-? ?up|not configured|trusted prox(?:y|ies)",
    ),
    meaning: "The application does not accept requests that come through this proxy.",
    failures: ["bad_request", "request_denied", "proxy_configuration_error"],
    remedies: ["Name the proxy's address among those that it trusts (trusted_proxies)."],
  },
  {
    about: "TLS",
    match: [
      near(
        // A connection with TLS that was closed is no failure of TLS.
        "(?:TLS|SSL)(?!:| (?:connection|session)[^;\\n]{0,12} (?:closed|lost|terminated))|" +
          "handshake|SNI|ALPN|cipher",
        "fail\\w*|errors?|alert|wrong|unexpected|closed|refused|mis-?match|unsupported|" +
          "could not|unable|abort\\w*|plain|not",
      ),
      /\bhttps?\b[^;\n]{0,30}\bhttps?\b[^;\n]{0,20}(?:expected|instead)|\bexpected https?\b/i,
      /\brequires? (?:TLS|SSL|HTTPS)\b/i,
    ],
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
    about: "a rule that nothing fits",
    match: /\bno (?:\w+ ){0,2}(?:rules?|routes?|mappings?) (?:match|found|for|fits?|applies)/i,
    meaning: "The proxy has no rule for this host or path.",
    failures: ["destination_not_found", "proxy_configuration_error"],
    remedies: ["Compare the host and the path of the request with the rules, letter by letter."],
  },
  {
    about: "two protocols that differ",
    match: /\bprotocols?\b[^;\n]{0,80} (?:does not|doesn't|do not|must) match/i,
    meaning: "Two settings name different protocols for the same thing, such as http and https.",
    failures: ["proxy_configuration_error", "tls_protocol_error"],
    remedies: ["Write the protocol that the server speaks, in both."],
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
    about: "a circuit breaker",
    match: [near("circuit|breaker", "open|tripped"), /\bshort-circuited\b/i],
    meaning: "A circuit breaker rejects the call, since earlier calls failed.",
    failures: ["breaker_open"],
    remedies: ["The errors before it, of the same service, are the cause."],
  },
  {
    about: "a refused connection",
    match: [
      near("connect\\w*|socket|dial\\w*|port", "refused|refuses|actively refused"),
      /\bport \d+ (?:is |was )?closed\b/i,
      /\bno(?:body|thing| one| process| program)\b[^;\n]{0,20}\blisten/i,
    ],
    meaning: "The host answers, but nothing listens on that port.",
    failures: ["connection_refused"],
    remedies: ["ss -ltnp on the host of the server: is it running, on this address and port?"],
  },
  {
    about: "the rights to a socket",
    match: near("sockets?|\\.sock", "permission|not permitted|chown|chmod|denied"),
    meaning: "A user may not open or make a socket.",
    failures: ["unix_socket_forbidden", "connection_refused"],
    remedies: ["namei -l PATH shows who may pass each folder; compare the users of both programs."],
  },
  {
    about: "a route to a host",
    match: near("host|network|address|destination|route|subnet|ip\\b", "unreachable|no route"),
    meaning: "There is no way to the address: a route, a firewall, a wrong network.",
    failures: ["destination_ip_unroutable", "connection_timeout"],
    remedies: ["ip route get ADDRESS, and the firewall or security group on both sides."],
  },
  {
    about: "a health check",
    match: [
      near(
        "health\\w*(?: ?checks?)?|probes?|readiness|liveness|heart-?beats?|pings?\\b",
        `fail\\w*|unhealthy|not ready|down|bad|${LATE}|non-?200|unexpected|invalid|incorrect`,
      ),
      /\bmarked (?:as )?(?:suspended|down|dead|failed)\b|\bunhealthy\b/i,
      /\bnot (?:yet )?(?:healthy|ready|registered|in use)\b/i,
      /\bno (?:\w+ ){0,2}(?:leader|quorum|primary|channels?|providers?|agents?|shards?)\b/i,
      /\bno (?:living|open|working) connections?\b/i,
      new RegExp(`\\b0(?: of |/)\\d+ (?:\\w+ )?(?:${PLACE})`, "i"),
      /\bremoved from (?:the )?(?:pool|rotation|balanc|load)/i,
      /\bcheck\w* (?:is |are )?(?:now )?(?:critical|failing)\b/i,
      /\bno endpoints?\b|\bderegist(?:er|rat)/i,
      new RegExp(
        `\\bfail(?:ed|ure)? to (?:find|select|pick|get) an? (?:\\w+ )?(?:${PLACE})\\b`,
        "i",
      ),
      new RegExp(
        "\\bno (?:healthy|available|active|live|running|ready|alive|usable|valid|reachable|" +
          `registered) (?:${PLACE})|\\bno (?:(?:${PLACE})s? ){1,2}` +
          "(?:is |are |were )?(?:available|healthy|" +
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
          "(?:as )?(?:unavailable|offline|suspended|quarantined|" +
          "out of (?:service|rotation)|ejected|evicted|down)\\b",
        "i",
      ),
    ],
    meaning: "No server is seen as healthy, so none gets requests.",
    failures: ["no_healthy_target", "connection_refused", "http_response_timeout"],
    remedies: ["Ask the check's own path at the server, with its Host: which status, how fast?"],
  },
  {
    about: "a connection that was kept and went quiet",
    match: /\bkeep-?alives?\b[^;\n]{0,30}\b(?:timed? ?out|expired)\b/i,
    meaning: "The other side answered no sign of life, or stayed idle longer than is allowed.",
    failures: ["connection_terminated", "stale_connection", "tunnel_idle"],
    remedies: ["The side that reuses connections closes first; pings come before each idle limit."],
  },
  {
    about: "a connection that is not made in time",
    match: near("connect(?:ing|ion|s)?|dial\\w*|SYN|TCP|establish\\w*", LATE),
    meaning: "No connection in time: packets are dropped, or the server accepts none.",
    failures: ["connection_timeout", "http_response_timeout", "connection_refused"],
    remedies: ["nc -vz HOST PORT from the same place; firewalls and security groups."],
  },
  {
    about: "a part of a configuration that cannot be made",
    match: new RegExp(
      "\\b(?:cannot|could not|can't|unable to|failed to) (?:create|build|load|parse|apply) " +
        "(?:\\w+ ){0,2}(?:cluster|route|listener|upstream|config\\w*|settings?)\\b",
      "i",
    ),
    meaning: "A proxy could not use a part of its configuration; it runs without it, or not.",
    failures: ["proxy_configuration_error", "destination_not_found", "connection_refused"],
    remedies: ["The program's own check of its configuration, and what it lacks by name."],
  },
];
