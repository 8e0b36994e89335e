/**
 * How a policy holds what it has taken: until the body of the answer is over, and never longer.
 * A place, a permit or a count that is given back too late is a leak, too early a lie.
 */
import type { FailureCode } from "../catalog/failures.js";
import type { Failure } from "../core/failure.js";
import { type Ending, noResponse, type Outcome, whenOver } from "../core/outcome.js";
import { type Listening, Pending } from "../core/pending.js";
import type { Step } from "../core/pipe.js";

/** What is held for one call or exchange. A class, since every call makes some of them. */
export abstract class Holding<Body> implements Listening<Body>, Ending {
  next: Listening<Body> | null = null;

  told(outcome: Outcome<Body>): Promise<Outcome<Body>> | null {
    this.known(outcome);
    whenOver(outcome, this);
    return null;
  }

  /** There is an outcome, whose body may still be on the way. */
  known(_outcome: Outcome<Body>): void {}

  /** Gives it back, once: with the name by which it ended, null for a whole answer. */
  abstract over(code: FailureCode | null): void;
}

/** Goes on with the next step. What is thrown past a policy is our bug, and holds nothing back. */
export function holding<In, Body>(
  next: Step<In, Body>,
  input: In,
  held: Holding<Body>,
): Pending<Body> {
  let coming: Pending<Body>;
  try {
    coming = Pending.of(next(input));
  } catch (stray) {
    held.known(noResponse({ code: "proxy_internal_error", cause: stray }));
    held.over("proxy_internal_error");
    throw stray;
  }
  return coming.inform(held);
}

/** Goes no further. */
export function refused<Body>(failure: Failure): Pending<Body> {
  return Pending.settled<Body>(noResponse(failure));
}
