/**
 * An upstream that answers each path as it is told, byte by byte, and keeps all that it was sent,
 * read by a strict reader that shares no code with the gateway. Of a path that it was told nothing
 * about it gives the request line back, so that every client can be asked for its own answer.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { readRequests } from "../../gallery/smuggling/read-requests.js";

export interface SentRequest {
  readonly line: string;
  readonly head: string;
  readonly body: string;
  /** The value of the only field with this name; undefined for none, and all of them otherwise. */
  field(name: string): string | undefined;
}

export type Behaviour = (socket: Socket, request: SentRequest) => void;

/** By a text in the request line. */
export type Behaviours = Readonly<Record<string, Behaviour>>;

export interface HostileUpstream {
  readonly port: number;
  readonly origin: string;
  requests(): readonly SentRequest[];
  /** What was sent that is no well-formed request. */
  complaints(): readonly string[];
  connections(): number;
  open(): number;
  close(): Promise<void>;
}

/** An answer with its length. */
export function answer(text: string, more = "", status = "200 OK"): string {
  return `HTTP/1.1 ${status}\r\n${more}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

export const SWITCHES =
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

/** The bytes of an answer, whatever was asked. */
export const says =
  (bytes: string): Behaviour =>
  (socket) =>
    void socket.write(bytes, "latin1");

const echo: Behaviour = (socket, { line, field }) => {
  if (field("upgrade")?.toLowerCase() === "websocket") socket.write(SWITCHES);
  else if (line.startsWith("HEAD ")) socket.write(answer("").replace("length: 0", "length: 5"));
  else socket.write(answer(line));
};

export async function hostileUpstream(behaviours: Behaviours = {}): Promise<HostileUpstream> {
  const sockets = new Set<Socket>();
  const connections: (() => Buffer)[] = [];
  const server = createServer((socket) => {
    const chunks: Buffer[] = [];
    let answered = 0;
    sockets.add(socket);
    connections.push(() => Buffer.concat(chunks));
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const requests = sentIn(Buffer.concat(chunks));
      for (const request of requests.slice(answered)) {
        answered += 1;
        const key = Object.keys(behaviours).find((text) => request.line.includes(text));
        (behaviours[key ?? ""] ?? echo)(socket, request);
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    requests: () => connections.flatMap((bytes) => sentIn(bytes())),
    complaints: () => connections.flatMap((bytes) => readRequests(bytes()).invalid ?? []),
    connections: () => connections.length,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

function sentIn(bytes: Buffer): readonly SentRequest[] {
  return readRequests(bytes).requests.map(({ head, body }) => {
    const [line = "", ...lines] = head.split("\r\n");
    const field = (name: string): string | undefined => {
      const of = lines.filter((one) => one.toLowerCase().startsWith(`${name}:`));
      const values = of.map((one) => one.slice(name.length + 1).trim());
      return values.length === 0 ? undefined : values.join(" & ");
    };
    return { line, head, body, field };
  });
}
