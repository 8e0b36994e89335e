/**
 * An outcome that is still to come, as a step gives it back.
 *
 * A promise would do, and every step may give one. But a call passes a dozen steps that only want
 * to be told, and each would pay for a promise, two closures and a microtask. So a `Pending` tells
 * its listeners at once and in the order in which they came; who awaits it gets a true promise.
 * Guarantee: it is settled once. What is thrown on the way, by a step or by a listener, is a bug of
 * ours: those behind it are told `proxy_internal_error`, so that nothing is held back for ever, and
 * who awaits it gets what was thrown, except at the top of the pipe (`safely`).
 */
import { noResponse, type Outcome } from "./outcome.js";

type Listener<Body> = (outcome: Outcome<Body>) => void;

/**
 * Who is told, with its own link: a list without an array, since most have three or four, and an
 * array is made for seventeen.
 */
export interface Listening<Body> {
  /**
   * Gives another outcome for it, or nothing, which keeps it. `isStray`: something was thrown on
   * the way here.
   */
  told(outcome: Outcome<Body>, isStray: boolean): Promise<Outcome<Body>> | null;
  next: Listening<Body> | null;
}

class ListeningFunction<Body> implements Listening<Body> {
  private readonly listener: Listener<Body>;
  next: Listening<Body> | null = null;

  constructor(listener: Listener<Body>) {
    this.listener = listener;
  }

  told(outcome: Outcome<Body>): null {
    this.listener(outcome);
    return null;
  }
}

class Awaiting<Body> implements Listening<Body> {
  private readonly pending: Pending<Body>;
  private readonly resolve: Listener<Body>;
  private readonly reject: (cause: unknown) => void;
  next: Listening<Body> | null = null;

  constructor(pending: Pending<Body>, resolve: Listener<Body>, reject: (cause: unknown) => void) {
    this.pending = pending;
    this.resolve = resolve;
    this.reject = reject;
  }

  told(outcome: Outcome<Body>): null {
    const { rejection } = this.pending;
    if (rejection === null) this.resolve(outcome);
    else this.reject(rejection.cause);
    return null;
  }
}

class Replacing<Body> implements Listening<Body> {
  private readonly replace: (outcome: Outcome<Body>) => Promise<Outcome<Body>> | null;
  next: Listening<Body> | null = null;

  constructor(replace: (outcome: Outcome<Body>) => Promise<Outcome<Body>> | null) {
    this.replace = replace;
  }

  told(outcome: Outcome<Body>, isStray: boolean): Promise<Outcome<Body>> | null {
    return isStray ? null : this.replace(outcome);
  }
}

export class Pending<Body> implements Promise<Outcome<Body>> {
  private outcome: Outcome<Body> | null = null;
  private first: Listening<Body> | null = null;
  private last: Listening<Body> | null = null;
  private calm = false;
  /** Its outcome is not the one that it was settled with. */
  private replaced = false;
  private thrown: { readonly cause: unknown } | null = null;

  /** The same outcome, as something that tells; a promise that rejects is a bug of ours. */
  static of<Body>(coming: Promise<Outcome<Body>>): Pending<Body> {
    if (coming instanceof Pending) return coming;
    const pending = new Pending<Body>();
    coming.then(
      (outcome) => pending.settle(outcome),
      (cause) => pending.break(cause),
    );
    return pending;
  }

  /** The outcome of a step; what it throws is an outcome, and rejects nobody. */
  static safely<In, Body>(step: (input: In) => Promise<Outcome<Body>>, input: In): Pending<Body> {
    try {
      return Pending.of(step(input)).neverRejects();
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

  /** Tells everybody who listens; the first outcome stays. */
  settle(outcome: Outcome<Body>): void {
    if (this.outcome !== null || this.replaced) return;
    this.tellAll(outcome);
  }

  private tellAll(outcome: Outcome<Body>): void {
    this.outcome = outcome;
    let listening = this.first;
    this.first = null;
    for (; listening !== null; listening = listening.next) {
      const instead = this.tellOne(listening, this.outcome);
      if (instead === null) continue;
      this.first = listening.next;
      this.waitFor(Pending.of(instead));
      return;
    }
    this.last = null;
  }

  private tellOne(
    listening: Listening<Body>,
    outcome: Outcome<Body>,
  ): Promise<Outcome<Body>> | null {
    try {
      return listening.told(outcome, this.thrown !== null);
    } catch (cause) {
      this.outcome = givenUp(outcome, cause);
      this.thrown = { cause };
      return null;
    }
  }

  /** Those that were not told yet are told another outcome than those before them. */
  private waitFor(instead: Pending<Body>): void {
    this.outcome = null;
    this.replaced = true;
    if (this.first === null) this.last = null;
    instead.tell((outcome) => {
      this.thrown = instead.thrown;
      this.tellAll(outcome);
    });
  }

  /** Calls the listener with the outcome: at once where it is known. */
  tell(listener: Listener<Body>): this {
    return this.inform(new ListeningFunction(listener));
  }

  /** The same for an object, which is in the list of one outcome at the most. */
  inform(listening: Listening<Body>): this {
    if (this.outcome === null) {
      if (this.last === null) this.first = this.last = listening;
      else this.last = this.last.next = listening;
      return this;
    }
    const instead = listening.told(this.outcome, this.thrown !== null);
    if (instead !== null) this.waitFor(Pending.of(instead));
    return this;
  }

  /** Whoever comes behind is told the outcome, or what `replace` gives for it; null keeps it. */
  orElse(replace: (outcome: Outcome<Body>) => Promise<Outcome<Body>> | null): this {
    return this.inform(new Replacing(replace));
  }

  /** What was thrown is an outcome like any other from here on. */
  private neverRejects(): this {
    this.calm = true;
    return this;
  }

  private break(cause: unknown): void {
    this.thrown = { cause };
    this.settle(noResponse({ code: "proxy_internal_error", cause }));
  }

  /** A true promise of it: `await` makes one of anything else, at twice the cost. */
  asPromise(): Promise<Outcome<Body>> {
    return new Promise((resolve, reject) => this.inform(new Awaiting(this, resolve, reject)));
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
