/**
 * The body of a request that a dispatcher of undici is asked for.
 *
 * Guarantee: what can be sent again is given on as it came, in every attempt: text stays text, and
 * a form stays a form. A stream is read once, from its first byte, and kept up to a cap.
 */
import { Readable } from "node:stream";
import { ReplayBody } from "../core/replay-body.js";
import { isBlob, isForm } from "../transports/body-kinds.js";
import { fetchBody } from "../transports/fetch-body.js";

export interface DispatchBody {
  /** What the policies know of it; null for none, and for one that only undici reads. */
  readonly replay: ReplayBody | null;
  /** What one attempt sends. */
  give(): unknown;
  /** It can be sent once at the most. */
  readonly once: boolean;
  /** What the caller's stream broke with; null while it has not. */
  readonly error: unknown;
  /** Nothing will be sent any more. */
  close(): void;
}

/** Reads what kind of body it is, and nothing of its bytes. */
export function dispatchBody(body: unknown, keptBytesMax: number): DispatchBody {
  const bytes = bytesOf(body);
  if (bytes !== null) return asItIs(body, ReplayBody.fromBuffer(bytes), false);
  if (body === undefined || body === null || isReadAnew(body)) return asItIs(body, null, false);
  // What is left is read by undici, if it takes it at all.
  if (!(Symbol.asyncIterator in Object(body)) || wasRead(body)) return asItIs(body, null, true);
  return streamed(body, keptBytesMax);
}

function streamed(body: unknown, keptBytesMax: number): DispatchBody {
  const source = body instanceof Readable && !body.readableObjectMode ? body : null;
  // What lies in a stream's buffer is here already.
  const read = fetchBody(body, Math.max(keptBytesMax, source?.readableLength ?? 0));
  return {
    replay: read.replay,
    give() {
      const opened = read.replay?.open();
      // While it connects a short body is read to its end, whose length undici sends.
      if (source !== null && opened instanceof Readable) opened.read(0);
      return opened;
    },
    once: false,
    get error() {
      return read.error;
    },
    close: () => read.close(),
  };
}

function asItIs(body: unknown, replay: ReplayBody | null, once: boolean): DispatchBody {
  return { replay, give: () => body, once, error: null, close: nothing };
}

function bytesOf(body: unknown): Buffer | null {
  if (typeof body === "string") return Buffer.from(body);
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return body instanceof ArrayBuffer ? Buffer.from(body) : null;
}

/** Lists of chunks, Blobs and forms begin anew each time that they are read. */
function isReadAnew(body: unknown): boolean {
  return Array.isArray(body) || isBlob(body) || isForm(body);
}

/** A stream that somebody else reads or has read from, or that has ended or failed. */
function wasRead(body: unknown): boolean {
  const { destroyed, locked } = body as { readonly destroyed?: unknown; readonly locked?: unknown };
  const isStream = body instanceof Readable || body instanceof ReadableStream;
  const isDisturbed = isStream && Readable.isDisturbed(body as Readable);
  return isDisturbed || destroyed === true || locked === true;
}

function nothing(): void {}
