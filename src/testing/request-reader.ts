/**
 * Takes requests out of an inbox: heads, and bodies by length or by chunks.
 * It is forgiving about what a head contains, since tests look at that themselves, and strict about
 * where a message ends, since everything after that would be read wrongly.
 * Guarantee: it takes exactly the bytes of the message; null means that the client left before its
 * end.
 */
import type { Inbox } from "./inbox.js";
import type { ReceivedRequest } from "./script.js";

/** A received request that is still being filled. */
export type RequestRecord = { -readonly [Key in keyof ReceivedRequest]: ReceivedRequest[Key] };

/** Reads one request after the other. */
export interface RequestReader {
  /** The next head, after what is left of the body before it. */
  readHead(): Promise<RequestRecord | null>;
  /** The body of the request read last; empty if it declares none, or has been read. */
  readBody(): Promise<Buffer | null>;
  /** The request whose head was read last. */
  latest(): ReceivedRequest | undefined;
}

type Fields = readonly (readonly [name: string, value: string])[];
type Framing = { readonly chunked: true } | { readonly chunked: false; readonly length: number };

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const NO_BODY: Framing = { chunked: false, length: 0 };

/** A reader for one connection. */
export function requestReader(inbox: Inbox, connection: number): RequestReader {
  let framing = NO_BODY;
  let record: RequestRecord | null = null;

  const readBody = async (): Promise<Buffer | null> => {
    const message = framing.chunked
      ? await readChunks(inbox)
      : await readLength(inbox, framing.length);
    if (message === null) return null;
    framing = NO_BODY;
    if (record !== null && record.body === null) {
      record.body = message.body;
      record.trailers = message.trailers;
    }
    return message.body;
  };
  return {
    async readHead() {
      if ((await readBody()) === null) return null;
      const head = await readUntil(inbox, HEAD_END);
      if (head === null) return null;
      record = parseHead(head, connection);
      framing = framingOf(record);
      return record;
    },
    readBody,
    latest: () => record ?? undefined,
  };
}

function parseHead(head: string, connection: number): RequestRecord {
  const [requestLine = "", ...lines] = head.split("\r\n");
  const [method = "", path = "", version = ""] = requestLine.split(" ");
  const headers = lines.map(parseField);
  const header = (name: string): string | undefined =>
    headers.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1];
  return { method, path, version, headers, header, head, body: null, trailers: [], connection };
}

function parseField(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  return colon === -1 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
}

// RFC 9112 §6.3: Transfer-Encoding overrides Content-Length, and a request with neither has no
// body.
function framingOf(request: ReceivedRequest): Framing {
  if (/\bchunked\s*$/i.test(request.header("transfer-encoding") ?? "")) return { chunked: true };
  const length = Number(request.header("content-length") ?? 0);
  return { chunked: false, length: Number.isSafeInteger(length) && length > 0 ? length : 0 };
}

interface Message {
  readonly body: Buffer;
  readonly trailers: Fields;
}

async function readLength(inbox: Inbox, length: number): Promise<Message | null> {
  if (!(await inbox.until(() => inbox.size >= length))) return null;
  return { body: inbox.take(length), trailers: [] };
}

// RFC 9112 §7.1: chunks, each led by its size in hexadecimal, a last one of size zero, then
// trailers.
async function readChunks(inbox: Inbox): Promise<Message | null> {
  const parts: Buffer[] = [];
  for (;;) {
    const sizeLine = await readUntil(inbox, LINE_END);
    const size = Number.parseInt(sizeLine ?? "", 16);
    if (Number.isNaN(size)) return null;
    if (size === 0) break;
    if (!(await inbox.until(() => inbox.size >= size + LINE_END.length))) return null;
    parts.push(inbox.take(size));
    inbox.take(LINE_END.length);
  }
  const trailers: (readonly [name: string, value: string])[] = [];
  for (;;) {
    const line = await readUntil(inbox, LINE_END);
    if (line === null) return null;
    if (line === "") return { body: Buffer.concat(parts), trailers };
    trailers.push(parseField(line));
  }
}

/** Takes the text up to this mark, and the mark, which is left out of the result. */
async function readUntil(inbox: Inbox, mark: Buffer): Promise<string | null> {
  if (!(await inbox.until(() => inbox.peek().includes(mark)))) return null;
  const text = inbox.take(inbox.peek().indexOf(mark)).toString("latin1");
  inbox.take(mark.length);
  return text;
}
