/**
 * Calls that end with a signal of their caller: one listener for each signal, however many calls
 * share it.
 *
 * An abort ends what is not read yet (Fetch standard, "abort the fetch() call"), and an answer may
 * be read long after it has come in. So a call stays linked until its answer is being read or was
 * collected; nothing else could show that it is not wanted any more.
 */
import { onAbort } from "../../base/abort.js";

export interface AbortLink {
  aborted(reason: unknown): void;
}

interface SignalLinks {
  readonly links: Set<AbortLink>;
  readonly unlink: () => void;
}

const linked = new WeakMap<AbortSignal, SignalLinks>();

/** Calls `aborted` when the signal aborts; the signal must not have aborted yet. */
export function linkAbort(signal: AbortSignal, link: AbortLink): void {
  const known = linked.get(signal);
  if (known !== undefined) {
    known.links.add(link);
    return;
  }
  const links = new Set([link]);
  const unlink = onAbort(signal, (reason) => {
    linked.delete(signal);
    for (const one of links) one.aborted(reason);
  });
  linked.set(signal, { links, unlink });
}

export function unlinkAbort(signal: AbortSignal, link: AbortLink): void {
  const known = linked.get(signal);
  if (known === undefined || !known.links.delete(link) || known.links.size > 0) return;
  linked.delete(signal);
  known.unlink();
}

interface Held {
  readonly signal: AbortSignal;
  readonly link: AbortLink;
}

const collected = new FinalizationRegistry<Held>(({ signal, link }) => unlinkAbort(signal, link));

/** The call is over, and its answer is with the caller: unlinks as soon as it cannot be aborted. */
export function unlinkWithAnswer(signal: AbortSignal, link: AbortLink, answer: Response): void {
  if (answer.body === null || answer.bodyUsed) unlinkAbort(signal, link);
  else collected.register(answer, { signal, link });
}
