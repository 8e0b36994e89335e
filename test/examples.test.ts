/**
 * The examples run as they stand in the README: with one command, in a process of their own,
 * against the built package.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { FAILURES, type FailureCode } from "../src/index.js";
import { buildQuick } from "./tools/build-quick.mjs";

/** A build and a few processes of Node take their time on a busy machine. */
const PROCESSES_MS = 60_000;
/** What the tour is drawn for. */
const COLUMNS = 110;

const running = new Set<ChildProcess>();

beforeAll(buildQuick, PROCESSES_MS);
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

describe("npm start", { timeout: PROCESSES_MS }, () => {
  it("shows every failure as documented, and ends with 0", async () => {
    const tour = start("examples/gateway/main.mjs", ["--once"]);
    expect(await tour.ended).toBe(0);
    const rows = tour.lines.map(rowOf).filter((row) => row !== null);
    expect(rows.filter(({ right }) => !right)).toEqual([]);
    expect(tour.lines.at(-1)).toMatch(
      new RegExp(`^✔ ${rows.length} of ${rows.length} answers were as documented`),
    );
    expect(rows).toEqual(expect.arrayContaining(ROWS.map((row) => expect.objectContaining(row))));
    for (const { code, blame } of rows.filter((row) => row.code !== "–")) {
      expect([code, blame]).toEqual([code, FAILURES[code as FailureCode].blame]);
    }
    // It is for a terminal, and this is none.
    expect(tour.lines.filter((line) => [...line].length > COLUMNS)).toEqual([]);
    expect(tour.lines.join("\n")).not.toContain("\x1b");
  });

  it("stays up on a free port where the wanted one is taken, until SIGTERM", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    const tour = start("examples/gateway/main.mjs", [], { PORT: String(port) });
    await tour.line(`Port ${port} is taken, so a free one is used.`);
    const [origin = ""] = /http:\S+/.exec(await tour.line("The gateway stays up on")) ?? [];
    const [page = ""] = /http:\S+/.exec(await tour.line("The page of it is")) ?? [];
    const { upstreams } = (await (await fetch(`${page}snapshot.json`)).json()) as {
      readonly upstreams: readonly { readonly name: string }[];
    };
    expect(upstreams.map(({ name }) => name)).toContain("refused");
    const answer = await fetch(`${origin}/refused`);
    expect(answer.status).toBe(502);
    expect(answer.headers.get("proxy-status")).toContain("edge; error=connection_refused");
    await answer.text();
    tour.child.kill("SIGTERM");
    expect(await tour.ended).toBe(0);
    expect(tour.lines.at(-1)).toBe("Stopped. Calls that could finish: 0, that were cut: 0.");
    holder.close();
  });
});

describe("examples", { timeout: PROCESSES_MS }, () => {
  const JSON_POST = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"amount":1}',
  };

  it("node.mjs proxies, and answers 502 for an upstream that hangs up", async () => {
    const example = await startExample("examples/node.mjs");
    expect(await example.get("/orders/7")).toEqual([200, "the upstream got GET /orders/7\n"]);
    expect(await example.get("/broken")).toEqual([502, expect.stringContaining(TERMINATED)]);
    expect(await example.stop()).toBe(0);
  });

  it("express.mjs proxies a parsed POST, and answers for routes and proxy alike", async () => {
    const example = await startExample("examples/express.mjs");
    expect(await example.get("/orders/7", JSON_POST)).toEqual([200, '{"amount":1}']);
    expect(await example.get("/summary/7")).toEqual([200, '{"status":200}']);
    for (const path of ["/orders/broken", "/summary/broken"]) {
      expect(await example.get(path)).toEqual([502, expect.stringContaining(TERMINATED)]);
    }
    expect(await example.stop()).toBe(0);
  });

  it("http-proxy-middleware.mjs proxies a parsed POST, and answers 502 by its name", async () => {
    const example = await startExample("examples/http-proxy-middleware.mjs");
    expect(await example.get("/orders/7", JSON_POST)).toEqual([200, '{"amount":1}']);
    expect(await example.get("/orders/broken")).toEqual([502, expect.stringContaining(TERMINATED)]);
    expect(await example.stop()).toBe(0);
  });

  it("fastify.mjs proxies, and answers for routes and proxy alike", async () => {
    const example = await startExample("examples/fastify.mjs");
    expect(await example.get("/orders/7")).toEqual([200, "the upstream got GET /7\n"]);
    expect(await example.get("/summary/7")).toEqual([200, '{"status":200}']);
    for (const path of ["/orders/broken", "/summary/broken"]) {
      expect(await example.get(path)).toEqual([502, expect.stringContaining(TERMINATED)]);
    }
    expect(await example.stop()).toBe(0);
  });

  it("health.mjs is ready, follows its check, and lives all along", async () => {
    const example = await startExample("examples/health.mjs");
    expect(await example.get("/readyz")).toEqual([200, '{"status":"pass"}\n']);
    expect(await example.get("/toggle")).toEqual([200, "the queue is broken\n"]);
    await example.line("queue: pass → fail");
    expect(await example.get("/readyz")).toEqual([503, expect.stringContaining("critical")]);
    expect(await example.get("/livez")).toEqual([200, '{"status":"pass"}\n']);
    await example.get("/toggle");
    await example.line("queue: fail → pass");
    expect(await example.stop()).toBe(0);
  });

  it("dashboard.mjs shows its page, and the failure that was provoked", async () => {
    const example = await startExample("examples/dashboard.mjs");
    const [page = ""] = /http:\S+/.exec(await example.line("the page")) ?? [];
    expect(await (await fetch(page)).text()).toContain('id="connection_refused"');
    expect(await example.get("/orders/broken")).toEqual([502, expect.stringContaining(TERMINATED)]);
    const state = (await (await fetch(`${page}state.json`)).json()) as { failures: unknown };
    expect(state.failures).toContainEqual(
      expect.objectContaining({ path: "/orders/broken", code: TERMINATED }),
    );
    expect(await example.stop()).toBe(0);
  });

  it("undici.mjs makes plain fetches good, and names what nothing could mend", async () => {
    const example = await startExample("examples/undici.mjs");
    expect(await example.get("/flaky")).toEqual([200, "200: the upstream got GET /flaky\n"]);
    expect(await example.get("/broken")).toEqual([502, `${TERMINATED}\n`]);
    expect(await example.stop()).toBe(0);
  });

  it("fetch.mjs is made good by a second attempt, and names what nothing could mend", async () => {
    const example = await startExample("examples/fetch.mjs");
    expect(await example.get("/flaky")).toEqual([200, "200: the upstream got GET /flaky\n"]);
    expect(await example.get("/broken")).toEqual([502, expect.stringContaining(TERMINATED)]);
    expect(await example.stop()).toBe(0);
  });
});

it("drain.mjs finishes what it has begun when it is told to end", async () => {
  const example = await startExample("examples/drain.mjs");
  const answer = example.get("/slow", { method: "POST", body: "amount=1" });
  // The request has to be there before the signal.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await example.stop()).toBe(0);
  expect(await answer).toEqual([200, expect.stringMatching(/^POST was answered by process \d+/)]);
});

const TERMINATED = "connection_terminated";

/** The failures that the tour must show at the least. */
const ROWS = [
  { request: "GET /fine", got: "200", code: "–", attempts: 1 },
  { request: "GET /flapping", got: "200", code: "connection_terminated", attempts: 2 },
  { request: "POST /flapping", got: "502", code: "connection_terminated", attempts: 1 },
  { request: "POST /one-down", got: "200", code: "connection_refused", attempts: 2 },
  { request: "GET /refused", got: "502", code: "connection_refused", attempts: 3 },
  { request: "GET /all-down", got: "502", code: "connection_refused", attempts: 3 },
  { request: "GET /tls-none", got: "502", code: "tls_protocol_error", attempts: 1 },
  { request: "GET /tls-self", got: "502", code: "tls_certificate_error", attempts: 1 },
  { request: "GET /reset", got: "502", code: "connection_terminated", attempts: 3 },
  { request: "GET /garbage", got: "502", code: "http_protocol_error", attempts: 3 },
  { request: "GET /breaker", got: "503", code: "breaker_open", attempts: 0 },
  { request: "GET /bulkhead", got: "503", code: "bulkhead_full", attempts: 0 },
  { request: "GET /fine", got: "503", code: "maintenance", attempts: 0 },
  { request: "GET /silent", got: "504", code: "http_response_timeout", attempts: 3 },
  { request: "POST /silent", got: "504", code: "http_response_timeout", attempts: 1 },
  { request: "GET /truncated", got: "cut", code: "http_response_incomplete", attempts: 1 },
  { request: "GET /stalled", got: "cut", code: "connection_read_timeout", attempts: 1 },
  { request: "GET /busy", got: "503", code: "received_overloaded", attempts: 1 },
];

const ROW = /^ ([✔✖]) (GET|POST) +(\/\S*) +.+? +(\d{3}|cut|[A-Z]+) +(\w+|–) +(\w+|–) +(\d+)$/;

function rowOf(line: string) {
  const [, mark, method, path, got, code, blame, attempts] = ROW.exec(line) ?? [];
  if (mark === undefined) return null;
  const request = `${method} ${path}`;
  return { right: mark === "✔", request, got, code, blame, attempts: Number(attempts) };
}

/** Runs a file of the repository with node, line by line. */
function start(path: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(child);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => {
    lines.push(line);
    wake();
  });
  const ended = once(child, "close").then(([code, signal]) => {
    running.delete(child);
    wake();
    return (code ?? signal) as number | string;
  });
  /** The first line with this text, when it is there. */
  const line = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find((one) => one.includes(text));
        if (found !== undefined) resolve(found);
        else if (running.has(child)) return;
        else reject(new Error(`${path} ended without "${text}":\n${lines.join("\n")}`));
        waiting.delete(look);
      };
      waiting.add(look);
      look();
    });
  return { child, lines, ended, line };
}

async function startExample(path: string) {
  const { child, ended, line } = start(path, [], { PORT: "0" });
  const [origin = ""] = /http:\/\/[\d.:]+/.exec(await line("curl -i")) ?? [];
  return {
    line,
    async get(at: string, init: RequestInit = {}): Promise<readonly [number, string]> {
      const answer = await fetch(origin + at, init);
      return [answer.status, await answer.text()];
    },
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
