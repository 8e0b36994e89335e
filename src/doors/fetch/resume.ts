/**
 * A download of `gatewayFetch` that goes on where it broke: `Range` and `If-Range` with the strong
 * validator of the first answer (RFC 9110 §13.1.5, §14.2).
 *
 * Guarantee: the reader gets the bytes of one representation, each once and in order, or an error.
 * Whatever else comes than the rest of the same one (a whole answer, another validator, length or
 * place) is not used, and the body ends with the failure that broke it. A body is resumed
 * `RESUME.timesMax` times at most, by calls with the id of the first and the kind `resumed`.
 */
import { RESUME } from "../../catalog/defaults.js";
import { hasTrait } from "../../catalog/failures.js";
import { gatewayErrorOf } from "../../core/failure.js";
import { ForeignAnswer, rebuilt } from "../../transports/foreign-answer.js";
import type { FetchArguments } from "./fetch-arguments.js";

/** Asks for the same again, with these fields. */
export type AskAgain = (fields: Readonly<Record<string, string>>) => Promise<Response>;

/** The answer with a body that is resumed; the same where it cannot be. */
export function resumed(response: Response, again: AskAgain): Response {
  const { status, headers, body, bodyUsed } = response;
  const tag = headers.get("etag") ?? "";
  // A decoded body has other places than the bytes that a range counts.
  const isPlain = (headers.get("content-encoding") ?? "identity") === "identity";
  const isOffered = headers.get("accept-ranges") !== "none";
  // RFC 9110 §8.8.3: a weak one (W/"…") may stand for other bytes.
  if (status !== 200 || !isPlain || !isOffered || !/^"[^"]*"$/.test(tag)) return response;
  if (bodyUsed || typeof body?.getReader !== "function") return response;
  const length = headers.get("content-length");
  const source = new ResumedBody(body, tag, length === null ? null : Number(length), again);
  return rebuilt(response, new ReadableStream(source, { highWaterMark: 0 }));
}

/** Who asks for a part has its own way. */
export function isResumable({ method, body, headers }: FetchArguments): boolean {
  if (method !== "GET" || (body ?? null) !== null) return false;
  return !headers.has("range") && !headers.has("if-range");
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

class ResumedBody {
  readonly #tag: string;
  readonly #again: AskAgain;
  #length: number | null;
  #reader: Reader;
  #read = 0;
  #timesLeft: number = RESUME.timesMax;
  #isCancelled = false;

  constructor(
    body: ReadableStream<Uint8Array>,
    tag: string,
    length: number | null,
    again: AskAgain,
  ) {
    this.#reader = body.getReader();
    this.#tag = tag;
    this.#length = length;
    this.#again = again;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { done, value } = await this.#next();
    if (done) {
      controller.close();
      return;
    }
    this.#read += value.byteLength;
    controller.enqueue(value);
  }

  async cancel(reason: unknown): Promise<void> {
    this.#isCancelled = true;
    await this.#reader.cancel(reason);
  }

  /** The next part, from another answer where this one has broken. */
  async #next(): ReturnType<Reader["read"]> {
    try {
      return await this.#reader.read();
    } catch (error) {
      const failure = gatewayErrorOf(error)?.failure;
      if (failure === undefined || !hasTrait(failure.code, "resumes")) throw error;
      while (this.#timesLeft > 0 && !this.#isCancelled) {
        this.#timesLeft -= 1;
        const rest = await this.#rest();
        if (rest === null) throw error;
        this.#reader = rest;
        return this.#next();
      }
      throw error;
    }
  }

  /** Null where the rest of the same cannot be had. */
  async #rest(): Promise<Reader | null> {
    const fields = { range: `bytes=${this.#read}-`, "if-range": this.#tag };
    const response = await this.#again(fields).catch(() => null);
    if (response === null) return null;
    if (this.#isCancelled || !this.#goesOn(response) || response.body === null) {
      ForeignAnswer.cancel(response);
      return null;
    }
    return response.body.getReader();
  }

  #goesOn({ status, headers }: Response): boolean {
    if (status !== 206 || headers.get("etag") !== this.#tag) return false;
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get("content-range") ?? "");
    if (range === null || (headers.get("content-encoding") ?? "identity") !== "identity") {
      return false;
    }
    const [from, to, length] = range.slice(1).map(Number) as [number, number, number];
    // All of the rest: a part of it would end the body too early.
    if (from !== this.#read || to !== length - 1) return false;
    if (this.#length !== null && this.#length !== length) return false;
    this.#length = length;
    return true;
  }
}
