/**
 * How calls are shared among the targets, as far as it is data, and the cookie that leads a client
 * back to its target. `option.ts` describes the form.
 */
import {
  choice,
  flag,
  noDefault,
  number,
  type OptionsOf,
  ratio,
  type Section,
  secret,
  shortSpan,
  text,
} from "./option.js";

export const BALANCE_NUMBERS = {
  /**
   * For `"hash"`: the most pending calls of one target, as a multiple of its fair share.
   * @default 1.25
   * @remarks The value of Google's paper on consistent hashing with bounded loads.
   */
  loadFactor: number(1.25, { unit: "count", wanted: "a number above 1", least: 1, above: true }),
  /**
   * Healthy share of a priority, or of the own zone, below which calls overflow to the next one.
   * @default 0.7
   * @remarks Envoy uses 1 / 1.4.
   */
  overflowBelow: ratio(0.7),
} as const satisfies Section;

// RFC 6265 §4.1.1.
export const STICKY_OPTIONS = {
  /**
   * Its name.
   * @default "gateway_target"
   * @remarks Its purpose is clear to a person who sees it in a browser.
   */
  cookie: text(
    /^[\w!#$%&'*+.^`|~-]+$/,
    'the name of a cookie, such as "gateway_target"',
    "gateway_target",
  ),
  /**
   * Keeps its values unguessable even if the addresses are known. Gateways that serve the same
   * clients need the same secret. With or without it, a value does not reveal an address.
   */
  secret: secret(/^[\s\S]{8,}$/, "a secret text of at least eight characters"),
  /**
   * Sent over TLS only. A browser that reaches the site without TLS does not keep it.
   * @default true
   * @remarks On a plain connection others can read it.
   */
  secure: flag(true),
  /**
   * Hidden from scripts.
   * @default true
   * @remarks No script needs it.
   */
  httpOnly: flag(true),
  /**
   * Whether other sites may make a browser send it; `"none"` needs `secure`.
   * @default "lax"
   * @remarks Links from other sites reach the same target; their forms and frames do not send it.
   */
  sameSite: choice(["lax", "strict", "none"], "lax"),
  /**
   * Paths for which it is sent.
   * @default "/"
   * @remarks The client's path may be another one behind the gateway.
   */
  path: text(/^\/[\x20-\x3a\x3c-\x7e]*$/, 'a path, such as "/"', "/"),
  /** Domain for which it is sent, subdomains included. Default: the host of the request only. */
  domain: text(/^\.?[a-zA-Z\d](?:[a-zA-Z\d.-]*[a-zA-Z\d])?$/, 'a host, such as "example.com"'),
  /** How long it is kept. Default: until the browser closes. */
  maxAgeMs: noDefault(shortSpan(0)),
} as const satisfies Section;

/** A cookie that routes a client back to its previous target. */
export interface StickyOptions extends OptionsOf<typeof STICKY_OPTIONS> {}
