/**
 * The upstream of the soak that speaks HTTP/2, without TLS: what happens to a stream or to its
 * connection is said by the path.
 */
import { constants, createServer } from "node:http2";

const later = (ms, act) => setTimeout(act, ms);

function fine(stream) {
  stream.respond({ ":status": 200 });
  stream.end("fine");
}

const FAULTS = {
  "/h2/fine": fine,
  "/h2/large": (stream) => {
    stream.respond({ ":status": 200 });
    stream.end(Buffer.alloc(262_144, "l"));
  },
  "/h2/trailers": (stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "x-sum": "1" }));
    stream.end("fine");
  },
  "/h2/refused": (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
  "/h2/calm": (stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
  "/h2/reset": (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  "/h2/cut": (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("hello");
    later(10, () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  },
  "/h2/silent": () => {},
  "/h2/stall": (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("hello");
  },
  "/h2/goaway": (stream) => {
    stream.session.goaway();
    fine(stream);
  },
  "/h2/die": (stream) => stream.session.destroy(),
};

export const HTTP2_PATHS = Object.keys(FAULTS);

/** Starts it; `origin` is where it listens. */
export async function startHttp2Upstream() {
  const sessions = new Set();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    (FAULTS[headers[":path"]] ?? fine)(stream);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
