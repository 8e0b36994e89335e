/**
 * The clients of the soak that speak HTTP/2: they share one connection, which one of the acts ends
 * without a word, so that its streams go down with it.
 */
import { connect, constants } from "node:http2";
import { bounded } from "./clients.mjs";
import { HTTP2_PATHS } from "./http2-upstream.mjs";

let shared = null;

/** Ends the connection that is kept. */
export function endHttp2Clients() {
  shared?.destroy();
}

/** To upstreams of both versions, from clients of this one. */
export function http2Acts(port) {
  const paths = [...HTTP2_PATHS, "/fine", "/fine", "/chunked", "/cut", "/reset", "/h2/fine"];
  return [
    ...paths.map((path) => () => ask(port, { path })),
    () => ask(port, { path: "/h2/fine", body: "x".repeat(1_000) }),
    () => ask(port, { path: "/h2/fine", body: "x".repeat(200_000) }),
    () => ask(port, { path: "/h2/reset", body: "x".repeat(200_000) }),
    () => ask(port, { path: "/h2/silent", leaveMs: 30 }),
    () => ask(port, { path: "/h2/large", leaveMs: 1 }),
    () => ask(port, { path: "/stream", leaveMs: 200 }),
    () => dropped(port),
  ];
}

function session(port) {
  if (shared === null || shared.closed || shared.destroyed) {
    shared = connect(`http://127.0.0.1:${port}`);
    shared.on("error", () => {});
  }
  return shared;
}

function ask(port, { path, body, leaveMs }) {
  return bounded((done) => {
    const method = body === undefined ? "GET" : "POST";
    const stream = session(port).request(
      { ":path": path, ":method": method },
      { endStream: false },
    );
    let status = null;
    stream.on("error", () => {});
    stream.on("response", (fields) => {
      status = fields[":status"];
    });
    stream.once("close", () => {
      const whole = stream.rstCode === constants.NGHTTP2_NO_ERROR && status !== null;
      done(whole ? `h2 ${status}` : "h2 cut");
    });
    // Node keeps a stream that was reset with NO_ERROR within its upload.
    stream.once("end", () => {
      if (!stream.writableFinished) stream.destroy();
    });
    stream.resume();
    stream.end(body);
    if (leaveMs !== undefined) setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), leaveMs);
    return () => stream.destroy();
  });
}

/** Leaves in the middle of an answer, and takes the others on its connection along. */
async function dropped(port) {
  const asked = ask(port, { path: "/h2/large" });
  setImmediate(() => shared?.destroy());
  return asked;
}
