/**
 * An outcome that is still to come, as a step gives it back.
 *
 * A promise would do, and every step may give one. But a call passes a dozen steps that only want
 * to be told, and each would pay for a promise, two closures and a microtask. So a `Pending` tells
 * its listeners at once and in the order in which they came; who awaits it gets a true promise.
 * Guarantee: it is settled once. What is thrown on the way, by a step or by a listener, is a bug of
 * ours: those behind it are told `proxy_internal_error`, so that nothing is held back for ever, and
 * who awaits it gets what was thrown, unless the top of the pipe has called `neverRejects`.
 */
import { noResponse, type Outcome } from "./outcome.js";

type Listener<Body> = (outcome: Outcome<Body>) => void;

/**
 * Who is told, with its own link: a list without an array, since most have three or four, and an
 * array is made for seventeen.
 */
export interface Listening<Body> {
  told(outcome: Outcome<Body>): void;
  next: Listening<Body> | null;
}

class ListeningFunction<Body> implements Listening<Body> {
  readonly told: Listener<Body>;
  next: Listening<Body> | null = null;

  constructor(told: Listener<Body>) {
    this.told = told;
  }
}

export class Pending<Body> implements Promise<Outcome<Body>> {
  #outcome: Outcome<Body> | null = null;
  #first: Listening<Body> | null = null;
  #last: Listening<Body> | null = null;
  #calm = false;
  #thrown: { readonly cause: unknown } | null = null;

  /** The same outcome, as something that tells; a promise that rejects is a bug of ours. */
  static of<Body>(coming: Promise<Outcome<Body>>): Pending<Body> {
    if (coming instanceof Pending) return coming;
    const pending = new Pending<Body>();
    coming.then(
      (outcome) => pending.settle(outcome),
      (cause) => pending.#break(cause),
    );
    return pending;
  }

  /** An outcome that is known already. */
  static settled<Body>(outcome: Outcome<Body>): Pending<Body> {
    const pending = new Pending<Body>();
    pending.#outcome = outcome;
    return pending;
  }

  /** Tells everybody who listens; the first outcome stays. */
  settle(outcome: Outcome<Body>): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    let listening = this.#first;
    this.#first = null;
    this.#last = null;
    for (; listening !== null; listening = listening.next) {
      try {
        listening.told(this.#outcome);
      } catch (cause) {
        this.#outcome = givenUp(this.#outcome, cause);
        this.#thrown = { cause };
      }
    }
  }

  /** Calls the listener with the outcome: at once where it is known. */
  tell(listener: Listener<Body>): this {
    return this.inform(new ListeningFunction(listener));
  }

  /** The same for an object, which is in the list of one outcome at the most. */
  inform(listening: Listening<Body>): this {
    if (this.#outcome !== null) listening.told(this.#outcome);
    else if (this.#last === null) this.#first = this.#last = listening;
    else this.#last = this.#last.next = listening;
    return this;
  }

  /** The outcome, or what `replace` gives for it; null keeps it. */
  orElse(replace: (outcome: Outcome<Body>) => Promise<Outcome<Body>> | null): Pending<Body> {
    const answer = new Pending<Body>();
    this.tell((outcome) => {
      const other = this.#thrown === null ? replace(outcome) : null;
      if (other === null) answer.#follow(this, outcome);
      else {
        const replaced = Pending.of(other);
        replaced.tell((instead) => answer.#follow(replaced, instead));
      }
    });
    return answer;
  }

  /** What was thrown is an outcome like any other from here on. */
  neverRejects(): this {
    this.#calm = true;
    return this;
  }

  #break(cause: unknown): void {
    this.#thrown = { cause };
    this.settle(noResponse({ code: "proxy_internal_error", cause }));
  }

  #follow(other: Pending<Body>, outcome: Outcome<Body>): void {
    this.#thrown = other.#thrown;
    this.settle(outcome);
  }

  get [Symbol.toStringTag](): string {
    return "Pending";
  }

  // biome-ignore lint/suspicious/noThenProperty: it is to be awaited like a promise.
  then<Kept = Outcome<Body>, Lost = never>(
    kept?: ((outcome: Outcome<Body>) => Kept | PromiseLike<Kept>) | null,
    lost?: ((reason: unknown) => Lost | PromiseLike<Lost>) | null,
  ): Promise<Kept | Lost> {
    return new Promise<Outcome<Body>>((resolve, reject) =>
      this.tell((outcome) => {
        if (this.#thrown === null || this.#calm) resolve(outcome);
        else reject(this.#thrown.cause);
      }),
    ).then(kept, lost);
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
