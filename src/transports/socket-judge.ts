/**
 * The socket on which a dispatcher of the application sends a request for a name: it has looked the
 * name up itself, perhaps to another address than the one that was judged (DNS rebinding).
 *
 * Guarantee: it is judged before the first byte of the request is written, with every undici that
 * reports it (`undici:client:sendHeaders`); where none is written, as by a mock, none is judged.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

export type JudgeSocket = (socket: Socket) => void;

let subscribed = false;
let next: JudgeSocket | null = null;

/** Call when a request starts: undici publishes its socket in the same turn, and then writes. */
export function judgeSocket(judge: JudgeSocket): void {
  if (!subscribed) subscribe("undici:client:sendHeaders", onSend);
  subscribed = true;
  next = judge;
  queueMicrotask(() => {
    if (next === judge) next = null;
  });
}

function onSend(message: unknown): void {
  const judge = next;
  next = null;
  judge?.((message as { readonly socket: Socket }).socket);
}
