/**
 * What the options of a proxy make of an answer of its upstream, before the client gets any of it.
 *
 * Guarantee: an answer is passed on as the options say or becomes a failure, never something in
 * between; without such options there is nothing of this.
 */
import { TRANSFORM_BYTES_MAX } from "../../catalog/options/answers.js";
import type { Call } from "../../core/call.js";
import type { Failure } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import type { UpstreamResponse } from "../../core/outcome.js";
import { pathBelow } from "../../core/request.js";
import type { ResponseBody } from "../../core/response-body.js";
import type { UpstreamInside } from "../../gateway/upstream-inside.js";
import type {
  AnswerChange,
  AnswerOptionsOf,
  ReceivedAnswer,
  TransformOptions,
} from "../../options/answer-options.js";
import { askedUrlOf, type PathMap, pathMap } from "../../wire/client-path.js";
import type { ForwardedOptions } from "../../wire/forwarded-options.js";
import { authorityOf } from "../../wire/http2.js";
import { hasNoBody, type PassedAnswer, passedAnswer } from "../../wire/passed-answer.js";
import type { RequestFacts } from "../../wire/request-facts.js";
import {
  headersOf,
  withClientReferences,
  withCookies,
  withFields,
  without,
} from "./changed-fields.js";
import { codingsOf, decoded, encoded, isDecodable } from "./codings.js";
import { collect } from "./collect.js";
import { BytesBody, RebodiedResponse, StreamedBody } from "./transformed-body.js";

type Response = UpstreamResponse<ResponseBody>;

/** What is asked about one answer. */
export interface AskedChange<Received extends RequestFacts> {
  readonly req: Received;
  readonly call: Call;
  readonly requestId: string;
  readonly response: Response;
  readonly failure: Failure | null;
}

/** An answer to pass on, or why there is none. */
export type Changed = PassedAnswer | { readonly failure: Failure };

/** The options of a proxy that say something of answers. */
export type ChangeOptions<Given> = AnswerOptionsOf<Given> & {
  readonly forwarded?: false | ForwardedOptions | undefined;
};

export class AnswerChanges<Received extends RequestFacts, Given = Received> {
  readonly #inside: UpstreamInside;
  readonly #options: ChangeOptions<Given>;
  /** The request as hooks get it. */
  readonly #given: (req: Received) => Given;
  readonly #transform: TransformOptions<Given> | null;

  /** Null where nothing is changed. */
  static of<Received extends RequestFacts, Given>(
    inside: UpstreamInside,
    options: ChangeOptions<Given>,
    given: (req: Received) => Given,
  ): AnswerChanges<Received, Given> | null {
    const { onStatus, onResponse, responseHeaders, cookies, transformBody } = options;
    const rewrites = options.redirects === "rewrite";
    const any = onStatus ?? onResponse ?? responseHeaders ?? cookies ?? transformBody;
    return any === undefined && !rewrites ? null : new AnswerChanges(inside, options, given);
  }

  private constructor(
    inside: UpstreamInside,
    options: ChangeOptions<Given>,
    given: (req: Received) => Given,
  ) {
    this.#inside = inside;
    this.#options = options;
    this.#given = given;
    const { transformBody: transform = null } = options;
    this.#transform = typeof transform === "function" ? { whole: transform } : transform;
  }

  /** Whether an answer with this status is for the next handler. */
  leavesToNext(status: number): boolean {
    return this.#options.onStatus?.[status] !== undefined;
  }

  /** Never rejects. */
  async change(asked: AskedChange<Received>): Promise<Changed> {
    try {
      const { trustProxyStatus } = this.#inside.core.options;
      const received = passedAnswer(asked.req, asked.response, [], trustProxyStatus);
      const { onResponse } = this.#options;
      const replaced =
        onResponse === undefined
          ? null
          : await onResponse(factsOf(asked, received), this.#of(asked));
      const taken =
        replaced === undefined || replaced === null
          ? received
          : replacedBy(asked, received, replaced);
      const answer = { ...taken, fields: this.#fields(asked, taken) };
      return taken.response === asked.response ? await this.#transformed(asked, answer) : answer;
    } catch (cause) {
      // What hooks throw has no name.
      if (!(cause instanceof NamedError))
        return { failure: { code: "proxy_internal_error", cause } };
      const { failureCode: code, details } = cause;
      return { failure: { code, cause, ...(details === undefined ? {} : { details }) } };
    }
  }

  #of({ req }: AskedChange<Received>): Given {
    return this.#given(req);
  }

  #fields(asked: AskedChange<Received>, { status, fields }: PassedAnswer): readonly string[] {
    const { redirects, cookies, responseHeaders: set } = this.#options;
    let changed = fields;
    if (redirects === "rewrite") {
      changed = withClientReferences(changed, this.#pathMap(asked), this.#ownHosts(asked));
    }
    if (cookies !== undefined) changed = withCookies(changed, cookies, () => this.#pathMap(asked));
    if (set === undefined) return changed;
    const given =
      typeof set === "function" ? set(headersOf(changed), this.#of(asked), status) : set;
    return fieldsOr(withFields(changed, given), "responseHeaders");
  }

  #pathMap({ req, call }: AskedChange<Received>): PathMap | null {
    const { targets } = this.#inside.core.targets;
    const last = call.attempts.at(-1)?.target;
    const target = targets.find(({ id }) => id === last);
    if (target === undefined) return null;
    const { forwarded } = this.#options;
    const isTold = typeof forwarded === "object" && forwarded.prefix === true;
    return pathMap(askedUrlOf(req), pathBelow(target.pathPrefix, call.request), isTold);
  }

  /** What the upstream may call itself, or us. */
  #ownHosts({ req, call }: AskedChange<Received>): (authority: string) => boolean {
    const { headers } = call.request;
    const at = headers.findIndex((name, place) => place % 2 === 0 && name === "host");
    const sent = at === -1 ? undefined : headers[at + 1];
    const targets = this.#inside.core.targets.targets.map(({ authority }) => authority);
    const own = new Set([...targets, sent ?? "", authorityOf(req) ?? ""].map(plainHost));
    return (authority) => authority !== "" && own.has(plainHost(authority));
  }

  async #transformed(asked: AskedChange<Received>, answer: PassedAnswer): Promise<PassedAnswer> {
    const transform = this.#transform;
    const { response } = asked;
    const { status, headers, body } = response;
    if (transform === null || status === PARTIAL || !isOfType(headers, transform.types)) {
      return answer;
    }
    if (hasNoBody("GET", status) || body.contentLength === 0) return answer;
    // What a GET would be answered with has another length.
    if (answer.bodiless) return { ...answer, fields: transformedFields(answer.fields) };
    const facts = factsOf(asked, answer);
    const codings = codingsOf(String(headers["content-encoding"] ?? ""));
    const through = transform.stream?.(facts, this.#of(asked));
    if (through !== undefined) {
      const fields = transformedFields(answer.fields);
      const streamed = new StreamedBody(response, codings, through);
      return { ...answer, fields, response: new RebodiedResponse(response, streamed) };
    }
    const { whole, bytesMax = TRANSFORM_BYTES_MAX } = transform;
    if (whole === undefined) return answer;
    const raw = await collect(body, bytesMax);
    const made = await whole(await decoded(raw, codings, bytesMax), facts, this.#of(asked));
    if (made === undefined) return withBytes(answer, raw, answer.fields);
    const bytes = await encoded(bytesOf(made, "transformBody"), codings);
    return withBytes(answer, bytes, transformedFields(answer.fields));
  }
}

const PARTIAL = 206;

function plainHost(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80|443)$/, "");
}

function factsOf<Received extends RequestFacts>(
  { failure, requestId }: AskedChange<Received>,
  { status, fields }: PassedAnswer,
): ReceivedAnswer {
  return { status, headers: headersOf(fields), code: failure?.code ?? null, requestId };
}

function isOfType(headers: Response["headers"], types: readonly string[] | undefined): boolean {
  if (types === undefined) return true;
  const [type = ""] = String(headers["content-type"] ?? "")
    .toLowerCase()
    .split(";");
  const own = type.trim();
  return types.some((one) => {
    const wanted = one.toLowerCase();
    return wanted.endsWith("/*") ? own.startsWith(wanted.slice(0, -1)) : own === wanted;
  });
}

/** What the upstream has said of its own bytes. */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  ...["content-length", "content-range", "content-md5", "digest", "content-digest", "repr-digest"],
  ...["accept-ranges", "last-modified", "trailer"],
]);

// RFC 9110 §8.8.1: other bytes with the same meaning have a weak validator in common.
function transformedFields(fields: readonly string[]): string[] {
  const kept = without(fields, (name) => OF_THE_BYTES.has(name));
  for (let index = 0; index < kept.length; index += 2) {
    const value = kept[index + 1] as string;
    const isStrong = (kept[index] as string).toLowerCase() === "etag" && value.startsWith('"');
    if (isStrong) kept[index + 1] = `W/${value}`;
  }
  return kept;
}

function withBytes(answer: PassedAnswer, bytes: Buffer, fields: readonly string[]): PassedAnswer {
  const framed = without(fields, (name) => name === "content-length" || name === "trailer");
  framed.push("content-length", String(bytes.byteLength));
  const response = new RebodiedResponse(answer.response, new BytesBody(bytes));
  return { ...answer, fields: framed, response };
}

/** The parts that `onResponse` has given, in the place of the upstream's. */
function replacedBy<Received extends RequestFacts>(
  { req, response }: AskedChange<Received>,
  received: PassedAnswer,
  given: unknown,
): PassedAnswer {
  if (typeof given !== "object") throw misconfigured("onResponse returned no record");
  const { status = received.status, headers = {}, body } = given as AnswerChange;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw misconfigured(`onResponse returned ${String(status)}, which is no status`);
  }
  const fields = fieldsOr(withFields(received.fields, headers), "onResponse");
  const reason = status === received.status ? received.reason : undefined;
  const bodiless = hasNoBody(req.method, status);
  const answer: PassedAnswer = { ...received, status, reason, fields, bodiless };
  if (body === undefined && bodiless === received.bodiless) return answer;
  const set = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const own = without(fields, (name) => !set.has(name) && isOfBody(name));
  const isEmpty = hasNoBody("GET", status);
  const bytes = isEmpty ? Buffer.alloc(0) : bytesOf(body ?? "", "onResponse");
  void response.discard();
  const made = withBytes(answer, bytes, own);
  // RFC 9110 §8.6: those have none.
  const unframed = isEmpty && status !== 205 ? own : made.fields;
  return { ...made, fields: unframed };
}

function isOfBody(name: string): boolean {
  return OF_THE_BYTES.has(name) || name === "content-encoding" || name === "etag";
}

function fieldsOr(fields: readonly string[] | string, option: string): readonly string[] {
  if (typeof fields === "string") throw misconfigured(`${option} ${fields}`);
  return fields;
}

function bytesOf(given: unknown, option: string): Buffer {
  if (typeof given === "string") return Buffer.from(given);
  if (given instanceof Uint8Array) {
    return Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  }
  throw misconfigured(`${option} returned a body that is neither text nor bytes`);
}

function misconfigured(details: string): NamedError {
  return new NamedError("proxy_configuration_error", details);
}

/** Fields of requests whose answers are transformed: what cannot be decoded is not asked for. */
export function preparedForTransform(fields: string[]): void {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    const name = (fields[index] as string).toLowerCase();
    if (name === "range" || name === "if-range") fields.splice(index, 2);
    else if (name === "accept-encoding") {
      fields[index + 1] = decodable(fields[index + 1] as string);
    }
  }
}

function decodable(accepted: string): string {
  const members = accepted.split(",").map((member) => member.trim());
  const known = members.filter((member) => isDecodable(member.split(";", 1)[0] as string));
  return known.length === 0 ? "identity" : known.join(", ");
}
