/**
 * Rows of the gallery for failures between the first byte that was written and the complete head
 * of the answer, and for deadlines. The upstream may have acted, so only idempotent calls are
 * repeated.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { accept, fullBacklog, ok, respond, silentListener } from "good-gateway/testing";
import type { Row } from "../tools/provoke.js";
import { eventually } from "../tools/world.js";

const UPLOAD = { upload: { bytes: 20_000_000 } } as const;
const OK = "HTTP/1.1 200 OK\r\n";
/** Idempotent calls are repeated up to the number of attempts; others are sent once. */
const REPEATED = { sends: [3, 1], breaker: "failure" } as const;
const ONCE = { sends: [1, 1], breaker: "failure" } as const;

/** Blocks this process for longer than every limit of the test, as synchronous work would. */
function blockLoop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

export const EXCHANGE: readonly Row[] = [
  {
    code: "deadline_exceeded_connecting",
    answer: 504,
    error: "connection_timeout",
    sends: [0, 0],
    attempts: [1, 1],
    breaker: "failure",
    world: async () => {
      const { origin, close } = await fullBacklog();
      // The others do not race it, whichever phase an engine sees.
      const timeouts = { connectMs: 2_000, responseMs: 2_000, totalMs: 300 };
      return { targets: () => origin, options: { timeouts }, cleanUp: close };
    },
  },
  {
    code: "deadline_exceeded_in_handshake",
    answer: 504,
    error: "connection_timeout",
    sends: [0, 0],
    attempts: [1, 1],
    breaker: "failure",
    world: async () => {
      const { port, close } = await silentListener();
      const timeouts = { connectMs: 2_000, responseMs: 2_000, totalMs: 300 };
      return {
        targets: () => `https://127.0.0.1:${port}`,
        options: { timeouts },
        cleanUp: close,
      };
    },
  },
  {
    code: "deadline_exceeded",
    answer: 504,
    error: "http_response_timeout",
    ...ONCE,
    world: {
      script: accept().readHead().hang(),
      options: { timeouts: { responseMs: 2_000, totalMs: 300 } },
    },
  },
  {
    code: "event_loop_stalled",
    answer: 500,
    error: "proxy_internal_error",
    ...{ sends: [0, 0], attempts: [3, 3], breaker: "neutral" },
    world: async () => {
      const { origin, close } = await fullBacklog();
      // One attempt at a time is stalled below; the next one must be, too.
      return { targets: () => origin, options: { timeouts: { connectMs: 200 } }, cleanUp: close };
    },
    during: async ({ gateway, attempts }) => {
      const connecting = () => gateway.upstream("app").targets[0]?.pending === 1;
      for (let turn = 0; turn < 3; turn += 1) {
        await eventually("an attempt connects", () => connecting() || attempts.length > turn);
        if (connecting()) blockLoop(400);
        await eventually("an attempt has ended", () => attempts.length > turn);
        // A call that is not repeated has no further attempt.
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (!connecting()) return;
      }
    },
    alone: true,
  },
  {
    code: "connection_terminated",
    answer: 502,
    error: "connection_terminated",
    ...REPEATED,
    world: { script: accept().readHead().close() },
  },
  {
    code: "stale_connection",
    answer: 502,
    error: "connection_terminated",
    sends: [2, 1],
    breaker: "neutral",
    world: { script: accept().readHead().send(ok("fine")).readHead().reset() },
    before: async ({ ask }) => void (await ask()),
    recovers: true,
  },
  {
    code: "connection_terminated_while_sending",
    answer: 502,
    error: "connection_terminated",
    ...ONCE,
    methods: ["PUT", "POST"],
    request: UPLOAD,
    world: { script: accept().readHead().readBytes(100_000).reset() },
  },
  {
    code: "connection_write_timeout",
    answer: 504,
    error: "connection_write_timeout",
    ...ONCE,
    methods: ["PUT", "POST"],
    request: UPLOAD,
    world: { script: accept().readHead().stopReading().wait(10_000) },
  },
  {
    code: "request_body_timeout",
    answer: 408,
    error: "http_request_error",
    sends: [1, 1],
    breaker: "neutral",
    methods: ["PUT", "POST"],
    request: { upload: { bytes: 5, announced: 100 } },
    world: { script: accept().readHead().readBody().send(ok()) },
  },
  {
    code: "http_response_incomplete",
    answer: 502,
    error: "http_response_incomplete",
    ...REPEATED,
    world: { script: accept().readHead().send(`${OK}content-le`).close() },
  },
  {
    code: "http_protocol_error",
    answer: 502,
    error: "http_protocol_error",
    ...REPEATED,
    world: { script: accept().readHead().send("SSH-2.0-OpenSSH_9.2p1\r\n").hang() },
  },
  {
    code: "response_framing_invalid",
    answer: 502,
    error: "http_protocol_error",
    ...REPEATED,
    world: {
      script: accept()
        .readHead()
        .send(`${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`)
        .hang(),
    },
  },
  {
    code: "response_status_invalid",
    answer: 502,
    error: "http_protocol_error",
    ...REPEATED,
    world: {
      script: accept().readHead().send("HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n").hang(),
    },
  },
  {
    code: "http_response_header_section_size",
    answer: 502,
    error: "http_response_header_section_size",
    ...ONCE,
    world: {
      script: accept()
        .readHead()
        .send(`${OK}${`x-a: ${"a".repeat(1_000)}\r\n`.repeat(40)}\r\n`)
        .hang(),
    },
  },
  {
    code: "http_response_header_size",
    answer: 502,
    error: "http_response_header_size",
    ...ONCE,
    world: {
      script: accept()
        .readHead()
        .send(`${OK}x-a: ${"a".repeat(20_000)}\r\n\r\n`)
        .hang(),
    },
  },
  {
    code: "http_response_timeout",
    answer: 504,
    error: "http_response_timeout",
    ...REPEATED,
    world: { script: accept().readHead().hang() },
  },
  {
    code: "connection_read_timeout",
    answer: 504,
    error: "connection_read_timeout",
    ...REPEATED,
    world: { script: accept().readHead().send(`${OK}content-le`).hang() },
  },
  {
    code: "http_upgrade_failed",
    answer: 502,
    error: "http_upgrade_failed",
    ...ONCE,
    world: {
      script: accept()
        .readHead()
        .send(
          "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        )
        .hang(),
    },
  },
  {
    code: "tunnel_idle",
    answer: "cut",
    error: null,
    sends: [1, 1],
    breaker: "neutral",
    methods: ["GET", "GET"],
    world: {
      options: { timeouts: { tunnelIdleMs: 100 } },
      script: accept()
        .readHead()
        .send(
          "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        )
        .hang(),
    },
    ask: async ({ port, attempts }) => {
      const socket = connect(port, "127.0.0.1").resume();
      const fields = "host: a.test\r\nconnection: upgrade\r\nupgrade: websocket";
      socket.write(`GET /x HTTP/1.1\r\n${fields}\r\n\r\n`);
      await once(socket, "close");
      await eventually("the exchange is told", () => attempts.length > 0);
      const code = attempts[0]?.code ?? null;
      return { answer: "cut", error: null, code, attempts: 1, retryAfter: null, raw: "" };
    },
  },
  {
    code: "upgrade_refused",
    answer: 426,
    error: null,
    sends: [1, 1],
    // A whole answer of the upstream that is no server error speaks for its health.
    breaker: "neutral",
    methods: ["GET", "GET"],
    request: { fields: { connection: "upgrade", upgrade: "websocket" } },
    world: { script: accept().readHead().send(respond(426, "no")).hang() },
  },
];
