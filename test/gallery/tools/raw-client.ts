/**
 * A client of raw TCP: it sends the bytes that it is told, and says how the answer ended.
 * What Node's own client would hide (a cut, a reset, bytes after the end) is the point here.
 * Guarantee: it always comes to an end; an answer that does not end within the limit is `hung`.
 */
import { connect, type Socket } from "node:net";
import { type Fields, fieldOf, type Message, readMessage } from "./read-message.js";

/** How the answer ended, as a client without any goodwill sees it. */
export type Ending = "whole" | "cut" | "reset" | "hung" | "invalid";

export interface Received {
  readonly ending: Ending;
  /** Null when no final head came. */
  readonly status: number | null;
  readonly fields: Fields;
  readonly body: string;
  readonly trailers: Fields;
  readonly interim: readonly Message[];
  /** Everything that came. */
  readonly raw: Buffer;
  /** Why it is invalid, or what came behind a whole answer. */
  readonly note: string;
  field(name: string): string | undefined;
}

/** An upload of this many bytes, none of which is interesting. */
export interface Upload {
  readonly bytes: number;
  /** Announces this length and sends fewer bytes. */
  readonly announced?: number;
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly upload?: Upload;
  readonly version?: "1.0" | "1.1";
  /** The bytes as they are, in place of everything above but `method`. */
  readonly bytes?: string;
}

export interface RawOptions {
  /** A limit against hanging, far above every limit of the gateway under test. */
  readonly limitMs?: number;
  /** Told of the socket, to leave early or to stop reading. */
  readonly onSocket?: (socket: Socket) => void;
}

const LIMIT_MS = 8_000;
const PIECE = Buffer.alloc(65_536, "u");

/** One request over a connection of its own. */
export function ask(
  port: number,
  request: RawRequest = {},
  options: RawOptions = {},
): Promise<Received> {
  const method = request.method ?? (request.bytes === undefined ? "GET" : methodIn(request.bytes));
  const socket = connect({ port, host: "127.0.0.1" });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const settle = (how: "data" | "end" | "reset" | "closed" | "hung"): void => {
      const raw = Buffer.concat(chunks);
      const received = judge(raw, method, how);
      if (received === null) return;
      clearTimeout(timer);
      socket.removeAllListeners("data");
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(() => settle("hung"), options.limitMs ?? LIMIT_MS);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      settle("data");
    });
    socket.once("end", () => settle("end"));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // Our own write may fail while the answer is still to be read.
      if (error.syscall !== "write") settle("reset");
    });
    socket.once("close", () => settle("closed"));
    socket.once("connect", () => {
      options.onSocket?.(socket);
      send(socket, request, method);
    });
  });
}

function send(socket: Socket, request: RawRequest, method: string): void {
  if (request.bytes !== undefined) {
    socket.write(request.bytes, "latin1");
    return;
  }
  const { path = "/x", fields = {}, body, upload, version = "1.1" } = request;
  const all: Record<string, string> = { host: "edge.example", ...fields };
  const length = upload === undefined ? body?.length : (upload.announced ?? upload.bytes);
  if (length !== undefined) all["content-length"] ??= String(length);
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/${version}\r\n${lines.join("")}\r\n${body ?? ""}`, "latin1");
  if (upload !== undefined) sendUpload(socket, upload.bytes);
}

function sendUpload(socket: Socket, bytes: number): void {
  let left = bytes;
  const pump = (): void => {
    while (left > 0 && socket.writable) {
      const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
      left -= piece.length;
      if (socket.write(piece)) continue;
      socket.once("drain", pump);
      return;
    }
  };
  pump();
}

function methodIn(bytes: string): string {
  return bytes.split(" ", 1)[0] ?? "GET";
}

function judge(
  raw: Buffer,
  method: string,
  how: "data" | "end" | "reset" | "closed" | "hung",
): Received | null {
  const reading = readMessage(raw, { method, ended: how === "end" });
  const { interim } = reading;
  if (reading.kind === "whole") {
    const note = reading.rest.length === 0 ? "" : `behind it: ${shown(reading.rest)}`;
    const ending = note === "" ? "whole" : "invalid";
    return received(raw, ending, reading.message, interim, note);
  }
  if (reading.kind === "invalid") {
    const note = `${reading.why}: ${shown(raw)}`;
    return how === "data" ? null : received(raw, "invalid", null, interim, note);
  }
  if (how === "data") return null;
  const ending = how === "hung" ? "hung" : how === "reset" ? "reset" : "cut";
  return received(raw, ending, reading.head, interim, "");
}

function received(
  raw: Buffer,
  ending: Ending,
  message: Message | null,
  interim: readonly Message[],
  note: string,
): Received {
  const fields = message?.fields ?? [];
  return {
    ending,
    status: message?.status ?? null,
    fields,
    body: message?.body.toString("latin1") ?? "",
    trailers: message?.trailers ?? [],
    interim,
    raw,
    note,
    field: (name) => fieldOf(fields, name),
  };
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 120).toString("latin1"));
}
