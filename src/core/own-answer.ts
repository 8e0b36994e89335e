/**
 * An answer that this process has whole, in the form of an upstream's: of a fallback, or kept.
 *
 * Guarantee: it ends like any other, when its body is delivered or given up.
 */
import type { FailureCode } from "../catalog/failures.js";
import { type FieldsByName, fieldsByName } from "./fields.js";
import { type EndListener, tellEnd, type UpstreamResponse } from "./outcome.js";
import type { BodySink, ResponseBody } from "./response-body.js";

export interface WholeAnswer {
  readonly status: number;
  /** Names and values in turn, without those that frame a body. */
  readonly fields: readonly string[];
  readonly body: Buffer;
}

/** As it is answered to this method: a HEAD, and what has no body by its status, has none here. */
export function ownResponse(method: string, { status, fields, body }: WholeAnswer): OwnResponse {
  const bodiless = method === "HEAD" || status === 204 || status === 205 || status === 304;
  const isFramed = status !== 204 && status !== 304;
  const length = isFramed ? ["content-length", String(status === 205 ? 0 : body.byteLength)] : [];
  return new OwnResponse(status, [...fields, ...length], bodiless ? NO_BYTES : body);
}

const NO_BYTES = Buffer.alloc(0);

export class OwnResponse implements UpstreamResponse<ResponseBody>, ResponseBody {
  readonly status: number;
  readonly statusText = "";
  readonly rawHeaders: readonly string[];
  readonly upgraded = null;
  readonly contentLength: number;
  readonly brokenBy = null;
  #bytes: Buffer | null;
  #listeners: EndListener[] = [];
  #finished: Promise<FailureCode | null> | null = null;

  constructor(status: number, rawHeaders: readonly string[], bytes: Buffer) {
    this.status = status;
    this.rawHeaders = rawHeaders;
    this.contentLength = bytes.byteLength;
    this.#bytes = bytes;
  }

  get body(): ResponseBody {
    return this;
  }

  get headers(): Readonly<FieldsByName> {
    return fieldsByName(this.rawHeaders);
  }

  get finished(): Promise<FailureCode | null> {
    this.#finished ??= new Promise((resolve) => this.onFinished(resolve));
    return this.#finished;
  }

  onFinished(listener: EndListener): void {
    if (this.#bytes === null) tellEnd(listener, null);
    else this.#listeners.push(listener);
  }

  discard(): Promise<void> {
    this.takeWhole();
    return Promise.resolve();
  }

  get bufferedBytes(): number {
    return this.#bytes?.byteLength ?? 0;
  }

  pipeTo(sink: BodySink): void {
    const bytes = this.takeWhole();
    if (bytes.byteLength > 0) sink.data(bytes);
    sink.end([]);
  }

  resume(): void {}

  refuse(): void {
    this.takeWhole();
  }

  takeWhole(): Buffer {
    const bytes = this.#bytes ?? NO_BYTES;
    if (this.#bytes === null) return bytes;
    this.#bytes = null;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) tellEnd(listener, null);
    return bytes;
  }
}
