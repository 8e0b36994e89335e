/**
 * The tables of docs/network.md, from the rows of the lab.
 */
import { FAILURES, type FailureCode } from "../../src/catalog/failures.js";
import type { Row } from "./row.js";
import { SCENARIOS } from "./scenarios.js";

const GATEWAY_DOORS = 9;

function lineOf(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function tableOf(head: readonly string[], lines: readonly string[]): string {
  return `${[lineOf(head), lineOf(head.map(() => "---")), ...lines].join("\n")}\n`;
}

function inOrder(rows: readonly Row[]): readonly (readonly [string, string, readonly Row[]])[] {
  return SCENARIOS.flatMap(({ kind, name }) => {
    const of = rows.filter((row) => row.kind === kind && row.scenario === name);
    return of.length > 0 ? [[kind, name, of] as const] : [];
  });
}

/** A single target: lines of the same outcome are one. */
export function aloneTable(rows: readonly Row[]): string {
  const mayAct = new Set(SCENARIOS.flatMap(({ name, post }) => (post ? [name] : [])));
  const lines = inOrder(rows).flatMap(([kind, name, of]) => {
    const outcomes = new Map<string, string[]>();
    for (const row of of) {
      if (row.targets !== 1 || row.door === "HAProxy" || row.door === "nginx") continue;
      const { statuses, codes, blames, executed } = row;
      const names = codes.map((code) => `[\`${code}\`](errors/${code}.md)`).join(", ");
      const status = statuses.join() === "0" ? catalogStatus(codes) : statuses.join(", ");
      // What is lost of the answer may be lost of the request, too.
      const times = row.lost > 0 && mayAct.has(name) ? "at most 1" : executed;
      const outcome = lineOf([status, names, blames.join(", "), times]).slice(2, -2);
      const doors = outcomes.get(outcome) ?? [];
      outcomes.set(outcome, [...doors, `${row.door} ${row.method}`]);
    }
    return [...outcomes].map(([outcome, doors]) => {
      const who = doors.length === GATEWAY_DOORS ? "all" : doors.join(", ");
      return lineOf([`${kind}: ${name}`, who, outcome]);
    });
  });
  const head = ["what is wrong", "calls", "status", "name", "at fault", "executed"];
  return tableOf(head, lines);
}

/** The status that the error of a fetch has. */
function catalogStatus(codes: readonly string[]): string {
  return codes.map((code) => FAILURES[code as FailureCode]?.status ?? "-").join(", ");
}

/** One of three: what was lost, as it happened to be. The first column is the same each time. */
export function besideTable(rows: readonly Row[]): string {
  const lines = inOrder(rows).map(([kind, name, of]) => {
    const lost = (door: string | null) =>
      (["GET", "POST"] as const).map((method) => {
        const rows = of.filter(
          (row) =>
            row.targets === 3 &&
            row.method === method &&
            (door === null ? row.door !== "HAProxy" && row.door !== "nginx" : row.door === door),
        );
        const sum = (value: (row: Row) => number) => rows.reduce((all, row) => all + value(row), 0);
        return rows.length === 0 ? "-" : `${sum((row) => row.lost)}/${sum((row) => row.calls)}`;
      });
    const attempts = of.filter(({ targets, door }) => targets === 3 && door === "nodeProxy");
    const cells = [null, "nodeProxy", "HAProxy", "nginx"].map((door) => lost(door).join(", "));
    return lineOf([`${kind}: ${name}`, ...cells, attempts.map((row) => row.attempts).join(", ")]);
  });
  const head = ["what is wrong", "all doors", "`nodeProxy`", "HAProxy", "nginx", "attempts"];
  return tableOf(head, lines);
}

/** Of a page, what has to be the same in every run. */
export function steadyPart(page: string): string {
  const [before = "", ...after] = page.split("<!-- seen beside -->\n");
  return [before, ...after.map((text) => text.replace(/^(\| [^|]+\|).*$/gm, "$1"))].join("\n");
}
