/**
 * An outcome that is still to come, as a step gives it back.
 *
 * A promise would do, and every step may give one. But a call passes a dozen steps that only need a
 * notification, and each would pay for a promise, two closures and a microtask. So a `Pending`
 * notifies its listeners at once and in the order in which they subscribed; `await` gets a true
 * promise. Guarantee: it is settled once. What is thrown on the way, by a step or by a listener, is
 * a bug of ours: later listeners get `proxy_internal_error`, so that nothing is held back for ever,
 * and `await` rejects with what was thrown, except at the top of the pipe (`safely`).
 */
import type { FailureCode } from "../catalog/failures.js";
import type { Call } from "./call.js";
import type { Failure } from "./failure.js";
import { type Ending, noResponse, type Outcome, whenOver } from "./outcome.js";
import type { PipeStep } from "./pipe.js";

type OutcomeListener<Body> = (outcome: Outcome<Body>) => void;

/**
 * What a policy does with what it has taken for a call or an exchange: one for all of them, so it
 * keeps what it needs in that. What is given back too late is a leak, too early a lie.
 */
export interface Holder<Input> {
  /**
   * There is an outcome, whose body may still be on the way. Gives another outcome for it, or null,
   * which keeps it. `isStray`: something was thrown on the way here.
   */
  readonly known:
    | ((
        input: Input,
        outcome: Outcome<unknown>,
        isStray: boolean,
      ) => Promise<Outcome<unknown>> | null)
    | null;
  /** All is over, body included: the name by which it ended, null for a whole answer. */
  readonly over: ((input: Input, code: FailureCode | null) => void) | null;
}

/**
 * A subscription with its own link: a list without an array, since most have three or four, and an
 * array is made for seventeen.
 */
class Held implements Ending {
  private readonly holder: Holder<unknown>;
  private readonly input: unknown;
  next: Held | null = null;

  constructor(holder: Holder<unknown>, input: unknown) {
    this.holder = holder;
    this.input = input;
  }

  notify(outcome: Outcome<unknown>, isStray: boolean): Promise<Outcome<unknown>> | null {
    const { known, over } = this.holder;
    const instead = known === null ? null : known(this.input, outcome, isStray);
    if (instead === null && over !== null) whenOver(outcome, this);
    return instead;
  }

  over(code: FailureCode | null): void {
    this.holder.over?.(this.input, code);
  }
}

const NOTIFYING: Holder<OutcomeListener<unknown>> = {
  known(listener, outcome) {
    listener(outcome);
    return null;
  },
  over: null,
};

interface Awaiting {
  readonly pending: Pending<unknown>;
  readonly resolve: OutcomeListener<unknown>;
  readonly reject: (cause: unknown) => void;
}

const AWAITING: Holder<Awaiting> = {
  known({ pending, resolve, reject }, outcome) {
    if (pending.rejection === null) resolve(outcome);
    else reject(pending.rejection.cause);
    return null;
  },
  over: null,
};

export class Pending<Body> implements Promise<Outcome<Body>> {
  private outcome: Outcome<Body> | null = null;
  private first: Held | null = null;
  private last: Held | null = null;
  private calm = false;
  /** It waits for an outcome in place of the one that it was settled with. */
  private replaced = false;
  private thrown: { readonly cause: unknown } | null = null;

  /** The same outcome, to subscribe to; a promise that rejects is a bug of ours. */
  static of<Body>(coming: Promise<Outcome<Body>>): Pending<Body> {
    return coming instanceof Pending ? coming : Pending.following(coming);
  }

  // By itself, since a function that makes another one prepares for it in every call.
  private static following<Body>(coming: Promise<Outcome<Body>>): Pending<Body> {
    const pending = new Pending<Body>();
    coming.then(
      (outcome) => pending.settle(outcome),
      (cause) => pending.break(cause),
    );
    return pending;
  }

  /** The outcome of a step; what it throws is an outcome, not a rejection. */
  static safely<In, Body>(step: (input: In) => Promise<Outcome<Body>>, input: In): Pending<Body> {
    try {
      const pending = Pending.of(step(input));
      pending.calm = true;
      return pending;
    } catch (cause) {
      return Pending.settled<Body>(noResponse({ code: "proxy_internal_error", cause }));
    }
  }

  /** An outcome that is known already. */
  static settled<Body>(outcome: Outcome<Body>): Pending<Body> {
    const pending = new Pending<Body>();
    pending.outcome = outcome;
    return pending;
  }

  /** Notifies all listeners; the first outcome stays. */
  settle(outcome: Outcome<Body>): void {
    if (this.outcome !== null || this.replaced) return;
    this.outcome = outcome;
    let held = this.first;
    this.first = null;
    for (; held !== null; held = held.next) {
      let instead: Promise<Outcome<unknown>> | null = null;
      try {
        instead = held.notify(this.outcome, this.thrown !== null);
      } catch (cause) {
        this.outcome = givenUp(this.outcome, cause);
        this.thrown = { cause };
      }
      if (instead === null) continue;
      this.first = held.next;
      this.waitFor(instead);
      return;
    }
    this.last = null;
  }

  /** Listeners that were not notified yet get another outcome than those before them. */
  private waitFor(coming: Promise<Outcome<unknown>>): void {
    const instead = Pending.of(coming as Promise<Outcome<Body>>);
    this.outcome = null;
    this.replaced = true;
    if (this.first === null) this.last = null;
    instead.subscribe((outcome) => {
      this.thrown = instead.thrown;
      this.replaced = false;
      this.settle(outcome);
    });
  }

  /** Calls the listener with the outcome: at once where it is known. */
  subscribe(listener: OutcomeListener<Body>): this {
    return this.inform(NOTIFYING as Holder<OutcomeListener<Body>>, listener);
  }

  /**
   * Notifies the holder of the outcome and of the end, with the input that it holds something for.
   * Later listeners get the outcome that it gives instead.
   */
  inform<Input>(holder: Holder<Input>, input: Input): this {
    const held = new Held(holder as Holder<unknown>, input);
    if (this.outcome === null) {
      if (this.last === null) this.first = this.last = held;
      else this.last = this.last.next = held;
      return this;
    }
    const instead = held.notify(this.outcome, this.thrown !== null);
    if (instead !== null) this.waitFor(instead);
    return this;
  }

  private break(cause: unknown): void {
    this.thrown = { cause };
    this.settle(noResponse({ code: "proxy_internal_error", cause }));
  }

  /** A true promise of it: `await` makes one of anything else, at twice the cost. */
  asPromise(): Promise<Outcome<Body>> {
    return new Promise((resolve, reject) =>
      this.inform(AWAITING as Holder<unknown>, { pending: this, resolve, reject }),
    );
  }

  /** What it rejects with, and null where it does not. */
  get rejection(): { readonly cause: unknown } | null {
    return this.calm ? null : this.thrown;
  }

  get [Symbol.toStringTag](): string {
    return "Pending";
  }

  // biome-ignore lint/suspicious/noThenProperty: it is to be awaited like a promise.
  then<Kept = Outcome<Body>, Lost = never>(
    kept?: ((outcome: Outcome<Body>) => Kept | PromiseLike<Kept>) | null,
    lost?: ((reason: unknown) => Lost | PromiseLike<Lost>) | null,
  ): Promise<Kept | Lost> {
    return this.asPromise().then(kept, lost);
  }

  catch<Lost = never>(
    lost?: ((reason: unknown) => Lost | PromiseLike<Lost>) | null,
  ): Promise<Outcome<Body> | Lost> {
    return this.then(null, lost);
  }

  finally(settled?: (() => void) | null): Promise<Outcome<Body>> {
    return this.then().finally(settled);
  }
}

function givenUp(outcome: Outcome<unknown>, cause: unknown): Outcome<never> {
  if (outcome.kind !== "no_response") void outcome.response.discard();
  return noResponse({ code: "proxy_internal_error", cause });
}

/** Goes on with the next step. What is thrown past a policy is our bug, and holds nothing back. */
export function hold<In, Body>(
  next: PipeStep<In, Body>,
  input: In,
  holder: Holder<In>,
): Pending<Body> {
  let coming: Pending<Body>;
  try {
    coming = Pending.of(next(input));
  } catch (stray) {
    holder.known?.(input, noResponse({ code: "proxy_internal_error", cause: stray }), true);
    holder.over?.(input, "proxy_internal_error");
    throw stray;
  }
  return coming.inform(holder, input);
}

/** Goes no further. */
export function refused<Body>(failure: Failure): Pending<Body> {
  return Pending.settled<Body>(noResponse(failure));
}

/** The same for a call that its pipe has not seen, so that its record has the failure. */
export function refusedCall<Body>(call: Call, failure: Failure): Pending<Body> {
  call.failure = failure;
  return refused<Body>(failure);
}
