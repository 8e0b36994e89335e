/**
 * Who ended a call or an exchange before its time, and the news of it to whoever is waiting.
 *
 * The first to cut is noted and stays; classification asks it before it looks at any error. It does
 * the job of an AbortSignal at a fraction of the cost, since every call has one.
 */

/**
 * Who cut: the client left, a phase took longer than its timeout, the body longer than `bodyMs`,
 * the total deadline passed, or the gateway stops.
 */
export type CutBy = "client" | "timeout" | "body_timeout" | "deadline" | "shutdown";

type Listener = (by: CutBy) => void;

export class Cancellation {
  #by: CutBy | null = null;
  #listeners: Listener[] | null = null;

  /** Who cut, null while nobody has. */
  get by(): CutBy | null {
    return this.#by;
  }

  /** Cuts; the first one wins, later ones do nothing. */
  cut(by: CutBy): void {
    if (this.#by !== null) return;
    this.#by = by;
    const listeners = this.#listeners;
    this.#listeners = null;
    if (listeners !== null) for (const listener of listeners) listener(by);
  }

  /** Listens for the cut; called at once when it has happened. Every listener must be removed. */
  add(listener: Listener): void {
    if (this.#by !== null) listener(this.#by);
    else if (this.#listeners === null) this.#listeners = [listener];
    else this.#listeners = [...this.#listeners, listener];
  }

  remove(listener: Listener): void {
    if (this.#listeners === null) return;
    if (this.#listeners.length === 1 && this.#listeners[0] === listener) this.#listeners = null;
    else this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  /** How many are listening; zero when a call is over. */
  get listening(): number {
    return this.#listeners?.length ?? 0;
  }
}
