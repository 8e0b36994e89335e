/**
 * A client of raw TCP: it sends the bytes that it is told, and says how the answer ended.
 * What Node's own client would hide (a cut, a reset, bytes after the end) is the point here.
 * Guarantee: it always comes to an end; an answer that does not end within the limit is `hung`.
 */
import { connect, type Socket } from "node:net";
import { type Fields, fieldOf, type Message, readMessage } from "./read-message.js";

/**
 * How the answer ended, as a client without any goodwill sees it; `none` where a call of an
 * application was rejected.
 */
export type Ending = "whole" | "cut" | "reset" | "hung" | "invalid" | "none";

export interface Received {
  readonly ending: Ending;
  /** Null when no final head came. */
  readonly status: number | null;
  readonly fields: Fields;
  readonly bytes: Buffer;
  /** The bytes of the body as text, each a character. */
  readonly body: string;
  readonly trailers: Fields;
  readonly interim: readonly { readonly status: number }[];
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
  /** A list of values becomes several lines. */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent with its length, or in chunks where it comes in pieces. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly upload?: Upload;
  readonly version?: "1.0" | "1.1";
  /** The bytes as they are, in place of everything above but `method`. */
  readonly bytes?: string;
}

export interface RawOptions {
  /** A limit against hanging, far above every limit of the gateway under test. */
  readonly limitMs?: number;
  /** Told of who asks, to leave early or to stop reading. */
  readonly onCaller?: (caller: Caller) => void;
  /** Where the connection stays for the next request, in place of one of its own. */
  readonly kept?: KeptConnection;
}

/** Who asks: a connection, or a call of an application. */
export interface Caller {
  /** Leaves at once. */
  destroy(): unknown;
  /** Reads no more of the answer. */
  pause(): unknown;
  resume(): unknown;
  /** Of an application. */
  readonly signal?: AbortSignal;
}

/** The connection of a client that asks again and again. */
export interface KeptConnection {
  socket: Socket | null;
}

const LIMIT_MS = 15_000;
/** Less than this is read anew with every chunk. */
const LARGE = 262_144;
const LINE_FEED = 10;
const PIECE = Buffer.alloc(65_536, "u");

/** One request over a connection of its own, or over one that is kept. */
export function ask(
  port: number,
  request: RawRequest = {},
  options: RawOptions = {},
): Promise<Received> {
  const method = request.method ?? (request.bytes === undefined ? "GET" : methodIn(request.bytes));
  const { kept } = options;
  const known = kept?.socket ?? null;
  const socket = known ?? connect({ port, host: "127.0.0.1" });
  if (kept !== undefined) kept.socket = null;
  return new Promise((resolve) => {
    const incoming = new Incoming(method);
    const settle = (how: "data" | "end" | "reset" | "closed" | "hung"): void => {
      const received = incoming.judge(how);
      if (received === null) return;
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => {});
      if (kept !== undefined && staysOpen(received)) keep(socket, kept);
      else socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(() => settle("hung"), options.limitMs ?? LIMIT_MS);
    const begin = (): void => {
      options.onCaller?.(socket);
      send(socket, request, method);
    };
    socket.on("data", (chunk) => {
      incoming.add(chunk);
      settle("data");
    });
    socket.once("end", () => settle("end"));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // Our own write may fail while the answer is still to be read.
      if (error.syscall !== "write") settle("reset");
    });
    socket.once("close", () => settle("closed"));
    if (known === null) socket.once("connect", begin);
    else begin();
  });
}

function staysOpen(received: Received): boolean {
  return received.ending === "whole" && !/\bclose\b/i.test(received.field("connection") ?? "");
}

function keep(socket: Socket, kept: KeptConnection): void {
  kept.socket = socket;
  socket.once("close", () => {
    if (kept.socket === socket) kept.socket = null;
  });
}

/** What has come, which is looked at when there may be something new to see. */
class Incoming {
  readonly #method: string;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** As long as no more than this is there, it is not whole. */
  #atLeast = 0;
  #chunked = false;

  constructor(method: string) {
    this.#method = method;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  judge(how: "data" | "end" | "reset" | "closed" | "hung"): Received | null {
    if (how === "data" && !this.#mayBeWhole()) return null;
    const raw = Buffer.concat(this.#chunks);
    const received = judge(raw, this.#method, how);
    if (received === null) this.#expect(raw);
    return received;
  }

  #mayBeWhole(): boolean {
    if (this.#bytes < this.#atLeast) return false;
    return !this.#chunked || this.#bytes < LARGE || this.#chunks.at(-1)?.at(-1) === LINE_FEED;
  }

  /** A large body is not searched through for its end with every chunk that comes. */
  #expect(raw: Buffer): void {
    const { interim, ...reading } = readMessage(raw, { method: this.#method, ended: false });
    if (reading.kind !== "partial" || reading.head === null || interim.length > 0) return;
    const { fields } = reading.head;
    this.#chunked = fieldOf(fields, "transfer-encoding") !== undefined;
    // Without either, only the end of the connection tells.
    const untold = this.#chunked ? 0 : Number.POSITIVE_INFINITY;
    const length = Number(fieldOf(fields, "content-length") ?? untold);
    this.#atLeast = raw.indexOf("\r\n\r\n") + 4 + length;
  }
}

function send(socket: Socket, request: RawRequest, method: string): void {
  if (request.bytes !== undefined) {
    socket.write(request.bytes, "latin1");
    return;
  }
  const { path = "/x", fields = {}, body, upload, version = "1.1" } = request;
  const all: Record<string, string | readonly string[]> = { host: "edge.example", ...fields };
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  const streamed = bytes !== undefined && !(bytes instanceof Uint8Array);
  const length = upload === undefined ? undefined : (upload.announced ?? upload.bytes);
  if (streamed) all["transfer-encoding"] ??= "chunked";
  else if (bytes !== undefined) all["content-length"] ??= String(bytes.byteLength);
  else if (length !== undefined) all["content-length"] ??= String(length);
  const lines = Object.entries(all).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  socket.write(`${method} ${path} HTTP/${version}\r\n${lines.join("")}\r\n`, "latin1");
  if (streamed) void sendChunks(socket, bytes);
  else if (bytes !== undefined && bytes.byteLength > 0) socket.write(bytes);
  if (upload !== undefined) sendUpload(socket, upload.bytes);
}

async function sendChunks(socket: Socket, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) {
    if (!socket.writable) return;
    if (chunk.byteLength === 0) continue;
    socket.cork();
    socket.write(`${chunk.byteLength.toString(16)}\r\n`);
    socket.write(chunk);
    const more = socket.write("\r\n");
    socket.uncork();
    if (!more) await drained(socket);
  }
  socket.write("0\r\n\r\n");
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      socket.off("drain", go).off("close", go);
      resolve();
    };
    socket.on("drain", go).on("close", go);
  });
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
    bytes: message?.body ?? Buffer.alloc(0),
    get body() {
      return this.bytes.toString("latin1");
    },
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
