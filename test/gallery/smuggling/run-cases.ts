/**
 * Sends the cases through a proxy and says what an upstream behind it received.
 *
 * The upstream takes every byte, answers whatever looks like the end of a head, and closes, so that
 * each of its connections belongs to one request of one case, and what a proxy sends behind that
 * request on the same connection is seen as well.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { limiter } from "../tools/world.js";
import { SMUGGLING } from "./cases.js";
import { readRequests } from "./read-requests.js";
import type { SmugglingCase } from "./words.js";

export interface Recorder {
  readonly port: number;
  /** The bytes of the connections that speak of this path. */
  of(path: string): readonly Buffer[];
  /** How many connections hold bytes that speak of no case. */
  strays(): readonly string[];
  close(): Promise<void>;
}

/** Long enough for bytes that are on their way behind a request. */
const ANSWER_MS = 60;
const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

export async function recorder(): Promise<Recorder> {
  const connections: Buffer[][] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const chunks: Buffer[] = [];
    connections.push(chunks);
    open.add(socket);
    let answered = false;
    socket.on("error", () => {});
    socket.once("close", () => open.delete(socket));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (answered || !/\n\r?\n/.test(Buffer.concat(chunks).toString("latin1"))) return;
      answered = true;
      setTimeout(() => socket.end(ANSWER), ANSWER_MS);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const received = () => connections.map((chunks) => Buffer.concat(chunks));
  return {
    port: (server.address() as AddressInfo).port,
    of: (path) => received().filter((bytes) => bytes.includes(path)),
    strays: () =>
      received()
        .map((bytes) => bytes.toString("latin1"))
        .filter((text) => text !== "" && !/\/case-\d+-/.test(text)),
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

/** What one proxy let through of one case. */
export interface LetThrough {
  /** Requests that were whole, over all connections. */
  readonly requests: number;
  /** Hidden requests among them. */
  readonly hidden: number;
  /** A request was begun that never became whole. */
  readonly partial: boolean;
  readonly problems: readonly string[];
  /** What the client got first. */
  readonly status: number | null;
}

/** A proxy that answers nothing for so long will not. */
const QUIET_MS = 1_500;
const AT_ONCE = 12;

export function pathOf(index: number): string {
  return `/case-${index}-`;
}

/** Runs cases against a proxy on this port, in front of this recorder. */
export async function runCases(
  port: number,
  upstream: Recorder,
  cases: readonly SmugglingCase[] = SMUGGLING,
): Promise<readonly LetThrough[]> {
  const limit = limiter(AT_ONCE);
  const statuses = await Promise.all(
    cases.map((one, index) => limit(() => send(port, one, pathOf(index)))),
  );
  return cases.map((_, index) => {
    const readings = upstream.of(pathOf(index)).map(readRequests);
    const whole = readings.flatMap((reading) => reading.whole);
    return {
      requests: whole.length,
      hidden: whole.filter((line) => line.includes("/hidden")).length,
      partial: readings.some((reading) => reading.partial),
      problems: [
        ...readings.flatMap(({ invalid }) => invalid ?? []),
        // Two on a connection that says it is closed: one of them was hidden in the other.
        ...readings.flatMap((reading) =>
          reading.whole.length > 1 ? [`${reading.whole.length} requests in one`] : [],
        ),
      ],
      status: statuses[index] ?? null,
    };
  });
}

/** Sends a case, and gives the status of the first answer. */
function send(port: number, one: SmugglingCase, path: string): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let text = "";
    let after = one.after;
    const over = (): void => {
      clearTimeout(quiet);
      socket.destroy();
      const status = /^HTTP\/1\.\d (\d{3})/.exec(
        text.replace(/^HTTP\/1\.1 100[\s\S]*?\r\n\r\n/, ""),
      );
      resolve(status === null ? null : Number(status[1]));
    };
    let quiet = setTimeout(over, QUIET_MS);
    socket.on("error", over);
    socket.once("close", over);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      clearTimeout(quiet);
      quiet = setTimeout(over, QUIET_MS);
      if (after === undefined) return;
      socket.write(after.replaceAll("{path}", path), "latin1");
      after = undefined;
    });
    socket.write(one.bytes.replaceAll("{path}", path), "latin1");
  });
}

/** What is wrong with what was let through; none where all is well. */
export function complaints(one: SmugglingCase, through: LetThrough): readonly string[] {
  const most = one.requests ?? 1;
  const found = [...through.problems];
  if (through.requests > most) found.push(`${through.requests} requests`);
  if (through.hidden > 0 && most === 1) found.push("the hidden request");
  if (one.expected === "refused" && through.requests > 0) found.push("it was let through");
  if (one.expected === "passes" && through.requests === 0) found.push("it was refused");
  return found;
}
