/**
 * A client that looks closely: it sends a request as it is written, without a clean-up of the path,
 * and tells an answer that is complete from one that was cut.
 */
import { request } from "node:http";

/** An answer that takes longer is none; the tour never waits for ever. */
const PATIENCE_MS = 15_000;

/** Sends a request and takes in the whole answer. Never rejects: no answer is an answer, too. */
export async function ask(port, wanted) {
  const { res, error } = await begin(port, wanted);
  if (error !== undefined) return { status: null, error, fields: {}, body: "", whole: false };
  const chunks = [];
  res.on("data", (chunk) => chunks.push(chunk));
  await new Promise((resolve) => res.on("error", () => {}).once("close", resolve));
  return {
    status: res.statusCode,
    reason: res.statusMessage,
    fields: res.headers,
    rawFields: res.rawHeaders,
    body: Buffer.concat(chunks).toString(),
    whole: res.complete,
  };
}

/** Sends a request, waits for the head of its answer only, and gives how to leave. */
export async function askAndStay(port, wanted) {
  const { res } = await begin(port, wanted);
  res?.on("error", () => {}).resume();
  return () => res?.destroy();
}

function begin(port, { method = "GET", path, fields = {}, body = null }) {
  return new Promise((resolve) => {
    const headers =
      body === null ? fields : { ...fields, "content-length": Buffer.byteLength(body) };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const req = request({ host: "127.0.0.1", port, method, path, headers, signal, agent: false });
    // After the answer has begun, an upload that nobody wants any more is no news.
    req.on("error", ({ code }) => resolve({ error: code }));
    req.on("response", (res) => resolve({ res }));
    req.end(body);
  });
}
