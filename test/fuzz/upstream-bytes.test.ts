/**
 * Bytes that nobody thought of: valid answers that were cut, doubled, garbled and mixed, split at
 * any point and sent over time, through the real proxy and real sockets.
 *
 * What an answer is worth is judged by the strict reader of the tests, which shares no code with
 * the gateway. A run has a seed and a bound; `FUZZ_SECONDS=600 npx vitest run test/fuzz` goes on
 * for as long, from other seeds, and `FUZZ_SEED=…` repeats a run.
 */
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, type Received } from "../gallery/tools/raw-client.js";
import { fieldOf, readMessage } from "../gallery/tools/read-message.js";
import { hunt } from "./hunt.js";
import {
  at,
  cut,
  followedBy,
  type Mutation,
  pieceAnywhere,
  pieceBetweenLines,
  place,
  shortened,
} from "./mutations.js";

const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 8);
const SEED = Number(process.env["FUZZ_SEED"] ?? (SECONDS > 8 ? Date.now() % 1e9 : 20_260_101));
/** One batch asks so many times at once, since most of a case is waiting. */
const BATCH = 64;
const LIMITS = { connectMs: 1_000, responseMs: 400, idleMs: 400, totalMs: 3_000 } as const;
const HUNG_MS = 9_000;

/** What the upstream does with one request. */
interface Case {
  readonly method: "GET" | "POST" | "HEAD";
  readonly bytes: string;
  /** Where the bytes are split; each part is a write of its own. */
  readonly cuts: readonly number[];
  /** Turns of the event loop, or milliseconds, between two parts. */
  readonly gap: "none" | "turn" | "ms";
  readonly end: "hang" | "close" | "reset";
}

const NONCE = "NONCE";
const OK = "HTTP/1.1 200 OK\r\nx-nonce: NONCE\r\n";
const ANSWERS: readonly string[] = [
  "HTTP/1.1 200 OK\r\nx-nonce: NONCE\r\ncontent-length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nx-nonce: NONCE\r\ncontent-length: 0\r\n\r\n",
  `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n`,
  `${OK}transfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n`,
  "HTTP/1.1 200 OK\r\nx-nonce: NONCE\r\n\r\nuntil the close",
  "HTTP/1.0 200 OK\r\nx-nonce: NONCE\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
  "HTTP/1.1 204 No Content\r\nx-nonce: NONCE\r\n\r\n",
  'HTTP/1.1 304 Not Modified\r\nx-nonce: NONCE\r\netag: "a"\r\ncontent-length: 9\r\n\r\n',
  "HTTP/1.1 404 Not Found\r\nx-nonce: NONCE\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno",
  "HTTP/1.1 503 Busy\r\nx-nonce: NONCE\r\nretry-after: 9\r\ncontent-length: 2\r\n\r\nno",
  `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
];
/** What violations are made of. */
const PIECES: readonly string[] = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  "\0",
  ":",
  " ",
  "\t",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "ffffffffffffffff\r\n",
  "-1\r\n",
  "content-length: 5\r\n",
  "content-length: 7\r\n",
  "transfer-encoding: chunked\r\n",
  "transfer-encoding: gzip\r\n",
  "connection: close\r\n",
  "connection: x-nonce\r\n",
  "keep-alive: timeout=1\r\n",
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "x: \xff\x80\r\n",
  " folded\r\n",
  "x".repeat(20_000),
];

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  cut,
  shortened,
  fc.tuple(place, place, place).map(
    ([from, to, where]): Mutation =>
      (text) => {
        const [start, end] = [at(text, from), at(text, to)].sort((a, b) => a - b);
        const into = at(text, where);
        return text.slice(0, into) + text.slice(start, end) + text.slice(into);
      },
  ),
  fc.tuple(place, fc.integer({ min: 0, max: 255 })).map(
    ([where, byte]): Mutation =>
      (text) => {
        const into = at(text, where);
        return text.slice(0, into) + String.fromCharCode(byte) + text.slice(into + 1);
      },
  ),
  pieceAnywhere(PIECES),
  pieceBetweenLines(PIECES),
  followedBy(ANSWERS),
);

const anyCase: fc.Arbitrary<Case> = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "HEAD"),
  bytes: fc
    .tuple(fc.constantFrom(...ANSWERS), fc.array(mutation, { maxLength: 3 }))
    .map(([answer, mutations]) => mutations.reduce((text, mutate) => mutate(text), answer)),
  cuts: fc.array(place, { maxLength: 6 }),
  gap: fc.constantFrom("none", "turn", "ms"),
  end: fc.constantFrom("hang", "close", "close", "reset"),
});

/** An upstream that looks its behaviour up by the nonce of the request. */
const cases = new Map<string, Case>();
const sends = new Map<string, number>();
const upstream = createServer((socket) => {
  let received = "";
  let last = Promise.resolve();
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    for (;;) {
      const end = received.indexOf("\r\n\r\n");
      if (end === -1) return;
      const head = received.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      received = received.slice(end + 4 + length);
      const nonce = /x-nonce: (\S+)/i.exec(head)?.[1] ?? "";
      sends.set(nonce, (sends.get(nonce) ?? 0) + 1);
      // One after the other: the end of one case must not become the end of the next.
      last = last.then(() => play(socket, cases.get(nonce), nonce));
    }
  });
});

async function play(socket: Socket, one: Case | undefined, nonce: string): Promise<void> {
  if (socket.writableEnded) return;
  if (one === undefined) return void socket.destroy();
  const text = one.bytes.replaceAll(NONCE, nonce);
  const cuts = [0, ...one.cuts.map((cut) => at(text, cut)).sort((a, b) => a - b), text.length];
  for (let index = 0; index + 1 < cuts.length; index += 1) {
    if (socket.destroyed) return;
    const part = text.slice(cuts[index], cuts[index + 1]);
    if (part !== "") socket.write(part, "latin1");
    if (one.gap === "turn") await new Promise((resolve) => setImmediate(resolve));
    if (one.gap === "ms") await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (one.end === "close") socket.end();
  if (one.end === "reset") {
    await new Promise((resolve) => setTimeout(resolve, 5));
    socket.resetAndDestroy();
  }
}

let gateway: ReturnType<typeof start>;
let port = 0;

function start() {
  const { port: target } = upstream.address() as AddressInfo;
  return createGateway({
    name: "edge",
    upstreams: {
      app: { targets: `http://127.0.0.1:${target}`, timeouts: LIMITS, breaker: false },
    },
    onWarning: () => {},
  });
}

const server = createHttpServer((req, res) => proxy(req, res));
let proxy: ReturnType<typeof nodeProxy>;

beforeAll(async () => {
  await new Promise<void>((resolve) => void upstream.listen(0, "127.0.0.1", resolve));
  gateway = start();
  proxy = nodeProxy(gateway.upstream("app"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  gateway.close();
  server.closeAllConnections();
  server.close();
  upstream.close();
});

let counter = 0;

/** What is wrong with how a case ended; null when nothing is. */
async function undergo(one: Case): Promise<string | null> {
  counter += 1;
  const nonce = `n${counter}`;
  cases.set(nonce, one);
  const body = one.method === "POST" ? { body: "hello" } : {};
  const request = { method: one.method, fields: { "x-nonce": nonce }, ...body };
  const received = await ask(port, request, { limitMs: HUNG_MS });
  const wrong = judge(one, nonce, received);
  const times = sends.get(nonce) ?? 0;
  cases.delete(nonce);
  sends.delete(nonce);
  if (wrong !== null) return `${wrong}\n${received.raw.subarray(0, 900).toString("latin1")}`;
  if (one.method === "POST" && times > 1) return `a POST was sent ${times} times`;
  return null;
}

function judge(one: Case, nonce: string, received: Received): string | null {
  const { ending, status } = received;
  if (ending === "hung" || ending === "invalid") return `${ending}: ${received.note}`;
  if (ending !== "whole") return status === null ? "no answer at all" : null;
  if ((received.field("proxy-status") ?? "").includes("; error=")) {
    return (status ?? 0) >= 400 ? null : `a failure of ours with status ${status}`;
  }
  const answered = received.field("x-nonce");
  if (answered !== undefined && !answered.includes(nonce) && /\bn\d+\b/.test(answered)) {
    return `the answer of ${answered} for ${nonce}`;
  }
  return judgeWhole(one, nonce, received);
}

/** Whole for the client: then it must be whole for the strict reader, too, and say the same. */
function judgeWhole(one: Case, nonce: string, received: Received): string | null {
  const bytes = Buffer.from(one.bytes.replaceAll(NONCE, nonce), "latin1");
  const reading = readMessage(bytes, { method: one.method, ended: one.end === "close" });
  if (reading.kind === "invalid") return `it looks whole and is invalid: ${reading.why}`;
  if (reading.kind === "partial") return "it looks whole and is not";
  const { message } = reading;
  if (message.status !== received.status) return `status ${message.status} became another`;
  if (one.method !== "HEAD" && message.body.toString("latin1") !== received.body) {
    return "another body";
  }
  const type = fieldOf(message.fields, "etag");
  return type === received.field("etag") ? null : "another field";
}

it(
  "no bytes of an upstream hang a client, mix answers up or look whole when they are not",
  async () => {
    const size = { seconds: SECONDS, seed: SEED, atOnce: BATCH };
    const last = await hunt({ ...size, cases: anyCase, undergo });
    const [target] = gateway.upstream("app").targets;
    expect(target?.pending).toBe(0);
    process.stdout.write(`fuzz: ${counter} answers, seeds ${SEED} to ${last}\n`);
  },
  (SECONDS + 60) * 1_000,
);
