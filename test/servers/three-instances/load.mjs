/**
 * An open-loop client: requests leave by the clock, whether or not earlier ones were answered.
 *
 * Every request carries an id. What came of it is noted with the time that it took; a request that
 * the client itself sent late, since the machine was busy, is not charged with that.
 */
import { Agent, request } from "node:http";

/** A client that hears nothing for this long calls it a failure. */
const GIVE_UP_MS = 15_000;
const BODY = JSON.stringify({ amount: 1 });

/** Sends `perSecond` requests a second for `seconds`, and resolves when all of them are over. */
export async function sendOpenLoop({ port, method, perSecond, seconds }) {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const total = perSecond * seconds;
  const startedAt = performance.now();
  const results = [];
  for (let index = 0; index < total; ) {
    const due = Math.min(
      total,
      Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) + 1,
    );
    for (; index < due; index += 1) {
      const atMs = performance.now() - startedAt;
      results.push(sendOne({ agent, port, method, id: `${method}-${index}`, atMs }));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const all = await Promise.all(results);
  agent.destroy();
  return all;
}

function sendOne({ agent, port, method, id, atMs }) {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const over = (status, why) => {
      clearTimeout(timer);
      resolve({ id, atMs, status, why, tookMs: performance.now() - startedAt });
    };
    const fields = method === "POST" ? { "content-type": "application/json" } : {};
    const req = request({
      agent,
      port,
      method,
      host: "127.0.0.1",
      path: "/orders",
      headers: { "x-call-id": id, ...fields },
    });
    const timer = setTimeout(() => {
      over(null, "no answer");
      req.destroy();
    }, GIVE_UP_MS);
    req.once("error", (error) => over(null, error.code));
    req.once("response", (res) => {
      const why = res.headers["proxy-status"] ?? null;
      res.once("error", (error) => over(null, error.code));
      res.once("end", () => over(res.statusCode, why));
      res.resume();
    });
    req.end(method === "POST" ? BODY : undefined);
  });
}
