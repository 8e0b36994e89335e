/**
 * A client and a server of HTTP/2 that write frames as they are told, with real frames written by
 * hand. What they get back is counted, not understood.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { frame, head } from "../../gallery/http2/raw-http2.js";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
export const NONE = Buffer.alloc(0);
export const T = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
  altsvc: 10,
} as const;

export const SETTINGS = frame(T.settings, 0, 0, NONE);

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Of settings: identifier and value in turn. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = pairs.map(([id, value]) => Buffer.from([0, id, ...uint32(value)]));
  return frame(T.settings, 0, 0, Buffer.concat(payload));
}

export function get(
  stream: number,
  path: string,
  more: readonly (readonly [string, string])[] = [],
) {
  return head(
    stream,
    [
      [":method", "GET"],
      [":scheme", "http"],
      [":authority", "edge.example"],
      [":path", path],
      ...more,
    ],
    true,
  );
}

export interface Flooded {
  /** Bytes that the other side took before it ended the connection, or stopped reading. */
  readonly sent: number;
  readonly ended: boolean;
}

/** Writes `part` again and again, until the other side ends it or has taken so much. */
export function flood(
  socket: Socket,
  part: (turn: number) => Buffer,
  bytesMax: number,
  quietMs = 1_500,
): Promise<Flooded> {
  return new Promise((resolve) => {
    let sent = 0;
    let turn = 0;
    let over = false;
    const finish = (ended: boolean): void => {
      if (over) return;
      over = true;
      clearTimeout(quiet);
      resolve({ sent, ended });
    };
    const quiet = setTimeout(() => finish(false), quietMs);
    socket.on("error", () => finish(true));
    socket.once("close", () => finish(true));
    socket.once("end", () => finish(true));
    const more = (): void => {
      if (over) return;
      const bytes = part(turn);
      turn += 1;
      sent += bytes.length;
      quiet.refresh();
      if (sent >= bytesMax) setTimeout(() => finish(socket.destroyed), 300);
      else if (socket.write(bytes)) setImmediate(more);
      else socket.once("drain", more);
    };
    more();
  });
}

/** A connection of a client that has said its preface. */
export async function http2Socket(port: number, first: Buffer = SETTINGS): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  // Read and thrown away, so that answers to what is written are no reason to wait.
  socket.resume();
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  socket.write(Buffer.concat([PREFACE, first]));
  return socket;
}

export interface FrameServer {
  readonly origin: string;
  connections(): number;
  close(): Promise<void>;
}

/** An upstream of HTTP/2: `hostile` gets each connection, and each head that comes on it. */
export async function frameServer(
  hostile: (socket: Socket, stream: number) => void,
  first: Buffer = SETTINGS,
): Promise<FrameServer> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    socket.write(first);
    let held: Buffer = NONE;
    let skip = PREFACE.length;
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      if (skip > 0) {
        if (held.length < skip) return;
        held = held.subarray(skip);
        skip = 0;
      }
      while (held.length >= 9) {
        const end = 9 + held.readUIntBE(0, 3);
        if (held.length < end) return;
        const [type, flags, stream] = [held[3], held[4] ?? 0, held.readUInt32BE(5)];
        held = held.subarray(end);
        if (type === T.settings && (flags & 1) === 0) socket.write(frame(T.settings, 1, 0, NONE));
        if (type === T.headers) hostile(socket, stream);
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
