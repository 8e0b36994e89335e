/**
 * Failures outside the gateway: the client left, or the upstream itself reported a failure.
 *
 * A status of "received" means that the upstream's answer is passed on as it came and marked as
 * such, so that a gateway's 502 can be distinguished from an application's.
 * Part of the table in failures.ts.
 */
import type { FailureRow } from "./failure-row.js";

export const RECEIVED_ROWS = {
  client_closed_request: {
    phase: "any",
    status: 499,
    proxyError: null,
    repeat: "never",
    blame: "client",
    summary: "The client left before the answer was complete.",
    causes: [
      "A user closed the page, reloaded it or typed on (search as you type).",
      "The client's own time limit is shorter than the answer takes.",
      "The front proxy gave up at its limit (30 s, 60 s and 100 s are usual).",
    ],
    remedies: [
      "Look at the age of these calls: many at one round number point to a timeout.",
      "Set timeouts.totalMs below the limit of the front, so that clients get an answer.",
      "Look at the upstream's latency; people leave when it is slow.",
    ],
  },
  client_stalled: {
    phase: "receive",
    status: 499,
    proxyError: null,
    repeat: "never",
    blame: "client",
    summary: "The client stopped reading the answer, or reads it too slowly.",
    causes: [
      "The client's network broke off without closing the connection (mobile, sleep).",
      "The client keeps the answer open but does not read it (a paused video, a stuck program).",
      "A slow-read attack holds connections open.",
    ],
    remedies: [
      "Nothing, when it happens now and then.",
      "Raise timeouts.clientMs and idleMs if slow readers are wanted.",
      "In client code: read the body, or cancel it.",
    ],
  },
  tunnel_idle: {
    phase: "receive",
    status: 504,
    proxyError: null,
    repeat: "never",
    blame: "none",
    summary: "Neither side of an upgraded connection has sent anything for longer than allowed.",
    causes: [
      "The application on it sends no pings, and has nothing to say.",
      "The client has vanished without closing the connection (mobile, sleep).",
    ],
    remedies: [
      "Nothing, when the client connects again by itself.",
      "Send pings, from either side, more often than timeouts.tunnelIdleMs.",
      "Raise timeouts.tunnelIdleMs if connections may be quiet for longer.",
    ],
  },
  received_server_error: {
    phase: "receive",
    status: "received",
    proxyError: null,
    repeat: "never",
    blame: "upstream",
    summary: "The upstream itself answers with a server error, which is passed on.",
    causes: [
      "An exception in the application.",
      "Something that the application needs is down (a database, another service).",
      "A bad deploy or a missing setting.",
    ],
    remedies: [
      "Read the application's log with the request id of this answer.",
      "Compare the time at which it began with the last deploy.",
    ],
  },
  received_gateway_error: {
    phase: "receive",
    status: "received",
    proxyError: null,
    repeat: "idempotent",
    blame: "upstream",
    traits: ["no_service"],
    summary: "The upstream itself answers 502, 503 or 504, which is passed on.",
    causes: [
      "The target is a proxy or balancer, and the application behind it is down or slow.",
      "The application passes on the failure of a service that it needs.",
      "The application answers 503 while it starts or stops.",
    ],
    remedies: [
      "Read Proxy-Status, Server and Via of the answer: which hop made it?",
      "Look at what is behind the target, not at the path to it.",
      "Let the application send Retry-After with 503, so that repeats are well timed.",
    ],
  },
  received_overloaded: {
    phase: "receive",
    status: "received",
    proxyError: null,
    repeat: "idempotent",
    blame: "overload",
    traits: ["no_service"],
    summary:
      "The upstream answers 503 with Retry-After: it is overloaded and says when to come back.",
    causes: [
      "The application sheds load.",
      "It is in maintenance or restarts, and says for how long.",
      "A balancer in front of it has no free backend.",
    ],
    remedies: [
      "Look at the upstream's load; add instances or make requests cheaper.",
      "Lower bulkhead.concurrencyMax to what the upstream can take.",
      "Check that clients and retry do not multiply the load; the retry budget bounds ours.",
    ],
  },
  received_rate_limited: {
    phase: "receive",
    status: "received",
    proxyError: null,
    repeat: "idempotent",
    blame: "client",
    summary: "The upstream answers 429: its caller sends more requests than it allows.",
    causes: [
      "One client or job sends too much.",
      "All users share the one key or address that the gateway shows to the upstream.",
      "The quota of the plan is used up (third-party APIs).",
    ],
    remedies: [
      "Find the client that causes the traffic, and slow it down.",
      "Let the upstream count by the forwarded client, not by the gateway's address.",
      "Read Retry-After and RateLimit fields of the answer; ask for a higher quota.",
    ],
  },
  received_expectation_failed: {
    phase: "receive",
    status: "received",
    proxyError: null,
    repeat: "safe",
    blame: "proxy",
    traits: ["free_repeat"],
    summary: "The upstream answers 417: it, or a hop before it, knows no Expect: 100-continue.",
    causes: [
      "An old server or proxy stands in the way, which refuses every expectation.",
      "A rule of a firewall for applications forbids the field.",
    ],
    remedies: [
      "Nothing, when retry is on: the request is sent again without Expect.",
      "Set timeouts.continueMs: 0, so that this upstream gets no Expect.",
    ],
  },
  received_misdirected: {
    phase: "receive",
    status: "received",
    proxyError: null,
    repeat: "never",
    blame: "proxy",
    summary: "The upstream answers 421: the Host of the request is not the name of its connection.",
    causes: [
      "The client's Host is kept but SNI names the target; Apache refuses that from 2.4.64 on.",
      "The upstream serves no site of this name on this address.",
      "An HTTP/2 connection is used for a name that its certificate has, but its server does not.",
    ],
    remedies: [
      'Set host: "target", so that Host and SNI are one name.',
      'Or name the site in TLS: { url: "https://10.0.0.5", tls: { servername: "shop.example" } }.',
      "Let the upstream serve the name that clients ask for.",
    ],
  },
  received_too_early: {
    phase: "receive",
    status: "received",
    proxyError: null,
    repeat: "never",
    blame: "client",
    summary: "The upstream answers 425: it does not want to act on TLS early data.",
    causes: [
      "The client sent the request as TLS 1.3 early data (0-RTT), which can be replayed.",
      "The front proxy marks requests with Early-Data: 1.",
    ],
    remedies: [
      "Nothing: the client repeats after the handshake (RFC 8470).",
      "Switch early data off at the front for requests that change something.",
    ],
  },
  only_if_cached: {
    phase: "admit",
    status: 504,
    proxyError: "proxy_internal_response",
    repeat: "never",
    blame: "client",
    summary: "The client accepts an answer from a cache only, and this gateway holds none.",
    causes: [
      "The client sent Cache-Control: only-if-cached (a browser with fetch cache only-if-cached).",
      "A cache that used to stand in front of the application is gone.",
    ],
    remedies: [
      "Nothing: RFC 9111 §5.2.1.7 requires 504.",
      "Leave the directive out in the client, if a fresh answer is welcome.",
    ],
  },
} as const satisfies Record<string, FailureRow>;
