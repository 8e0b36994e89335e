/**
 * A precise client: it sends a request exactly as written, without normalising the path, and
 * distinguishes a complete answer from one that was cut.
 */
import { request } from "node:http";

/** A later answer counts as none, so that the tour always ends. */
const PATIENCE_MS = 15_000;

/** Sends a request and reads the whole answer. Never rejects: no answer is a result too. */
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

/** Sends a request, waits for the head of its answer, and returns a function that disconnects. */
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
    // After the answer has begun, a failing upload does not matter.
    req.on("error", ({ code }) => resolve({ error: code }));
    req.on("response", (res) => resolve({ res }));
    req.end(body);
  });
}
