/**
 * Every kind of body that a caller can give, as the promises about bodies ask for it: how it is
 * made of bytes, and how what the upstream took is compared with them.
 */
import { Readable } from "node:stream";
import { createContext, runInContext } from "node:vm";
import { File as NodeFile, FormData as NodeFormData } from "formdata-node";
import { FormData as UndiciFormData, Request as UndiciRequest } from "undici";
import { type BodyTaker, RequestBody } from "./door.js";
import { digestOf, type TakenRequest } from "./tools/recording-upstream.js";

export interface BodyKind {
  readonly name: string;
  readonly takers: readonly BodyTaker[];
  /** Made anew for every call. */
  make(bytes: Buffer): unknown;
  /** Null when the upstream has taken what was given. */
  wrong?(taken: TakenRequest, bytes: Buffer): Promise<string | null>;
  /** Its length is known, so that it is announced. */
  readonly length?: true;
  /** It gives no bytes where there are none. */
  readonly least?: number;
  /** Doors before which something else reads it, and knows its own classes alone. */
  readonly unknownTo?: readonly string[];
}

const FETCH = ["fetch", "undici's fetch", "a fetch"] as const;
const APPLICATIONS = [...FETCH, "send", "undici"] as const;
const ALL = [...APPLICATIONS, "wire"] as const;
const ITERATES = [...FETCH, "undici", "wire"] as const;

/** Pieces of this size, or of these in turn; some may be empty. */
function* pieces(bytes: Buffer, ...sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function* later(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    await new Promise(setImmediate);
    yield chunk;
  }
}

function webStream(chunks: Iterable<Uint8Array>, type?: "bytes"): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.iterator]();
  const source = {
    pull(controller: { enqueue(chunk: Uint8Array): void; close(): void }) {
      const { done, value } = iterator.next();
      // A stream of bytes takes the memory of what it is given.
      if (done !== true) controller.enqueue(type === undefined ? value : Uint8Array.from(value));
      else controller.close();
    },
  };
  return new ReadableStream(type === undefined ? source : ({ ...source, type } as never));
}

const realm = createContext({});
const foreignBytes = runInContext("(bytes) => Uint8Array.from(bytes)", realm) as (
  bytes: Iterable<number>,
) => Uint8Array;
const foreignGenerator = runInContext(
  "(async function* (chunks) { for (const chunk of chunks) yield Uint8Array.from(chunk); })",
  realm,
) as (chunks: Iterable<Buffer>) => AsyncGenerator<Uint8Array>;

function request(body: (bytes: Buffer) => unknown, ofUndici = false) {
  return (bytes: Buffer) =>
    new RequestBody((url, init) => {
      const all = { ...init, body: body(bytes), duplex: "half" };
      return ofUndici ? new UndiciRequest(url, all as never) : new Request(url, all as never);
    });
}

type AnyForm = { append(name: string, value: unknown, file?: string): void };

function form(Form: new () => AnyForm, file: (bytes: Buffer) => unknown) {
  return (bytes: Buffer) => {
    const data = new Form();
    data.append("a name", "a value ü");
    data.append("file", file(bytes), "f.bin");
    return data;
  };
}

/** Read by a parser that has no part in how it was sent. */
async function wrongForm(taken: TakenRequest, bytes: Buffer): Promise<string | null> {
  const type = taken.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data")) return `content-type ${type}`;
  const { body } = taken;
  const headers = { "content-type": type };
  const data = await new Response(new Uint8Array(body), { headers }).formData();
  if (data.get("a name") !== "a value ü") return `a value: ${String(data.get("a name"))}`;
  const file = data.get("file") as File;
  const got = digestOf(Buffer.from(await file.arrayBuffer()));
  return got === digestOf(bytes) && file.name === "f.bin" ? null : `a file of ${got}`;
}

/** Text has other bytes than those that it is made of. */
const text = (bytes: Buffer): string => bytes.toString("latin1");

async function wrongText(taken: TakenRequest, bytes: Buffer): Promise<string | null> {
  const [got, wanted] = [digestOf(taken.body), digestOf(Buffer.from(text(bytes)))];
  return got === wanted ? null : got;
}

async function wrongParams(taken: TakenRequest, bytes: Buffer): Promise<string | null> {
  const got = new URLSearchParams(taken.body.toString()).get("a");
  return got === bytes.toString("base64") ? null : `${got?.length} characters`;
}

/** What the platform's own Request and fetch read before us. */
const PLATFORM = ["webProxy, called with Requests", "gatewayInterceptor, the fetch of Node"];

const DIRECT: readonly BodyKind[] = [
  { name: "text", takers: APPLICATIONS, make: text, wrong: wrongText, length: true },
  { name: "bytes", takers: ALL, make: (bytes) => bytes, length: true },
  {
    name: "a part of a buffer",
    takers: APPLICATIONS,
    make: (bytes) => new Uint8Array(Buffer.concat([Buffer.from("xx"), bytes])).subarray(2),
    length: true,
  },
  {
    name: "an ArrayBuffer",
    takers: FETCH,
    make: (bytes) => new Uint8Array(bytes).buffer,
    length: true,
  },
  {
    name: "a DataView",
    takers: FETCH,
    make: (bytes) => new DataView(new Uint8Array(bytes).buffer),
    length: true,
  },
  { name: "bytes of another realm", takers: FETCH, make: foreignBytes, length: true },
  {
    name: "bytes that were transferred elsewhere",
    takers: FETCH,
    make: (bytes) => {
      const view = Uint8Array.from(bytes);
      structuredClone(view.buffer, { transfer: [view.buffer] });
      return view;
    },
    wrong: async ({ body }) => (body.byteLength === 0 ? null : `${body.byteLength} bytes`),
    length: true,
    unknownTo: PLATFORM,
  },
  {
    name: "an ArrayBuffer of another realm",
    takers: FETCH,
    make: (bytes) => foreignBytes(bytes).buffer,
    length: true,
  },
  {
    name: "a Blob",
    takers: [...FETCH, "undici"],
    make: (bytes) => new Blob([new Uint8Array(bytes)]),
    length: true,
  },
  {
    name: "URLSearchParams",
    takers: FETCH,
    make: (bytes) => new URLSearchParams({ a: bytes.toString("base64") }),
    wrong: wrongParams,
    length: true,
  },
];

const FORMS: readonly BodyKind[] = [
  {
    name: "a form of Node",
    takers: ["fetch", "a fetch"],
    make: form(FormData as never, (bytes) => new Blob([new Uint8Array(bytes)])),
    wrong: wrongForm,
  },
  {
    name: "a form of undici",
    takers: [...FETCH, "undici"],
    make: form(UndiciFormData as never, (bytes) => new Blob([new Uint8Array(bytes)])),
    wrong: wrongForm,
    unknownTo: [...PLATFORM, "gatewayInterceptor, undici 8"],
  },
  {
    name: "a form of formdata-node",
    takers: ["fetch", "a fetch"],
    make: form(NodeFormData as never, (bytes) => new NodeFile([bytes], "f.bin")),
    wrong: wrongForm,
    unknownTo: PLATFORM,
    // Node 20 waits for ever where a part of a body is empty.
    least: 1,
  },
];

const STREAMS: readonly BodyKind[] = [
  { name: "a stream in one chunk", takers: FETCH, make: (bytes) => webStream([bytes]) },
  { name: "a stream", takers: FETCH, make: (bytes) => webStream(pieces(bytes, 16_384)) },
  {
    name: "a stream of odd chunks",
    takers: FETCH,
    make: (bytes) => webStream(pieces(bytes, 1, 70_001, 3)),
  },
  {
    name: "a stream with empty chunks",
    takers: FETCH,
    make: (bytes) => webStream(pieces(bytes, 0, 30_000, 0)),
  },
  {
    name: "a stream of bytes",
    takers: FETCH,
    make: (bytes) => webStream(pieces(bytes, 40_000), "bytes"),
    least: 1,
  },
  {
    name: "the stream of a Blob",
    takers: FETCH,
    make: (bytes) => new Blob([new Uint8Array(bytes)]).stream(),
  },
  {
    name: "a stream of Node",
    takers: APPLICATIONS,
    make: (bytes) => Readable.from(pieces(bytes, 16_384)),
  },
  {
    name: "a slow stream of Node",
    takers: APPLICATIONS,
    make: (bytes) => Readable.from(later(pieces(bytes, 50_000))),
  },
  { name: "an iterable", takers: ITERATES, make: (bytes) => later(pieces(bytes, 16_384)) },
  {
    name: "an iterable of odd chunks",
    takers: ITERATES,
    make: (bytes) => later(pieces(bytes, 7, 65_536, 1)),
  },
  {
    name: "an iterable with empty chunks",
    // Node 20 waits for ever for such a body.
    takers: ["undici's fetch", "undici", "wire"],
    make: (bytes) => later(pieces(bytes, 0, 0, 30_000)),
  },
  {
    name: "an iterable of another realm",
    takers: FETCH,
    make: (bytes) => foreignGenerator(pieces(bytes, 30_000)),
  },
];

const REQUESTS: readonly BodyKind[] = [
  { name: "a Request of bytes", takers: FETCH, make: request((bytes) => new Uint8Array(bytes)) },
  { name: "a Request of text", takers: FETCH, make: request(text), wrong: wrongText },
  {
    name: "a Request of a stream",
    takers: ["fetch", "a fetch"],
    make: request((bytes) => webStream(pieces(bytes, 16_384))),
  },
  {
    name: "a Request of one large chunk",
    takers: ["fetch", "a fetch"],
    make: request((bytes) => webStream([bytes])),
  },
  {
    name: "a Request of a Blob",
    takers: ["fetch", "a fetch"],
    make: request((bytes) => new Blob([new Uint8Array(bytes)])),
  },
  {
    name: "a Request of a form",
    takers: ["fetch", "a fetch"],
    make: request(form(FormData as never, (bytes) => new Blob([new Uint8Array(bytes)]))),
    wrong: wrongForm,
  },
];

export const BODY_KINDS: readonly BodyKind[] = [...DIRECT, ...FORMS, ...STREAMS, ...REQUESTS];
