/**
 * Clients that nobody thought of: valid requests and smuggled ones, cut, doubled, garbled and
 * mixed, split at any point, through the real proxy and real sockets.
 *
 * What reaches the upstream is read by the strict reader of the tests, which shares no code with
 * the gateway, over connections that are kept, so that bytes left behind by one client would be
 * found in front of the next. A run has a seed and a bound; see `upstream-bytes.test.ts`.
 */
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { createGateway, type Gateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterAll, beforeAll, it } from "vitest";
import { SMUGGLING } from "../gallery/smuggling/cases.js";
import { readRequests } from "../gallery/smuggling/read-requests.js";
import { fieldOf, readMessage } from "../gallery/tools/read-message.js";
import { eventually } from "../gallery/tools/world.js";
import { hunt } from "./hunt.js";
import {
  at,
  cut,
  followedBy,
  inserted,
  type Mutation,
  pieceAnywhere,
  pieceBetweenLines,
  place,
  shortened,
} from "./mutations.js";

const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 6);
const SEED = Number(process.env["FUZZ_SEED"] ?? (SECONDS > 6 ? Date.now() % 1e9 : 20_260_102));
const BATCH = 48;
const LIMITS = { connectMs: 1_000, responseMs: 500, idleMs: 400, totalMs: 3_000 } as const;
/** From the end of what a client sends to the end of its connection; far above all limits. */
const HUNG_MS = 9_000;

interface Case {
  /** `{path}` stands for the path of the case. */
  readonly bytes: string;
  /** Where the bytes are split; each part is a write of its own. */
  readonly cuts: readonly number[];
  readonly gap: "none" | "turn" | "ms";
  readonly end: "half-close" | "close" | "reset";
}

const HOST = "Host: edge.example\r\n";
const VALID: readonly string[] = [
  `GET {path} HTTP/1.1\r\n${HOST}\r\n`,
  `GET {path}?a=b HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  `POST {path} HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
  `PUT {path} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `HEAD {path} HTTP/1.1\r\n${HOST}\r\n`,
  `GET {path} HTTP/1.0\r\n\r\n`,
  `GET {path} HTTP/1.1\r\n${HOST}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  `POST {path} HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok`,
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
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 70\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip\r\n",
  "Connection: close, x-a\r\n",
  "Host: evil.example\r\n",
  " folded\r\n",
  "GET {path}/hidden HTTP/1.1\r\nHost: h\r\n\r\n",
  "x".repeat(20_000),
];

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  cut,
  shortened,
  fc
    .tuple(place, fc.integer({ min: 0, max: 255 }))
    .map(([where, byte]) => inserted(String.fromCharCode(byte), (text) => at(text, where))),
  pieceAnywhere(PIECES),
  pieceBetweenLines(PIECES),
  followedBy(VALID),
);

const anyCase: fc.Arbitrary<Case> = fc.record({
  bytes: fc
    .tuple(
      fc.constantFrom(...VALID, ...SMUGGLING.map(({ bytes }) => bytes)),
      fc.array(mutation, { maxLength: 3 }),
    )
    .map(([request, mutations]) => mutations.reduce((text, mutate) => mutate(text), request)),
  cuts: fc.array(place, { maxLength: 6 }),
  gap: fc.constantFrom("none", "turn", "ms"),
  end: fc.constantFrom("half-close", "half-close", "close", "reset"),
});

/** What was wrong with what the upstream was sent. */
const wrongUpstream: string[] = [];
const sends = new Map<string, number>();

/** Answers every whole request with its own name, and keeps the connection. */
const upstream = createServer((socket) => {
  let bytes = Buffer.alloc(0);
  let answered = 0;
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    const { whole, invalid } = readRequests(bytes);
    if (invalid !== null) wrongUpstream.push(`${invalid}: ${bytes.toString("latin1").slice(-600)}`);
    for (const line of whole.slice(answered)) answer(socket, line);
    answered = whole.length;
  });
});

function answer(socket: Socket, line: string): void {
  const nonce = nonceIn(line) ?? "none";
  sends.set(nonce, (sends.get(nonce) ?? 0) + 1);
  const body = line.startsWith("HEAD ") ? "" : nonce;
  const fields = `x-nonce: ${nonce}\r\ncontent-length: ${nonce.length}\r\n`;
  socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\n${body}`);
}

function nonceIn(text: string): string | null {
  return /fuzz-\d+-/.exec(text)?.[0] ?? null;
}

let gateway: Gateway<"app">;
let proxy: ReturnType<typeof nodeProxy>;
let port = 0;
const server = createHttpServer((req, res) => proxy(req, res));

beforeAll(async () => {
  await new Promise<void>((resolve) => void upstream.listen(0, "127.0.0.1", resolve));
  gateway = createGateway({
    name: "edge",
    upstreams: {
      app: {
        targets: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        timeouts: LIMITS,
        breaker: false,
      },
    },
    onWarning: () => {},
  });
  proxy = nodeProxy(gateway.upstream("app"));
  server.on("upgrade", proxy.upgrade).on("clientError", proxy.clientError);
  server.on("checkContinue", proxy.checkContinue);
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
  const nonce = `fuzz-${counter}-`;
  const text = one.bytes.replaceAll("{path}", `/${nonce}`);
  const received = await send(one, text);
  if (received === null) return "it hung";
  const asked = text.split(nonce).length - 1;
  const times = sends.get(nonce) ?? 0;
  sends.delete(nonce);
  // Repeats are for upstreams that fail, and this one does not.
  if (times > asked) return `${times} requests were sent of ${asked}`;
  return judge(received, nonce);
}

/** All answers are valid, and speak of this client alone; the last one may be cut. */
function judge(received: Buffer, nonce: string): string | null {
  let rest = received;
  while (rest.length > 0) {
    // Whether it answers HEAD is known by whom it came from: those have a length and no body.
    const head = rest.toString("latin1", 0, rest.indexOf("\r\n\r\n"));
    const reading = read(rest, head);
    if (reading.kind === "partial") return null;
    if (reading.kind === "invalid")
      return `${reading.why}: ${rest.toString("latin1").slice(0, 400)}`;
    const named = fieldOf(reading.message.fields, "x-nonce");
    if (named !== undefined && named !== nonce && named !== "none") return `an answer of ${named}`;
    rest = reading.rest;
  }
  return null;
}

function read(bytes: Buffer, head: string) {
  const asGet = readMessage(bytes, { method: "GET", ended: true });
  if (asGet.kind === "whole") {
    const follows =
      asGet.rest.length === 0 || asGet.rest.toString("latin1").startsWith("HTTP/1.1 ");
    if (follows && !asGet.message.body.toString("latin1").startsWith("HTTP/1.1 ")) return asGet;
  }
  return /\r\n/.test(head) ? readMessage(bytes, { method: "HEAD", ended: true }) : asGet;
}

/** All that came until the end of the connection; null when there was none. */
function send(one: Case, text: string): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const chunks: Buffer[] = [];
    const settle = (came: Buffer | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(came);
    };
    const timer = setTimeout(() => settle(null), HUNG_MS);
    socket.on("error", () => {});
    socket.on("data", (chunk) => void chunks.push(chunk));
    socket.once("end", () => socket.end());
    socket.once("close", () => settle(Buffer.concat(chunks)));
    void play(socket, one, text);
  });
}

async function play(socket: Socket, one: Case, text: string): Promise<void> {
  const cuts = [0, ...one.cuts.map((cut) => at(text, cut)).sort((a, b) => a - b), text.length];
  for (let index = 0; index + 1 < cuts.length && !socket.destroyed; index += 1) {
    const part = text.slice(cuts[index], cuts[index + 1]);
    if (part !== "") socket.write(part, "latin1");
    if (one.gap === "turn") await new Promise((resolve) => setImmediate(resolve));
    if (one.gap === "ms") await new Promise((resolve) => setTimeout(resolve, 2));
  }
  // Time for an answer, after which everything is over in any case.
  await new Promise((resolve) => setTimeout(resolve, 30));
  if (one.end === "half-close") socket.end();
  else if (one.end === "close") socket.destroy();
  else socket.resetAndDestroy();
}

it(
  "no bytes of a client hang it, reach the upstream as anything but requests, or mix answers up",
  async () => {
    const size = { seconds: SECONDS, seed: SEED, atOnce: BATCH };
    const last = await hunt({ ...size, cases: anyCase, undergo, found: wrongUpstream });
    const pending = (): number => gateway.upstream("app").targets[0]?.pending ?? 0;
    await eventually("nothing is pending", () => pending() === 0);
    process.stdout.write(`fuzz: ${counter} clients, seeds ${SEED} to ${last}\n`);
  },
  (SECONDS + 60) * 1_000,
);
