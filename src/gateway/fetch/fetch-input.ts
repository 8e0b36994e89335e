/**
 * What a fetch function is called with.
 *
 * A function that is known gets what the caller has given, and makes of it what it always does;
 * only bodies of classes that it does not know are put in a form that it takes. Any other function
 * gets an address and an init, since it may send by itself, and then to the target that was chosen.
 */
import type { Clock } from "../../base/clock.js";
import { ReplayBody } from "../../core/replay-body.js";
import { holdStream } from "../../transports/body-kinds.js";
import {
  bytesOf,
  type FetchBody,
  fetchBody,
  refuseDisturbed,
  requestBody,
} from "../../transports/fetch-body.js";
import type { FetchDispatcher } from "../../transports/fetch-dispatcher.js";
import type { KnownFetch } from "../../transports/fetch-function.js";
import { ForeignAnswer } from "../../transports/foreign-answer.js";
import { nativeBody } from "../../transports/native-body.js";
import { type FetchArguments, initOf } from "./fetch-arguments.js";

const { Headers: NodeHeaders } = globalThis;

/** What is ours in the init. */
export interface AddedInit {
  readonly dispatcher: FetchDispatcher;
  readonly signal?: AbortSignal;
}

export interface FetchInput {
  /** The body before the function dispatches; null where there is none, or only then. */
  readonly replay: ReplayBody | null;
  /** The length of a body whose class the function does not know. */
  readonly length: number | null;
  /** The function sends the bytes of `replay`, whatever it reads. */
  readonly keepsBytes: boolean;
  /** What the caller's stream broke with, where it is read here. */
  readonly error: unknown;
  of(
    url: string,
    fields: readonly string[] | null,
    added: AddedInit,
  ): [input: string | Request, init: RequestInit];
  /** Nothing will be sent any more; a stream of the caller that is not read out is cancelled. */
  close(reason?: unknown): void;
}

/** The input of a call; a promise where the body of a foreign Request is looked at first. */
export function fetchInput(
  asked: FetchArguments,
  known: KnownFetch | null,
  clock: Pick<Clock, "turn">,
  keptBytesMax: number,
): FetchInput | Promise<FetchInput> {
  const { request, ofRequest, body } = asked;
  if (known !== null && (request === null || request instanceof known.Request)) {
    return givenInput(asked, known);
  }
  if (!ofRequest) return madeInput(asked, fetchBody(body, keptBytesMax), known);
  const stream = body as ReadableStream<Uint8Array>;
  return requestBody(clock, stream, keptBytesMax).then((sent) => madeInput(asked, sent, known));
}

/** Nothing of the caller's body is wanted, since nothing is sent. */
export function dropBody({ body }: FetchArguments, reason?: unknown): void {
  ForeignAnswer.cancel({ body }, reason);
}

function givenInput(asked: FetchArguments, known: KnownFetch): FetchInput {
  const { request, url, init } = asked;
  const {
    replay,
    body,
    type,
    length,
    close = (reason) => dropBody(asked, reason),
  } = bodyFor(asked, known);
  return {
    replay,
    length,
    keepsBytes: replay !== null,
    error: null,
    of(target, _fields, added) {
      const full = {
        ...referrerOf(request),
        ...init,
        ...(body === undefined ? {} : { body }),
        ...(type === null ? {} : { headers: withType(asked.headers, type) }),
        ...(length === null ? {} : { duplex: "half" }),
        ...added,
      };
      return [request ?? url?.href ?? target, full as object];
    },
    close,
  };
}

interface BodyForKnown {
  readonly replay: ReplayBody | null;
  /** Undefined leaves that of the init, or of the Request. */
  readonly body: unknown;
  readonly type: string | null;
  readonly length: number | null;
  readonly close?: (reason?: unknown) => void;
}

const AS_GIVEN: BodyForKnown = { replay: null, body: undefined, type: null, length: null };

function bodyFor({ body, ofRequest }: FetchArguments, known: KnownFetch): BodyForKnown {
  if (ofRequest || body === null || body === undefined) return AS_GIVEN;
  // What can change is copied now, as a fetch does; the function may be called later.
  const bytes = bytesOf(body);
  if (bytes !== null) {
    const copy = Buffer.from(bytes);
    return { ...AS_GIVEN, replay: ReplayBody.fromBuffer(copy), body: copy };
  }
  const native = nativeBody(body, known);
  if (native.body instanceof URLSearchParams) {
    const text = String(native.body);
    const replay = ReplayBody.fromBuffer(Buffer.from(text));
    return { ...native, replay, body: new URLSearchParams(text) };
  }
  if (native.body instanceof ReadableStream) {
    refuseDisturbed(native.body);
    const { stream, cancel } = holdStream(native.body);
    return { ...native, replay: null, body: stream, close: cancel };
  }
  if (typeof native.body === "object") return { ...native, replay: null };
  const text = String(native.body);
  return { ...AS_GIVEN, replay: ReplayBody.fromBuffer(Buffer.from(text)), body: text };
}

/** A Request loses them to any init. */
function referrerOf(request: Request | null): object {
  if (request === null) return {};
  const { referrer, referrerPolicy } = request;
  return { referrer, referrerPolicy };
}

function withType(headers: Headers, type: string): Headers {
  const all = new NodeHeaders(headers);
  if (!all.has("content-type")) all.set("content-type", type);
  return all;
}

function madeInput(asked: FetchArguments, sent: FetchBody, known: KnownFetch | null): FetchInput {
  const rest = initOf(asked);
  return {
    replay: sent.replay,
    length: null,
    keepsBytes: known !== null && sent.replay?.complete === true,
    get error() {
      return sent.error;
    },
    of(url, fields, added) {
      // As they were given, since their names may be written in a way of their own.
      const written = asked.init.headers ?? asked.request?.headers ?? {};
      const headers = fields === null ? written : withFields(asked.headers, fields);
      const body = sent.give();
      const given = body === undefined ? {} : { body };
      const init = { ...rest, method: asked.method, headers, ...given, ...added };
      return [known === null ? url : (asked.url?.href ?? url), init as object];
    },
    close: () => sent.close(),
  };
}

function withFields(headers: Headers, added: readonly string[]): Headers {
  const sent = new NodeHeaders(headers);
  for (let index = 0; index < added.length; index += 2) {
    sent.set(added[index] as string, added[index + 1] as string);
  }
  return sent;
}
