/**
 * A request body that can be read by one attempt after another.
 *
 * Streaming starts at once: a chunk goes to the first attempt as it comes and is kept beside it, up
 * to a byte cap. Past the cap nothing is kept any more and the body can be sent only once. The
 * source is pulled, never pushed, so the upstream's speed is the client's speed. One reader at a
 * time.
 */
import { Readable } from "node:stream";
import { invariant } from "../base/invariant.js";
import type { FailureCode } from "../catalog/failures.js";
import { NamedError } from "./named-error.js";

/** What a source must offer: any Node stream does, an `IncomingMessage` in particular. */
export type BodySource = Readable & { readonly complete?: boolean };

interface Buffered {
  readonly _readableState?: { readonly ended?: unknown };
}

export interface StreamedBodyOptions {
  /** Bytes that are kept for a further attempt. */
  readonly keptBytesMax: number;
  /** Bytes that are taken at all; Infinity for no limit. */
  readonly bytesMax: number;
  /** Called once, when the first byte is asked for. */
  readonly onDemand: (() => void) | null;
  /** The upstream is first asked for its consent, RFC 9110 §10.1.1; false unless given. */
  readonly asksFirst?: boolean;
  /** The length that is announced, and that the source must keep to; null where none is. */
  readonly length?: number | null;
  /**
   * Whose source it is, and so whose failure a broken one is: a client's unless given.
   * @default "client"
   */
  readonly sourceOf?: "client" | "application";
}

export class ReplayBody {
  #source: BodySource | null = null;
  readonly #keptBytesMax: number;
  readonly #bytesMax: number;
  readonly #length: number | null;
  readonly #ofApplication: boolean;
  #goneBy: NamedError | null = null;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #state: "flowing" | "ended" | "gone" = "flowing";
  #overflowed = false;
  #linked = false;
  #reader: BodyReader | null = null;
  /** Bytes that the source has given so far. */
  bytesRead = 0;

  #onDemand: (() => void) | null;
  #asksFirst: boolean;

  private constructor(options: StreamedBodyOptions) {
    this.#keptBytesMax = options.keptBytesMax;
    this.#bytesMax = options.bytesMax;
    this.#onDemand = options.onDemand;
    this.#asksFirst = options.asksFirst === true;
    this.#length = options.length ?? null;
    this.#ofApplication = options.sourceOf === "application";
  }

  /** A body that is still coming in. More than `bytesMax` is the client's failure. */
  static fromStream(source: BodySource, options: StreamedBodyOptions): ReplayBody {
    const body = new ReplayBody(options);
    body.#source = source;
    // Such a source has emitted its end before and would not emit it again.
    if (source.readableEnded) body.#goAs("proxy_configuration_error");
    else if (source.destroyed) body.#break(source.errored);
    else source.on("error", body.#onError);
    return body;
  }

  /** A body that is here already. */
  static fromBuffer(buffer: Buffer): ReplayBody {
    const keptBytesMax = buffer.byteLength;
    const body = new ReplayBody({ keptBytesMax, bytesMax: keptBytesMax, onDemand: null });
    body.#kept.push(buffer);
    body.#keptBytes = buffer.byteLength;
    body.bytesRead = buffer.byteLength;
    body.#state = "ended";
    return body;
  }

  /** Whether a further attempt could send it from the start. */
  get replayable(): boolean {
    return !this.#overflowed && this.#state !== "gone";
  }

  /** Whether a further attempt could still send it once all of it, so many bytes, is here. */
  replays(bytes: number | null): boolean {
    return this.replayable && (bytes === null || bytes <= this.#keptBytesMax);
  }

  /** Whether all of it has come in. */
  get complete(): boolean {
    return this.#state === "ended";
  }

  /**
   * Whether all of it may have been received together with its head, and waits to be parsed: that
   * is done once the current task is over.
   */
  get maybeReceived(): boolean {
    const source = this.#source;
    if (source === null || this.#length === null || this.#onDemand !== null) return false;
    if (this.#length > Math.min(RECEIVED_BYTES_MAX, this.#keptBytesMax)) return false;
    return this.#state === "flowing" && !this.#isAllHere(source);
  }

  /** Whether an upstream is asked for its consent before any of it is read. */
  get asksFirst(): boolean {
    return this.#asksFirst && this.#state === "flowing";
  }

  /** Whether nothing of it was asked for, and its client waits for a 100. */
  get undemanded(): boolean {
    return this.#onDemand !== null;
  }

  /** It is wanted, or the upstream does not answer the question: it is sent without asking. */
  askNoMore(): void {
    this.#asksFirst = false;
  }

  /** Whether a reader waits for the client rather than for the upstream. */
  get waitsForSource(): boolean {
    return this.#reader?.hungry === true && this.#state === "flowing";
  }

  /**
   * Opens it for one attempt: the bytes themselves where they are few and all here, else a stream,
   * whose end is the moment at which the last bytes leave, on a slow link, too.
   * A reader of an earlier attempt is closed. Throws where a part of it is here no more: to send
   * the rest in its place would be a request that its caller has never made.
   */
  open(): Buffer | Readable {
    invariant(!this.#overflowed, "a body that was not kept cannot be opened again");
    this.#reader?.destroy();
    this.#reader = null;
    this.#takeWhole();
    if (this.#state === "ended") {
      if (this.#keptBytes <= WHOLE_BYTES_MAX) return this.#whole();
      this.#kept = this.#kept.flatMap(piecesOf);
    }
    if (!this.#linked && this.#source !== null) this.#link(this.#source);
    this.#reader = new BodyReader(this);
    return this.#reader;
  }

  /** All of its bytes, where all of them have come in and were kept; else null. */
  wholeCopy(): Buffer | null {
    return this.#state === "ended" && !this.#overflowed ? Buffer.concat(this.#kept) : null;
  }

  /** No attempt follows: what is left of the source is read and thrown away. */
  release(): void {
    this.#reader?.destroy();
    this.#reader = null;
    const source = this.#source;
    if (source === null) return;
    this.#unlink();
    if (!source.readableEnded && !source.destroyed) {
      source.on("error", ignore);
      source.resume();
    }
  }

  /** The next chunk after `index`, null when the source has none yet, undefined at the end. */
  next(index: number): Buffer | null | undefined {
    const kept = this.#kept[index];
    if (kept !== undefined) return kept;
    if (this.#state !== "flowing") return undefined;
    const chunk = this.#pull();
    return chunk === null && !this.#isFlowing() ? undefined : chunk;
  }

  /** Why the rest will never come; null while it may. */
  get goneBy(): Error | null {
    return this.#goneBy;
  }

  /** Not before a stream is asked for: most bodies are here by then, and need no listeners. */
  #link(source: BodySource): void {
    this.#linked = true;
    source.on("readable", this.#onReadable);
    source.on("end", this.#onEnd);
    source.on("close", this.#onClose);
    if (source.destroyed) this.#break(source.errored);
  }

  // A method, since reading may change the state behind the compiler's back.
  #isFlowing(): boolean {
    return this.#state === "flowing";
  }

  #pull(): Buffer | null {
    if (this.#onDemand !== null) {
      this.#onDemand();
      this.#onDemand = null;
    }
    const source = this.#source;
    const chunk = source?.read() as Buffer | string | null | undefined;
    if (chunk === null || chunk === undefined) return null;
    const encoding = source?.readableEncoding ?? "utf8";
    const buffer = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
    this.bytesRead += buffer.byteLength;
    if (this.bytesRead > this.#bytesMax) {
      this.#goAs("request_body_too_large");
      return null;
    }
    if (this.#length !== null && this.bytesRead > this.#length) {
      this.#mismatch();
      return null;
    }
    this.#keep(buffer);
    return buffer;
  }

  #keep(buffer: Buffer): void {
    if (this.#overflowed) return;
    this.#kept.push(buffer);
    this.#keptBytes += buffer.byteLength;
    if (this.#keptBytes <= this.#keptBytesMax) return;
    // Only a reader that has read all that was kept pulls more, so nothing is taken from anyone.
    this.#overflowed = true;
    this.#keptBytes = 0;
    this.#kept = [];
  }

  // A small body often lies whole in the source's buffer, parsed together with the head.
  #takeWhole(): void {
    const source = this.#source;
    if (source === null || this.#state !== "flowing" || !this.#isAllHere(source)) return;
    // Only then is its length one of bytes, and none of them can fall out of what is kept.
    if (source.readableEncoding !== null || source.readableObjectMode) return;
    if (this.#keptBytes + source.readableLength > this.#keptBytesMax) return;
    while (this.#pull() !== null);
    if (this.#isFlowing()) this.#end();
  }

  /** No more will come into its buffer; undici reads the length of a body there, too. */
  #isAllHere(source: BodySource): boolean {
    const { complete, _readableState: state } = source as BodySource & Buffered;
    if (complete === true || state?.ended === true) return true;
    // A message has as many bytes as it says; its parser reports the last ones before their end.
    return complete === false && this.bytesRead + source.readableLength === this.#length;
  }

  #end(): void {
    if (this.#length !== null && this.bytesRead !== this.#length) {
      this.#mismatch();
      return;
    }
    this.#state = "ended";
    this.#unlink();
  }

  #whole(): Buffer {
    const first = this.#kept[0];
    if (first !== undefined && this.#kept.length === 1) return first;
    const whole = Buffer.concat(this.#kept, this.#keptBytes);
    this.#kept = [whole];
    return whole;
  }

  readonly #onReadable = (): void => {
    this.#reader?.wake();
  };

  readonly #onEnd = (): void => {
    if (this.#state !== "flowing") return;
    this.#end();
    this.#reader?.wake();
  };

  readonly #onError = (error: unknown): void => this.#break(error);
  readonly #onClose = (): void => this.#break(null);

  #break(cause: unknown): void {
    const code = this.#ofApplication ? "request_body_failed" : "client_closed_request";
    this.#goAs(code, undefined, cause);
  }

  /** RFC 9112 §6.3: what is shorter or longer than announced is no body, at either end. */
  #mismatch(): void {
    const code = this.#ofApplication ? "request_body_failed" : "bad_request";
    this.#goAs(code, `announced=${this.#length} given=${this.bytesRead}`);
  }

  #goAs(code: FailureCode, details?: string, cause?: unknown): void {
    if (this.#state !== "flowing") return;
    this.#state = "gone";
    this.#goneBy = new NamedError(code, details, cause ?? undefined);
    this.#unlink();
    this.#reader?.wake();
  }

  #unlink(): void {
    const source = this.#source;
    if (source === null) return;
    this.#source = null;
    if (!this.#linked) return;
    source.off("readable", this.#onReadable);
    source.off("end", this.#onEnd);
    source.off("close", this.#onClose);
    // The error listener stays: a late error of a stream that we have taken must not be unhandled.
  }
}

/** The body as one attempt sees it. */
class BodyReader extends Readable {
  readonly #body: ReplayBody;
  #index = 0;
  /** It was asked for more and had nothing. */
  hungry = false;

  constructor(body: ReplayBody) {
    super({ highWaterMark: 16_384 });
    this.#body = body;
    // The transport listens while it writes; errors after that are of no interest.
    this.on("error", ignore);
  }

  override _read(): void {
    this.hungry = true;
    this.wake();
  }

  wake(): void {
    while (this.hungry && !this.destroyed) {
      const chunk = this.#body.next(this.#index);
      if (chunk === null) return;
      this.hungry = false;
      if (chunk === undefined) {
        const goneBy = this.#body.goneBy;
        if (goneBy === null) this.push(null);
        else this.destroy(goneBy);
        return;
      }
      this.#index += 1;
      this.push(chunk);
    }
  }
}

/** Of a large body, as much as is written at once: each piece that has left shows that it moves. */
const PIECE_BYTES = 65_536;
const WHOLE_BYTES_MAX = 2 * PIECE_BYTES;
/** As much as Node reads from a socket at once. */
const RECEIVED_BYTES_MAX = 65_536;

function piecesOf(bytes: Buffer): readonly Buffer[] {
  const count = Math.ceil(bytes.byteLength / PIECE_BYTES);
  return Array.from({ length: count }, (_, at) =>
    bytes.subarray(at * PIECE_BYTES, (at + 1) * PIECE_BYTES),
  );
}

function ignore(): void {}
