/**
 * Blame `self`: what a busy process of ours does to its calls, and that nobody else is blamed for
 * it.
 *
 * The upstream is a process of its own, so that it goes on while our event loop is blocked. Each
 * guarantee is asked for again and again, since what it is about is a matter of order in the loop.
 */
import { type ChildProcess, spawn } from "node:child_process";
import dns from "node:dns";
import { once } from "node:events";
import { readFile } from "node:fs";
import { fileURLToPath } from "node:url";
import { createGateway, type FailureCode, type Gateway, type UpstreamOptions } from "good-gateway";
import { silentListener } from "good-gateway/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

/**
 * Speaks HTTP after a pause that the path names: `/head/20` answers after 20 ms, `/body/20` sends
 * the rest of its body then. A connection that has rested for 20 ms is closed.
 */
const UPSTREAM = `
  const { createServer } = require("node:net");
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => {});
    let received = "";
    let rest;
    socket.on("data", (chunk) => {
      clearTimeout(rest);
      received += chunk;
      const ending = /^POST/.test(received) ? "hello" : "\\r\\n\\r\\n";
      if (!received.endsWith(ending)) return;
      const [, what, ms] = /^\\w+ \\/(\\w+)\\/(\\d+)/.exec(received);
      received = "";
      const done = (text) => {
        socket.write(text);
        rest = setTimeout(() => socket.end(), 20);
      };
      const head = "HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\n\\r\\n";
      if (what === "head") setTimeout(() => done(head + "done"), Number(ms));
      else {
        socket.write(head + "do");
        setTimeout(() => done("ne"), Number(ms));
      }
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

const TIMES = 20;
/** The answer comes well within the limit; we are blocked for well longer than it. */
const ANSWER_MS = 12;
const LIMIT_MS = 45;
const BLOCK_MS = 80;

let child: ChildProcess;
let origin: string;
let gateway: Gateway<"app"> | null = null;

beforeAll(async () => {
  child = spawn(process.execPath, ["-e", UPSTREAM], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  origin = `http://127.0.0.1:${String(port).trim()}`;
});

afterAll(() => void child.kill());

afterEach(() => {
  gateway?.close();
  gateway = null;
});

function gatewayTo(target: string, options: Omit<UpstreamOptions, "targets">): Gateway<"app"> {
  const made = createGateway({
    upstreams: { app: { targets: target, retry: false, breaker: false, ...options } },
    onWarning: () => {},
  });
  gateway = made;
  return made;
}

/** Times in a row that an upstream of a process of its own may get no turn of the processor. */
const LATE_MAX = 3;

/** Synchronous work. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/**
 * Where in the event loop the work is done: both are followed by timers before sockets are read.
 */
const PLACES: Readonly<Record<string, (work: () => void) => void>> = {
  "a callback of setImmediate": (work) => void setImmediate(work),
  "a callback of I/O": (work) => readFile(fileURLToPath(import.meta.url), work),
};

/** Gives back what the work gives back, in a list where that is a promise to be awaited later. */
function at<Result>(place: string, work: () => Result): Promise<Result> {
  const run = PLACES[place] as (work: () => void) => void;
  return new Promise((resolve) => run(() => resolve(work())));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

describe.each(Object.keys(PLACES))("while %s blocks the loop", (place) => {
  it.each([
    ["the head", "/head", { responseMs: LIMIT_MS }],
    ["the rest of the body", "/body", { idleMs: LIMIT_MS }],
    ["the head, and the deadline of the call is short,", "/head", { totalMs: LIMIT_MS }],
  ])("%s arrives, and is taken although the timer is due", async (_, path, timeouts) => {
    const made = gatewayTo(origin, { timeouts });
    const came: string[] = [];
    const play = async (): Promise<string> => {
      const body = bodyOf(made.upstream("app").send({ path: `${path}/${ANSWER_MS}` }));
      // The request is on its way by then, and the answer is not.
      await sleep(5);
      await at(place, () => block(BLOCK_MS));
      return body;
    };
    for (let turn = 0; turn < TIMES; turn += 1) {
      let end = await play();
      // On a busy machine the upstream itself may be late, though not again and again.
      for (let again = 0; end !== "done" && again < LATE_MAX; again += 1) end = await play();
      came.push(end);
    }
    expect(came).toEqual(Array.from({ length: TIMES }, () => "done"));
  });

  it("the upstream closes a connection at rest, and the next POST takes another one", async () => {
    const made = gatewayTo(origin, {});
    const reused: boolean[] = [];
    made.on("attempt:end", ({ attempt }) => void reused.push(attempt.reused));
    const came: string[] = [];
    for (let turn = 0; turn < TIMES; turn += 1) {
      const post = { method: "POST", path: "/head/0", body: "hello" };
      came.push(await bodyOf(made.upstream("app").send(post)));
      const next = await at(place, () => {
        block(60);
        return [made.upstream("app").send(post)] as const;
      });
      came.push(await bodyOf(next[0]));
    }
    expect(came).toEqual(Array.from({ length: 2 * TIMES }, () => "done"));
    // One attempt each; nothing was repeated to get there.
    expect(reused.length).toBe(2 * TIMES);
  });
});

type Sending = ReturnType<ReturnType<Gateway<"app">["upstream"]>["send"]>;

async function bodyOf(pending: Sending): Promise<string> {
  const outcome = await pending;
  if (outcome.kind !== "success") return outcome.failure.code;
  return outcome.response.body.text().catch((error: unknown) => String(error));
}

describe("a connection that is being set up while the loop is blocked", () => {
  const attempted = async (target: string, busy: boolean): Promise<readonly [string, string]> => {
    const breaker = { consecutiveFailures: 1 };
    const made = gatewayTo(target, { timeouts: { connectMs: 100 }, breaker });
    const outcome = made.upstream("app").send({ path: "/" });
    await sleep(20);
    if (busy) block(300);
    const { failure } = (await outcome) as { readonly failure: { readonly code: FailureCode } };
    return [failure.code, made.upstream("app").targets[0]?.breaker ?? ""];
  };

  it("within TLS fails by our fault, and the breaker does not count it", async () => {
    const silent = await silentListener();
    const target = `https://127.0.0.1:${silent.port}`;
    expect(await attempted(target, true)).toEqual(["event_loop_stalled", "closed"]);
    expect(await attempted(target, false)).toEqual(["tls_handshake_timeout", "open"]);
    await silent.close();
  });

  it("within name resolution fails by our fault, and the breaker does not count it", async () => {
    vi.spyOn(dns, "lookup").mockImplementation((() => {}) as unknown as typeof dns.lookup);
    const target = "http://resolver-silent.test:80";
    expect(await attempted(target, true)).toEqual(["event_loop_stalled", "closed"]);
    expect(await attempted(target, false)).toEqual(["dns_timeout", "open"]);
  });
});
