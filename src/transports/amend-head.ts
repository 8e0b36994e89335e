/**
 * What undici words otherwise than we want it, changed on the way to the socket: whether a request
 * without a body says so, and that a body follows which it has not been given.
 *
 * Guarantee: one head is changed, the next that is written, and nothing else; a head in a form that
 * is not known is not sent.
 */
import type { Socket } from "node:net";
import { NamedError } from "../core/named-error.js";

const END = "\r\n\r\n";
const EMPTY_BODY = "content-length: 0\r\n\r\n";

/**
 * The next write to the socket is a head, whole and without a body: `amend` gets its lines without
 * the length that undici may have said, and returns those to send. Returns how to take it back.
 */
export function amendHead(socket: Socket, amend: (lines: string) => string): () => void {
  const { write } = socket;
  const restore = (): void => {
    if (socket.write === amending) socket.write = write;
  };
  const amending = ((head: unknown) => {
    restore();
    return write.call(socket, `${amend(linesOf(head))}\r\n`, "latin1");
  }) as Socket["write"];
  socket.write = amending;
  return restore;
}

function linesOf(head: unknown): string {
  if (typeof head !== "string" || !head.endsWith(END)) {
    throw new NamedError("proxy_internal_error", "head in an unknown form");
  }
  return head.slice(0, head.endsWith(`\r\n${EMPTY_BODY}`) ? -EMPTY_BODY.length : -"\r\n".length);
}

export type Amendment = (lines: string) => string;

/**
 * Methods that come with a body. What a server makes of a body with others is not certain, so that
 * their connection serves nothing more; undici does the same with bodies that it sends itself.
 */
export const BODIES: ReadonlySet<string> = new Set([
  "PATCH",
  "POST",
  "PROPFIND",
  "PROPPATCH",
  "PUT",
  "QUERY",
]);
