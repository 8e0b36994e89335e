/**
 * Which kinds are tried at which doors, the attempts, and the table of what came of them.
 */
import { DOORS } from "../doors/all-doors.js";
import type { Door } from "../doors/door.js";
import type { HostileKind } from "./kind.js";

export interface Cell {
  readonly kind: HostileKind;
  readonly door: Door;
}

/** So many begin before they are asked for: they wait more than they compute. */
const AHEAD = 12;
/** A limit against hanging; all that a gateway waits for here is far below. */
const CELL_MS = 60_000;

export function cellsOf(kinds: readonly HostileKind[], long: boolean): readonly Cell[] {
  return kinds.flatMap((kind, at) => doorsOf(kind, at, long).map((door) => ({ kind, door })));
}

/** Where a kind is tried; `at` is its place in the list, by which the rest take turns. */
function doorsOf(kind: HostileKind, at: number, long: boolean): readonly Door[] {
  const doors = DOORS.filter((door) => door.absent === undefined && kind.at(door));
  if (long) return doors;
  const rest = doors.filter(({ first }) => first !== true);
  const turn = rest.length === 0 ? [] : [rest[at % rest.length] as Door];
  return [...doors.filter(({ first }) => first === true), ...turn];
}

/** What came of each that has begun: what got through, undefined for nothing. */
export type Outcomes = ReadonlyMap<Cell, Promise<unknown>>;

export interface Lab {
  readonly outcomes: Outcomes;
  /** Tries one, if it has not begun, and begins those behind it. */
  outcomeOf(cell: Cell): Promise<unknown>;
}

export function labOf(cells: readonly Cell[]): Lab {
  const outcomes = new Map<Cell, Promise<unknown>>();
  return {
    outcomes,
    outcomeOf(cell) {
      const at = cells.indexOf(cell);
      for (const one of cells.slice(at, at + AHEAD)) {
        if (!outcomes.has(one)) outcomes.set(one, attempt(one));
      }
      return outcomes.get(cell) as Promise<unknown>;
    },
  };
}

async function attempt({ kind, door }: Cell): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${CELL_MS} ms`)), CELL_MS);
  });
  try {
    await Promise.race([kind.attempt(door), hangs]);
    return undefined;
  } catch (error) {
    return error ?? new Error("it threw nothing");
  } finally {
    clearTimeout(timer);
  }
}

const COLUMNS = [76, 7, 60] as const;

/** Prints kind, doors and what came of it. */
export async function printTable(kinds: readonly HostileKind[], outcomes: Outcomes): Promise<void> {
  const gotThrough = new Map<HostileKind, string[]>();
  const tried = new Map<HostileKind, number>();
  for (const [{ kind, door }, outcome] of outcomes) {
    tried.set(kind, (tried.get(kind) ?? 0) + 1);
    if ((await outcome) === undefined) continue;
    gotThrough.set(kind, [...(gotThrough.get(kind) ?? []), door.name]);
  }
  const lines = kinds.map((kind) => {
    const through = gotThrough.get(kind);
    const held = kind.inherent === undefined ? "held" : `inherent: ${kind.inherent}`;
    const became = through === undefined ? held : `GOT THROUGH at ${through.join(", ")}`;
    return row(kind.name, kind.where ?? String(tried.get(kind) ?? 0), became);
  });
  const inherent = kinds.filter((one) => one.inherent !== undefined && !gotThrough.has(one)).length;
  const held = kinds.length - gotThrough.size - inherent;
  const sum = `${held} held, ${inherent} inherent, ${gotThrough.size} got through`;
  const table = [row("kind", "doors", "outcome"), ...lines, `${kinds.length} kinds: ${sum}`, ""];
  process.stdout.write(table.join("\n"));
}

function row(...cells: readonly string[]): string {
  return cells
    .map((cell, at) => cell.padEnd(COLUMNS[at] ?? 0))
    .join("  ")
    .trimEnd();
}
