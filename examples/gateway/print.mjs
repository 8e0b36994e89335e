/**
 * The tour on a terminal: one table, grouped by what the client got, 110 columns wide.
 *
 * Two lines per answer: what happened with its diagnosis, and below it the fields of the answer
 * that show it. Colour only on a terminal, and not if NO_COLOR is set (no-color.org).
 */
import { FAILURES } from "good-gateway";

const WIDTH = 110;
const COLUMNS = { request: 16, deed: 35, got: 5, code: 30, blame: 9, attempts: 8 };
const BELOW = 3 + COLUMNS.request + 2;

const COLOURED =
  process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
const paint = (code) => (text) => (COLOURED ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
const [red, green, yellow, magenta] = [31, 32, 33, 35].map(paint);

/** One colour per kind of result, the same everywhere. */
const STATUS_COLOURS = { 2: green, 4: yellow, 5: red };
const FINER_COLOURS = { 503: magenta, 504: yellow };

export function say(...lines) {
  process.stdout.write(`${lines.join("\n")}\n`);
}

export function printHead() {
  const names = { request: "request", deed: "the upstream …", got: "got", code: "failure" };
  const titles = cells({ ...names, blame: "blame", attempts: "attempts" });
  say(dim(`   ${titles.join("")}`), dim("─".repeat(WIDTH)));
}

export function printGroup({ title, about }) {
  say("", `${bold(title)}  ${dim(about)}`);
}

export function printRow(result) {
  const { request, deed, answer, code, recoveredFrom, blame, attempts } = result;
  // A failure that a retry overcame is shown, but the call did not fail.
  const overcome = recoveredFrom === null ? null : FAILURES[recoveredFrom].blame;
  const [ask, what, got, name, who, times] = cells({
    request: `${request.method.padEnd(4)} ${request.path}`,
    deed,
    got: gotOf(answer),
    code: code ?? recoveredFrom ?? "–",
    blame: blame ?? overcome ?? "–",
    attempts: String(attempts),
  });
  const tone = code === null ? dim : (text) => text;
  const mark = result.mismatches.length === 0 ? green("✔") : red("✖");
  say(` ${mark} ${ask}${what}${colourOf(answer)(got)}${tone(name + who)}${times}`);
  for (const line of inLines(fieldsOf(result), "   ", WIDTH - BELOW)) {
    say(dim(" ".repeat(BELOW) + line));
  }
  for (const { name: field, got: found, wanted } of result.mismatches) {
    say(red(`${" ".repeat(BELOW)}not as documented: ${field} is ${found}, not ${wanted}`));
  }
}

/** One whole answer, as received. */
export function printAnswer(url, { status, reason, rawFields, body }) {
  say(dim(`> GET ${url}`), bold(`HTTP/1.1 ${status} ${reason}`));
  for (let index = 0; index < rawFields.length; index += 2) {
    const words = `${rawFields[index]}: ${rawFields[index + 1]}`.split(" ");
    const [first, ...more] = inLines(words, " ", WIDTH - 4);
    say(first, ...more.map((line) => `    ${line}`));
  }
  const problem = JSON.stringify(JSON.parse(body), null, 2);
  say("", ...problem.split("\n"));
}

export function printVerdict(results, durationMs) {
  const right = results.filter(({ mismatches }) => mismatches.length === 0).length;
  const seconds = (durationMs / 1_000).toFixed(1);
  const text = `${right} of ${results.length} answers were as documented, in ${seconds} s.`;
  say(right === results.length ? green(`✔ ${text}`) : red(`✖ ${text}`));
}

/** Pads every cell to its column; the last one is right-aligned. */
function cells({ request, deed, got, code, blame, attempts }) {
  return [
    `${request.padEnd(COLUMNS.request)}  `,
    `${deed.padEnd(COLUMNS.deed)} `,
    got.padEnd(COLUMNS.got),
    code.padEnd(COLUMNS.code),
    blame.padEnd(COLUMNS.blame),
    attempts.padStart(COLUMNS.attempts),
  ];
}

function gotOf({ status, whole, error }) {
  if (status === null) return error ?? "none";
  return whole ? String(status) : "cut";
}

function colourOf({ status, whole }) {
  if (status === null || !whole) return red;
  return FINER_COLOURS[status] ?? STATUS_COLOURS[Math.floor(status / 100)] ?? dim;
}

/** The rest of the answer. Most details of Proxy-Status are already in the columns. */
function fieldsOf({ answer, stopped, recoveredFrom }) {
  const { fields, whole, status, reason, body } = answer;
  if (status !== null && !whole) {
    return [
      `${status} ${reason}, then the connection breaks after ${body.length} bytes of the body`,
    ];
  }
  const shown = [];
  const own = fields["proxy-status"]?.replace(/; details="[^"]*"/, "");
  if (recoveredFrom !== null) {
    const timing = fields["server-timing"].replace(/;dur=[\d.]+/g, "").replace(/, gateway$/, "");
    shown.push(`Server-Timing: ${timing}`);
  } else if (own !== undefined) {
    shown.push(`Proxy-Status: ${own}`);
  }
  if ("retry-after" in fields) shown.push(`Retry-After: ${fields["retry-after"]}`);
  if (stopped !== null) shown.push(`stopped=${stopped}`);
  return shown;
}

/** Joins parts into lines of at most this width. */
function inLines(parts, between, width) {
  const lines = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last === undefined || last.length + between.length + part.length > width) lines.push(part);
    else lines[lines.length - 1] = last + between + part;
  }
  return lines;
}
