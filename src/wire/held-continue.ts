/**
 * Requests whose client waits for `100 Continue` before it sends the body, RFC 9110 §10.1.1, and
 * has not been asked to go on.
 *
 * Guarantee: it is asked once, and not any more when the answer has begun.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

const waiting = new WeakMap<object, () => void>();

/** As Node reads the field. */
export function awaitsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === "1.1" && /(?:^|\W)100-continue(?:$|\W)/i.test(headers.expect ?? "");
}

/** For `checkContinue` of a server: to read the body is to ask the client for it. */
export function holdContinue(req: IncomingMessage, res: ServerResponse): void {
  waiting.set(req, () => {
    if (!res.headersSent && !res.destroyed) res.writeContinue();
  });
  // Streams ask for bytes by `_read`.
  const { _read: read } = req;
  req._read = function (size: number): void {
    takeContinue(req)?.();
    read.call(this, size);
  };
}

/** Takes it over to ask the client at another moment; null when it does not wait. */
export function takeContinue(req: object): (() => void) | null {
  const goOn = waiting.get(req);
  if (goOn === undefined) return null;
  waiting.delete(req);
  return goOn;
}

/** Whether its client has not been asked to send the body. */
export function waitsForContinue(req: object): boolean {
  return waiting.has(req as IncomingMessage);
}
