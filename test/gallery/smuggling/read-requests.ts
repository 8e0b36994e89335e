/**
 * A strict and independent reader of HTTP/1.1 requests, RFC 9112: the tests' own opinion of what an
 * upstream was sent. It forgives nothing and shares no code with the gateway, undici or Node.
 */

/** What the bytes of one connection are, read as requests one after the other. */
export interface RequestsRead {
  /** Request lines of those that are whole. */
  readonly whole: readonly string[];
  /** Their heads, without the empty line, and their bodies as they stand there. */
  readonly requests: readonly { readonly head: string; readonly body: string }[];
  /** A request that is right so far and was never finished. */
  readonly partial: boolean;
  /** Why what is there is no request; null when all of it is. */
  readonly invalid: string | null;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e\\x80-\\xff]+) HTTP/1\\.([01])$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*)$`);
const CHUNK_LINE = /^([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e]*)?$/;

class Invalid extends Error {}
class Partial extends Error {}

export function readRequests(bytes: Buffer): RequestsRead {
  const whole: string[] = [];
  const requests: { head: string; body: string }[] = [];
  let rest = bytes.toString("latin1");
  try {
    while (rest !== "") {
      const { line, head, length } = readOne(rest);
      whole.push(line);
      requests.push({ head, body: rest.slice(head.length + 4, length) });
      rest = rest.slice(length);
    }
    return { whole, requests, partial: false, invalid: null };
  } catch (error) {
    if (error instanceof Partial) return { whole, requests, partial: true, invalid: null };
    if (error instanceof Invalid)
      return { whole, requests, partial: false, invalid: error.message };
    throw error;
  }
}

interface OneRead {
  readonly line: string;
  readonly head: string;
  readonly length: number;
}

function readOne(text: string): OneRead {
  const end = text.indexOf("\r\n\r\n");
  const head = end === -1 ? text : text.slice(0, end);
  if (/(?:^|[^\r])\n|\r(?!\n|$)/.test(head)) throw new Invalid("a bare CR or LF");
  if (end === -1) throw new Partial();
  const [line = "", ...lines] = head.split("\r\n");
  const first = REQUEST_LINE.exec(line);
  if (first === null) throw new Invalid(`request line ${JSON.stringify(line.slice(0, 60))}`);
  const fields = lines.map((one) => {
    const field = FIELD_LINE.exec(one);
    if (field === null) throw new Invalid(`field line ${JSON.stringify(one.slice(0, 60))}`);
    return [(field[1] as string).toLowerCase(), (field[2] as string).trim()] as const;
  });
  const all = (name: string) => fields.filter(([one]) => one === name).map(([, value]) => value);
  const hosts = all("host");
  if (hosts.length > 1) throw new Invalid("several Hosts");
  if (hosts.length === 0 && first[3] === "1") throw new Invalid("no Host");
  const length = bodyLength(all("content-length"), all("transfer-encoding"), first[3] as string);
  const from = end + 4;
  const to = length === null ? chunksEnd(text, from) : from + length;
  if (to > text.length) throw new Partial();
  return { line, head, length: to };
}

/** Null for chunks. */
function bodyLength(
  lengths: readonly string[],
  codings: readonly string[],
  minor: string,
): number | null {
  if (lengths.length > 1) throw new Invalid("several lengths");
  if (codings.length > 1) throw new Invalid("several codings");
  if (lengths.length > 0 && codings.length > 0) throw new Invalid("a length and a coding");
  const [coding] = codings;
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw new Invalid(`coding ${coding.slice(0, 20)}`);
    if (minor === "0") throw new Invalid("a coding in HTTP/1.0");
    return null;
  }
  const [length = "0"] = lengths;
  if (!/^\d{1,15}$/.test(length)) throw new Invalid(`length ${length.slice(0, 20)}`);
  return Number(length);
}

function chunksEnd(text: string, from: number): number {
  let at = from;
  for (;;) {
    const line = lineAt(text, at);
    const size = CHUNK_LINE.exec(line);
    if (size === null) throw new Invalid("chunk size");
    at += line.length + 2;
    const bytes = Number.parseInt(size[1] as string, 16);
    if (bytes === 0) return trailersEnd(text, at);
    if (text.length < at + bytes + 2) throw new Partial();
    if (text.slice(at + bytes, at + bytes + 2) !== "\r\n") throw new Invalid("chunk end");
    at += bytes + 2;
  }
}

function trailersEnd(text: string, from: number): number {
  let at = from;
  for (;;) {
    const line = lineAt(text, at);
    at += line.length + 2;
    if (line === "") return at;
    const name = FIELD_LINE.exec(line)?.[1]?.toLowerCase();
    if (name === undefined) throw new Invalid("trailer");
    if (FRAMING.has(name)) throw new Invalid(`${name} as a trailer`);
  }
}

// RFC 9110 §6.5.1: none of these may be merged into a head.
const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "host"]);

function lineAt(text: string, at: number): string {
  const end = text.indexOf("\r\n", at);
  if (end === -1) throw new Partial();
  const line = text.slice(at, end);
  if (/[\r\n]/.test(line)) throw new Invalid("a bare CR or LF");
  return line;
}
