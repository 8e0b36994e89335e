/**
 * Failures inside the answer's body.
 *
 * In all of them the head has usually been sent, so the status can no longer change and the only
 * honest answer is to cut the connection. The status of the row is used when the head was still
 * held back. Part of the table in failures.ts.
 */
import type { FailureRow } from "./failure-row.js";

export const BODY_ROWS = {
  http_response_transfer_coding: {
    phase: "receive",
    status: 502,
    proxyError: "http_response_transfer_coding",
    repeat: "idempotent",
    blame: "upstream",
    traits: ["resumes"],
    summary: "The chunks of the upstream's answer are broken.",
    causes: [
      "The application writes to the socket in between the server's own chunks.",
      "A proxy in between changes the body but not the chunk sizes.",
      "Two answers are mixed on one connection, after a fault in the server.",
    ],
    remedies: [
      "Look at the raw bytes: `curl -s --raw URL | xxd | less`.",
      "Do not set Transfer-Encoding in application code; the server does it.",
      "Ask without the proxy in between, to see which of the two breaks it.",
    ],
  },
  http_response_content_coding: {
    phase: "receive",
    status: 502,
    proxyError: "http_response_content_coding",
    repeat: "never",
    blame: "upstream",
    summary: "The body cannot be decoded with the coding that the upstream names.",
    causes: [
      "Content-Encoding says gzip, but the body is plain or compressed twice.",
      "A cache or proxy stored the compressed body without its header, or the other way round.",
      "The compressed stream ends too early because the application closed it.",
    ],
    remedies: [
      "Check by hand: `curl -s -H 'Accept-Encoding: gzip' URL | gunzip -t`.",
      "Compress in one place only, either in the application or in the front proxy.",
      "Purge the cache for this URL.",
    ],
  },
  response_body_timeout: {
    phase: "receive",
    status: 504,
    proxyError: "http_response_timeout",
    repeat: "never",
    blame: "upstream",
    summary: "The body was not complete when the time limit for the whole body expired.",
    causes: [
      "The answer is larger or the network slower than timeouts.bodyMs allows for.",
      "The upstream sends its answer very slowly.",
      "An event stream runs through an upstream entry that limits the body's time.",
    ],
    remedies: [
      "Raise timeouts.bodyMs, or leave it out and rely on timeouts.idleMs.",
      "Give streams and downloads an upstream entry of their own.",
      "Send large results in pages.",
    ],
  },
  http_response_body_size: {
    phase: "receive",
    status: 502,
    proxyError: "http_response_body_size",
    repeat: "never",
    blame: "upstream",
    summary: "The body of the upstream's answer is larger than the gateway allows.",
    causes: [
      "A query without a limit returns everything.",
      "A file or an export passes through an upstream entry that is meant for small answers.",
      "The application writes in an endless loop.",
    ],
    remedies: [
      "Send large results in pages.",
      "Raise limits.responseBodyBytesMax for the upstream that serves files.",
    ],
  },
  http_response_trailer_section_size: {
    phase: "receive",
    status: 502,
    proxyError: "http_response_trailer_section_size",
    repeat: "never",
    blame: "upstream",
    summary: "The trailer section after the body is larger than the gateway allows.",
    causes: [
      "The application puts data into trailers (a status with a long message, debug values).",
      "The end of the chunks is broken, and body is read as trailers.",
    ],
    remedies: [
      "Look at the end of the raw answer: `curl -s --raw URL | tail -c 2000 | xxd`.",
      "Move large values into the body; the limit cannot be changed.",
    ],
  },
  http_response_trailer_size: {
    phase: "receive",
    status: 502,
    proxyError: "http_response_trailer_size",
    repeat: "never",
    blame: "upstream",
    summary: "A single trailer line after the body is larger than the gateway allows.",
    causes: [
      "One trailer carries a long error message or a stack.",
      "A signature or a list of checksums is sent as one trailer.",
    ],
    remedies: [
      "Shorten the trailer in the application.",
      "Move large values into the body; the limit cannot be changed.",
    ],
  },
  connection_reset_in_body: {
    phase: "receive",
    status: 502,
    proxyError: "connection_terminated",
    repeat: "never",
    blame: "network",
    traits: ["cut", "resumes"],
    summary: "The connection is reset in the middle of the answer's body.",
    causes: [
      "A firewall, NAT or balancer in between dropped the connection (idle limit, failover).",
      "The upstream's host or network went away, and TCP gave up.",
      "The upstream's process was killed with data still unsent.",
    ],
    remedies: [
      "Compare where it breaks: always after the same time points to a limit in between.",
      "Look for failovers, restarted sidecars and OOM kills at this second.",
      "Let clients resume downloads with Range and a strong ETag.",
    ],
  },
} as const satisfies Record<string, FailureRow>;
