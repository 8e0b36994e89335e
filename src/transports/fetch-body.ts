/**
 * The body of a fetch call, so that every attempt can send it.
 *
 * Text and bytes are copied once and sent by us. A stream is read once and kept up to a cap, as the
 * body of a proxied request is. Blobs and forms are read by the fetch function itself, anew in each
 * attempt.
 */
import { Readable } from "node:stream";
import {
  type ReadableStreamDefaultReader,
  type ReadableStreamReadResult,
  ReadableStream as WebStream,
} from "node:stream/web";
import type { Clock } from "../base/clock.js";
import { ReplayBody } from "../core/replay-body.js";

export interface FetchBody {
  /** What is sent from here; null when there is no body, or when the fetch function reads it. */
  readonly replay: ReplayBody | null;
  /** The body that the fetch function is given in one attempt. */
  give(): RequestInit["body"];
  /** What the caller's stream broke with; null while it has not. */
  readonly error: unknown;
  /** Nothing will be sent any more; a stream of the caller that is not read out is cancelled. */
  close(): void;
}

/** A body as it stands in the arguments of a fetch. */
export function fetchBody(body: unknown, keptBytesMax: number): FetchBody {
  if (body === null || body === undefined) return NO_BODY;
  if (body instanceof Blob || body instanceof FormData) return readByFetch(body);
  if (body instanceof ArrayBuffer || body instanceof SharedArrayBuffer) {
    return copied(new Uint8Array(body));
  }
  if (ArrayBuffer.isView(body)) {
    return copied(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  }
  if (body instanceof Readable) return streamed(body, keptBytesMax);
  if (body instanceof WebStream) return streamed(Readable.fromWeb(body), keptBytesMax);
  if (isAsyncIterable(body)) {
    return streamed(Readable.from(asBytes(body), BYTES), keptBytesMax);
  }
  // RFC 3629 §3: text is sent as UTF-8; anything else becomes text, as in every fetch.
  const bytes = Buffer.from(String(body));
  return { ...copied(bytes), give: () => body as RequestInit["body"] };
}

/**
 * The body of a Request. The Request does not tell whether it was made of a text or of a stream; a
 * text has come in before the event loop has turned, and keeps its length that way.
 */
export async function requestBody(
  clock: Pick<Clock, "turn">,
  body: ReadableStream<Uint8Array>,
  keptBytesMax: number,
): Promise<FetchBody> {
  const reader: Reader = (body as unknown as WebStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let late = false;
  const turned = new Promise<null>((resolve) => {
    clock.turn(() => {
      late = true;
      resolve(null);
    });
  });
  for (let bytes = 0; ; ) {
    const reading = reader.read();
    const read = await Promise.race([reading, turned]);
    if (read?.done === true) return copied(Buffer.concat(chunks));
    if (read !== null) {
      chunks.push(read.value);
      bytes += read.value.byteLength;
    }
    if (late || bytes > keptBytesMax) {
      const rest = Readable.from(restOf(chunks, read === null ? reading : null, reader), BYTES);
      // A generator that waits for its stream cannot be told to stop; the stream can.
      return streamed(rest, keptBytesMax, () => void reader.cancel().catch(ignore));
    }
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Reading = Promise<ReadableStreamReadResult<Uint8Array>>;

const BYTES = { objectMode: false } as const;

async function* restOf(
  chunks: readonly Uint8Array[],
  pending: Reading | null,
  reader: Reader,
): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
  for (let reading = pending ?? reader.read(); ; reading = reader.read()) {
    const read = await reading;
    if (read.done) return;
    yield Buffer.from(read.value);
  }
}

async function* asBytes(body: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    if (typeof chunk === "string") yield Buffer.from(chunk);
    else if (chunk instanceof Uint8Array) yield Buffer.from(chunk);
    else throw new TypeError("the body of a fetch must give text or Uint8Array chunks");
  }
}

function isAsyncIterable(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

function readByFetch(body: RequestInit["body"]): FetchBody {
  return { replay: null, give: () => body, error: null, close: ignore };
}

const NO_BODY = readByFetch(undefined);

function copied(bytes: Uint8Array): FetchBody {
  const buffer = Buffer.from(bytes);
  return {
    replay: ReplayBody.fromBuffer(buffer),
    give: () => buffer,
    error: null,
    close: ignore,
  };
}

function streamed(source: Readable, keptBytesMax: number, cancel: () => void = ignore): FetchBody {
  let broken: unknown = null;
  source.on("error", (error) => {
    broken = error;
  });
  const options = { keptBytesMax, bytesMax: Number.POSITIVE_INFINITY, onDemand: null };
  const replay = ReplayBody.fromStream(source, options);
  return {
    replay,
    // Read only by a fetch function that does not use our dispatcher.
    give: () => streamOf(() => Readable.from(replay.open())),
    get error() {
      return broken;
    },
    close() {
      if (source.readableEnded) return;
      source.destroy();
      cancel();
    },
  };
}

/** A web stream that opens its source when it is first read from. */
function streamOf(open: () => Readable): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= open()[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(new Uint8Array(value));
      },
      async cancel() {
        await chunks?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function ignore(): void {}
