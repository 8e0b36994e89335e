/**
 * What a proxy makes of the answers of its upstream. `Received` is what hooks get as the request:
 * that of Node, or a Request.
 */
import type { IncomingMessage } from "node:http";
import type { FailureCode } from "../catalog/failures.js";
import {
  COOKIE_OPTIONS,
  type CookieOptions,
  TRANSFORM_OPTIONS,
} from "../catalog/options/answers.js";
import { checked, code, type OptionsOf, type Section } from "../catalog/options/option.js";
import { readGivenFields } from "../wire/request-headers.js";
import { isRecord } from "./findings.js";

/** An answer of the upstream, as hooks see it before the client gets it. */
export interface ReceivedAnswer {
  readonly status: number;
  /** Lower-case names; repeated fields are lists. Those of one connection are not among them. */
  readonly headers: AnswerHeaders;
  /** Its name in the catalog where the answer is a failure, such as a 503. */
  readonly code: FailureCode | null;
  readonly requestId: string;
}

export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Parts of an answer that take the place of the upstream's. */
export interface AnswerChange {
  /** 200 to 599. */
  readonly status?: number;
  /** Fields that are set; `undefined` removes one. */
  readonly headers?: AnswerHeaders;
  /** The upstream's body, and all that is said of it but its `Content-Type`, is dropped. */
  readonly body?: string | Uint8Array;
}

export type OnResponse<Received = IncomingMessage> = (
  answer: ReceivedAnswer,
  req: Received,
) => AnswerChange | undefined | null | void | Promise<AnswerChange | undefined | null | void>;

/** Fields to set on answers (`undefined` removes), or a function that returns them. */
export type ResponseHeaders<Received = IncomingMessage> =
  | AnswerHeaders
  | ((headers: AnswerHeaders, req: Received, status: number) => AnswerHeaders);

/** Makes another body of one that is here in full, decoded; undefined leaves it as it is. */
export type TransformWhole<Received = IncomingMessage> = (
  body: Buffer,
  answer: ReceivedAnswer,
  req: Received,
) => string | Uint8Array | undefined | Promise<string | Uint8Array | undefined>;

/** Two ends of a transformation of bytes, such as a `TransformStream`. */
export interface ByteTransform {
  readonly readable: ReadableStream;
  readonly writable: WritableStream;
}

export interface TransformOptions<Received = IncomingMessage>
  extends OptionsOf<typeof TRANSFORM_OPTIONS> {
  /** Gets each body in full, decoded, and returns another one. */
  readonly whole?: TransformWhole<Received>;
  /**
   * Instead of `whole`: returns a `TransformStream` of bytes for each answer, through which the
   * decoded body flows; undefined leaves the body as it is.
   */
  readonly stream?: (answer: ReceivedAnswer, req: Received) => ByteTransform | undefined;
}

/** All members of `transformBody`, with what is checked of them. */
export const TRANSFORM_MEMBERS = {
  ...TRANSFORM_OPTIONS,
  whole: code(),
  stream: code(),
} as const satisfies Section;

function headersProblem(value: unknown): string | null {
  if (typeof value === "function") return null;
  if (!isRecord(value)) return "is neither a record nor a function";
  const read = readGivenFields(value);
  return typeof read === "string" ? read.replace("returned", "has") : null;
}

const NEXT = "next";

function statusProblem(value: unknown): string | null {
  if (!isRecord(value)) return 'is not a record such as { 404: "next" }';
  for (const [status, act] of Object.entries(value)) {
    if (!/^[2-5]\d\d$/.test(status)) return `has ${JSON.stringify(status)}, which is no status`;
    if (act !== NEXT) return `has something other than "next" for ${status}`;
  }
  return null;
}

function transformProblem(value: unknown): string | null {
  if (typeof value === "function") return null;
  if (!isRecord(value)) return "is neither a function nor { whole } or { stream }";
  const both = (value["whole"] === undefined) === (value["stream"] === undefined);
  return both ? "needs either whole or stream" : null;
}

export const ANSWER_OPTIONS = {
  /**
   * Statuses of the upstream whose answers are dropped, and the request goes to the next handler:
   * `{ 404: "next" }`. It calls `next()` in Express and where `nodeProxy` is called with a third
   * argument, and the handler for unknown routes in Fastify. Without a next handler, and for
   * upgrades, the answer is passed on. A body that was sent to the upstream is gone for the next
   * handler.
   */
  onStatus: checked<Readonly<Record<number, "next">>>(statusProblem),
  /**
   * Called with each answer of the upstream before the client gets any of it; may be async. What it
   * returns takes the place of status, fields or body; nothing passes the answer on. If it throws,
   * the answer is 500, `proxy_internal_error`. Not called for answers of the gateway itself, nor
   * for 101.
   */
  onResponse: code<OnResponse>(),
  /**
   * Fields to set on answers of the upstream (`undefined` removes), or a function that returns
   * them; after `onResponse`, `redirects` and `cookies`. Framing and connection fields belong to
   * the gateway and are ignored here.
   */
  responseHeaders: checked<ResponseHeaders>(headersProblem),
  /**
   * `"rewrite"` turns `Location` and `Content-Location` of the upstream into paths as the client
   * sees them: without the host of a target, with the mount or prefix that was removed. Addresses
   * of other hosts stay.
   * @default "pass"
   */
  redirects: checked<"pass" | "rewrite">((value) =>
    value === "pass" || value === "rewrite" ? null : 'is neither "pass" nor "rewrite"',
  ),
  /** What is changed in each `Set-Cookie` of the upstream. */
  cookies: checked<CookieOptions>((value) =>
    isRecord(value) ? null : 'is not a record such as { domain: false, path: "rewrite" }',
  ),
  /**
   * Transforms bodies of the upstream: a function of the whole body, or settings. Bodies are
   * decoded before and encoded again; `Range` is not sent, since a part cannot be transformed, and
   * an `ETag` becomes weak. Empty answers are left alone. If it throws, the answer is 500, or is
   * cut when it has begun.
   */
  transformBody: checked<TransformWhole | TransformOptions>(transformProblem),
} as const satisfies Section;

/** Their sections. */
export const ANSWER_SECTIONS = {
  cookies: COOKIE_OPTIONS,
  transformBody: TRANSFORM_MEMBERS,
} as const satisfies Readonly<Record<string, Section>>;

/** The options of an answer, for any kind of request. */
export interface AnswerOptionsOf<Received> {
  readonly onStatus?: Readonly<Record<number, "next">> | undefined;
  readonly onResponse?: OnResponse<Received> | undefined;
  readonly responseHeaders?: ResponseHeaders<Received> | undefined;
  readonly redirects?: "pass" | "rewrite" | undefined;
  readonly cookies?: CookieOptions | undefined;
  readonly transformBody?: TransformWhole<Received> | TransformOptions<Received> | undefined;
}
