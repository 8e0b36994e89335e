/**
 * Where the commands write: with colour and wrapped lines at a terminal, plain elsewhere.
 *
 * Guarantee: colours are the only control sequences that come out. Texts are made printable here,
 * once for all commands, so colours are marks of this terminal's own until they are written.
 * NO_COLOR and FORCE_COLOR are obeyed, as no-color.org and Node's own tools do it.
 */
import { randomBytes } from "node:crypto";
import { printable } from "./printable.js";

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Terminal {
  readonly columns: number;
  line(text?: string): void;
  /** A paragraph, wrapped to the terminal, each line after an indent. */
  paragraph(text: string, indent?: string, hanging?: string): void;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** Readable without turning the head, however wide the window is. */
const COLUMNS_MAX = 100;
const COLUMNS_MIN = 40;
const COLUMNS_ELSEWHERE = 80;

export function terminal(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const coloured = hasColour(output, env);
  const columns = columnsOf(output);
  const marks = colourMarks();
  const style =
    (on: number, off: number) =>
    (text: string): string =>
      coloured ? marks.of(on) + text + marks.of(off) : text;
  const write = (line: string): void => void output.write(`${marks.written(line)}\n`);
  return {
    columns,
    line: (text = "") => write(marks.printable(text)),
    paragraph(text, indent = "", hanging = indent) {
      const columnsOfText = (part: string): number => marks.without(part).length;
      const lines = wrap(marks.printable(text), columns, indent, hanging, columnsOfText);
      for (const line of lines) write(line);
    },
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  };
}

/**
 * Colours as marks that a text from outside cannot hold: they have a number drawn at random, and
 * what steers a terminal is taken out of all that stands between them.
 */
function colourMarks() {
  const secret = randomBytes(8).toString("hex");
  const mark = new RegExp(`(\\u0001${secret}:\\d+\\u0002)`, "g");
  return {
    of: (code: number): string => `\u0001${secret}:${code}\u0002`,
    printable: (text: string): string =>
      text
        .split(mark)
        .map((part, at) => (at % 2 === 0 ? printable(part) : part))
        .join(""),
    without: (text: string): string => text.replace(mark, ""),
    written: (text: string): string =>
      text.replace(mark, (one) => `\u001b[${one.slice(secret.length + 2, -1)}m`),
  };
}

function hasColour(output: Output, env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0";
  return output.isTTY === true && env["TERM"] !== "dumb";
}

function columnsOf({ isTTY, columns }: Output): number {
  if (isTTY !== true || columns === undefined) return COLUMNS_ELSEWHERE;
  return Math.max(COLUMNS_MIN, Math.min(columns, COLUMNS_MAX));
}

function wrap(
  text: string,
  columns: number,
  indent: string,
  hanging: string,
  visible: (text: string) => number,
): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && visible(line) + 1 + visible(word) > columns) {
      lines.push(line);
      line = hanging;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
