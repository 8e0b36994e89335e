/**
 * Asks the user's `admit` hook whether a request may pass.
 *
 * Guarantee: one decision for each request; a hook that throws lets nothing in, and is answered as our
 * side's fault.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../core/failure.js";
import type { Admission, ProxyOptions } from "./proxy-options.js";

/** A request that was refused before it became a call. */
export interface Refused {
  readonly failure: Failure;
  readonly id: string;
}

/** Calls back at once where the hook answers at once. */
export function askToAdmit(
  admit: ProxyOptions["admit"],
  req: IncomingMessage,
  newId: () => string,
  decide: (refused: Refused | null) => void,
): void {
  const conclude = (admission: Admission): void => {
    if (admission === undefined || admission === null) return decide(null);
    const { refuse: code, retryAfterMs } = admission;
    const failure = retryAfterMs === undefined ? { code } : { code, retryAfterMs };
    decide({ failure, id: newId() });
  };
  const broke = (cause: unknown): void =>
    decide({ failure: { code: "proxy_internal_error", cause }, id: newId() });
  if (admit === undefined) return decide(null);
  try {
    const admission = admit(req);
    if (admission instanceof Promise) admission.then(conclude, broke);
    else conclude(admission);
  } catch (cause) {
    broke(cause);
  }
}
