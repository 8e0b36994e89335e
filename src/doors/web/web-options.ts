/**
 * Options of a proxy of Requests: those that the server adapters share, with the Request in the
 * place of Node's, and what a Request does not say by itself.
 */
import type { Failure } from "../../core/failure.js";
import type { AnswerOptionsOf } from "../../options/answer-options.js";
import type {
  Admission,
  FailureSummary,
  HostOption,
  ProxyCallOptions,
} from "../../options/proxy-options.js";
import type { ForwardedOptions } from "../../wire/forwarded-options.js";
import type { Diagnostics } from "../../wire/proxy-status.js";
import type { RequestHeaders } from "../../wire/read-request.js";
import type { AskedTarget } from "../../wire/request-target.js";

/** Who asks. */
export interface WebClientFacts {
  /** The address of the peer: of the client, or of the proxy in front. */
  readonly address?: string | undefined;
  /** What the peer speaks; that of the Request's URL unless given. */
  readonly protocol?: "http" | "https" | undefined;
}

export interface WebFailureContext extends FailureSummary {
  readonly request: Request;
  readonly attempts: number;
  readonly requestId: string;
}

/** Options of `webProxy`; those of the same name in `ProxyOptions` do the same. */
export interface WebProxyOptions<Rest extends readonly unknown[] = readonly unknown[]>
  extends Omit<AnswerOptionsOf<Request>, "onStatus"> {
  /**
   * The address of the client, which a Request does not have. It gets the arguments of the handler.
   * Without an address the upstream gets `unknown`, and peers are trusted by `trust: true` only.
   */
  readonly client?: (request: Request, ...rest: Rest) => WebClientFacts | undefined;
  /** Has the last word on the path and query that are sent. */
  readonly rewritePath?: (path: string, request: Request) => string | Promise<string>;
  /** Fields to set on the request that is sent, or a function that says so. */
  readonly requestHeaders?: RequestHeaders<Request>;
  /**
   * Forwarding fields; `false` passes the client's own as they came and adds none.
   * @default { trust: false, fields: "both" }
   */
  readonly forwarded?: false | ForwardedOptions;
  /**
   * The Host that is sent: the client's (`preserve`), the target's (`target`), or this text.
   * @default "preserve"
   */
  readonly host?: HostOption;
  /**
   * What answers reveal about internals: nothing, names and counts, or addresses, too.
   * @default "code"
   */
  readonly diagnostics?: Diagnostics | ((request: Request) => Diagnostics);
  /** Asked before a request is sent: returns nothing to let it pass, or why it is refused. */
  readonly admit?: (request: Request, target: AskedTarget) => Admission | Promise<Admission>;
  /** Asked after `admit` for what is set for this request over the options of its upstream. */
  readonly overrides?: (
    request: Request,
    target: AskedTarget,
  ) => ProxyCallOptions | null | undefined;
  /**
   * Called for every failure before it is answered. A Response that it returns is the answer
   * instead.
   */
  readonly onFailure?: (
    failure: Failure,
    context: WebFailureContext,
  ) => Response | undefined | void;
  /**
   * Answers `Cache-Control: only-if-cached` with 504, as a cache that holds nothing (RFC 9111).
   * @default false
   */
  readonly answerOnlyIfCached?: boolean;
}
