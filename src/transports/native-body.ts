/**
 * A body of a foreign class, in a form that Node's fetch and undici's take.
 *
 * They know their own classes alone, and send anything else as the text `[object FormData]`. Here
 * it is known by what it can do: its bytes become a stream, and what the class would have given
 * a fetch of its own, type and length, goes with it.
 */
import { randomUUID } from "node:crypto";
import {
  type BlobLike,
  type FormLike,
  isBlob,
  isForm,
  isFormStream,
  isWebStream,
  partsOf,
  streamOfForm,
  streamOfWeb,
  tagOf,
} from "./body-kinds.js";

export interface NativeBody {
  readonly body: unknown;
  /** The type that goes with it; null where the fetch function finds that itself. */
  readonly type: string | null;
  /** Its length where it is known and the fetch function cannot know it. */
  readonly length: number | null;
}

/** The classes of one fetch function. */
export interface OwnClasses {
  readonly FormData: abstract new () => unknown;
}

export function nativeBody(body: unknown, own: OwnClasses): NativeBody {
  if (typeof body !== "object" || body === null) return asItIs(body);
  if (body instanceof own.FormData || body instanceof Blob) return asItIs(body);
  if (body instanceof URLSearchParams || body instanceof ReadableStream) return asItIs(body);
  if (isForm(body)) return multipart(body);
  if (isBlob(body)) {
    const { type, size } = body;
    return { body: partsOf(bytesIn(body)), type: type === "" ? null : type, length: size };
  }
  if (isFormStream(body)) {
    const type = body.getHeaders()["content-type"] ?? null;
    return { body: streamOfForm(body), type, length: null };
  }
  if (tagOf(body) === "URLSearchParams") return asItIs(new URLSearchParams(String(body)));
  if (isWebStream(body)) return asItIs(streamOfWeb(body));
  return asItIs(body);
}

function asItIs(body: unknown): NativeBody {
  return { body, type: null, length: null };
}

function bytesIn(blob: BlobLike): AsyncIterable<unknown> {
  const stream = blob.stream();
  return isWebStream(stream) ? streamOfWeb(stream) : (stream as AsyncIterable<unknown>);
}

/** RFC 7578 §4, with names and line breaks as the Fetch standard has them. */
function multipart(form: FormLike): NativeBody {
  const boundary = `----formdata-${randomUUID()}`;
  const parts: (Buffer | BlobLike)[] = [];
  let length = 0;
  const add = (part: Buffer | BlobLike): void => {
    parts.push(part);
    length += Buffer.isBuffer(part) ? part.byteLength : part.size;
  };
  for (const [name, value] of form) {
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(broken(name))}"`;
    if (typeof value === "string") {
      add(Buffer.from(`${head}\r\n\r\n${broken(value)}\r\n`));
      continue;
    }
    const type = value.type === "" ? "application/octet-stream" : value.type;
    const file = `filename="${quoted(value.name ?? "blob")}"`;
    add(Buffer.from(`${head}; ${file}\r\ncontent-type: ${type}\r\n\r\n`));
    add(value);
    add(Buffer.from("\r\n"));
  }
  add(Buffer.from(`--${boundary}--\r\n`));
  return { body: bytesOfAll(parts), type: `multipart/form-data; boundary=${boundary}`, length };
}

async function* bytesOfAll(parts: readonly (Buffer | BlobLike)[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if (Buffer.isBuffer(part)) yield part;
    else yield* partsOf(bytesIn(part));
  }
}

function quoted(text: string): string {
  return text.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22");
}

function broken(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}
