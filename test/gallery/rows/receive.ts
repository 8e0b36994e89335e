/**
 * Rows of the gallery for broken bodies, for clients that leave, and for what the upstream itself
 * says. Where a head has left already, a broken body is cut; it is never whole.
 */
import { gatewayFetch } from "good-gateway/fetch";
import { accept, respond, type Script } from "good-gateway/testing";
import type { Row } from "../tools/provoke.js";
import { eventually } from "../tools/world.js";

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
const LENGTH = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
const REPEATED = { sends: [3, 1], breaker: "failure" } as const;
const ONCE = { sends: [1, 1], breaker: "failure" } as const;
/** More than all buffers on the way hold. */
const MUCH = "x".repeat(30_000_000);

function answering(text: string): Script {
  return accept().readHead().readBody().send(text).hang();
}

function says(status: number, fields: Readonly<Record<string, string>> = {}): Row["world"] {
  return {
    script: accept()
      .readHead()
      .readBody()
      .send(respond(status, "no", fields))
      .again(),
  };
}

export const RECEIVE: readonly Row[] = [
  {
    code: "http_response_transfer_coding",
    answer: 502,
    error: "http_response_transfer_coding",
    ...REPEATED,
    world: { script: answering(`${CHUNKED}ZZ\r\n`) },
  },
  {
    code: "http_response_content_coding",
    answer: "cut",
    error: null,
    ...ONCE,
    world: {
      script: answering(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n" +
          "10\r\nthis is not gzip\r\n",
      ),
    },
    // A proxy passes codings on as they are; only a fetch undoes them.
    ask: async ({ gateway, attempts }, method) => {
      const response = await gatewayFetch(gateway.upstream("app"))("/x", { method });
      const broken = await response.text().then(
        () => false,
        () => true,
      );
      await eventually("the exchange is told", () => attempts.length > 0);
      const code = attempts[0]?.code ?? null;
      const answer = broken ? "cut" : response.status;
      return { answer, error: null, code, attempts: attempts.length, retryAfter: null, raw: "" };
    },
  },
  {
    code: "response_body_timeout",
    answer: "cut",
    error: null,
    ...ONCE,
    world: {
      script: accept()
        .readHead()
        .send(LENGTH)
        .sendSlowly("x".repeat(99), { bytesPerWrite: 1, everyMs: 20 })
        .hang(),
      options: { timeouts: { bodyMs: 200 } },
    },
  },
  {
    code: "http_response_body_size",
    answer: 502,
    error: "http_response_body_size",
    ...ONCE,
    world: {
      script: answering(respond(200, "x".repeat(11))),
      options: { limits: { responseBodyBytesMax: 10 } },
    },
  },
  {
    code: "http_response_trailer_section_size",
    answer: 502,
    error: "http_response_trailer_section_size",
    ...ONCE,
    world: {
      script: answering(`${CHUNKED}0\r\n${`x-t: ${"t".repeat(4_000)}\r\n`.repeat(5)}\r\n`),
    },
  },
  {
    code: "http_response_trailer_size",
    answer: 502,
    error: "http_response_trailer_size",
    ...ONCE,
    world: { script: answering(`${CHUNKED}0\r\nx-t: ${"t".repeat(9_000)}\r\n\r\n`) },
  },
  {
    code: "connection_reset_in_body",
    answer: "cut",
    error: null,
    ...ONCE,
    world: { script: accept().readHead().send(`${LENGTH}hello`).wait(50).reset() },
  },
  {
    code: "client_closed_request",
    answer: null,
    error: null,
    sends: [1, 1],
    breaker: "neutral",
    world: {
      script: accept().readHead().hang(),
      // The client is the first to lose patience, however busy the machine is.
      options: { timeouts: { responseMs: 5_000, idleMs: 5_000, totalMs: 9_000 } },
    },
    during: async ({ played }, caller) => {
      await eventually("the request is there", () => played?.heads().length === 1);
      caller.destroy();
    },
  },
  {
    code: "client_stalled",
    answer: "cut",
    error: null,
    sends: [1, 1],
    breaker: "neutral",
    world: {
      script: answering(`HTTP/1.1 200 OK\r\ncontent-length: ${MUCH.length}\r\n\r\n${MUCH}`),
    },
    client: (socket) => {
      socket.pause();
      setTimeout(() => socket.resume(), 1_500);
    },
  },
  { code: "received_server_error", answer: 500, error: null, ...ONCE, world: says(500) },
  { code: "received_gateway_error", answer: 502, error: null, ...REPEATED, world: says(502) },
  {
    code: "received_overloaded",
    answer: 503,
    error: null,
    ...ONCE,
    world: says(503, { "retry-after": "120" }),
  },
  {
    code: "received_rate_limited",
    answer: 429,
    error: null,
    sends: [1, 1],
    breaker: "neutral",
    world: says(429, { "retry-after": "120" }),
  },
  {
    code: "received_expectation_failed",
    answer: 417,
    error: null,
    sends: [1, 1],
    breaker: "neutral",
    methods: ["PUT", "POST"],
    request: { body: "hello", fields: { expect: "100-continue" } },
    // Where repeats are allowed it is sent again without the question, and nobody sees the 417.
    world: { script: accept().readHead().send(respond(417)).hang(), options: { retry: false } },
  },
  {
    code: "received_misdirected",
    answer: 421,
    error: null,
    sends: [1, 1],
    breaker: "neutral",
    world: says(421),
  },
  {
    code: "received_too_early",
    answer: 425,
    error: null,
    sends: [1, 1],
    breaker: "neutral",
    world: says(425),
  },
];
