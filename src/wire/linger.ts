/**
 * After an early answer: what is left of the upload is read and thrown away, bounded in bytes and
 * time.
 *
 * RFC 9112 §9.6: closing at once would reset the connection and could destroy the answer on its
 * way.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.js";
import { LIMITS } from "../catalog/defaults.js";
import type { ReplayBody } from "../core/replay-body.js";

/** Call once the answer has been written; does nothing when the upload is over. */
export function lingerForUpload(
  clock: Clock,
  req: IncomingMessage,
  res: ServerResponse,
  body: ReplayBody | null,
): void {
  if (body === null || req.complete || req.readableEnded || req.destroyed) return;
  body.release();
  const end = (): void => {
    timer.cancel();
    if (!req.complete) req.socket.destroy();
  };
  const timer = clock.after(LIMITS.lingerMs, end);
  timer.unref();
  let left = LIMITS.lingerBytesMax;
  req.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  });
  req.once("end", () => timer.cancel());
  res.once("close", () => {
    if (req.complete) timer.cancel();
  });
}
