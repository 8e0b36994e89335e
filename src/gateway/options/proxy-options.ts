/**
 * What the server adapters share: the options of a proxy, and how a framework takes part in an
 * answer.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Failure } from "../../core/failure.js";
import type { ForwardedOptions } from "../../wire/forwarding.js";
import type { PassedAnswer } from "../../wire/passed-answer.js";
import type { Diagnostics } from "../../wire/proxy-status.js";
import type { RequestHeaders } from "../../wire/read-request.js";
import type { AskedTarget } from "../../wire/request-target.js";
import type { SyntheticAnswer } from "../../wire/synthetic-answer.js";
import type { WriteResponseOptions } from "../../wire/write-response.js";

export type { AskedTarget } from "../../wire/request-target.js";

/** What the server adapters share. */
export interface ProxyOptions {
  /**
   * Has the last word on the path and query that are sent. It gets those that the client asked for,
   * below the mount and in origin-form, and returns what is to be sent; a path of the target comes
   * before it. An empty path is `/`. What is no path is answered with 500,
   * `proxy_configuration_error`.
   */
  readonly rewritePath?: (path: string, req: IncomingMessage) => string;
  /**
   * Fields to set on the request that is sent (`undefined` removes), or a function that says so.
   * Those of framing and connection are ours; what is said of them is left out. Passing all of the
   * client's fields back changes none of them.
   */
  readonly requestHeaders?: RequestHeaders;
  /**
   * Forwarding fields; `false` passes the client's own as they came and adds none.
   * @default { trust: false, fields: "both" }
   */
  readonly forwarded?: false | ForwardedOptions;
  /**
   * The Host that is sent: the client's (`preserve`), the target's (`target`), or this text.
   * @default "preserve"
   */
  readonly host?: string;
  /**
   * What answers tell about the inside: nothing, names and counts, or addresses too.
   * @default "code"
   */
  readonly diagnostics?: Diagnostics | ((req: IncomingMessage) => Diagnostics);
  /**
   * Asked before a request is sent: returns nothing to let it pass, or why it is refused. The place
   * for rate limits, access rules and load shedding of your own. Rules about paths judge by
   * `target.path`, or by `target.sentPath` where `rewritePath` has changed it; never by
   * `originalUrl` of a framework, which is as the client wrote it. What it throws is answered with
   * 500.
   */
  readonly admit?: (req: IncomingMessage, target: AskedTarget) => Admission | Promise<Admission>;
  /**
   * Told of every failure before it is answered. Answering by itself makes the gateway step back.
   */
  readonly onFailure?: (failure: Failure, context: FailureContext) => void;
  /**
   * Protocols for which a tunnel is opened; a request that asks for another one is served as if it
   * had not asked. For the `upgrade` listeners of `nodeProxy` and http-proxy-middleware.
   * @default ["websocket", "tcp"]
   */
  readonly upgrades?: readonly string[];
  /**
   * Answers `Cache-Control: only-if-cached` with 504, as a cache that holds nothing (RFC 9111).
   * @default false
   */
  readonly answerOnlyIfCached?: boolean;
}

/** What a hook may refuse with. */
export const REFUSALS = ["request_denied", "rate_limited", "load_shed", "maintenance"] as const;

/** Why a request is not let in, by its name in the catalog. */
export interface Refusal {
  readonly refuse: (typeof REFUSALS)[number];
  /** When to come back. */
  readonly retryAfterMs?: number;
}

/** What `admit` says. */
export type Admission = Refusal | undefined | null;

export interface FailureContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly attempts: number;
  readonly requestId: string;
}

/** How a framework takes part in the answer to one request. */
export interface Framework {
  /** The answer is now written to the response directly. */
  readonly beforeWriting: () => void;
  /** Sends an answer of ours in the framework's own way; false leaves it to us. */
  readonly sendFailure: (message: SyntheticAnswer) => boolean;
  /** Sends an upstream's answer in the framework's own way; left out, it is written directly. */
  readonly sendResponse?: ((answer: PassedAnswer, options: WriteResponseOptions) => void) | null;
}
