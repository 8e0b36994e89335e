/**
 * Asks the user's `admit` hook whether a request may pass.
 *
 * Guarantee: one decision for each request; a hook that throws lets nothing in, and is answered as
 * our side's fault.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../core/failure.js";
import type { Admission, ProxyOptions, Refusal } from "./options/proxy-options.js";

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
    decide(admission === undefined || admission === null ? null : refusedBy(admission, newId()));
  };
  const broke = (cause: unknown): void =>
    decide({ failure: { code: "proxy_internal_error", cause }, id: newId() });
  try {
    const admission = admit?.(req);
    if (admission instanceof Promise) admission.then(conclude, broke);
    else conclude(admission);
  } catch (cause) {
    broke(cause);
  }
}

function refusedBy({ refuse: code, retryAfterMs }: Refusal, id: string): Refused {
  return { failure: retryAfterMs === undefined ? { code } : { code, retryAfterMs }, id };
}
