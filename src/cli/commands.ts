/**
 * The commands of `good-gateway`, by name, and what they have in common: arguments in, an exit code
 * out. 0: all is well; 1: something was found, or not known; 2: the command could not run.
 */

import { parseArgs } from "node:util";
import { nearest } from "../gateway/options/nearest.js";
import { type CommandWorld, EXIT } from "./command.js";
import { DOCTOR_USAGE, runDoctor } from "./doctor/command.js";
import { explain } from "./explain/explain.js";
import { explainedAsJson, printExplained } from "./explain/print.js";
import { printable } from "./printable.js";
import { readInput } from "./read-input.js";
import { terminal } from "./terminal.js";
import { runWatch, WATCH_USAGE } from "./watch/command.js";

type Command = (args: readonly string[], world: CommandWorld) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  explain: runExplain,
  doctor: runDoctor,
  watch: (args, world) => runWatch(args, world),
};

const USAGE = `good-gateway: find out whose fault a 502 is

  good-gateway explain <anything>   what a status, name, error code, flag or log line means
  curl -sI URL | good-gateway explain          the same for the head of an answer
  tail error.log | good-gateway explain        and for lines of a log
  --json              for programs

${DOCTOR_USAGE}
${WATCH_USAGE}
Exit codes: 0 all is well, 1 something was found or is not known, 2 could not run.
`;

/** Runs a command line, without the two first words. Never throws for what a person typed. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    world.stdout.write(USAGE);
    return name === undefined ? EXIT.couldNotRun : EXIT.well;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command(rest, world);
  const close = nearest(name, Object.keys(COMMANDS));
  const hint = close === null ? "" : ` Did you mean "${close}"?`;
  world.stderr.write(`There is no command "${printable(name)}".${hint}\n\n${USAGE}`);
  return EXIT.couldNotRun;
}

async function runExplain(args: readonly string[], world: CommandWorld): Promise<number> {
  const read = readArguments(args);
  if ("problem" in read) {
    world.stderr.write(`${printable(read.problem)}\n\n${USAGE}`);
    return EXIT.couldNotRun;
  }
  if (read.help) {
    world.stdout.write(USAGE);
    return EXIT.well;
  }
  const text = await inputOf(read.words, world);
  if (text === null) {
    world.stderr.write(`explain needs something to explain.\n\n${USAGE}`);
    return EXIT.couldNotRun;
  }
  const explained = explain(text);
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

async function inputOf(words: readonly string[], world: CommandWorld): Promise<string | null> {
  if (words.length > 0 && words.join(" ") !== "-") return words.join(" ");
  if (world.stdin.isTTY === true && words.length === 0) return null;
  const { text, cut } = await readInput(world.stdin);
  if (cut) world.stderr.write("The input is long; only its end was read.\n");
  return text.trim() === "" ? null : text;
}
