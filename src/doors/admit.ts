/**
 * Asks the user's `admit` hook whether a request may pass.
 *
 * Guarantee: one decision for each request; a hook that throws lets nothing in, and is answered as
 * our side's fault.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../core/failure.js";
import { type Admission, REFUSALS, type Refusal } from "../options/proxy-options.js";
import { isPromise } from "../wire/hook-result.js";
import type { AskedTarget, ReadTarget } from "../wire/request-target.js";

/** A request that was refused before it became a call. */
export interface Refused {
  readonly failure: Failure;
  readonly id: string;
}

/** Asks the user whether a request may pass. */
export type Admit<Received = IncomingMessage> = (
  req: Received,
  target: AskedTarget,
) => Admission | Promise<Admission>;

/**
 * Calls back at once where the hook answers at once. A target that cannot be sent is refused when
 * the request is read, and the hook is not asked about it.
 */
export function askToAdmit<Received>(
  admit: Admit<Received>,
  req: Received,
  target: ReadTarget,
  newId: () => string,
  decide: (refused: Refused | null) => void,
): void {
  if ("failure" in target) {
    decide(null);
    return;
  }
  const conclude = (admission: unknown): void => {
    const failure = failureOf(admission);
    decide(failure === null ? null : { failure, id: newId() });
  };
  const broke = (cause: unknown): void =>
    decide({ failure: { code: "proxy_internal_error", cause }, id: newId() });
  let admission: unknown;
  try {
    const { path, sentPath } = target;
    admission = admit(req, { path, sentPath });
  } catch (cause) {
    broke(cause);
    return;
  }
  if (isPromise(admission)) admission.then(conclude, broke);
  else conclude(admission);
}

/** Null where the request may pass. What is neither a refusal nor nothing lets nothing pass. */
function failureOf(admission: unknown): Failure | null {
  if (admission === undefined || admission === null) return null;
  const { refuse, retryAfterMs } = Object(admission) as Partial<Refusal>;
  const code = REFUSALS.find((known) => known === refuse);
  if (code === undefined) {
    const details = `admit returned neither nothing nor one of ${REFUSALS.join(", ")} as refuse`;
    return { code: "proxy_configuration_error", details };
  }
  const known = typeof retryAfterMs === "number" && retryAfterMs >= 0;
  return known ? { code, retryAfterMs } : { code };
}
