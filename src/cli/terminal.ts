/**
 * Where the commands write: with colour and wrapped lines at a terminal, plain elsewhere.
 *
 * NO_COLOR and FORCE_COLOR are obeyed, as no-color.org and Node's own tools do it.
 */
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
  const style =
    (on: number, off: number) =>
    (text: string): string =>
      coloured ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    columns,
    line: (text = "") => void output.write(`${text}\n`),
    paragraph(text, indent = "", hanging = indent) {
      for (const line of wrap(text, columns, indent, hanging)) output.write(`${line}\n`);
    },
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
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

function wrap(text: string, columns: number, indent: string, hanging: string): readonly string[] {
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

/** Columns on the screen: what changes the colour takes none. */
function visible(text: string): number {
  return text.replace(COLOURS, "").length;
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
