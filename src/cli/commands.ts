/**
 * The commands of `good-gateway`, by name, and what they have in common: arguments in, an exit code
 * out. 0: all is well; 1: something was found, or not known; 2: the command could not run.
 */

import { parseArgs } from "node:util";
import { nearest } from "../options/nearest.js";
import { CONTROL_USAGE, runControl } from "./control/command.js";
import { DOCTOR_USAGE, runDoctor } from "./doctor/command.js";
import { explain } from "./explain/explain.js";
import { timeIn, type Weights } from "./explain/lines.js";
import { explainedAsJson, printExplained } from "./explain/print.js";
import { type Input, readInput } from "./read-input.js";
import { REFERENCE_USAGE, runReference } from "./reference/command.js";
import { type CommandWorld, EXIT, usageError } from "./terminal/command.js";
import { terminal } from "./terminal/terminal.js";
import { packageVersion } from "./version.js";
import { runWatch, WATCH_USAGE } from "./watch/command.js";

type Command = (args: readonly string[], world: CommandWorld) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  explain: runExplain,
  doctor: runDoctor,
  reference: (args, world) => runReference(args, world),
  watch: (args, world) => runWatch(args, world),
  control: (args, world) => runControl(args, world),
};

const EXPLAIN_USAGE = `\
good-gateway explain <anything>    explains a status, name, error code, flag or log line

  curl -sI URL | good-gateway explain          explains the head of an answer
  tail error.log | good-gateway explain        explains the lines of a log

Options
  --json              for programs
`;

const USAGE = `good-gateway: find out whose fault a 502 is

${EXPLAIN_USAGE}
${DOCTOR_USAGE}
${WATCH_USAGE}
${CONTROL_USAGE}
${REFERENCE_USAGE}
good-gateway --version             the version of this package

Exit codes: 0 all is well, 1 a fault was found or the input is unknown, 2 could not run.
`;

/** Runs a command line, without the two first words. Never throws for what a person typed. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    world.stdout.write(USAGE);
    return name === undefined ? EXIT.couldNotRun : EXIT.well;
  }
  if (name === "--version" || name === "-v" || name === "version") {
    world.stdout.write(`${packageVersion()}\n`);
    return EXIT.well;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command(rest, world);
  const close = nearest(name, Object.keys(COMMANDS));
  const hint = close === null ? "" : ` Did you mean "${close}"?`;
  return usageError(world, `There is no command "${name}".${hint}`);
}

async function runExplain(args: readonly string[], world: CommandWorld): Promise<number> {
  const read = readArguments(args);
  if ("problem" in read) {
    return usageError(world, read.problem, "explain");
  }
  if (read.help) {
    world.stdout.write(EXPLAIN_USAGE);
    return EXIT.well;
  }
  const input = await inputOf(read.words, world);
  if (input === null) {
    return usageError(world, "explain needs something to explain.", "explain");
  }
  if (input.text.trim() === "") {
    if (read.words.some((word) => word !== "-")) {
      return usageError(world, EMPTY_ARGUMENT, "explain");
    }
    world.stderr.write(NOTHING_CAME);
    return EXIT.couldNotRun;
  }
  const explained = explain(input.text, weightsOf(input));
  if (read.json) world.stdout.write(explainedAsJson(explained));
  else printExplained(explained, terminal(world.stdout, world.env));
  return explained.explanations.length > 0 ? EXIT.well : EXIT.found;
}

type ReadArguments =
  | { readonly json: boolean; readonly help: boolean; readonly words: readonly string[] }
  | { readonly problem: string };

function readArguments(args: readonly string[]): ReadArguments {
  // HAProxy's states begin with dashes: `SH--` does not, `--NI` does and is no option.
  const known = new Set(["--json", "--help", "-h"]);
  const options = args.filter((arg) => known.has(arg));
  const words = args.filter((arg) => !known.has(arg) && arg !== "--");
  const odd = words.find((word) => /^--[a-z]{3,}/.test(word));
  if (odd !== undefined) return { problem: `explain has no option "${odd}".` };
  const { values } = parseArgs({
    args: options,
    options: { json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  return { json: values.json === true, help: values.help === true, words };
}

/** Usually a variable of a shell that is not set. */
const EMPTY_ARGUMENT =
  "explain got an empty argument. Is it a variable that is not set? Give it a status, a code or\n" +
  "a line of a log, or pipe the text into it.";

/** A pipe without a word: the program before it had none, and that is a finding of its own. */
const NOTHING_CAME =
  "The pipe was empty: the program before it printed nothing. Without an answer curl -s\n" +
  "prints nothing; check the address itself: good-gateway doctor URL\n";

async function inputOf(words: readonly string[], world: CommandWorld): Promise<Input | null> {
  const given = words.join(" ");
  if (words.length > 0 && given !== "-") {
    return { text: given, kinds: new Map(), lines: 1, cut: false };
  }
  if (world.stdin.isTTY === true && words.length === 0) return null;
  const input = await readInput(world.stdin);
  if (input.cut) {
    world.stderr.write("The input has too many kinds of lines; only the first were read.\n");
  }
  return input;
}

/** Of a long log each line stands for its kind. */
function weightsOf({ kinds }: Input): Weights {
  const entries = [...kinds].map(([line, { count, last }]) => {
    return [line, { count, last: timeIn(last) }] as const;
  });
  return new Map(entries);
}
