/**
 * Failures of time and of the gateway itself: deadlines, loops, our own process.
 *
 * A deadline belongs to the whole call, so its rows differ by where the time was spent.
 * Blame `self` never counts against a target. Part of the table in failures.ts.
 */
import type { FailureRow } from "./failure-row.js";

export const OWN_ROWS = {
  hedge_cancelled: {
    phase: "any",
    status: 503,
    proxyError: "proxy_internal_response",
    repeat: "never",
    blame: "none",
    summary:
      "Another attempt of the same call was faster, so this one was cancelled; no client sees it.",
    causes: [
      "The option hedge sent the call to a second target, and one of the two was slower.",
      "If most are on one target, that target is slower than the others.",
    ],
    remedies: [
      "Nothing; the call was answered well.",
      "Compare the latencies of the targets when one of them loses more often.",
    ],
  },
  deadline_already_over: {
    phase: "admit",
    status: 504,
    proxyError: "proxy_internal_response",
    repeat: "never",
    blame: "client",
    summary: "The caller's deadline has already passed when its request arrives.",
    causes: [
      "The hop before spent the whole time in its own queue or in its own retries.",
      "The clocks of the two machines differ, and the deadline is a point in time.",
      "The caller gives a deadline of zero or of a few milliseconds.",
    ],
    remedies: [
      "Look at how long the hop before held the request.",
      "Send the time that is left instead of a point in time, or compare the clocks.",
    ],
  },
  deadline_exceeded_queued: {
    phase: "queue",
    status: 504,
    proxyError: "proxy_internal_response",
    repeat: "never",
    blame: "overload",
    summary: "The deadline of the call passed while it waited for its turn.",
    causes: [
      "The upstream is slow and all places are taken.",
      "bulkhead.queueMs is longer than the time that callers give.",
      "Earlier attempts and their waits have used up the time.",
    ],
    remedies: [
      "Look at the upstream's latency and the number of calls at once.",
      "Set bulkhead.queueMs well below timeouts.totalMs.",
      "Lower bulkhead.queueMax, so that late callers are rejected at once with 503.",
    ],
  },
  deadline_exceeded_connecting: {
    phase: "connect",
    status: 504,
    proxyError: "connection_timeout",
    repeat: "never",
    blame: "network",
    summary: "The deadline of the call passed while the connection was being set up.",
    causes: [
      "The target does not answer the SYN: dropped packets, or a host that is gone.",
      "Earlier attempts have left too little time for this one.",
      "Name resolution takes most of the time.",
      "timeouts.totalMs is shorter than timeouts.connectMs.",
    ],
    remedies: [
      "Treat it as connection_timeout: nc -vz -w 3 HOST PORT from this machine.",
      "Read the attempts in the log: where was the time spent?",
      "Keep timeouts.connectMs well below timeouts.totalMs.",
    ],
  },
  deadline_exceeded_in_handshake: {
    phase: "secure",
    status: 504,
    proxyError: "connection_timeout",
    repeat: "never",
    blame: "upstream",
    summary: "The deadline of the call passed in the handshake: TLS, or the beginning of HTTP/2.",
    causes: [
      "The process is stopped, hangs or has no processor time: the kernel accepts in its place.",
      "Earlier attempts have left too little time for this one.",
      "The answer is lost on the way: only large packets (a wrong MTU), or all (a firewall).",
      "timeouts.totalMs is shorter than timeouts.connectMs.",
    ],
    remedies: [
      "Treat it as tls_handshake_timeout: `openssl s_client -connect HOST:PORT` from this machine.",
      "Read the attempts in the log: where was the time spent?",
      "Keep timeouts.connectMs well below timeouts.totalMs.",
    ],
  },
  deadline_exceeded: {
    phase: "wait",
    status: 504,
    proxyError: "http_response_timeout",
    repeat: "never",
    blame: "upstream",
    summary: "The deadline of the call passed before the answer's head arrived.",
    causes: [
      "The upstream is slower than the caller's deadline or timeouts.totalMs.",
      "Earlier attempts used most of the time, and the last one got the rest.",
      "timeouts.responseMs is so long that one slow attempt uses up the whole time.",
    ],
    remedies: [
      "Compare the upstream's latency (p99) with timeouts.totalMs.",
      "Lower timeouts.responseMs, so that a second attempt fits before the deadline.",
      "For long work answer 202 at once and let the client ask again.",
    ],
  },
  loop_detected: {
    phase: "admit",
    status: 502,
    proxyError: "proxy_loop_detected",
    repeat: "never",
    blame: "proxy",
    summary: "The request has passed this gateway before and would loop forever.",
    causes: [
      "A target is this gateway itself, directly or through the public name of the site.",
      "Two gateways name each other as upstream.",
      "The upstream redirects back to the public address, and the redirect is followed here.",
    ],
    remedies: [
      "Follow the names in the Via field of the request.",
      "Use the internal address of the application in targets, not the public name.",
      "Give every gateway a name of its own, if two different ones share one.",
    ],
  },
  proxy_internal_error: {
    phase: "any",
    status: 500,
    proxyError: "proxy_internal_error",
    repeat: "never",
    blame: "self",
    traits: ["own_fault"],
    summary: "Code inside this process failed: a hook, a setting, or the gateway itself.",
    causes: [
      "A hook (rewritePath, requestHeaders, admit, overrides) throws.",
      "The request's body was already read or changed by code in front of the gateway.",
      "A signal that the gateway does not know aborted the exchange.",
      "A bug in the gateway.",
    ],
    remedies: [
      "Read the stack in the log; its first lines name the hook or the file.",
      "Try once without hooks.",
      "If the stack lies inside the gateway, report it with the stack and the versions.",
    ],
  },
  event_loop_stalled: {
    phase: "any",
    status: 500,
    proxyError: "proxy_internal_error",
    repeat: "idempotent",
    blame: "self",
    summary: "This process was too busy to serve its own sockets in time.",
    causes: [
      "Synchronous work blocks the event loop: JSON of many megabytes, crypto, a heavy regexp.",
      "A long garbage collection runs, with memory close to the limit.",
      "The container's processor share is used up, and the process is throttled.",
      "The process was stopped for a while (a debugger, SIGSTOP, a moved virtual machine).",
    ],
    remedies: [
      "Measure the delay: perf_hooks.monitorEventLoopDelay, or node --cpu-prof.",
      "Look at nr_throttled in cpu.stat of the container, and raise its limit.",
      "Move heavy work into worker threads, or stream it.",
      "Do not blame the upstream: its answer may have been in the socket already.",
    ],
  },
} as const satisfies Record<string, FailureRow>;
