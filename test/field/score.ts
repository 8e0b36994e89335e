/**
 * The corpus of the field: what people have in front of them, with the layer, the cause and the
 * right next step. `npm run field` says how many of them `explain` gets right, and which not.
 */
import { readdirSync, readFileSync } from "node:fs";
import { FAILURES, type FailureCode, type FailureRow } from "../../src/catalog/failures.js";
import { explain } from "../../src/cli/explain/explain.js";

export interface FieldCase {
  /** The file it stands in: those called `held-out` were written before the tables were seen. */
  readonly set: string;
  readonly layer: string;
  /** Names of the catalog, any of which is right. */
  readonly causes: readonly string[];
  /** What the advice must speak of. */
  readonly next: RegExp;
  readonly by: string;
  readonly has: string;
}

export interface Scored {
  readonly one: FieldCase;
  readonly layer: boolean;
  /** Within the first three. */
  readonly cause: boolean;
  readonly next: boolean;
  /** Something is named first that lies on another layer, and the cause is not among the three. */
  readonly misleads: boolean;
  readonly said: readonly string[];
}

const FOLDER = new URL("./cases/", import.meta.url);
const FIRST = 3;

export function fieldCases(): readonly FieldCase[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".txt"))
    .flatMap((name) =>
      casesIn(name.replace(/\.txt$/, ""), readFileSync(new URL(name, FOLDER), "utf8")),
    );
}

/** `#! layer | causes | next step | who says it`, and what a person has below it. */
function casesIn(set: string, text: string): readonly FieldCase[] {
  return text
    .split(/^#! /m)
    .slice(1)
    .map((part) => {
      const [head = "", ...rest] = part.split("\n");
      const [layer = "", causes = "", ...others] = head.split(" | ").map((one) => one.trim());
      const by = others.at(-1) ?? "";
      const next = new RegExp(others.slice(0, -1).join("|"), "i");
      return { set, layer, causes: causes.split(" "), next, by, has: rest.join("\n").trim() };
    });
}

export function score(one: FieldCase): Scored {
  const { explanations } = explain(one.has);
  const failures = [...new Set(explanations.flatMap((found) => found.failures))];
  const first = failures.slice(0, FIRST);
  const cause = first.some((code) => one.causes.includes(code));
  const [top] = failures;
  const row: FailureRow | null = top === undefined ? null : FAILURES[top as FailureCode];
  const layer = row?.phase === one.layer || (top !== undefined && one.causes.includes(top));
  const advice = [
    ...explanations
      .slice(0, FIRST)
      .flatMap((found) => [found.meaning, ...found.causes, ...found.remedies]),
    ...first.flatMap((code) => [...FAILURES[code].causes, ...FAILURES[code].remedies]),
  ];
  const next = advice.some((text) => one.next.test(text));
  const misleads = row !== null && !layer && !cause;
  return { one, layer, cause, next, misleads, said: explanations.map((found) => found.recognised) };
}

export interface Total {
  readonly all: number;
  readonly layer: number;
  readonly cause: number;
  readonly next: number;
  readonly misleads: number;
}

export function totalOf(scored: readonly Scored[]): Total {
  const count = (of: (one: Scored) => boolean): number => scored.filter(of).length;
  return {
    all: scored.length,
    layer: count(({ layer }) => layer),
    cause: count(({ cause }) => cause),
    next: count(({ next }) => next),
    misleads: count(({ misleads }) => misleads),
  };
}
