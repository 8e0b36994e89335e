/**
 * Answers → `Response` of the fetch standard: those of an upstream and those of our own.
 *
 * Guarantee: a body that breaks errors and never ends as if it were whole; the reader's speed is
 * the upstream's speed, with little read ahead; the bytes that a reader gets are its own.
 */
import { STATUS_CODES } from "node:http";
import type { FailureCode } from "../catalog/failures.js";
import { GatewayError } from "../core/failure.js";
import type { BodySink } from "../core/response-body.js";
import type { PassedAnswer } from "./passed-answer.js";
import { HeldAnswer, type HeldTerms } from "./passed-answer.js";
import type { SyntheticAnswer } from "./synthetic-answer.js";

/** An answer of ours. */
export function syntheticResponse(method: string | undefined, answer: SyntheticAnswer): Response {
  return responseOf(answer, method === "HEAD" ? null : answer.body);
}

/** An answer whose body is here, null for none. */
export function wholeResponse(
  status: number,
  fields: readonly string[],
  body: Buffer | null,
): Response {
  return responseOf({ status, reason: undefined, fields }, body);
}

export interface WebResponseOptions extends HeldTerms {
  /** Takes the Response; its body may still be on its way. */
  readonly answered: (response: Response) => void;
  /** The reader has all of it, or will get no more. */
  readonly over: (whole: boolean) => void;
}

/** An upstream's answer. What a Response cannot hold becomes another answer. */
export function passedResponse(answer: PassedAnswer, options: WebResponseOptions): void {
  const { bodiless, response } = answer;
  const whole = bodiless ? null : response.body.takeWhole();
  if (!bodiless && whole === null) {
    new WebAnswer(answer, options).begin();
    return;
  }
  try {
    const given = responseOf(answer, whole);
    if (bodiless) response.body.pipeTo(NOWHERE);
    options.answered(given);
    options.over(true);
  } catch (cause) {
    void response.discard();
    options.brokenUnsent({ code: "http_protocol_error", cause });
  }
}

const NOWHERE: BodySink = { data: () => true, end: () => {}, broken: () => {} };

type Head = Pick<PassedAnswer, "status" | "reason" | "fields">;

/** Throws for a head that a Response cannot have. */
function responseOf(
  { status, reason, fields }: Head,
  body: string | Buffer | ReadableStream<Uint8Array> | null,
): Response {
  const headers = new Headers();
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    // A Response has no trailers to announce.
    if (name.toLowerCase() !== "trailer") headers.append(name, fields[index + 1] as string);
  }
  const statusText = reason ?? STATUS_CODES[status] ?? "";
  return new Response(body as ConstructorParameters<typeof Response>[0], {
    status,
    statusText,
    headers,
  });
}

/** So much is taken from the upstream before it is read. */
const AHEAD_BYTES = 65_536;

class WebAnswer extends HeldAnswer {
  readonly #options: WebResponseOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #isWhole = false;
  #isWanted = false;
  #isFull = false;
  /** It is not read any more. */
  #isOver = false;

  constructor(answer: PassedAnswer, options: WebResponseOptions) {
    super(answer, options);
    this.#options = options;
  }

  protected head(): void {
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#end(false),
      },
      // Called for a read alone, so that a reader is there for the end of the body.
      new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
    );
    this.#options.answered(responseOf(this.answer, stream));
  }

  protected write(chunk: Buffer): boolean {
    if (this.#isOver) return true;
    this.#isWanted = false;
    // A copy: its reader may transfer its memory, which is that of other chunks, too.
    this.#controller?.enqueue(new Uint8Array(chunk));
    this.#isFull = this.#aheadBytes() >= AHEAD_BYTES;
    return !this.#isFull;
  }

  protected finish(): void {
    this.#isWhole = true;
    if (this.#isWanted || this.#aheadBytes() === 0) this.#close();
  }

  protected cut(code: FailureCode): void {
    if (this.#isOver) return;
    this.#controller?.error(new GatewayError("the answer broke off", { code }, 1));
    this.#end(false);
  }

  #aheadBytes(): number {
    return -(this.#controller?.desiredSize ?? 0);
  }

  #pull(): void {
    this.#isWanted = true;
    if (this.#isWhole) this.#close();
    else if (this.#isFull) {
      this.#isFull = false;
      this.answer.response.body.resume();
    }
  }

  #close(): void {
    if (this.#isOver) return;
    this.#controller?.close();
    this.#end(true);
  }

  #end(whole: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.over(whole);
  }
}
