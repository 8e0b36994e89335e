/**
 * A client of raw bytes, for tests where the bytes matter, and an answer taken apart.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawClient {
  readonly socket: Socket;
  write(data: string | Uint8Array): void;
  /** What came so far. */
  received(): Buffer;
  /** Waits until what came holds this; rejects when the connection is over before. */
  until(text: string): Promise<void>;
  /** Waits for the end of the connection: in order, or by a reset. */
  readonly over: Promise<"end" | "reset">;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  const chunks: Buffer[] = [];
  let reset = false;
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  socket.on("error", () => {
    reset = true;
  });
  const over = new Promise<"end" | "reset">((resolve) => {
    socket.once("close", () => resolve(reset ? "reset" : "end"));
  });
  const received = () => Buffer.concat(chunks);
  return {
    socket,
    over,
    received,
    write: (data) => void socket.write(data),
    async until(text) {
      let closed = false;
      void over.then(() => {
        closed = true;
      });
      while (!received().includes(text)) {
        if (closed) throw new Error(`"${text}" did not come, but ${received().toString("latin1")}`);
        await Promise.race([once(socket, "data").catch(() => {}), over]);
      }
    },
  };
}

/** One request on a connection of its own, and all that came until its end. */
export async function exchange(port: number, request: string | Uint8Array): Promise<Answer> {
  const client = await rawClient(port);
  client.write(request);
  await client.over;
  return answerOf(client.received());
}

/** A request without a body that asks for the end of the connection. */
export function get(target: string, fields: Readonly<Record<string, string>> = {}): string {
  return request("GET", target, fields);
}

export function request(
  method: string,
  target: string,
  fields: Readonly<Record<string, string>> = {},
  body = "",
): string {
  const lines = Object.entries({ host: "shop.example", connection: "close", ...fields });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${target} HTTP/1.1\r\n${head}\r\n${body}`;
}

type Field = readonly [name: string, value: string];

export interface Answer {
  readonly status: number;
  readonly fields: readonly Field[];
  /** The values of all fields with this name. */
  all(name: string): readonly string[];
  /** The value of the only field with this name. */
  field(name: string): string | undefined;
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: readonly Field[];
  /** Whether all came that the framing promised; true where only the end can tell. */
  readonly complete: boolean;
  /** Heads of interim answers. */
  readonly interim: readonly string[];
}

/** Takes apart what came on a connection of one request. */
export function answerOf(bytes: Buffer): Answer {
  const interim: string[] = [];
  let rest = bytes;
  let head = "";
  do {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1) throw new Error(`no head in ${JSON.stringify(bytes.toString("latin1"))}`);
    if (head !== "") interim.push(head);
    head = rest.subarray(0, end).toString("latin1");
    rest = rest.subarray(end + 4);
  } while (statusIn(head) < 200);
  const fields = fieldsIn(head.split("\r\n").slice(1));
  const all = (name: string) =>
    fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
  const framed = all("transfer-encoding").includes("chunked")
    ? dechunked(rest)
    : { body: rest, trailers: [], complete: isWhole(rest, all("content-length")[0]) };
  const { body } = framed;
  const field = (name: string) => all(name).join(" & ") || undefined;
  return { status: statusIn(head), fields, all, field, text: body.toString(), ...framed, interim };
}

function statusIn(head: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
}

function fieldsIn(lines: readonly string[]): Field[] {
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
}

function isWhole(body: Buffer, length: string | undefined): boolean {
  return length === undefined || Number(length) === body.byteLength;
}

function dechunked(bytes: Buffer) {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n", at);
    const size = end === -1 ? Number.NaN : Number.parseInt(bytes.toString("latin1", at, end), 16);
    const from = end + 2;
    if (size === 0) {
      const lines = bytes.subarray(from).toString("latin1").split("\r\n");
      const complete = lines.at(-1) === "" && lines.at(-2) === "";
      return { body: Buffer.concat(chunks), trailers: fieldsIn(lines.slice(0, -2)), complete };
    }
    chunks.push(bytes.subarray(from, from + (Number.isNaN(size) ? 0 : size)));
    at = from + size + 2;
    if (Number.isNaN(size) || at > bytes.byteLength) {
      return { body: Buffer.concat(chunks), trailers: [], complete: false };
    }
  }
}
