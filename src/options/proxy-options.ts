/**
 * What the server adapters share: the options of a proxy, and how a framework takes part in an
 * answer.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Blame } from "../catalog/failures.js";
import { checked, code, type OptionsOf, type Section } from "../catalog/options/option.js";
import type { Failure } from "../core/failure.js";
import type { ForwardedOptions } from "../wire/forwarded-options.js";
import type { PassedAnswer } from "../wire/passed-answer.js";
import type { Diagnostics } from "../wire/proxy-status.js";
import type { RequestHeaders } from "../wire/read-request.js";
import { type AskedTarget, isAuthority } from "../wire/request-target.js";
import type { SyntheticAnswer } from "../wire/synthetic-answer.js";
import type { WriteResponseOptions } from "../wire/write-response.js";
import { ANSWER_OPTIONS } from "./answer-options.js";
import { isRecord } from "./findings.js";
import type { RouteOptions } from "./route-options.js";

export type { AskedTarget } from "../wire/request-target.js";
export type {
  AnswerChange,
  AnswerHeaders,
  ByteTransform,
  OnResponse,
  ReceivedAnswer,
  ResponseHeaders,
  TransformOptions,
  TransformWhole,
} from "./answer-options.js";

/** RFC 9110 §7.8: a name, and a version if need be. */
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?$/i;
const DIAGNOSTICS: readonly string[] = ["none", "code", "full"] satisfies Diagnostics[];

/** Its own type, so that editors complete the words. */
export type HostOption = "preserve" | "target" | (string & {});

export const PROXY_OPTIONS = {
  /**
   * Decides the path and query that are sent. It gets those of the client, below the mount and in
   * origin-form, and returns the new ones; a path of the target is put in front. An empty path is
   * `/`. May be async. A result that is no path is answered with 500,
   * `proxy_configuration_error`.
   */
  rewritePath: code<(path: string, req: IncomingMessage) => string | Promise<string>>(),
  /**
   * Fields to set on the sent request (`undefined` removes), or a function that returns them.
   * Framing and connection fields belong to the gateway and are ignored here. Returning the
   * client's own fields changes nothing.
   */
  requestHeaders: checked<RequestHeaders>((value) =>
    typeof value === "function" || isRecord(value) ? null : "is neither a record nor a function",
  ),
  /**
   * Forwarding fields; `false` passes the client's own unchanged and adds none.
   * @default { trust: false, fields: "both" }
   */
  forwarded: checked<false | ForwardedOptions>((value) =>
    value === false || isRecord(value) ? null : "is neither false nor a record",
  ),
  /**
   * The Host that is sent: the client's (`preserve`), the target's (`target`), or this text.
   * @default "preserve"
   */
  host: checked<HostOption>((value) =>
    typeof value === "string" && isAuthority(value)
      ? null
      : 'is not "preserve", "target" or a value for Host',
  ),
  /**
   * What answers reveal about internals: nothing, names and counts, or addresses, too.
   * @default "code"
   */
  diagnostics: checked<Diagnostics | ((req: IncomingMessage) => Diagnostics)>((value) =>
    typeof value === "function" || DIAGNOSTICS.includes(value as string)
      ? null
      : 'is not "none", "code", "full" or a function',
  ),
  /**
   * Called before a request is sent: returns nothing to admit it, fields for its answer, or a
   * refusal. The place for rate limits (`good-gateway/rate-limit`), access rules and load shedding.
   * Rules about paths must use `target.path`, or `target.sentPath` if `rewritePath` has changed it;
   * never the `originalUrl` of a framework, which is as the client wrote it. If it throws, the
   * answer is 500.
   */
  admit: code<(req: IncomingMessage, target: AskedTarget) => Admission | Promise<Admission>>(),
  /**
   * Called after `admit`: returns what is set for this one request over the options of its
   * upstream and route, or nothing. Each timeout stands alone; write `totalMs`, too, where
   * `responseMs` is longer. A value that cannot be used is answered with 500,
   * `proxy_configuration_error`; if it throws, with 500, `proxy_internal_error`.
   */
  overrides:
    code<(req: IncomingMessage, target: AskedTarget) => ProxyCallOptions | null | undefined>(),
  /**
   * Called for every failure before it is answered. If it answers itself, the gateway does not.
   */
  onFailure: code<(failure: Failure, context: FailureContext) => void>(),
  /**
   * Protocols for which a tunnel is opened; a request for another one is served without an upgrade.
   * For the `upgrade` listeners of `nodeProxy` and http-proxy-middleware.
   * @default ["websocket", "tcp"]
   */
  upgrades: checked<readonly string[]>((value) =>
    Array.isArray(value) && value.every((name) => typeof name === "string" && PROTOCOL.test(name))
      ? null
      : "is not a list of protocol names",
  ),
  /**
   * Answers `Cache-Control: only-if-cached` with 504, like an empty cache (RFC 9111).
   * @default false
   */
  answerOnlyIfCached: checked<boolean>((value) =>
    typeof value === "boolean" ? null : "is not a boolean",
  ),
} as const satisfies Section;

/** What the server adapters share. */
export interface ProxyOptions
  extends OptionsOf<typeof PROXY_OPTIONS>,
    OptionsOf<typeof ANSWER_OPTIONS> {}

/** For an adapter whose rewriting is given more. */
export interface UnrewrittenProxyOptions extends Omit<ProxyOptions, "rewritePath"> {}

/** All of them. A spread type would lose what editors show, so that only checks use it. */
export const ALL_PROXY_OPTIONS: Section = { ...PROXY_OPTIONS, ...ANSWER_OPTIONS };

/** What can be set for one request; the breaker of a route belongs to all of its calls. */
export interface ProxyCallOptions extends Omit<RouteOptions, "breaker"> {
  /** The upstream that the request goes to instead, by name. See docs/upstream-for.md. */
  readonly upstream?: string;
}

/** Failures that a hook may refuse with. */
export const REFUSALS = ["request_denied", "rate_limited", "load_shed", "maintenance"] as const;

/** Why a request is refused, by its name in the catalog. */
export interface Refusal {
  readonly refuse: (typeof REFUSALS)[number];
  /** When the client may try again. */
  readonly retryAfterMs?: number;
  /**
   * Further fields of the answer, such as `RateLimit`; framing and what the gateway writes itself
   * cannot be among them.
   */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that may pass, with fields for its answer; those of the upstream stand over them. */
export interface Allowance {
  readonly headers: Readonly<Record<string, string>>;
}

/** What `admit` returns. */
export type Admission = Refusal | Allowance | undefined | null;

/** What the catalog says of a failure, for hooks. */
export interface FailureSummary {
  /** Who is at fault. */
  readonly blame: Blame;
  /** Of the answer: that of the upstream where it has answered, else the gateway's. */
  readonly status: number;
  /** One sentence; it names nothing of the inside. */
  readonly summary: string;
}

export interface FailureContext extends FailureSummary {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly attempts: number;
  readonly requestId: string;
}

/** How a framework takes part in the answer to one request. */
export interface Framework {
  /** The answer is now written to the response directly. */
  readonly beforeWriting: () => void;
  /** Sends a gateway answer in the framework's way; false leaves it to the gateway. */
  readonly sendFailure: (message: SyntheticAnswer) => boolean;
  /** Leaves the request to the next handler; left out where there is none. */
  readonly next?: () => void;
  /** Sends an upstream's answer in the framework's way; without it, it is written directly. */
  readonly sendResponse?: ((answer: PassedAnswer, options: WriteResponseOptions) => void) | null;
}
