/**
 * The steps of a scripted upstream, each as what it does to a socket.
 * `played-connection.ts` decides which comes next. A write to a client that has gone, or a wait for
 * one that leaves, is a way for a step to end and not an error.
 * Guarantee: a step leaves no timer and no listener behind; what a function of the test throws goes
 * up.
 */
import type { Socket } from "node:net";
import { untilAborted } from "../base/abort.js";
import type { Clock } from "../base/clock.js";
import type { Inbox } from "./inbox.js";
import type { RequestReader } from "./request-reader.js";
import type { Drip, Gate, Payload, ReceivedRequest, Step } from "./script.js";

/** What the connections of one upstream share. */
export interface PlayStage {
  readonly clock: Clock;
  /** Wraps an accepted socket, as with TLS; null when that fails. */
  readonly secure: (raw: Socket) => Promise<Socket | null>;
  /** Stops listening. */
  readonly destroyServer: () => void;
  readonly requests: ReceivedRequest[];
  readonly bodies: Buffer[];
}

/** Time enough for bytes to cross the loopback and be read by a client on a busy machine. */
const ARRIVAL_MS = 10;

/** One connection while its script is played. */
export interface Scene {
  readonly stage: PlayStage;
  readonly raw: Socket;
  readonly socket: Socket;
  readonly inbox: Inbox;
  readonly reader: RequestReader;
  /** Aborted when the client has ended its side, or the connection is gone. */
  readonly left: AbortSignal;
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal;
}

/** How a step ended: it is done, the client had left, or nothing can follow it. */
export type StepEnd = "done" | "left" | "last";

/** Beginning anew is not a thing to do but a place to go on. */
export type PlayableStep = Exclude<Step, { readonly kind: "again" }>;

/** Does one step. */
export async function playStep(scene: Scene, step: PlayableStep): Promise<StepEnd> {
  const { stage, socket, inbox, reader, left } = scene;
  switch (step.kind) {
    case "readHead":
      return noted(await reader.readHead(), stage.requests);
    case "readBody":
      return noted(await reader.readBody(), stage.bodies);
    case "readBytes": {
      const there = await inbox.until(() => inbox.size >= step.count);
      return noted(there ? inbox.take(step.count) : null, stage.bodies);
    }
    case "send":
      return write(socket, bytesOf(step.payload, reader.latest()));
    case "sendSlowly":
      return drip(scene, bytesOf(step.payload, reader.latest()), step.drip);
    case "wait":
      return unlessAborted(left, stage.clock.sleep(step.ms, left));
    case "waitFor":
      return unlessAborted(left, openGate(step.gate));
    case "stopReading":
      socket.pause();
      return "done";
    case "destroyServer":
      stage.destroyServer();
      return "done";
    case "close":
      inbox.swallow();
      socket.resume();
      socket.end();
      return "last";
    case "reset":
      await cutAfterArrival(scene);
      return "last";
    case "hang":
      inbox.swallow();
      await inbox.until(() => false);
      socket.end();
      return "last";
  }
}

function noted<Thing>(thing: Thing | null, list: Thing[]): StepEnd {
  if (thing === null) return "left";
  list.push(thing);
  return "done";
}

function bytesOf(payload: Payload, request: ReceivedRequest | undefined): Buffer {
  const data = typeof payload === "function" ? payload(request) : payload;
  return typeof data === "string" ? Buffer.from(data) : Buffer.from(data);
}

function write(socket: Socket, bytes: Buffer): Promise<StepEnd> {
  return new Promise((resolve) => {
    socket.write(bytes, (error) => resolve(error ? "left" : "done"));
  });
}

async function drip(
  scene: Scene,
  bytes: Buffer,
  { bytesPerWrite, everyMs }: Drip,
): Promise<StepEnd> {
  const { stage, socket, gone } = scene;
  for (let from = 0; from < bytes.length; from += bytesPerWrite) {
    // A client that has only ended its side can still take this; so only a dead socket stops it.
    if (from > 0 && (await unlessAborted(gone, stage.clock.sleep(everyMs, gone))) === "left") {
      return "left";
    }
    const wrote = await write(socket, bytes.subarray(from, from + bytesPerWrite));
    if (wrote === "left") return "left";
  }
  return "done";
}

async function openGate(gate: Gate): Promise<void> {
  await (typeof gate === "function" ? gate() : gate);
}

async function unlessAborted(signal: AbortSignal, work: Promise<unknown>): Promise<StepEnd> {
  try {
    await untilAborted(work, signal);
    return "done";
  } catch (error) {
    if (signal.aborted) return "left";
    throw error;
  }
}

/**
 * Cuts the connection once what was sent has had time to arrive: a client on libuv that finds bytes
 * and an RST in one poll takes them for bytes and an orderly end.
 */
export async function cutAfterArrival({ stage, raw, socket, gone }: Scene): Promise<void> {
  if (socket.bytesWritten > 0) await unlessAborted(gone, stage.clock.sleep(ARRIVAL_MS, gone));
  cut(raw, socket);
}

/** Cuts the connection: RST where the system has it; a Unix socket has none and is just closed. */
export function cut(raw: Socket, socket: Socket): void {
  try {
    raw.resetAndDestroy();
  } catch {
    raw.destroy();
  }
  if (socket !== raw) socket.destroy();
}
