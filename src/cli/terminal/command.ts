/**
 * What every command has: standard streams and the environment, and the codes with which it ends.
 * They are handed in, so that a test can read what a person would see.
 */
import { printable } from "./printable.js";
import type { Output } from "./terminal.js";

/** What a command has of the process. */
export interface CommandWorld {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const EXIT = { well: 0, found: 1, couldNotRun: 2 } as const;

/** One line that says what is wrong, and one that says where help is. */
export function usageError(world: CommandWorld, problem: string, command?: string): number {
  // What Node's parser adds behind the first sentence is advice on dashes.
  const [first = problem] = problem.split(/(?<=')\. To specify /);
  const help = command === undefined ? "good-gateway --help" : `good-gateway ${command} --help`;
  world.stderr.write(`${printable(first)}\nHelp: ${help}\n`);
  return EXIT.couldNotRun;
}
