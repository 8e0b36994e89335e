/**
 * Which request methods are safe and which are idempotent.
 *
 * RFC 9110 §9.2.1 and §9.2.2, and QUERY, which its own specification defines as safe and
 * idempotent. The tests run on every call, so they are one look into a Set.
 * RFC 9110 §9.1: a method is case-sensitive; "get" is an unknown method and gets no privilege.
 */
/** RFC 9110 §9.2.1: the client asks for no change of state. */
export const SAFE_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "QUERY",
]);

/** RFC 9110 §9.2.2: sent twice, the intended effect is that of once. Safe methods, PUT, DELETE. */
export const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([...SAFE_METHODS, "PUT", "DELETE"]);

/** True for methods by which a client asks for no change of state. */
export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/** True for methods that a proxy may send again although the first may have been processed. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT_METHODS.has(method);
}
