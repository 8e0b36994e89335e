/**
 * One event of an emitter, within a limit: the same for a TCP connection and for a TLS handshake.
 * Rejects with the error of the emitter, or with null for silence, and leaves no timer behind.
 */
import type { Socket } from "node:net";
import type { DoctorWorld } from "../world/world.js";

export function arrival<Stream extends Socket>(
  { clock }: Pick<DoctorWorld, "clock">,
  stream: Stream,
  event: string,
  limitMs: number,
): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => {
      stream.destroy();
      reject(null);
    });
    const fail = (error: Error): void => {
      timer.cancel();
      reject(error);
    };
    stream.once(event, () => {
      timer.cancel();
      stream.removeListener("error", fail);
      resolve(stream);
    });
    stream.once("error", fail);
    stream.once("close", () => fail(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
    // Who takes the stream over listens again; until then an error must not end the process.
    stream.on("error", () => {});
  });
}
