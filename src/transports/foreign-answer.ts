/**
 * The Response of a fetch function that reads its connections by itself, as its caller gets it: of
 * the function's own class and with all that it says, but read through us, so that limits, time and
 * an abort hold for its body, and its end is known.
 *
 * Guarantee: the end is reported once: read out, broken, cancelled, or collected by the garbage
 * collector because it was dropped. A `cancel()` of the function is never waited for.
 */
import type { Readable } from "node:stream";

/** Hears how a body is read. */
export interface ForeignReading {
  /** So many bytes; false: it is over the limit, or over already. */
  read(bytes: number): boolean;
  /** It is not read at the moment, or is again. */
  behind(isBehind: boolean): void;
  whole(): void;
  broken(error: unknown): void;
  /** Its reader has cancelled it, or has dropped it. */
  givenUp(): void;
}

type Source = ReadableStream<Uint8Array>;
type Controller = ReadableStreamDefaultController<unknown>;

const collected = new FinalizationRegistry<ForeignReading>((reading) => reading.givenUp());

export class ForeignAnswer {
  readonly #reading: ForeignReading;
  #response: Response | null;
  #source: Source | null = null;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  /** Of the stream that the caller reads. Only the caller keeps that alive. */
  #controller: WeakRef<Controller> | null = null;
  #nodes: Readable | null = null;
  #isOver = false;

  constructor(response: Response, reading: ForeignReading) {
    this.#reading = reading;
    this.#response = response;
  }

  /** Cancels the body of a Response that no one gets. */
  static cancel(response: unknown, reason?: unknown): void {
    const { body } = Object(response) as { readonly body?: unknown };
    const { cancel, destroy } = Object(body) as { cancel?: unknown; destroy?: unknown };
    if (typeof cancel === "function") settled(() => cancel.call(body, reason));
    else if (typeof destroy === "function") settled(() => destroy.call(body));
  }

  /** Watches the body; one that cannot be watched is whole with its head. */
  begin(): void {
    const response = this.#response as Response;
    const body: unknown = response.body;
    if (isNodeStream(body)) this.#watchNodes(body);
    else if (isUnread(response, body)) this.#watch(response, body);
    else this.#reading.whole();
  }

  /** The Response for the caller, who alone has it from here on. */
  take(): Response {
    const response = this.#response as Response;
    this.#response = null;
    return response;
  }

  /** The exchange has ended. */
  over(broken: { readonly reason: unknown } | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (broken === null) return;
    this.#controller?.deref()?.error(broken.reason);
    this.#nodes?.destroy(broken.reason as Error);
    this.#cancelSource(broken.reason);
  }

  /** It is not read. */
  discard(): void {
    const response = this.#response;
    this.#response = null;
    if (this.#source !== null) this.#cancelSource(undefined);
    else ForeignAnswer.cancel(response);
    this.#reading.whole();
  }

  #watch(response: Response, source: Source): void {
    try {
      this.#response = rebuilt(response, this.#streamOf(source));
    } catch {
      // Not every class can be made anew.
      this.#reading.whole();
      return;
    }
    this.#source = source;
    this.#reading.behind(true);
    collected.register(this.#response.body as object, this.#reading);
  }

  #streamOf(source: Source): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = new WeakRef(controller as Controller);
        },
        pull: (controller) => this.#pull(source, controller),
        cancel: (reason) => {
          this.#cancelSource(reason);
          this.#reading.givenUp();
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #pull(
    source: Source,
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    this.#reading.behind(false);
    try {
      this.#reader ??= source.getReader();
      const { done, value } = await this.#reader.read();
      if (this.#isOver) return;
      if (done) {
        controller.close();
        this.#reading.whole();
      } else if (this.#reading.read(sizeOf(value))) {
        controller.enqueue(value);
        this.#reading.behind(true);
      }
    } catch (error) {
      controller.error(error);
      this.#reading.broken(error);
    }
  }

  /** A body of Node's streams (node-fetch): what is pushed into it is counted. */
  #watchNodes(body: Readable): void {
    const { push } = body;
    body.push = (part: unknown, encoding?: BufferEncoding) => {
      if (part !== null && !this.#isOver && !this.#reading.read(sizeOf(part))) body.destroy();
      return push.call(body, part, encoding);
    };
    body.once("end", () => this.#reading.whole());
    body.once("error", (error) => this.#reading.broken(error));
    body.once("close", () => this.#reading.givenUp());
    this.#nodes = body;
  }

  #cancelSource(reason: unknown): void {
    const source = this.#reader ?? this.#source;
    this.#source = null;
    if (source !== null) settled(() => source.cancel(reason));
  }
}

function isNodeStream(body: unknown): body is Readable {
  const { push, destroy, once } = Object(body) as Partial<Readable>;
  if (typeof push !== "function" || typeof destroy !== "function") return false;
  return typeof once === "function";
}

function isUnread({ bodyUsed }: Response, body: unknown): body is Source {
  const { getReader, locked } = Object(body) as Partial<Source>;
  return bodyUsed !== true && locked === false && typeof getReader === "function";
}

/** The same Response over another stream. */
export function rebuilt(response: Response, body: ReadableStream): Response {
  const { status, statusText, headers } = response;
  const Class = response.constructor as typeof Response;
  return dressed(new Class(body, { status, statusText, headers }), response);
}

/** What no constructor takes, and what was added by hand. */
function dressed(made: Response, as: Response): Response {
  const { url, redirected, type } = as;
  const clone = (): Response => dressed(made.constructor.prototype.clone.call(made), as);
  const own = Object.entries(Object.getOwnPropertyDescriptors(as));
  Object.defineProperties(made, {
    ...Object.fromEntries(own),
    url: { value: url, configurable: true },
    redirected: { value: redirected, configurable: true },
    type: { value: type, configurable: true },
    clone: { value: clone, configurable: true, writable: true },
  });
  return made;
}

function sizeOf(part: unknown): number {
  const { byteLength, length } = Object(part) as { byteLength?: number; length?: number };
  return byteLength ?? length ?? 0;
}

/** Calls what may throw, reject, or never settle. */
function settled(act: () => unknown): void {
  try {
    Promise.resolve(act()).catch(() => {});
  } catch {
    // What is given up may fail as it likes.
  }
}

/** The head of a Response, also of one that a test has made up by hand. */
export function headOf(response: Response): {
  readonly status: number;
  readonly statusText: string;
  readonly fields: readonly string[];
} {
  const { status, statusText, headers, ok } = response as Partial<Response>;
  const fields = Object(headers) as Iterable<readonly string[]>;
  const pairs = Symbol.iterator in fields ? [...fields] : Object.entries(fields);
  return {
    status: status ?? (ok === true ? 200 : Number.NaN),
    statusText: statusText ?? "",
    fields: pairs.flat() as string[],
  };
}
