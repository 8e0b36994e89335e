/**
 * Rows of the gallery for what only HTTP/2 can say, by real servers of node:http2.
 */
import { once } from "node:events";
import { constants, createServer, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { silentListener } from "good-gateway/testing";
import type { Row } from "../tools/provoke.js";
import type { WorldOptions } from "../tools/world.js";

/** A server that resets every stream with one code, when the request is there. */
async function resetting(code: number): Promise<WorldOptions> {
  const sessions = new Set<Http2Session>();
  let sent = 0;
  const server = createServer();
  server.on("session", (session) => void sessions.add(session));
  server.on("stream", (stream) => {
    sent += 1;
    stream.on("error", () => {});
    stream.close(code);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    targets: () => `http://127.0.0.1:${port}`,
    options: { allowH2: "h2c" },
    sent: () => sent,
    cleanUp: async () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

export const HTTP2: readonly Row[] = [
  {
    code: "http2_preface_timeout",
    answer: 504,
    error: "connection_timeout",
    sends: [0, 0],
    attempts: [3, 3],
    breaker: "failure",
    world: async () => {
      const { origin, close } = await silentListener();
      return { targets: () => origin, options: { allowH2: "h2c" }, cleanUp: close };
    },
  },
  {
    code: "stream_refused",
    answer: 502,
    error: "connection_terminated",
    // It was not processed, so that any method is sent again.
    sends: [3, 3],
    breaker: "failure",
    world: () => resetting(constants.NGHTTP2_REFUSED_STREAM),
  },
  {
    code: "enhance_your_calm",
    answer: 503,
    error: "destination_unavailable",
    sends: [3, 1],
    breaker: "failure",
    world: () => resetting(constants.NGHTTP2_ENHANCE_YOUR_CALM),
  },
  {
    code: "stream_reset",
    answer: 502,
    error: "http_protocol_error",
    sends: [3, 1],
    breaker: "failure",
    world: () => resetting(constants.NGHTTP2_INTERNAL_ERROR),
  },
];
