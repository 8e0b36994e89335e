/**
 * HTTP/2 below `node:http2`: a server that answers, and a client that asks, with frames and fields
 * as they are written, also with those that no library would send. Fields are literals (RFC 7541
 * §6.2.2), so that nothing about them is decided here.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const HEAD_BYTES = 9;
const FRAME_BYTES_MAX = 16_384;
const TYPES = { data: 0, headers: 1, reset: 3, settings: 4, goaway: 7, continuation: 9 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const EMPTY = Buffer.alloc(0);

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export interface RawServer {
  readonly port: number;
  /** Codes of the RST_STREAM frames that came. */
  readonly resets: readonly number[];
  close(): void;
}

/**
 * A server that writes what `answer` gives for each request, once so many bytes of its body are
 * here, or all of it. It never lets more through than the first window.
 */
export async function rawServer(
  answer: (stream: number, socket: Socket) => readonly Buffer[],
  uploadBytes = 0,
): Promise<RawServer> {
  const resets: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.write(frame(TYPES.settings, 0, 0, EMPTY));
    const left = new Map<number, number>();
    const read = framesOf((one) => {
      acknowledge(socket, one);
      // As any server would, when it is told that the connection is of no use.
      if (one.type === TYPES.goaway) socket.end();
      if (one.type === TYPES.reset) resets.push(one.payload.readUInt32BE(0));
      if (one.type === TYPES.headers) left.set(one.stream, uploadBytes);
      const before = left.get(one.stream);
      if (before === undefined) return;
      const now = before - (one.type === TYPES.data ? one.payload.length : 0);
      left.set(one.stream, now);
      if (now > 0 && (one.flags & END_STREAM) === 0) return;
      left.delete(one.stream);
      socket.write(Buffer.concat([...answer(one.stream, socket)]));
    });
    let preface = PREFACE.length;
    socket.on("data", (chunk: Buffer) => {
      const skipped = Math.min(preface, chunk.length);
      preface -= skipped;
      read(chunk.subarray(skipped));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    resets,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** What became of a request: a head of an answer, a reset, or the end of the connection. */
export type Became = "answered" | "reset" | "closed" | "nothing";

/** Sends these frames as stream 1 of a connection of its own. */
export function rawRequest(
  port: number,
  frames: readonly Buffer[],
  quietMs = 3_000,
): Promise<Became> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const over = (became: Became) => (): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve(became);
    };
    const quiet = setTimeout(over("nothing"), quietMs);
    socket.on("error", over("closed"));
    socket.once("close", over("closed"));
    socket.on(
      "data",
      framesOf((one) => {
        acknowledge(socket, one);
        if (one.type === TYPES.headers) over("answered")();
        else if (one.type === TYPES.reset) over("reset")();
        else if (one.type === TYPES.goaway) over("closed")();
      }),
    );
    socket.write(Buffer.concat([PREFACE, frame(TYPES.settings, 0, 0, EMPTY), ...frames]));
  });
}

function acknowledge(socket: Socket, { type, flags }: Frame): void {
  if (type !== TYPES.settings || (flags & ACK) !== 0) return;
  socket.write(frame(TYPES.settings, ACK, 0, EMPTY));
}

function framesOf(take: (one: Frame) => void): (chunk: Buffer) => void {
  let held: Buffer = EMPTY;
  return (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + held.readUIntBE(0, 3);
      if (held.length < end) return;
      const [type = 0, flags = 0, stream] = [held[3], held[4], held.readUInt32BE(5)];
      const payload = held.subarray(HEAD_BYTES, end);
      held = held.subarray(end);
      take({ type, flags, stream, payload });
    }
  };
}

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export type Fields = readonly (readonly [name: string, value: string])[];

/** A header section, in as many frames as it takes. */
export function head(stream: number, fields: Fields, end = false): Buffer {
  const block = Buffer.concat(fields.map(([name, value]) => literal(name, value)));
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES_MAX) {
    const last = at + FRAME_BYTES_MAX >= block.length;
    const flags = (last ? END_HEADERS : 0) | (end && at === 0 ? END_STREAM : 0);
    const type = at === 0 ? TYPES.headers : TYPES.continuation;
    parts.push(frame(type, flags, stream, block.subarray(at, at + FRAME_BYTES_MAX)));
  }
  return Buffer.concat(parts);
}

export function data(stream: number, text: string, end = true): Buffer {
  return frame(TYPES.data, end ? END_STREAM : 0, stream, Buffer.from(text, "latin1"));
}

function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([prefixed(bytes.length), bytes]);
}

/** An integer behind a prefix of 7 bits, RFC 7541 §5.1. */
function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
