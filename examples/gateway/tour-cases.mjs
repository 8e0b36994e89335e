/**
 * The stops of the tour: the request, what the upstream does, and what the client must get.
 *
 * `expected` is the documented answer: its status, or `cut` for one that breaks off; the name of
 * the failure in the catalog; how many attempts were made. The tour compares every answer with it.
 */

const MIB = 1024 * 1024;

/** Retries are for idempotent methods; for a POST only if it was never written. */
const POST = { method: "POST", body: "order=1" };

/** The code for a name that does not exist depends on the resolver of this machine. */
const DNS_CODES = ["dns_name_not_found", "dns_error", "dns_timeout"];

export const GROUPS = [
  {
    title: "Fine, or made fine",
    about: "the answer is whole, if need be by a further attempt",
    cases: [
      ask("/fine", "answers", answered(200)),
      ask("/slow", "sends its body slowly, but moves on", answered(200)),
      ask("/flapping", "drops every first attempt", {
        ...answered(200, 2),
        recoveredFrom: "connection_terminated",
      }),
      ask("/one-down", "is gone from one of its two targets", {
        ...answered(200, 2),
        recoveredFrom: "connection_refused",
      }),
      ask(
        "/one-down",
        "is gone there: no POST was written",
        { ...answered(200, 2), recoveredFrom: "connection_refused" },
        POST,
      ),
    ],
  },
  {
    title: "502 Bad Gateway",
    about: "the upstream cannot be reached",
    cases: [
      ask("/refused", "does not listen on its port", failed(502, "connection_refused", 3)),
      ask("/all-down", "is gone from both of its targets", failed(502, "connection_refused", 3)),
      ask("/no-name", "has a name that does not exist", {
        ...failed(502, DNS_CODES),
        // A resolver that does not answer is a timeout, which is retried.
        status: [502, 504],
        attempts: [1, 3],
      }),
      ask("/tls-none", "speaks plain HTTP instead of TLS", failed(502, "tls_protocol_error", 1)),
      ask("/tls-self", "signed its certificate itself", failed(502, "tls_certificate_error", 1)),
    ],
  },
  {
    title: "502 Bad Gateway",
    about: "the upstream is there, but what it says is no answer",
    cases: [
      ask("/reset", "resets the connection when asked", failed(502, "connection_terminated", 3)),
      ask("/closed", "hangs up without a word", failed(502, "connection_terminated", 3)),
      ask(
        "/flapping",
        "drops a POST, which is not repeated",
        failed(502, "connection_terminated"),
        POST,
      ),
      ask("/garbage", "greets like an SSH server", failed(502, "http_protocol_error", 3)),
      ask("/status", "answers with a status of 999", failed(502, "response_status_invalid", 3)),
      ask("/framing", "gives its answer two lengths", failed(502, "response_framing_invalid", 3)),
      ask("/big-head", "sends a header line of 20 KiB", failed(502, "http_response_header_size")),
      ask("/upgrade", "switches protocols, unasked", failed(502, "http_upgrade_failed")),
    ],
  },
  {
    title: "503 Service Unavailable",
    about: "the gateway refuses on purpose, and says when to come back",
    cases: [
      ask("/breaker", "has failed five times in a row", failed(503, "breaker_open", 0), {
        before: async ({ ask: get }) => {
          for (let failure = 0; failure < 5; failure += 1) await get({ path: "/breaker" });
        },
      }),
      ask("/bulkhead", "may serve one call, and does so", failed(503, "bulkhead_full", 0), {
        before: ({ askAndStay }) => askAndStay({ path: "/bulkhead" }),
      }),
      ask("/fine", "is fine, but under maintenance", failed(503, "maintenance", 0), {
        before: ({ gateway }) => {
          gateway.startMaintenance({ retryAfterMs: 30_000 });
          return () => gateway.endMaintenance();
        },
      }),
    ],
  },
  {
    title: "504 Gateway Timeout",
    about: "the upstream does not answer in time",
    cases: [
      ask(
        "/silent",
        "takes the request and never answers",
        failed(504, "http_response_timeout", 3),
      ),
      ask("/silent", "is not asked again with a POST", failed(504, "http_response_timeout"), POST),
      ask("/half-head", "falls silent within the head", failed(504, "connection_read_timeout", 3)),
    ],
  },
  {
    title: "Cut",
    about:
      "the status is out when the body breaks, so the connection breaks, too: never a false end",
    cases: [
      ask("/truncated", "announces 100 bytes and sends 23", cut("http_response_incomplete")),
      ask("/chunks", "sends a chunk without a size", cut("http_response_transfer_coding")),
      ask("/stalled", "stops in the middle of its body", cut("connection_read_timeout")),
    ],
  },
  {
    title: "Passed on",
    about: "what the upstream itself answers, and marked as its own",
    cases: [
      ask("/busy", "answers 503 with Retry-After: 7", failed(503, "received_overloaded")),
      ask("/crash", "answers 500", failed(500, "received_server_error")),
      ask("/early", "refuses an upload at its beginning", answered(413), {
        method: "POST",
        body: Buffer.alloc(4 * MIB),
      }),
    ],
  },
  {
    title: "Not sent",
    about: "the request itself is at fault, so no upstream is asked",
    cases: [
      ask("/fine/../..", "would be asked above its root", failed(400, "bad_request", 0)),
      ask("/fine", "would get a request that goes round", failed(502, "loop_detected", 0), {
        fields: { via: "1.1 edge" },
      }),
    ],
  },
];

/** A stop: path, deed, the documented answer, and how the request differs from a plain GET. */
function ask(path, deed, expected, { before = null, ...wanted } = {}) {
  return { request: { method: "GET", path, ...wanted }, deed, expected, before };
}

function answered(status, attempts = 1) {
  return { status: [status], whole: true, codes: [null], attempts };
}

function failed(status, codes, attempts = 1) {
  return { status: [status], whole: true, codes: [codes].flat(), attempts };
}

function cut(code) {
  return { status: [200], whole: false, codes: [code], attempts: 1 };
}
