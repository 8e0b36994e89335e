/**
 * Connections that the kernel has thrown away because an accept queue was full, as it counts them
 * for the whole machine: since the boot, and while the doctor looked.
 */
import { join } from "node:path";
import type { DoctorWorld } from "../world/world.js";
import { linesOf } from "./sockets.js";

export interface Overflows {
  /** Connections that came to a full queue. */
  readonly overflowed: number;
  /** Those and others that were dropped on their way into a queue. */
  readonly dropped: number;
}

/** Null where the kernel does not count them. */
export async function overflowsOf({ root }: DoctorWorld): Promise<Overflows | null> {
  const lines = await linesOf(join(root, "proc/net/netstat"));
  // Two lines: the names, then the numbers.
  const [names, numbers] = lines.filter((line) => line.startsWith("TcpExt:"));
  if (names === undefined || numbers === undefined) return null;
  const values = numbers.split(" ");
  const value = (name: string): number => Number(values[names.split(" ").indexOf(name)] ?? 0);
  return { overflowed: value("ListenOverflows"), dropped: value("ListenDrops") };
}
