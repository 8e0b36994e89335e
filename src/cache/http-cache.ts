/**
 * A cache in front of the pipe of an upstream, RFC 9111: fresh answers are given again, equal
 * requests that are under way become one, and an answer that is kept may stand in for a failure
 * (RFC 5861). Each answer says in Cache-Status what was done (RFC 9211).
 *
 * Guarantee: what HTTP says is one caller's is given to no other; what waits for the request of
 * another one waits with a limit and can leave; a copy is of a whole answer or is none.
 */
import type { Clock } from "../base/clock.js";
import { CACHE } from "../catalog/defaults.js";
import type { CacheOptions } from "../catalog/options/cache.js";
import type { Call } from "../core/call.js";
import { appliesTo } from "../core/fallback-rules.js";
import { failureOf, type Outcome, type UpstreamResponse } from "../core/outcome.js";
import { ownResponse } from "../core/own-answer.js";
import { type Holder, Pending, refusedCall } from "../core/pending.js";
import type { PipeStep } from "../core/pipe.js";
import { isSafe } from "../core/repeat.js";
import type { ResponseBody } from "../core/response-body.js";
import { AnswerStore, type KeptAnswer } from "./answer-store.js";
import {
  asksOnlyKept,
  fieldsOf,
  isConditional,
  isNotModified,
  isPartial,
  keyOf,
} from "./cache-request.js";
import { type FieldValues, type MakePolicy, policiesBy } from "./cached-policy.js";
import { Flights } from "./flights.js";
import { KeptBody, MarkedResponse } from "./kept-body.js";

export interface CacheParts {
  readonly clock: Pick<Clock, "wallNow" | "after">;
  /** The name of this deployment as Cache-Status has it. */
  readonly name: string;
  readonly options: Required<CacheOptions>;
  /** Half of the time of a call, at most, is spent with the request of another one. */
  readonly totalMs: number;
}

/** A request that the cache may have an answer to. */
interface Asked {
  readonly call: Call;
  readonly fields: FieldValues;
  readonly key: string;
}

export class HttpCache {
  readonly store: AnswerStore;
  readonly #parts: CacheParts;
  readonly #policyOf: MakePolicy;
  readonly #flights: Flights;

  constructor(parts: CacheParts) {
    this.#parts = parts;
    this.store = new AnswerStore(parts.options);
    this.#policyOf = policiesBy(parts.clock);
    this.#flights = new Flights(parts.clock);
  }

  run<Body>(call: Call, step: PipeStep<Call, Body>): Promise<Outcome<Body>> {
    const { request } = call;
    if (request.upgrade !== null) return step(call);
    const fields = fieldsOf(request.headers);
    const asked = { call, fields, key: keyOf(request, fields) };
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead) return this.#forwarded(asked, step, "fwd=method");
    if (isPartial(fields)) return this.#forwarded(asked, step, "fwd=bypass");
    const known = this.#freshFor(asked);
    if (known !== null) return Pending.settled(this.#given(asked, known, "hit") as Outcome<Body>);
    if (asksOnlyKept(fields)) return refusedCall(call, { code: "only_if_cached" });
    const { collapse } = this.#parts.options;
    const isShared = collapse && request.method === "GET" && !isConditional(fields);
    if (!isShared) return this.#forwarded(asked, step, this.#whyForwarded(asked));
    if (this.#flights.isUnderWay(asked.key)) return this.#following(asked, step);
    return this.#forwarded(asked, step, this.#whyForwarded(asked), true);
  }

  #whyForwarded({ key, fields }: Asked): string {
    return this.store.find(key, fields) === null ? "fwd=miss" : "fwd=stale";
  }

  #freshFor({ key, fields }: Asked): KeptAnswer | null {
    const known = this.store.find(key, fields);
    return known?.policy.isFresh(fields) === true ? known : null;
  }

  /** Waits for the answer to an equal request, and is sent by itself where that is of no use. */
  async #following<Body>(asked: Asked, step: PipeStep<Call, Body>): Promise<Outcome<Body>> {
    const { call, key } = asked;
    const totalMs = call.overrides?.timeouts?.totalMs ?? this.#parts.totalMs;
    const ms = Math.min(CACHE.collapsedMsMax, totalMs / 2);
    await this.#flights.wait(key, call.cancellation, ms);
    if (call.cancellation.by !== null)
      return refusedCall<Body>(call, { code: "client_closed_request" });
    const known = this.#freshFor(asked);
    if (known === null) return this.#forwarded(asked, step, this.#whyForwarded(asked));
    return this.#given(asked, known, "fwd=miss; collapsed") as Outcome<Body>;
  }

  #forwarded<Body>(
    asked: Asked,
    step: PipeStep<Call, Body>,
    why: string,
    leads = false,
  ): Promise<Outcome<Body>> {
    if (leads) this.#flights.begin(asked.key);
    const forward: Forward = { cache: this, asked, why, leads };
    return Pending.of(step(asked.call)).inform(FORWARDED as Holder<Forward>, forward);
  }

  /** What comes of a request that the upstream was asked; null for the outcome as it is. */
  received({ asked, why, leads }: Forward, outcome: Outcome<unknown>): Outcome<unknown> | null {
    const { call, fields, key } = asked;
    const { method } = call.request;
    const isGood = outcome.kind !== "no_response" && outcome.response.status < 400;
    // RFC 9111 §4.4: what has changed the resource makes kept answers to it invalid.
    if (!isSafe(method) && isGood) this.store.drop(key);
    const instead = why === "fwd=method" ? null : this.#standIn(asked, outcome);
    if (instead !== null || outcome.kind === "no_response") {
      if (leads) this.#flights.over(key);
      return instead;
    }
    const { response } = outcome;
    const body = response.body as ResponseBody;
    // The answer of a fetch function that sends by itself is its own.
    if (typeof body.takeWhole !== "function") {
      if (leads) this.#flights.over(key);
      return null;
    }
    const kept = method === "GET" && why !== "fwd=bypass" ? this.#keeping(asked, response) : null;
    if (kept === null && leads) this.#flights.over(key);
    const { name } = this.#parts;
    const stored = kept === null ? "" : "; stored";
    const mark = `${name}; ${why}; fwd-status=${response.status}${stored}`;
    const { answerBytesMax } = this.#parts.options;
    const copied =
      kept === null
        ? body
        : new KeptBody(body, answerBytesMax, (bytes) => {
            if (bytes !== null) this.store.put(key, withBody(kept, bytes), fields);
            if (leads) this.#flights.over(key);
          });
    if (copied instanceof KeptBody) response.onFinished((broken) => broken && copied.done());
    const fieldsWith = [...response.rawHeaders, "cache-status", mark];
    return { ...outcome, response: new MarkedResponse<unknown>(response, fieldsWith, copied) };
  }

  /** An answer that may be kept, without its body; null for any other. */
  #keeping({ fields }: Asked, response: UpstreamResponse<unknown>): KeptAnswer | null {
    const { status, rawHeaders } = response;
    const answered = fieldsOf(rawHeaders);
    const length = Number(answered["content-length"] ?? 0);
    if (length > this.#parts.options.answerBytesMax) return null;
    const policy = this.#policyOf(fields, status, answered);
    const isOfUse = policy.storable && (policy.timeToLive > 0 || this.#mayBeStale(answered));
    if (!isOfUse) return null;
    const names = (answered["vary"] ?? "").toLowerCase().split(",");
    const varying = names
      .map((name) => name.trim())
      .filter((name) => name !== "")
      .map((name) => [name, fields[name]] as const);
    const kept = ofEveryHop(rawHeaders, answered);
    const size = kept.reduce((sum, text) => sum + text.length, CACHE.answerBytes as number);
    return { status, fields: kept, body: NO_BYTES, policy, varying, bytes: size };
  }

  #mayBeStale(answered: FieldValues): boolean {
    const directives = answered["cache-control"] ?? "";
    return this.#parts.options.staleIfErrorMs > 0 || directives.includes("stale-if-error");
  }

  /** An answer that is kept, in the place of a failure; null where there is none that may. */
  #standIn(asked: Asked, outcome: Outcome<unknown>): Outcome<unknown> | null {
    const isServerError = outcome.kind === "error_response" && outcome.response.status === 500;
    if (!isServerError && !appliesTo({}, outcome)) return null;
    const known = this.store.find(asked.key, asked.fields);
    const { staleIfErrorMs } = this.#parts.options;
    if (known === null || !known.policy.isFor(asked.fields)) return null;
    if (!known.policy.mayStandIn(staleIfErrorMs)) return null;
    if (asked.call.cancellation.by === "client") return null;
    const status = outcome.kind === "no_response" ? "" : `; fwd-status=${outcome.response.status}`;
    if (outcome.kind !== "no_response") void outcome.response.discard();
    return this.#given(asked, known, `fwd=stale${status}; detail=stale-if-error`, outcome);
  }

  /** A kept answer as one to this request. */
  #given(
    { call, fields }: Asked,
    { status: kept, fields: own, body, policy }: KeptAnswer,
    how: string,
    failed: Outcome<unknown> | null = null,
  ): Outcome<ResponseBody> {
    const ttl = how.startsWith("hit") ? `; ttl=${policy.timeToLive}` : "";
    const mark = ["age", String(policy.age), "cache-status", `${this.#parts.name}; ${how}${ttl}`];
    const status = kept === 200 && isNotModified(fields, fieldsOf(own)) ? 304 : kept;
    const { method } = call.request;
    const code = failed === null ? null : (failureOf(failed)?.code ?? null);
    const kind = failed === null ? "cached" : "stale";
    call.failure = null;
    call.detour = { kind, upstream: null, code, call: null, status };
    call.ownBytes = method === "HEAD" || status === 304 ? 0 : body.byteLength;
    const response = ownResponse(method, { status, fields: [...own, ...mark], body });
    return { kind: "success", response };
  }
}

/** A request on its way to the upstream. */
interface Forward {
  readonly cache: HttpCache;
  readonly asked: Asked;
  /** As Cache-Status says it. */
  readonly why: string;
  /** Others may wait for its answer. */
  readonly leads: boolean;
}

const FORWARDED: Holder<Forward> = {
  known(forward, outcome) {
    const instead = forward.cache.received(forward, outcome);
    return instead === null ? null : Pending.settled(instead);
  },
  over: null,
};

const NO_BYTES = Buffer.alloc(0);

function withBody(kept: KeptAnswer, body: Buffer): KeptAnswer {
  return { ...kept, body, bytes: kept.bytes + body.byteLength };
}

/** Fields of one hop, of the framing, and what is written anew. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-connection", "transfer-encoding"],
  ...["te", "trailer", "upgrade", "content-length", "age", "set-cookie"],
]);

function ofEveryHop(rawHeaders: readonly string[], answered: FieldValues): readonly string[] {
  const named = (answered["connection"] ?? "").toLowerCase().split(",");
  const left = new Set([...NOT_KEPT, ...named.map((name) => name.trim())]);
  return rawHeaders.filter((_, index) => {
    const name = rawHeaders[index - (index % 2)] as string;
    return !left.has(name.toLowerCase());
  });
}
