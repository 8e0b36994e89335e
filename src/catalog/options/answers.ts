/**
 * What a proxy changes in the answers of its upstream: cookies and bodies. `option.ts` describes
 * the form; what is code and has the types of a server is in `options/answer-options.ts`.
 */
import { checked, type OptionsOf, type Section } from "./option.js";

/** RFC 6265 §4.1.1: no control character and no semicolon. */
const ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]+$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/(?:\*|[\w!#$&^.+-]+)$/;

export const COOKIE_OPTIONS = {
  /**
   * Takes the place of `Domain` in each `Set-Cookie` that has one; `false` removes it, so that the
   * cookie belongs to the host that the client has asked.
   */
  domain: checked<string | false>((value) =>
    value === false || (typeof value === "string" && ATTRIBUTE.test(value))
      ? null
      : "is neither a domain nor false",
  ),
  /**
   * Takes the place of `Path`; `"rewrite"` turns the upstream's path into that of the client, as
   * `redirects` does. A cookie named `__Host-…` keeps its path, since it would be lost.
   */
  path: checked<string>((value) =>
    value === "rewrite" ||
    (typeof value === "string" && value.startsWith("/") && ATTRIBUTE.test(value))
      ? null
      : 'is neither "rewrite" nor a path',
  ),
} as const satisfies Section;

export interface CookieOptions extends OptionsOf<typeof COOKIE_OPTIONS> {}

export const TRANSFORM_OPTIONS = {
  /**
   * Media types of the bodies that are transformed, such as `["text/html"]` or `["text/*"]`; all
   * unless given.
   */
  types: checked<readonly string[]>((value) =>
    Array.isArray(value) && value.every((one) => typeof one === "string" && MEDIA_TYPE.test(one))
      ? null
      : 'is not a list of media types such as "text/html" or "text/*"',
  ),
  /**
   * The largest body that is collected for `whole`, as it comes and decoded; beyond it the answer
   * is 502, `http_response_body_size`.
   * @default 1_048_576
   */
  bytesMax: checked<number>((value) =>
    Number.isSafeInteger(value) && (value as number) > 0 ? null : "is not a number of bytes",
  ),
} as const satisfies Section;

/** How large a body may be that is collected to be transformed. */
export const TRANSFORM_BYTES_MAX = 1_048_576;
