/**
 * Clients of the three instances: every answer is compared with what was sent, and each call has an
 * id by which its executions are counted.
 */
import { Agent, request } from "node:http";
import { bounded } from "./clients.mjs";

const agent = new Agent({ keepAlive: true, maxSockets: 32, maxFreeSockets: 8 });

export function endCheckedClients() {
  agent.destroy();
}

/** What came of all calls; `unsent` of calls that were never sent, which may always be repeated. */
export function createTally() {
  return { calls: 0, wrong: 0, failed: new Map(), unsaved: 0, posts: [] };
}

/** What a failure by this name has never sent; the catalog's `repeat: "safe"`. */
const UNSENT = new Set([
  ...["connection_refused", "connection_timeout", "connection_reset_while_connecting"],
  ...["breaker_open", "no_healthy_target", "dns_name_not_found", "dns_error", "dns_timeout"],
  ...["event_loop_stalled", "local_resources_exhausted", "connection_pool_timeout"],
]);

/** Acts that go to the instances, half of them calls that must not be executed twice. */
export function checkedActs(port, tally) {
  return [
    () => check(port, tally, "GET"),
    () => check(port, tally, "POST"),
    () => check(port, tally, "PUT"),
    () => check(port, tally, "POST"),
  ];
}

async function check(port, tally, method) {
  tally.calls += 1;
  const id = `${method}-${tally.calls}`;
  const body = method === "GET" ? "" : id.repeat(1 + (tally.calls % 40));
  if (method === "POST") tally.posts.push(id);
  const { status, code, text } = await exchange(port, method, `/three/${id}`, body);
  if (status === 200) {
    if (text !== `${id} ${body}`) tally.wrong += 1;
    return `checked ${status}`;
  }
  tally.failed.set(`${method} ${code}`, (tally.failed.get(`${method} ${code}`) ?? 0) + 1);
  // Two instances were well: a second attempt could have saved all but what may act twice.
  if (method !== "POST" || UNSENT.has(code)) tally.unsaved += 1;
  return status === "hung" ? "hung" : `checked ${status}`;
}

async function exchange(port, method, path, body) {
  let answered = { status: "cut", code: "cut", text: "" };
  const came = await bounded((done) => {
    const asked = request({ agent, host: "127.0.0.1", port, path, method });
    asked.on("error", () => done("cut"));
    asked.on("response", (answer) => {
      const parts = [];
      const named = /(?<![\w-])code=(\w+)/.exec(String(answer.headers["proxy-status"] ?? ""));
      answer.on("error", () => done("cut"));
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => {
        answered = {
          status: answer.complete ? answer.statusCode : "cut",
          code: named?.[1] ?? String(answer.statusCode),
          text: Buffer.concat(parts).toString(),
        };
        done("answered");
      });
    });
    asked.end(body);
    return () => asked.destroy();
  });
  return came === "hung" ? { status: "hung", code: "hung", text: "" } : answered;
}
