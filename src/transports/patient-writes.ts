/**
 * Lets an answer that has already arrived win over a write that failed.
 *
 * An upstream may answer early (413, 401) and close while we still send the body. Our next write
 * then fails, and Node would destroy the socket together with the answer in its receive buffer. So
 * a write that failed because the peer is gone reports it only after the loop has polled.
 */
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.js";
import { afterPoll } from "../base/clock.js";

type Done = (error?: Error | null) => void;

const PEER_IS_GONE: ReadonlySet<unknown> = new Set(["EPIPE", "ECONNRESET"]);

/** Changes how this one socket reports failed writes. */
export function makeWritesPatient(socket: Socket, clock: Clock): void {
  const patient =
    (done: Done): Done =>
    (error) => {
      const code = (error as { code?: unknown } | null | undefined)?.code;
      if (PEER_IS_GONE.has(code)) afterPoll(clock, () => done(error));
      else done(error);
    };
  const write = socket._write;
  const writev = socket._writev;
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, patient(done));
  if (writev) socket._writev = (chunks, done) => writev.call(socket, chunks, patient(done));
}
