/**
 * As much of FastCGI 1.0 as it takes to ask a pool one question: one request, its parameters, no
 * body, and the answer up to its end.
 */
const VERSION = 1;
const BEGIN_REQUEST = 1;
const END_REQUEST = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const STDERR = 7;
const REQUEST_ID = 1;
const RESPONDER = 1;
const HEADER_BYTES = 8;
/** Lengths from here on are written in four bytes. */
const LONG = 128;

/** The bytes of a GET with these parameters. */
export function fastcgiRequest(parameters: Readonly<Record<string, string>>): Buffer {
  const begin = Buffer.from([0, RESPONDER, 0, 0, 0, 0, 0, 0]);
  const pairs = Object.entries(parameters).map(([name, value]) => {
    const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
    return Buffer.concat([
      lengthOf(nameBytes.length),
      lengthOf(valueBytes.length),
      nameBytes,
      valueBytes,
    ]);
  });
  return Buffer.concat([
    recordOf(BEGIN_REQUEST, begin),
    recordOf(PARAMS, Buffer.concat(pairs)),
    recordOf(PARAMS, Buffer.alloc(0)),
    recordOf(STDIN, Buffer.alloc(0)),
  ]);
}

function lengthOf(length: number): Buffer {
  if (length < LONG) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  // The highest bit says that there are four bytes.
  bytes.writeUInt32BE((length | 0x80000000) >>> 0);
  return bytes;
}

function recordOf(type: number, content: Buffer): Buffer {
  const head = Buffer.from([VERSION, type, 0, REQUEST_ID, 0, 0, 0, 0]);
  head.writeUInt16BE(content.length, 4);
  return Buffer.concat([head, content]);
}

export interface FastcgiAnswer {
  readonly stdout: string;
  readonly stderr: string;
  /** The pool has said that it is done. */
  readonly ended: boolean;
}

/** Reads what has come so far; null when it is not FastCGI. */
export function readFastcgi(bytes: Buffer): FastcgiAnswer | null {
  const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let at = 0;
  let ended = false;
  while (bytes.length - at >= HEADER_BYTES && !ended) {
    if (bytes[at] !== VERSION) return null;
    const type = bytes[at + 1];
    const length = bytes.readUInt16BE(at + 4);
    const padding = bytes[at + 6] ?? 0;
    const content = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    if (content.length < length) break;
    if (type === STDOUT) streams.stdout.push(content);
    if (type === STDERR) streams.stderr.push(content);
    ended = type === END_REQUEST;
    at += HEADER_BYTES + length + padding;
  }
  return {
    stdout: Buffer.concat(streams.stdout).toString(),
    stderr: Buffer.concat(streams.stderr).toString(),
    ended,
  };
}
