/**
 * Which kinds are tried at which doors, and the table of what came of it.
 */
import { DOORS } from "../doors/all-doors.js";
import type { Door } from "../doors/door.js";
import type { HostileKind } from "./kind.js";

/** Where a kind is tried; `at` is its place in the list, by which the rest take turns. */
export function doorsOf(kind: HostileKind, at: number, long: boolean): readonly Door[] {
  const doors = DOORS.filter((door) => door.absent === undefined && kind.at(door));
  if (long) return doors;
  const rest = doors.filter(({ first }) => first !== true);
  const turn = rest.length === 0 ? [] : [rest[at % rest.length] as Door];
  return [...doors.filter(({ first }) => first === true), ...turn];
}

const gotThrough = new Map<HostileKind, string[]>();
const tried = new Map<HostileKind, number>();

/** Waits for an attempt, and writes down what got through. */
export async function noteCell(kind: HostileKind, door: Door, attempt: Promise<void>) {
  tried.set(kind, (tried.get(kind) ?? 0) + 1);
  try {
    await attempt;
  } catch (error) {
    gotThrough.set(kind, [...(gotThrough.get(kind) ?? []), door.name]);
    throw error;
  }
}

const COLUMNS = [76, 7, 60] as const;

/** Prints kind, doors and what came of it. */
export function printTable(kinds: readonly HostileKind[]): void {
  const lines = kinds.map((kind) => {
    const through = gotThrough.get(kind);
    const held = kind.inherent === undefined ? "held" : `inherent: ${kind.inherent}`;
    const became = through === undefined ? held : `GOT THROUGH at ${through.join(", ")}`;
    return row(kind.name, String(tried.get(kind) ?? 0), became);
  });
  const through = kinds.filter((kind) => gotThrough.has(kind)).length;
  const inherent = kinds.filter((kind) => kind.inherent !== undefined).length;
  const held = kinds.length - through - inherent;
  const sum = `${kinds.length} kinds: ${held} held, ${inherent} inherent, ${through} got through`;
  process.stdout.write([row("kind", "doors", "outcome"), ...lines, sum, ""].join("\n"));
}

function row(...cells: readonly string[]): string {
  return cells
    .map((cell, at) => cell.padEnd(COLUMNS[at] ?? 0))
    .join("  ")
    .trimEnd();
}
