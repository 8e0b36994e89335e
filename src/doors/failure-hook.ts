/**
 * The hook of the user for failures: what it throws is a warning, and no harm to the
 * answer.
 */
import { FAILURES } from "../catalog/failures.js";
import { type StatusPolicy, statusOf } from "../catalog/status-policy.js";
import { blameOf, type Failure } from "../core/failure.js";
import type { FailureSummary } from "../options/proxy-options.js";

export type FailureHook<Context, Given = void> = (failure: Failure, context: Context) => Given;

/** Gives back what the hook has; undefined where it throws. */
export function tellHook<Context, Given>(
  hook: FailureHook<Context, Given>,
  failure: Failure,
  context: Context,
): Given | undefined {
  try {
    const given = hook(failure, context);
    // An unhandled rejection would end the process.
    if (given instanceof Promise) given.catch((error: unknown) => warn(failure, error));
    return given;
  } catch (error) {
    warn(failure, error);
    return undefined;
  }
}

/** What a hook gets with the name of a failure; `received` is the status of an answer. */
export function summaryOf(
  failure: Failure,
  policy: StatusPolicy,
  received: number | undefined,
): FailureSummary {
  const { summary } = FAILURES[failure.code];
  const status = received ?? statusOf(failure.code, policy);
  return { blame: blameOf(failure), status, summary };
}

function warn(failure: Failure, error: unknown): void {
  const code = "GOOD_GATEWAY_HOOK";
  const { summary } = FAILURES[failure.code];
  process.emitWarning(`onFailure threw on: ${summary}`, { code, detail: String(error) });
}
