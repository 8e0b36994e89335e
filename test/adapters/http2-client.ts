/**
 * A client of HTTP/2 for tests: one session, its requests, and all that came of each stream.
 */
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly trailers: IncomingHttpHeaders;
  readonly interim: readonly IncomingHttpHeaders[];
  /** The code of RST_STREAM; 0 for a stream that ended, or that was stopped after its answer. */
  readonly code: number;
  /** The answer came to its end. */
  readonly complete: boolean;
}

export interface Http2Asked {
  readonly stream: ClientHttp2Stream;
  /** Resolves when the stream is over, in whatever way. */
  readonly over: Promise<Http2Answer>;
}

/** Connects without a check of certificates. */
export async function http2Client(origin: string): Promise<ClientHttp2Session> {
  const session = connect(origin, { rejectUnauthorized: false });
  session.on("error", () => {});
  await once(session, "connect");
  return session;
}

/** Begins a request; its body is up to the caller unless one is given. */
export function begin(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: string | Buffer | null = "",
): Http2Asked {
  const endStream = body === "";
  const stream = session.request({ ":authority": "shop.example", ...headers }, { endStream });
  if (body !== null && !endStream) stream.end(body);
  return { stream, over: answerOf(stream) };
}

/** One request on a session of its own. */
export async function ask2(
  origin: string,
  headers: OutgoingHttpHeaders = {},
  body: string | Buffer = "",
): Promise<Http2Answer> {
  const session = await http2Client(origin);
  try {
    return await begin(session, headers, body).over;
  } finally {
    session.destroy();
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const chunks: Buffer[] = [];
  const interim: IncomingHttpHeaders[] = [];
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let complete = false;
  stream.on("headers", (one) => void interim.push(one));
  stream.on("response", (one) => {
    headers = one;
  });
  stream.on("trailers", (one) => {
    trailers = one;
  });
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  stream.on("end", () => {
    complete = !stream.aborted && stream.rstCode === 0;
  });
  stream.on("error", () => {});
  return new Promise((resolve) => {
    stream.once("close", () => {
      const text = Buffer.concat(chunks).toString();
      const status = Number(headers[":status"] ?? 0);
      const code = stream.rstCode;
      resolve({ status, headers, text, trailers, interim, code, complete: complete && code === 0 });
    });
  });
}

/** One frame, RFC 9113 §4.1. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
