/**
 * After an early answer: what is left of the upload is read and thrown away, bounded in bytes and
 * time.
 *
 * RFC 9112 §9.6: closing at once would reset the connection and could destroy the answer on its
 * way.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Timer } from "../base/clock.js";
import { LIMITS } from "../catalog/defaults.js";
import type { ReplayBody } from "../core/replay-body.js";
import { stopUpload, streamOf } from "./http2.js";

/**
 * Call once the exchange is over, and not before: an upstream may answer while it still reads.
 * Does nothing when the upload is over.
 */
export function lingerForUpload(
  clock: Clock,
  req: IncomingMessage,
  res: ServerResponse,
  body: ReplayBody | null,
): void {
  if (body === null || req.complete || req.readableEnded || req.destroyed) return;
  body.release();
  const stream = req.httpVersionMajor === 2 ? streamOf(res) : null;
  if (stream !== null) {
    // Other streams share the connection; this one can be stopped alone, and nothing is lost.
    const stop = (): void => stopUpload(stream);
    if (stream.writableFinished) stop();
    else stream.once("finish", stop);
    return;
  }
  let timer: Timer | null = null;
  const stopTimer = (): void => timer?.cancel();
  const end = (): void => {
    stopTimer();
    if (!req.complete) req.socket.destroy();
  };
  // A slow client has all the time that its answer takes.
  const startTimer = (): void => {
    if (req.complete || req.destroyed) return;
    timer = clock.after(LIMITS.lingerMs, end);
    timer.unref();
  };
  if (res.writableFinished) startTimer();
  else res.once("finish", startTimer);
  let left = LIMITS.lingerBytesMax;
  req.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  });
  req.once("end", stopTimer).once("close", stopTimer);
}
