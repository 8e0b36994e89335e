/**
 * Addresses where something is wrong before a byte is exchanged: refused, silent, and full.
 * Guarantee: a refusing port stays refusing for the life of the process, whatever ports are opened
 * meanwhile; a silent listener accepts everything and answers nothing; behind a full backlog no
 * handshake completes.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { systemClock } from "../base/clock.js";
import { type ListenPlace, listen } from "./listen.js";

/** A listener that a test must close. */
export interface TestListener extends ListenPlace {
  close(): Promise<void>;
}

/** One that accepts, reads, and never answers. */
export interface SilentListener extends TestListener {
  connections(): number;
  openConnections(): number;
}

/**
 * A port of 127.0.0.1 where connections are refused. It is the local end of a connection that we
 * hold: no process can listen there, and the port is given to no other, which a port that was just
 * closed cannot promise.
 */
export async function refusingPort(): Promise<number> {
  const server = createServer((socket) => void socket.on("error", ignore).unref());
  const { port, host } = await listen(server);
  const holder = connect({ port, host });
  await once(holder, "connect");
  holder.on("error", ignore).unref();
  server.unref();
  return (holder.address() as AddressInfo).port;
}

/** Starts a listener that accepts and then stays silent. */
export async function silentListener(
  where: { readonly host?: string; readonly port?: number; readonly unix?: boolean | string } = {},
): Promise<SilentListener> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", ignore);
    socket.once("close", () => sockets.delete(socket));
    socket.resume();
  });
  const { cleanUp, ...place } = await listen(server, where);
  return {
    ...place,
    connections: () => accepted,
    openConnections: () => sockets.size,
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await cleanUp();
    },
  };
}

/** A thread that listens and then never accepts, since its event loop stands still. */
const DEAF_SERVER = `
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const server = createServer();
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/**
 * The system may round the length of a backlog up; more fillers than this mean that it is never
 * full.
 */
const FILLERS_MAX = 64;
/**
 * A handshake over the loopback takes well under a millisecond; after this one it is not answered.
 */
const FILLED_AFTER_MS = 250;

/** A port where the queue of the system is full: connecting neither succeeds nor fails. */
export async function fullBacklog(): Promise<TestListener> {
  const worker = new Worker(DEAF_SERVER, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  const host = "127.0.0.1";
  const fillers: Socket[] = [];
  const close = async (): Promise<void> => {
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  };
  for (;;) {
    const filler = connect({ host, port }).on("error", ignore);
    fillers.push(filler);
    if (!(await connectsWithin(filler, FILLED_AFTER_MS))) break;
    if (fillers.length < FILLERS_MAX) continue;
    await close();
    throw new Error(`the backlog took ${FILLERS_MAX} connections and is not full`);
  }
  return { origin: `http://${host}:${port}`, host, port, socketPath: undefined, close };
}

function connectsWithin(socket: Socket, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = systemClock.after(ms, () => resolve(false));
    socket.once("connect", () => {
      timer.cancel();
      resolve(true);
    });
  });
}

function ignore(): void {}
