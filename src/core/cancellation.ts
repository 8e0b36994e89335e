/**
 * Who ended a call or an exchange before its time, and the listeners that wait for that.
 *
 * The first to cut is noted and stays; classification asks it before it looks at any error. It does
 * the job of an AbortSignal at a fraction of the cost, since every call has one.
 */

/**
 * Who cut: the client left, the application's own body failed, a phase took longer than its
 * timeout, the body longer than `bodyMs`, the total deadline passed, the gateway stops, or another
 * attempt of the call has won.
 */
export type CutBy =
  | "client"
  | "upload"
  | "timeout"
  | "body_timeout"
  | "deadline"
  | "shutdown"
  | "hedge";

/** A function, or whatever can be cut itself: so one cancellation can follow another. */
type CutListener = ((by: CutBy) => void) | Cuttable;

export interface Cuttable {
  cut(by: CutBy): void;
}

function notify(listener: CutListener, by: CutBy): void {
  if (typeof listener === "function") listener(by);
  else listener.cut(by);
}

export class Cancellation implements Cuttable {
  /** Who cut, null while it was not cut. Written only here. */
  by: CutBy | null = null;
  // Nearly always there is one listener at the most, and it shall cost no list.
  private first: CutListener | null = null;
  private others: readonly CutListener[] = NONE;

  /** Cuts; the first one wins, later ones do nothing. */
  cut(by: CutBy): void {
    if (this.by !== null) return;
    this.by = by;
    const first = this.first;
    const others = this.others;
    this.first = null;
    this.others = NONE;
    if (first !== null) notify(first, by);
    for (const listener of others) notify(listener, by);
  }

  /** Listens for the cut; called at once when it has happened. Every listener must be removed. */
  add(listener: CutListener): void {
    if (this.by !== null) notify(listener, this.by);
    else if (this.first === null && this.others === NONE) this.first = listener;
    else this.others = [...this.others, listener];
  }

  remove(listener: CutListener): void {
    if (this.first === listener) this.first = null;
    else if (this.others !== NONE) this.others = without(this.others, listener);
  }

  /** How many are listening; zero when a call is over. */
  get listening(): number {
    return (this.first === null ? 0 : 1) + this.others.length;
  }
}

const NONE: readonly CutListener[] = [];

// By itself, since a function that makes another one prepares for it in every call.
function without(listeners: readonly CutListener[], gone: CutListener): readonly CutListener[] {
  const left = listeners.filter((listener) => listener !== gone);
  return left.length === 0 ? NONE : left;
}
