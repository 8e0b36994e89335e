/**
 * What HTTP says of keeping an answer (RFC 9111, RFC 5861), by http-cache-semantics: may it be
 * kept, is it fresh for a request, how old is it.
 *
 * Stricter than the RFC in three points, since applications forget their fields: what a request
 * with a cookie got is kept only where the answer says that it is for all, an answer that sets a
 * cookie is not kept, nor is one that varies by everything.
 */
import CachePolicy from "http-cache-semantics";
import type { Clock } from "../base/clock.js";

/** Fields by lower-case names; several lines of one name are one value. */
export type FieldValues = Readonly<Record<string, string | undefined>>;

export interface CachedPolicy {
  readonly storable: boolean;
  /** Whether the answer may be given to this asker: one that is known gets what is for all. */
  isFor(asked: FieldValues): boolean;
  /** Whether it may be given without asking the upstream. */
  isFresh(asked: FieldValues): boolean;
  /** Seconds. */
  readonly age: number;
  readonly timeToLive: number;
  /** Whether it may stand in for a failure, this long after its freshness besides its own word. */
  mayStandIn(staleIfErrorMs: number): boolean;
}

export type MakePolicy = (
  asked: FieldValues,
  status: number,
  answered: FieldValues,
) => CachedPolicy;

/** Policies by this clock. */
export function policiesBy(clock: Pick<Clock, "wallNow">): MakePolicy {
  class Policy extends CachePolicy {
    now(): number {
      return clock.wallNow();
    }
  }
  return (asked, status, answered) => {
    const directives = answered["cache-control"] ?? "";
    const request = requestOf(asked);
    const policy = new Policy(request, { status, headers: plain(answered) }, { shared: true });
    const setsCookie = answered["set-cookie"] !== undefined;
    const variesByAll = (answered["vary"] ?? "").includes("*");
    const isForAll = /(?:^|[,\s])(?:public|s-maxage)/i.test(directives);
    const isFor = (of: FieldValues): boolean =>
      isForAll || (of["cookie"] === undefined && of["authorization"] === undefined);
    const mustAsk = /(?:must|proxy)-revalidate|no-cache|s-maxage/i.test(directives);
    return {
      storable: policy.storable() && !setsCookie && !variesByAll,
      isFor,
      isFresh: (of) => isFor(of) && policy.satisfiesWithoutRevalidation(requestOf(of)),
      get age() {
        return Math.max(0, Math.floor(policy.age()));
      },
      get timeToLive() {
        return Math.floor(policy.timeToLive() / MS_PER_SECOND);
      },
      mayStandIn(staleIfErrorMs) {
        if (mustAsk) return false;
        const staleSeconds = policy.age() - policy.maxAge();
        const allowed = Number(/stale-if-error="?(\d+)/i.exec(directives)?.[1] ?? 0);
        return staleSeconds <= Math.max(allowed, staleIfErrorMs / MS_PER_SECOND);
      },
    };
  };
}

const MS_PER_SECOND = 1_000;

function requestOf(asked: FieldValues): CachePolicy.HttpRequest {
  const headers = plain(asked);
  // RFC 9111 §3.5 asks for a word of the answer where a request is authorized. So does a cookie.
  if (asked["cookie"] !== undefined) headers["authorization"] ??= "cookie";
  return { method: "GET", url: "/", headers };
}

function plain(fields: FieldValues): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    // Other variants are told apart before; the library would compare methods and hosts again.
    if (value !== undefined && name !== "host" && name !== "vary") {
      headers[name] = name === "cache-control" ? value.toLowerCase() : value;
    }
  }
  return headers;
}
