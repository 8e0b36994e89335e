/**
 * The table of kinds of attack in docs/security.md: what is tried, where, and what comes of it. A
 * row stands for tests, each of which fails when the attack gets through.
 */
import { DOORS } from "../doors/all-doors.js";
import { KINDS } from "../hostile/all-kinds.js";
import type { HostileKind } from "../hostile/kind.js";
import { table } from "./docs-pages.js";

export function hostileKinds(): string {
  return table(
    ["tried by", "kind", "where", "seen", "what comes of it"],
    KINDS.map((kind) => [
      kind.from,
      cell(kind.name),
      whereOf(kind),
      kind.seen ?? "",
      kind.inherent === undefined ? "held" : cell(`inherent: ${kind.inherent}`),
    ]),
  );
}

export function hostileSum(): string {
  const inherent = KINDS.filter((kind) => kind.inherent !== undefined).length;
  const cells = KINDS.reduce((sum, kind) => sum + DOORS.filter((door) => kind.at(door)).length, 0);
  return (
    `${KINDS.length} kinds, ${cells} pairs of kind and door: ` +
    `${KINDS.length - inherent} are held, ` +
    `${inherent} are inherent in HTTP or in Node and limited as the table says.`
  );
}

function whereOf(kind: HostileKind): string {
  if (kind.where !== undefined) return kind.where;
  const count = DOORS.filter((door) => kind.at(door)).length;
  return count === DOORS.length ? "all doors" : `${count} ${count === 1 ? "door" : "doors"}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
