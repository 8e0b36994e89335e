/**
 * Bytes of a client, in parts, and everything that came back until the end or a long silence.
 */
import { connect, type Socket } from "node:net";

/** A part that is sent, a time that passes, or something that is waited for. */
export type Part = string | Buffer | number | ((socket: Socket) => Promise<void>);

export interface CameBack {
  readonly text: string;
  /** The statuses of all heads in it, also of those that stand in bodies. */
  readonly statuses: readonly number[];
  /** The other side has ended the connection. */
  readonly ended: boolean;
}

/** Nothing that is still to come takes longer; all limits of the gateway under attack are below. */
const QUIET_MS = 1_800;

export function sendParts(
  port: number,
  parts: readonly Part[],
  quietMs = QUIET_MS,
): Promise<CameBack> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const chunks: Buffer[] = [];
    let sending = true;
    const over = (ended: boolean): void => {
      clearTimeout(quiet);
      socket.removeAllListeners().on("error", () => {});
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, one]) => Number(one));
      resolve({ text, statuses, ended });
    };
    const wait = (): NodeJS.Timeout =>
      setTimeout(() => {
        if (sending) quiet.refresh();
        else over(false);
      }, quietMs);
    const quiet = wait();
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      quiet.refresh();
    });
    socket.on("error", () => over(true));
    socket.once("end", () => over(true));
    socket.once("close", () => over(true));
    socket.once("connect", () => {
      void sendAll(socket, parts).then(() => {
        sending = false;
        quiet.refresh();
      });
    });
  });
}

async function sendAll(socket: Socket, parts: readonly Part[]): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    if (typeof part === "number") await pause(part);
    else if (typeof part === "function") await part(socket);
    else if (!socket.write(part as string, "latin1")) await drained(socket);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      socket.off("drain", over).off("close", over);
      resolve();
    };
    socket.once("drain", over).once("close", over);
  });
}
