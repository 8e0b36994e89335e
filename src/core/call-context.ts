/**
 * The asynchronous context in which a call began, for its later notifications.
 *
 * Bytes and timers arrive in the context of the code that opened a connection, which is often that
 * of another call. Guarantee: listeners run in the context of their own call, so that a trace or an
 * id taken from `AsyncLocalStorage` is the call's; a call without listeners keeps no context.
 */
import { AsyncResource } from "node:async_hooks";
import type { Call } from "./call.js";

const KEPT_BY_ITS_CALL = { requireManualDestroy: true } as const;

/** Keeps the context of the code that runs now. */
export function keepContext(call: Call): void {
  call.context = new AsyncResource("good-gateway.call", KEPT_BY_ITS_CALL);
}

/** Runs a function in the context of a call, where one was kept. */
export function inContextOf(call: Call, fn: () => void): void {
  if (call.context === null) fn();
  else call.context.runInAsyncScope(fn);
}
