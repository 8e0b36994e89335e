/**
 * What kind of body a value is, and its bytes as a stream, wherever its class was made.
 *
 * There are several classes of each kind: those of Node, of undici, of polyfills and of other
 * realms. So a body is known by what it can do.
 */
import { PassThrough, Readable } from "node:stream";

/** The name by which a platform object of any realm or package goes. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** A Blob or a File: its type, its size, and a stream of its bytes. */
export interface BlobLike {
  readonly size: number;
  readonly type: string;
  readonly name?: string;
  stream(): unknown;
}

export function isBlob(value: unknown): value is BlobLike {
  const tag = tagOf(value);
  return (tag === "Blob" || tag === "File") && typeof (value as BlobLike).stream === "function";
}

/** Names and values in turn, as a FormData has them. */
export type FormLike = Iterable<readonly [name: string, value: string | BlobLike]>;

export function isForm(value: unknown): value is FormLike {
  return tagOf(value) === "FormData" && Symbol.iterator in Object(value);
}

/** The form of the package `form-data`: a stream of Node's oldest kind. */
export interface FormStream {
  getHeaders(): Readonly<Record<string, string>>;
  pipe<To>(to: To): To;
}

export function isFormStream(value: unknown): value is FormStream {
  const { getHeaders, pipe } = Object(value) as Partial<FormStream>;
  return typeof getHeaders === "function" && typeof pipe === "function";
}

interface WebStreamLike {
  readonly locked: boolean;
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
    cancel(reason?: unknown): Promise<void>;
    releaseLock(): void;
  };
}

/** A ReadableStream, of Node or of a polyfill. */
export function isWebStream(value: unknown): value is WebStreamLike {
  return typeof (Object(value) as Partial<WebStreamLike>).getReader === "function";
}

/** A Node stream of a web stream's bytes; destroyed, it cancels the web stream. */
export function streamOfWeb(body: unknown): Readable {
  const reader = (body as WebStreamLike).getReader();
  return new Readable({
    read() {
      reader.read().then(
        ({ done, value }) => {
          if (this.destroyed) return;
          try {
            this.push(done ? null : asBytes(value));
          } catch (error) {
            this.destroy(error as Error);
          }
        },
        (error: unknown) => this.destroy(errorOf(error)),
      );
    },
    destroy(error, callback) {
      // Not waited for: a cancel that never settles must not hold the call.
      void Promise.resolve(reader.cancel(error ?? undefined)).catch(ignore);
      callback(error);
    },
  });
}

/** A web stream in our hands: it can be cancelled although a fetch function reads it. */
export interface HeldStream {
  readonly stream: ReadableStream;
  cancel(reason?: unknown): void;
}

/** Locks a web stream, as a fetch does. Throws a TypeError where it is locked already. */
export function holdStream(source: ReadableStream): HeldStream {
  const reader = source.getReader();
  const stream = new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, cancel: (reason) => void reader.cancel(reason).catch(ignore) };
}

/** The bytes of whatever an iterable gives. */
export async function* partsOf(body: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const part of body) yield asBytes(part);
}

/** A stream of Node's oldest kind, as one of today. */
export function streamOfForm(form: FormStream): Readable {
  return form.pipe(new PassThrough());
}

function asBytes(part: unknown): Buffer {
  if (typeof part === "string") return Buffer.from(part);
  // A copy: parts are kept for further attempts, and a source may fill one buffer again and again.
  if (ArrayBuffer.isView(part)) {
    return Buffer.from(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  throw new TypeError("the body of a fetch must give text or Uint8Array chunks");
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error("the body failed", { cause: error });
}

function ignore(): void {}
