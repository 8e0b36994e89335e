/**
 * Listeners of the application and of the engine, none of which can end the process: what one of
 * them throws, or rejects with, is the fault of the request that it was called for.
 */
import type { Readable, Writable } from "node:stream";

type NodeListener = (...args: unknown[]) => unknown;
export type OnFailed = (error: unknown) => void;

/** An emitter of Node, or that of the engine of version 3, which is another one. */
export interface Emitting {
  emit(event: never, ...args: never[]): boolean;
  listeners(event: never): unknown[];
  rawListeners?(event: never): unknown[];
  removeListener(event: never, listener: never, ...more: never[]): unknown;
}

type LooseEmitting = {
  emit(event: unknown, ...args: unknown[]): boolean;
  listeners(event: unknown): NodeListener[];
  rawListeners?(event: unknown): NodeListener[];
  removeListener(
    event: unknown,
    listener: NodeListener,
    context: undefined,
    once: boolean,
  ): unknown;
};

/** Calls all listeners, whatever any of them throws. */
export function emitTo(
  emitter: Emitting,
  event: unknown,
  args: readonly unknown[],
  failed: OnFailed,
): boolean {
  const listeners = listenersOf(emitter as LooseEmitting, event);
  for (const listener of listeners) {
    try {
      const result = Reflect.apply(listener, emitter, args) as Partial<PromiseLike<unknown>> | null;
      if (typeof result?.then === "function") result.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
  return listeners.length > 0;
}

/** From now on no listener of it can throw. */
export function contain(emitter: Emitting, failed: OnFailed): void {
  (emitter as LooseEmitting).emit = (event, ...args) => emitTo(emitter, event, args, failed);
}

/** The same for an answer, and for what it is piped into before it reaches the client. */
export function containAnswer(answer: Readable, client: Writable, failed: OnFailed): void {
  contain(answer, failed);
  const { pipe } = answer;
  answer.pipe = <To extends NodeJS.WritableStream>(to: To, options?: { end?: boolean }): To => {
    if (to !== (client as NodeJS.WritableStream)) {
      contain(to as Emitting, failed);
      // A content coding that cannot be undone, for one; before anything else hears of it.
      to.on("error", failed);
    }
    return pipe.call(answer, to, options) as To;
  };
}

/** Takes the listeners of an event away; gives what notifies them. */
export function takeOver(emitter: NodeJS.EventEmitter, event: string): NodeListener {
  const listeners = emitter.rawListeners(event);
  emitter.removeAllListeners(event);
  return (...args) => {
    for (const listener of listeners) Reflect.apply(listener, emitter, args);
  };
}

function listenersOf(emitter: LooseEmitting, event: unknown): readonly NodeListener[] {
  if (emitter.rawListeners !== undefined) return emitter.rawListeners(event);
  const listeners = emitter.listeners(event);
  // Those that were added with `once` come bare, and this removes no others.
  for (const listener of listeners) emitter.removeListener(event, listener, undefined, true);
  return listeners;
}
