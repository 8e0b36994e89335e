/**
 * How a policy holds what it has taken: until the body of the answer is over, and never longer.
 * A place, a permit or a count that is given back too late is a leak, too early a lie.
 */
import type { FailureCode } from "../catalog/failures.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome, whenOver } from "../core/outcome.js";
import { type Listening, Pending } from "../core/pending.js";
import type { Step } from "../core/pipe.js";

/**
 * Goes on with the next step and calls `giveBack` once: with the name by which it ended, null for a
 * whole answer. `known` is called before it, as soon as there is an outcome. What is thrown past a
 * policy is a bug of ours, and holds nothing back either.
 */
export function holding<In, Body>(
  next: Step<In, Body>,
  input: In,
  giveBack: (code: FailureCode | null) => void,
  known: ((outcome: Outcome<Body>) => void) | null = null,
): Pending<Body> {
  let coming: Pending<Body>;
  try {
    coming = Pending.of(next(input));
  } catch (stray) {
    known?.(noResponse({ code: "proxy_internal_error", cause: stray }));
    giveBack("proxy_internal_error");
    throw stray;
  }
  return coming.inform(new Holding(giveBack, known));
}

// A class, since every call makes some of them.
class Holding<Body> implements Listening<Body> {
  next: Listening<Body> | null = null;
  readonly #giveBack: (code: FailureCode | null) => void;
  readonly #known: ((outcome: Outcome<Body>) => void) | null;

  constructor(
    giveBack: (code: FailureCode | null) => void,
    known: ((outcome: Outcome<Body>) => void) | null,
  ) {
    this.#giveBack = giveBack;
    this.#known = known;
  }

  told(outcome: Outcome<Body>): void {
    this.#known?.(outcome);
    whenOver(outcome, this.#giveBack);
  }
}

/** Goes no further. */
export function refused<Body>(failure: Failure): Pending<Body> {
  return Pending.settled<Body>(noResponse(failure));
}
