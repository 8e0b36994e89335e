/**
 * The part of a probe that speaks HTTP/2: one request on a session of its own.
 *
 * Guarantee: `settle` hears of every end that is no answer; the session goes with its socket.
 */
import { connect, type IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { TargetAddress } from "../targets/target.js";

/** What is asked for, whatever the version. */
export interface ProbeFields {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

export type ProbeAnswered = (status: number, body: Readable, head: IncomingHttpHeaders) => void;

/** Asks over a connection that is open, or is being opened. */
export function askHttp2(
  target: TargetAddress,
  socket: Socket,
  { method, path, authority, headers, body }: ProbeFields,
  answered: ProbeAnswered,
  settle: (wrong: string) => void,
): { destroy(): void } {
  const failed = (error: unknown): void => {
    const { code, message } = error as { code?: unknown; message?: unknown };
    settle(typeof code === "string" ? code : String(message));
  };
  const session = connect(`${target.protocol}//${target.authority}`, {
    createConnection: () => socket,
    settings: { enablePush: false },
  });
  session.unref();
  session.on("error", failed);
  session.once("close", () => settle("the connection was closed"));
  // RFC 9113 §8.3.1: the authority takes the place of Host.
  const pseudo = { ":method": method, ":path": path, ":authority": authority };
  const stream = session.request({ ...pseudo, ...headers }, { endStream: body === null });
  if (body !== null) stream.end(body);
  stream.once("response", (head) => answered(Number(head[":status"]), stream, head));
  stream.on("error", failed);
  stream.once("aborted", () => settle("the answer broke off"));
  stream.once("close", () => settle("the stream was closed"));
  return { destroy: () => session.destroy() };
}
