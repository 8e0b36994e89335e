/**
 * A failure: why a call or an exchange is not a success, as a value that travels up the pipe.
 *
 * Inside the pipe nothing is thrown for what the catalog names. `GatewayError` exists for the
 * public edge only, where people expect an exception (`gatewayFetch`, user hooks). It is branded
 * with `Symbol.for`, so it is recognised even when the package is installed twice.
 */
import { LIMITS, RETRY_AFTER } from "../catalog/defaults.js";
import { type Blame, FAILURES, type FailureCode } from "../catalog/failures.js";
import { formatRetryAfter } from "./retry-after.js";

/** Why an exchange or a call did not succeed. */
export interface Failure {
  readonly code: FailureCode;
  /** Origin of the target, credentials removed. For logs and trusted callers, never for clients. */
  readonly target?: string;
  /** The request may have left this process; only then is a repeat a question of the method. */
  readonly written?: true;
  /** What the upstream itself says about sending the request again; stands over the catalog. */
  readonly repeat?: "safe" | "idempotent" | "never";
  /** When the caller may try again, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** Whose fault it is, where the name leaves it open: a breaker opens for any kind of failure. */
  readonly blame?: Blame;
  /** What alone is refused: method and pattern of the path. For operators, like the target. */
  readonly route?: string;
  /** Extra facts for operators, such as an `rcode` or the size of a header section. */
  readonly details?: string;
  /** Further fields of the answer that the application has given, names and values in turn. */
  readonly fields?: readonly string[];
  /** The raw error, for logs. Never shown to clients. */
  readonly cause?: unknown;
}

export function blameOf({ code, blame }: Failure): Blame {
  return blame ?? FAILURES[code].blame;
}

/** What operators see of a failure beside its name: the rejected route, and details. */
export function factsOf({ route, details }: Failure): string | null {
  if (route === undefined) return details ?? null;
  return details === undefined ? `route=${route}` : `route=${route} ${details}`;
}

const BRAND = Symbol.for("good-gateway.GatewayError");

/**
 * The exception that the public edge throws for a failure of the catalog.
 *
 * `code`, `status`, `statusCode` and `headers` are for frameworks, some of which write into the
 * errors that they catch; what really happened stays in `failure`.
 */
export class GatewayError extends TypeError {
  override name = "GatewayError";
  readonly failure: Failure;
  /** How many attempts were sent. */
  readonly attempts: number;
  /** The code of the failure, where people look first. */
  code: FailureCode;
  /** The status that the failure deserves; frameworks read it from errors they catch. */
  statusCode: number;
  /** The same as `statusCode`, under the name that Express reads. */
  status: number;
  /** Fields that the answer deserves; the error handlers of Express and Fastify set them. */
  headers: Readonly<Record<string, string>>;
  readonly [BRAND] = true;

  constructor(message: string, failure: Failure, attempts: number) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.failure = failure;
    this.attempts = attempts;
    this.code = failure.code;
    this.statusCode = errorStatus(failure.code);
    this.status = this.statusCode;
    this.headers = headersOf(failure, this.statusCode);
  }
}

/** Whether a value is a `GatewayError` of this or any other copy of the package. */
export function isGatewayError(value: unknown): value is GatewayError {
  return typeof value === "object" && value !== null && BRAND in value;
}

function headersOf({ retryAfterMs }: Failure, status: number): Readonly<Record<string, string>> {
  if (retryAfterMs === undefined && status !== 503) return {};
  return { "retry-after": formatRetryAfter(retryAfterMs ?? RETRY_AFTER.fallbackMs) };
}

/**
 * The failure that an error is, or was made of: found through `cause`, as far as a few wrappers;
 * null where there is none.
 */
export function gatewayErrorOf(error: unknown): GatewayError | null {
  let one = error;
  for (let depth = 0; depth < LIMITS.causeDepthMax; depth += 1) {
    if (isGatewayError(one)) return one;
    if (typeof one !== "object" || one === null) return null;
    one = (one as { readonly cause?: unknown }).cause;
  }
  return null;
}

/** The status of an error for this failure, whatever was assigned to the error since. */
export function errorStatus(code: FailureCode): number {
  const { status } = FAILURES[code];
  return status === "received" ? 502 : status;
}
