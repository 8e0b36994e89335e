/**
 * Failures and delays that are made on purpose, and which failures can be.
 *
 * `option.ts` describes the form.
 */
import { choice, FINITE, flag, type OptionsOf, ratio, type Section, text, wait } from "./option.js";

/** What the wire can do before an answer begins, by the names of the catalog. */
export const CHAOS_FAILURES = [
  "none",
  "dns_error",
  "dns_timeout",
  "connection_refused",
  "connection_timeout",
  "tls_protocol_error",
  "tls_certificate_error",
  "connection_terminated",
  "http_response_timeout",
] as const;

export const CHAOS_OPTIONS = {
  /**
   * Share of the attempts that are met, of those that `path` and `header` allow.
   * @default 0.01
   * @remarks One in a hundred is seen, and a retry hides it from users.
   */
  share: ratio(0.01, { tooLow: "write chaos: false for none" }),
  /**
   * The failure that such an attempt ends with, by its name in the catalog; nothing is sent then.
   * @default "none"
   * @remarks Which one is rehearsed is for you to say.
   */
  failure: choice(CHAOS_FAILURES, "none"),
  /**
   * Wait before it is sent, or fails. It counts as waiting for the answer, so `responseMs` ends it.
   * @default 0
   * @remarks Which one is rehearsed is for you to say.
   */
  delayMs: wait(0, FINITE),
  /** Only this path and those below it, such as `"/orders"`. */
  path: text(/^\/[\x21-\x7e]*$/, 'a path such as "/orders"'),
  /** Only requests with this field, such as `"x-chaos"`. It is passed on as any other. */
  header: text(/^[\w!#$%&'*+.^`|~-]{1,64}$/, 'the name of a field, such as "x-chaos"'),
  /**
   * Also where `NODE_ENV` is `production`.
   * @default false
   * @remarks Users should not meet a rehearsal that was forgotten.
   */
  inProduction: flag(false),
} as const satisfies Section;

export interface ChaosOptions extends OptionsOf<typeof CHAOS_OPTIONS> {}
