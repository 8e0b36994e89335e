/**
 * `clusterBus`: between the workers of `node:cluster`, over the IPC channels of their primary
 * process. No server is needed.
 *
 * Call it in the primary process, which passes messages on, and in each worker.
 */
import cluster, { type Worker } from "node:cluster";
import type { FleetBus } from "./bus.js";

/** Apart from all other messages of the application. */
const TYPE = "good-gateway:fleet";

interface Carried {
  readonly type: typeof TYPE;
  readonly channel: string;
  readonly text: string;
}

type Heard = (text: string) => void;

/** One for each process. */
let made: FleetBus | null = null;

export function clusterBus(): FleetBus {
  made ??= create();
  return made;
}

function create(): FleetBus {
  const listeners = new Map<string, Set<Heard>>();
  const deliver = ({ channel, text }: Carried): void => {
    for (const heard of [...(listeners.get(channel) ?? [])]) heard(text);
  };
  const send = cluster.isPrimary ? passOn(deliver) : toPrimary(deliver);
  return {
    kind: "cluster",
    send: (channel, text) => send({ type: TYPE, channel, text }),
    async listen(channel, heard) {
      const known = listeners.get(channel) ?? new Set<Heard>();
      listeners.set(channel, known);
      known.add(heard);
      return () => known.delete(heard);
    },
  };
}

type Send = (message: Carried) => Promise<unknown>;

/** The primary process: what a worker says goes to the others, and to gateways of its own. */
function passOn(deliver: (message: Carried) => void): Send {
  const toOthers = (message: Carried, from: Worker | null): void => {
    for (const worker of Object.values(cluster.workers ?? {})) {
      // One that ends meanwhile is not told.
      if (worker !== undefined && worker !== from && worker.isConnected()) {
        worker.send(message, ignore);
      }
    }
  };
  cluster.on("message", (worker: Worker, message: unknown) => {
    if (!isCarried(message)) return;
    toOthers(message, worker);
    deliver(message);
  });
  return async (message) => {
    toOthers(message, null);
    deliver(message);
  };
}

function toPrimary(deliver: (message: Carried) => void): Send {
  process.on("message", (message: unknown) => {
    if (isCarried(message)) deliver(message);
  });
  return (message) =>
    new Promise<void>((resolve, reject) => {
      if (process.connected !== true) throw new Error("the primary process is gone");
      process.send?.(message, undefined, undefined, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
}

function isCarried(message: unknown): message is Carried {
  const { type, channel, text } = Object(message) as Partial<Carried>;
  return type === TYPE && typeof channel === "string" && typeof text === "string";
}

function ignore(): void {}
