/**
 * Early answers, to uploads that are still coming: what is left of them is read and thrown away,
 * bounded in bytes and time, and a connection that will not outlive that says so in the answer.
 *
 * RFC 9112 §9.6: closing at once would reset the connection and could destroy the answer on its
 * way; so the answer has `Connection: close`, then our side is closed, and the rest is read.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Timer } from "../base/clock.js";
import { LIMITS } from "../catalog/defaults.js";
import type { ReplayBody } from "../core/replay-body.js";
import { waitsForContinue } from "./held-continue.js";
import { endsWithHead, isHttp2, stopUpload, streamOf } from "./http2.js";

/**
 * Call before the head of an answer is written: what is left of an upload may be too much to be
 * read, and then the answer is the last one of its connection.
 */
export function announceEnd(
  req: IncomingMessage,
  res: ServerResponse,
  body: ReplayBody | null,
): void {
  if (isHttp2(req) || res.headersSent || !isUploading(req)) return;
  // A client that was not asked to go on may send the body or something else.
  if (leftOf(req, body) > LIMITS.lingerBytesMax || waits(req, body)) {
    res.shouldKeepAlive = false;
  }
  if (!res.shouldKeepAlive) closeHalf(req);
}

/** Whether a body was announced that has not come to its end. */
function isUploading(req: IncomingMessage): boolean {
  if (req.complete || req.destroyed) return false;
  if (isHttp2(req)) return !endsWithHead(req);
  const { "content-length": length, "transfer-encoding": coding } = req.headers;
  return coding !== undefined || Number(length ?? 0) > 0;
}

function waits(req: IncomingMessage, body: ReplayBody | null): boolean {
  return waitsForContinue(req) || body?.undemanded === true;
}

function leftOf({ headers }: IncomingMessage, body: ReplayBody | null): number {
  if (headers["transfer-encoding"] !== undefined) return Number.POSITIVE_INFINITY;
  return Number(headers["content-length"]) - (body?.bytesRead ?? 0);
}

/** Node closes a connection with its last answer; here our side alone, until the upload is over. */
function closeHalf(req: IncomingMessage): void {
  const { socket } = req;
  const close = socket.destroySoon.bind(socket);
  socket.destroySoon = () => {
    if (req.complete || req.destroyed) close();
    else socket.end();
  };
}

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
  if (req.complete || req.readableEnded || req.destroyed) return;
  if (!isUploading(req)) {
    req.resume();
    return;
  }
  if (body === null) req.resume();
  else body.release();
  const stream = streamOf(res);
  if (stream !== null) {
    // Other streams share the connection; this one can be stopped alone, and nothing is lost.
    const stop = (): void => stopUpload(stream);
    if (stream.writableFinished) stop();
    else stream.once("finish", stop);
    return;
  }
  discard(clock, req, res);
}

function discard(clock: Clock, req: IncomingMessage, res: ServerResponse): void {
  const keeps = res.shouldKeepAlive;
  let timer: Timer | null = null;
  let left = LIMITS.lingerBytesMax;
  const stopTimer = (): void => timer?.cancel();
  const end = (): void => {
    stopTimer();
    if (!req.complete) req.socket.destroy();
  };
  const startTimer = (): void => {
    stopTimer();
    if (req.complete || req.destroyed) return;
    timer = clock.after(LIMITS.lingerMs, end);
    timer.unref();
  };
  // A slow client has all the time that its answer takes.
  if (res.writableFinished) startTimer();
  else res.once("finish", startTimer);
  req.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
    // The next request on the connection was promised its answer; only silence ends that.
    else if (keeps && timer !== null) startTimer();
  });
  req.once("close", stopTimer).once("end", () => {
    stopTimer();
    if (!keeps && res.writableFinished) req.socket.destroySoon();
  });
}
