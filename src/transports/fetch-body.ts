/**
 * The body of a call of application code, so that every attempt can send it.
 *
 * Text and bytes are copied once and sent by us. A stream is read once and kept up to a cap, as the
 * body of a proxied request is. Blobs and forms are read by the fetch function itself, anew in each
 * attempt. Bodies are known by what they can do and not by their class, since there are several
 * classes of each: those of Node, of undici, of polyfills and of other realms.
 */
import { Readable } from "node:stream";
import { ReadableStream as WebStream } from "node:stream/web";
import { isAnyArrayBuffer } from "node:util/types";
import type { Clock } from "../base/clock.js";
import { ReplayBody } from "../core/replay-body.js";
import { isBlob, isForm, isWebStream, partsOf, streamOfWeb, tagOf } from "./body-kinds.js";

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

/**
 * A body as it stands in the arguments of a fetch. `length` is the one that goes with it, if any.
 * Throws a TypeError for a stream that was read before.
 */
export function fetchBody(
  body: unknown,
  keptBytesMax: number,
  length: number | null = null,
): FetchBody {
  if (body === null || body === undefined) return NO_BODY;
  if (isBlob(body) || isForm(body)) return readByFetch(body as RequestInit["body"]);
  const bytes = bytesOf(body);
  if (bytes !== null) return copied(bytes);
  refuseDisturbed(body);
  if (body instanceof Readable) return streamed(body, keptBytesMax, length);
  if (isWebStream(body)) return streamed(streamOfWeb(body), keptBytesMax, length);
  if (isAsyncIterable(body)) {
    return streamed(Readable.from(partsOf(body), BYTES), keptBytesMax, length);
  }
  // RFC 3629 §3: text is sent as UTF-8; anything else becomes text, as in every fetch.
  const text = tagOf(body) === "URLSearchParams" ? new URLSearchParams(String(body)) : String(body);
  return { ...copied(Buffer.from(String(text))), give: () => text };
}

/**
 * The bytes of a buffer or a view of any realm; null for anything else. What was transferred
 * elsewhere has none (Web IDL, "get a copy of the bytes").
 */
export function bytesOf(body: unknown): Uint8Array | null {
  const isView = ArrayBuffer.isView(body);
  if (!isView && !isAnyArrayBuffer(body)) return null;
  if (body.byteLength === 0) return new Uint8Array(0);
  return isView
    ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
    : new Uint8Array(body);
}

/** Throws for a stream of which a part has gone elsewhere: the rest of it is no body. */
export function refuseDisturbed(body: unknown): void {
  const { locked } = body as { readonly locked?: unknown };
  const isStream = body instanceof Readable || body instanceof WebStream;
  if (locked === true || (isStream && Readable.isDisturbed(body as Readable))) {
    throw new TypeError("the stream of the body is locked, or has been read before");
  }
}

/**
 * The body of a Request. The Request does not say whether it was made of a text or of a stream; a
 * text comes within a turn of the event loop, in one part, and keeps its length that way.
 */
export async function requestBody(
  clock: Pick<Clock, "turn">,
  body: ReadableStream<Uint8Array>,
  keptBytesMax: number,
  length: number | null,
): Promise<FetchBody> {
  refuseDisturbed(body);
  const source = streamOfWeb(body);
  const parts: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const part = await partWithinTurn(clock, source);
    if (part === "end") return copied(Buffer.concat(parts));
    if (part !== "later") {
      parts.push(part);
      bytes += part.byteLength;
    }
    if (part === "later" || (bytes > keptBytesMax && parts.length > 1)) break;
  }
  for (const part of parts.reverse()) source.unshift(part);
  return streamed(source, keptBytesMax, length);
}

function partWithinTurn(
  clock: Pick<Clock, "turn">,
  source: Readable,
): Promise<Buffer | "end" | "later"> {
  return new Promise((resolve) => {
    const settle = (part: Buffer | "end" | "later"): void => {
      source.off("readable", look).off("end", onEnd).off("error", onLater).off("close", onLater);
      turn.cancel();
      resolve(part);
    };
    const look = (): void => {
      const part = source.read() as Buffer | null;
      if (part !== null) settle(part);
    };
    const onEnd = (): void => settle("end");
    const onLater = (): void => settle("later");
    const turn = clock.turn(onLater);
    source.on("readable", look).once("end", onEnd).once("error", onLater).once("close", onLater);
    look();
  });
}

const BYTES = { objectMode: false } as const;

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

function streamed(source: Readable, keptBytesMax: number, length: number | null): FetchBody {
  let broken: unknown = null;
  source.on("error", (error) => {
    broken = error;
  });
  const bytesMax = Number.POSITIVE_INFINITY;
  const replay = ReplayBody.fromStream(source, {
    ...{ keptBytesMax, bytesMax, onDemand: null, length },
    sourceOf: "application",
  });
  return {
    replay,
    give: () => readLate(() => Readable.from(replay.open())),
    get error() {
      return broken;
    },
    close() {
      if (!source.readableEnded) source.destroy();
    },
  };
}

/** A web stream that opens its source when it is first read from. */
function readLate(open: () => Readable): ReadableStream<Uint8Array> {
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
