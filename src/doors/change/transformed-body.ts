/**
 * Bodies of answers that are not the upstream's: bytes that are here, and what comes out of a
 * transformation that the body flows through.
 *
 * Guarantee: a body that breaks, before or within the transformation, breaks behind it, by its
 * name; the client's speed is that of all stages; a client that leaves ends them.
 */
import { Duplex, pipeline, type Readable, Transform } from "node:stream";
import type { FailureCode } from "../../catalog/failures.js";
import { gatewayErrorOf } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import type { EndListener, UpstreamResponse } from "../../core/outcome.js";
import type { BodySink, ResponseBody } from "../../core/response-body.js";
import type { ByteTransform } from "../../options/answer-options.js";
import { AnswerStream } from "../../wire/answer-stream.js";
import type { codingsOf } from "./codings.js";

type Response = UpstreamResponse<ResponseBody>;

/** The same answer with another body; what it is to the upstream stays. */
export class RebodiedResponse implements Response {
  readonly #original: Response;
  readonly body: ResponseBody;

  constructor(original: Response, body: ResponseBody) {
    this.#original = original;
    this.body = body;
  }

  get status(): number {
    return this.#original.status;
  }

  get statusText(): string {
    return this.#original.statusText;
  }

  get rawHeaders(): readonly string[] {
    return this.#original.rawHeaders;
  }

  get headers(): Response["headers"] {
    return this.#original.headers;
  }

  get finished(): Promise<FailureCode | null> {
    return this.#original.finished;
  }

  onFinished(listener: EndListener): void {
    this.#original.onFinished(listener);
  }

  discard(): Promise<void> {
    this.body.refuse(new NamedError("client_closed_request"));
    return this.#original.discard();
  }
}

/** Bytes that are here. */
export class BytesBody implements ResponseBody {
  readonly brokenBy = null;
  readonly upgraded = null;
  readonly contentLength: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.contentLength = bytes.byteLength;
  }

  get bufferedBytes(): number {
    return this.#bytes.byteLength;
  }

  takeWhole(): Buffer {
    return this.#bytes;
  }

  pipeTo(sink: BodySink): void {
    if (this.#bytes.byteLength > 0) sink.data(this.#bytes);
    sink.end([]);
  }

  resume(): void {}

  refuse(): void {}
}

/** What comes out of stages that a body flows through. */
export class StreamedBody implements ResponseBody {
  readonly upgraded = null;
  readonly contentLength = null;
  readonly bufferedBytes = 0;
  brokenBy: FailureCode | null = null;
  readonly #out: Readable;
  #sink: BodySink | null = null;

  constructor(response: Response, codings: ReturnType<typeof codingsOf>, through: ByteTransform) {
    const source = new AnswerStream(response);
    const decoders = codings.toReversed().map(({ decoder }) => named(decoder()));
    const middle = Duplex.fromWeb(through as Parameters<typeof Duplex.fromWeb>[0], {
      // Text is taken, too. What waits is counted in parts.
      objectMode: true,
      highWaterMark: 2,
    });
    const stages = [
      source,
      ...decoders,
      middle,
      toBytes(),
      ...codings.map(({ encoder }) => encoder()),
    ];
    this.#out = stages.at(-1) as Duplex;
    // Its callback does not wait until the last stage has been read.
    pipeline(stages as never, (error: Error | null | undefined) => {
      if (error !== undefined && error !== null) this.#break(error);
    });
  }

  takeWhole(): null {
    return null;
  }

  pipeTo(sink: BodySink): void {
    if (this.brokenBy !== null) {
      sink.broken(this.brokenBy);
      return;
    }
    this.#sink = sink;
    this.#out.on("data", (part: Buffer) => {
      if (!sink.data(part)) this.#out.pause();
    });
    this.#out.once("end", () => sink.end([]));
  }

  resume(): void {
    this.#out.resume();
  }

  refuse(error: Error): void {
    this.#out.destroy(error);
  }

  #break(error: Error): void {
    this.brokenBy = failureCodeOf(error);
    if (this.brokenBy === "proxy_internal_error") {
      const code = "GOOD_GATEWAY_HOOK";
      process.emitWarning("transformBody threw in a stream", { code, detail: String(error) });
    }
    this.#sink?.broken(this.brokenBy);
  }
}

/** What it fails with is the upstream's fault. */
function named(decoder: Duplex): Duplex {
  decoder.prependListener("error", (error) => {
    Object.assign(error, { failureCode: "http_response_content_coding" satisfies FailureCode });
  });
  return decoder;
}

/** What a transformation gives may be text or an array of bytes. */
function toBytes(): Transform {
  return new Transform({
    writableObjectMode: true,
    transform(part: unknown, _encoding, done) {
      if (typeof part === "string" || part instanceof Uint8Array) done(null, Buffer.from(part));
      else done(new TypeError("transformBody: the stream gave something other than bytes"));
    },
  });
}

/** Whose fault it is; what has no name was thrown by the transformation of the user. */
function failureCodeOf(error: unknown): FailureCode {
  const { failureCode } = Object(error) as { readonly failureCode?: FailureCode };
  return failureCode ?? gatewayErrorOf(error)?.failure.code ?? "proxy_internal_error";
}
