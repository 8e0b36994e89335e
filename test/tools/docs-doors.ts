/**
 * The table of promises in docs/doors.md: rows are promises, columns are doors, and a cell says
 * that the promise is tested there, or in one word why it cannot be.
 */
import { DOORS } from "../doors/all-doors.js";
import { PROMISES } from "../doors/all-promises.js";
import { takes } from "../doors/bodies.js";
import { BODY_KINDS } from "../doors/body-kinds.js";
import type { Door } from "../doors/door.js";
import { cannot, GALLERY } from "../doors/gallery.js";
import { table } from "./docs-pages.js";

/** The columns by their numbers. */
export function doorList(): string {
  return table(
    ["", "door", "asked by", "what moves the bytes"],
    DOORS.map(({ name, kind, engine }, at) => [
      String(at + 1),
      name,
      kind === "caller" ? "an application" : "clients",
      engine === "own" ? "the gateway" : engine,
    ]),
  );
}

export function doorsGallery(): string {
  return matrix(
    "failure",
    GALLERY.map((row) => [`\`${row.code}\``, (door) => cannot(row, door)] as const),
  );
}

export function doorsBodies(): string {
  return matrix(
    "upload",
    BODY_KINDS.map(
      (kind) =>
        [
          kind.name,
          (door) => (door.kind === "upgrade" || !takes(kind, door) ? "–" : null),
        ] as const,
    ),
  );
}

export function doorsPromises(): string {
  return PROMISES.map(
    ([chapter, rows]) =>
      `### ${chapter}\n\n${matrix(
        "promise",
        rows.map((row) => [row.name, (door) => row.cannot?.(door) ?? null] as const),
      )}`,
  ).join("\n\n");
}

type Line = readonly [name: string, why: (door: Door) => string | null];

function matrix(what: string, lines: readonly Line[]): string {
  return table(
    [what, ...DOORS.map((_, at) => String(at + 1))],
    lines.map(([name, why]) => [name, ...DOORS.map((door) => why(door) ?? "✓")]),
  );
}
