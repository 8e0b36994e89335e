/**
 * How a policy holds what it has taken: until the body of the answer is over, and never longer.
 * A place, a permit or a count that is given back too late is a leak, too early a lie.
 */
import type { FailureCode } from "../catalog/failures.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome, whenOver } from "../core/outcome.js";
import type { Step } from "../core/pipe.js";

/**
 * Goes on with the next step and calls `giveBack` once: with the name by which it ended, null for a
 * whole answer. What is thrown past a policy is a bug of ours, and holds nothing back either.
 */
export async function holding<In, Body>(
  next: Step<In, Body>,
  input: In,
  giveBack: (code: FailureCode | null) => void,
): Promise<Outcome<Body>> {
  let outcome: Outcome<Body>;
  try {
    outcome = await next(input);
  } catch (stray) {
    giveBack("proxy_internal_error");
    throw stray;
  }
  whenOver(outcome, giveBack);
  return outcome;
}

/** Goes no further. As no async function, a policy saves those whom it lets pass a promise. */
export function refused(failure: Failure): Promise<Outcome<never>> {
  return Promise.resolve(noResponse(failure));
}
