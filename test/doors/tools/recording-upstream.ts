/**
 * An upstream that works, and writes down what it was sent: every request, by bytes and digest.
 *
 * `/take` reads the body and answers; `/early` answers 413 before it reads, `/give?bytes=N&how=…`
 * sends a body, `/echo` sends what it is sent while it comes, and `/mirror?sizes=…` sends it in
 * pieces when it is there. `close=1` ends the connection.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createServer2, type Http2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";

export interface TakenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  /** Of what came of the body. */
  readonly body: Buffer;
  /** The body came to its end. */
  readonly whole: boolean;
  readonly trailers: IncomingMessage["trailers"];
}

export interface RecordingUpstream {
  readonly origin: string;
  /** Requests with this mark in their path, in the order in which they came. */
  taken(mark: string): readonly TakenRequest[];
  count(): number;
  /** Connections that are open. */
  open(): number;
  /** Connections ever. */
  connections(): number;
  close(): Promise<void>;
}

export type UpstreamProtocol = "HTTP/1.1" | "HTTP/2";

interface Recorded extends TakenRequest {
  body: Buffer;
  whole: boolean;
  trailers: IncomingMessage["trailers"];
}

const made = new Map<number, Buffer>();

/** Bytes of which none looks like the next, the same for the same length. */
export function someBytes(length: number): Buffer {
  const known = made.get(length);
  if (known !== undefined) return known;
  const bytes = Buffer.allocUnsafeSlow(length);
  let state = length + 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at] = state >>> 24;
  }
  made.set(length, bytes);
  return bytes;
}

/** Short enough to be read in the message of a failed test. */
export function digestOf(bytes: Uint8Array): string {
  const digest = createHash("sha256").update(bytes).digest("hex");
  return `${bytes.byteLength} bytes ${digest.slice(0, 12)}`;
}

export async function recordingUpstream(protocol: UpstreamProtocol): Promise<RecordingUpstream> {
  const requests: Recorded[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    const recorded = record(req);
    requests.push(recorded);
    res.on("error", () => {});
    act(req, res, recorded);
  };
  const server = protocol === "HTTP/2" ? createServer2(answer as never) : createServer(answer);
  const sessions = new Set<Http2Session>();
  server.on("session", (session: Http2Session) => void sessions.add(session));
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: (mark) => requests.filter(({ path }) => path.includes(mark)),
    count: () => requests.length,
    open: () => sockets.size,
    connections: () => connections,
    async close() {
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function record(req: IncomingMessage): Recorded {
  const { method = "", url: path = "", headers, rawHeaders } = req;
  const chunks: Buffer[] = [];
  const recorded: Recorded = {
    ...{ method, path, headers, rawHeaders },
    body: Buffer.alloc(0),
    whole: false,
    trailers: {},
  };
  const keep = (): void => {
    recorded.body = Buffer.concat(chunks);
  };
  req.on("data", (chunk: Buffer) => void chunks.push(chunk));
  req.on("error", () => {});
  req.once("close", keep);
  req.once("end", () => {
    keep();
    recorded.whole = true;
    recorded.trailers = req.trailers;
  });
  return recorded;
}

function act(req: IncomingMessage, res: ServerResponse, recorded: Recorded): void {
  const { pathname, searchParams } = new URL(recorded.path, "http://upstream.test");
  if (searchParams.get("close") === "1" && req.httpVersionMajor === 1) res.shouldKeepAlive = false;
  if (pathname.endsWith("/early")) {
    res.writeHead(413, { "content-length": 8 });
    res.end("too much");
  } else if (pathname.endsWith("/echo")) {
    req.pipe(res);
  } else if (pathname.endsWith("/give")) {
    const bytes = someBytes(Number(searchParams.get("bytes")));
    if (searchParams.get("how") === "length") res.setHeader("content-length", bytes.byteLength);
    if (searchParams.get("how") === "close") res.useChunkedEncodingByDefault = false;
    res.write(bytes.subarray(0, bytes.byteLength >> 1));
    res.end(bytes.subarray(bytes.byteLength >> 1));
  } else if (pathname.endsWith("/mirror")) {
    const sizes = (searchParams.get("sizes") ?? "").split(",").map(Number);
    req.once("end", () => void sendInPieces(res, recorded.body, sizes));
  } else req.once("end", () => res.end("taken"));
}

async function sendInPieces(
  res: ServerResponse,
  bytes: Buffer,
  sizes: readonly number[],
): Promise<void> {
  for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
    // What is left then comes at once.
    const size = turn < sizes.length ? (sizes[turn] as number) : bytes.byteLength;
    res.write(bytes.subarray(at, at + size));
    at += size;
    await new Promise(setImmediate);
  }
  res.end();
}
