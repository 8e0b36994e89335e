/**
 * Failures at the door: the gateway refuses on purpose, or the client's request is at fault.
 *
 * What they have in common: nothing is wrong with the wire, and no target was asked. Every 503 of
 * this file is a decision of ours and carries Retry-After. Part of the table in failures.ts.
 */
import type { FailureRow } from "../failure-row.js";

export const ADMISSION_ROWS = {
  breaker_open: {
    phase: "admit",
    status: 503,
    proxyError: "destination_unavailable",
    repeat: "safe",
    blame: "upstream",
    summary: "The breaker of the target, or of this route, is open after earlier failures.",
    causes: [
      "The failures just before this one; the event attempt:end gives them with their own names.",
      "The application is down or restarting, and the breaker waits before its next trial.",
      "The thresholds are too strict for the normal share of errors of this upstream.",
    ],
    remedies: [
      "Look up the failure that opened the breaker, and treat that one.",
      "Add a second entry to targets, so that calls can go elsewhere.",
      "Loosen breaker only when the errors that opened it are normal for this upstream.",
    ],
  },
  no_healthy_target: {
    phase: "admit",
    status: 503,
    proxyError: "destination_unavailable",
    repeat: "safe",
    blame: "upstream",
    summary: "No target of this upstream is able to take the request.",
    causes: [
      "All targets failed lately, and their breakers are open.",
      "A deploy replaced all instances at the same time.",
      "They share something that is down: a database, a name server, a network.",
    ],
    remedies: [
      "Look at each target (upstream.targets), and at what failed there (attempt:end).",
      "Roll out one instance at a time, and wait for readiness before the next.",
    ],
  },
  maintenance: {
    phase: "admit",
    status: 503,
    proxyError: "destination_unavailable",
    repeat: "never",
    blame: "self",
    summary: "An operator has switched maintenance on, and no request is sent to the upstream.",
    causes: [
      "Planned work on the upstream is under way.",
      "Maintenance was not switched off again after the work.",
    ],
    remedies: [
      "Ask whoever switched it on, or look for the change in the event log.",
      "Switch it off when the work is done.",
    ],
  },
  draining: {
    phase: "admit",
    status: 503,
    proxyError: "proxy_internal_response",
    repeat: "never",
    blame: "self",
    summary: "This process is shutting down and takes no new calls.",
    causes: [
      "A deploy or a scale-down sent SIGTERM, and the front proxy still sends requests here.",
      "A client keeps using a connection that was opened before the shutdown began.",
      "The process manager stops and starts the same instance without a second one beside it.",
    ],
    remedies: [
      "Let the check that the front makes fail some seconds before the drain begins.",
      "Make the front's check interval shorter than that time.",
      "Let the front retry 503 on another instance; Retry-After says when.",
    ],
  },
  bulkhead_full: {
    phase: "queue",
    status: 503,
    proxyError: "connection_limit_reached",
    repeat: "never",
    blame: "overload",
    summary: "As many calls as allowed run at once, and the queue behind them is full.",
    causes: [
      "The upstream has become slow, so the same traffic keeps more calls open.",
      "Traffic has risen above what bulkhead.concurrencyMax allows.",
      "Long answers (downloads, event streams) hold places that short calls need.",
      "Its route hangs while others are answered; such calls share half of the places.",
    ],
    remedies: [
      "Look at the upstream's latency first: calls at once = rate × latency.",
      "Raise bulkhead.concurrencyMax only if the upstream can really serve more at once.",
      "Give long streams an upstream entry of their own with its own bulkhead.",
    ],
  },
  bulkhead_queue_timeout: {
    phase: "queue",
    status: 503,
    proxyError: "connection_limit_reached",
    repeat: "never",
    blame: "overload",
    summary: "The call waited for its turn as long as the queue allows, and no place became free.",
    causes: [
      "The upstream has become slow, so that places are given back too late.",
      "A burst came in that the upstream needs longer to serve than the queue waits.",
      "bulkhead.queueMs is shorter than a usual answer of this upstream.",
    ],
    remedies: [
      "Look at the upstream's latency and at the number of calls at once.",
      "Raise bulkhead.queueMs for bursts, or bulkhead.concurrencyMax for steady load.",
      "Lower bulkhead.queueMax, so that those who cannot be served learn it at once.",
    ],
  },
  bulkhead_queue_displaced: {
    phase: "queue",
    status: 503,
    proxyError: "connection_limit_reached",
    repeat: "never",
    blame: "overload",
    summary: "The call waited in a full queue and gave its place to one that matters more.",
    causes: [
      "The upstream is slower than its traffic, and a call of a higher priority came in.",
      "The queue stands for so long that newer calls, whose clients still wait, go first.",
    ],
    remedies: [
      "Look at the upstream's latency and at the number of calls at once.",
      "Look at how many calls come with a high priority; not everything can be critical.",
      "Lower bulkhead.queueMs, so that old calls leave before they are displaced.",
    ],
  },
  connection_pool_timeout: {
    phase: "queue",
    status: 503,
    proxyError: "connection_limit_reached",
    repeat: "safe",
    blame: "self",
    summary: "No connection of the gateway's own pool became free in time.",
    causes: [
      "More calls run at once than the pool has connections to this target.",
      "Bodies that nobody reads keep connections busy.",
      "bulkhead.concurrencyMax is higher than the pool's limit, so calls wait unseen behind it.",
    ],
    remedies: [
      "Set bulkhead.concurrencyMax at or below the connections per target times the targets.",
      "In code that fetches: read every body, or cancel it.",
      "Look for streams that never end; timeouts.idleMs and timeouts.bodyMs bound them.",
    ],
  },
  upstream_throttled: {
    phase: "admit",
    status: 503,
    proxyError: "destination_unavailable",
    repeat: "never",
    blame: "overload",
    summary: "The upstream refuses so much that this call is refused here, at no cost to it.",
    causes: [
      "The upstream answered 503 or 429 to most of the calls of the last half minute.",
      "Its rate limit is lower than the traffic of this gateway.",
    ],
    remedies: [
      "Look at why the upstream refuses; event attempt:end has its answers.",
      "Raise the upstream's limit, or add targets.",
      "Give calls that may fail the priority SHEDDABLE; they are refused first.",
    ],
  },
  load_shed: {
    phase: "admit",
    status: 503,
    proxyError: "proxy_internal_response",
    repeat: "never",
    blame: "self",
    summary: "This process is overloaded and refuses a part of the calls.",
    causes: [
      "The event loop is late: heavy synchronous work runs in this process.",
      "There are more calls than this instance's processors can serve.",
      "Garbage collection takes long because memory is nearly full.",
    ],
    remedies: [
      "Look at the event loop delay and the processor time of this process.",
      "Move heavy work (JSON of many megabytes, crypto, rendering) to worker threads.",
      "Add instances.",
    ],
  },
  rate_limited: {
    phase: "admit",
    status: 429,
    proxyError: "http_request_error",
    repeat: "never",
    blame: "client",
    summary: "The client sends more requests than the gateway's rate limit allows it.",
    causes: [
      "A client repeats without a pause after errors.",
      "A crawler or a batch job runs.",
      "Many users share the key that is counted, for example one address behind NAT.",
    ],
    remedies: [
      "Find the client in the log, and let it wait for Retry-After.",
      "Count by user or token instead of by address, if users share addresses.",
      "Raise the limit if this traffic is wanted.",
    ],
  },
  request_denied: {
    phase: "admit",
    status: 403,
    proxyError: "http_request_denied",
    repeat: "never",
    blame: "client",
    summary: "A rule of the gateway refuses this request, and the upstream is not asked.",
    causes: [
      "The path, method or source is excluded by a rule or a hook.",
      "The request lacks what the rule asks for (a token, a header, an allowed address).",
      "The rule is wider than it was meant to be.",
    ],
    remedies: [
      "Find the rule or the hook that answered; the log names it.",
      "Compare the request with the rule: path after rewriting, method, source address.",
    ],
  },
  bad_request: {
    phase: "admit",
    status: 400,
    proxyError: "http_request_error",
    repeat: "never",
    blame: "client",
    summary: "The client's request is malformed, or its target names another host.",
    causes: [
      "The request breaks HTTP: a bad header, two lengths, characters that must be escaped.",
      "The request target is an absolute URL or starts with //, which would choose the host.",
      "A client speaks TLS or another protocol to this plain HTTP port.",
      "A scanner tries malformed requests.",
    ],
    remedies: [
      "Send the request again with curl -v --path-as-is, and compare what is sent.",
      "Check http:// against https:// in the client's base URL.",
      "For scanners there is nothing to do; the request was not forwarded.",
    ],
  },
  request_body_too_large: {
    phase: "send",
    status: 413,
    proxyError: "http_request_error",
    repeat: "never",
    blame: "client",
    summary: "The client's body is larger than the gateway allows.",
    causes: [
      "An upload is larger than limits.requestBodyBytesMax.",
      "The client sends a file where a reference was meant.",
      "The limit was made for an API and is used for uploads, too.",
    ],
    remedies: [
      "Raise limits.requestBodyBytesMax for the upstream that takes uploads.",
      "Keep the limits of front, gateway and application in step; the smallest one wins.",
    ],
  },
  request_body_failed: {
    phase: "send",
    status: 500,
    proxyError: "proxy_internal_error",
    repeat: "never",
    blame: "self",
    summary: "The body that the application gave could not be sent to its end.",
    causes: [
      "The stream given to gatewayFetch or send failed: a file, a socket or a transform behind it.",
      "The stream was destroyed before its end.",
      "The Content-Length that was set is not the length of the body.",
    ],
    remedies: [
      "Look at the cause of the error: it is the stream's own error.",
      "Leave Content-Length out; it is set where the length is known.",
    ],
  },
  request_header_too_large: {
    phase: "admit",
    status: 431,
    proxyError: "http_request_error",
    repeat: "never",
    blame: "client",
    summary:
      "The client's header section is larger than this server reads, or has over 900 fields.",
    causes: [
      "Cookies have piled up for this domain.",
      "A token in a header has grown (many groups or claims).",
      "A redirect loop adds to the query string each time.",
    ],
    remedies: [
      "Let the user delete the cookies of the site, and find who sets so many.",
      "Make tokens smaller, or keep the claims on the server.",
      "Raise maxHeaderSize of the Node server only as far as the upstream can follow.",
    ],
  },
  request_body_timeout: {
    phase: "send",
    status: 408,
    proxyError: "http_request_error",
    repeat: "never",
    blame: "client",
    summary: "The client stopped sending its body before it was complete, or trickles it.",
    causes: [
      "The client's network is slow or broke off (mobile, Wi-Fi).",
      "The client announced a longer body than it sends.",
      "A slow-body attack holds connections open.",
    ],
    remedies: [
      "Compare Content-Length with the bytes that arrived; the log has both.",
      "Raise timeouts.clientMs, idleMs or totalMs if slow uploads are wanted.",
      "Let the front proxy buffer uploads when many clients are slow.",
    ],
  },
} as const satisfies Record<string, FailureRow>;
